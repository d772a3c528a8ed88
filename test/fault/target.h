/* SPDX-License-Identifier: MIT */
/*
 * Processes in namespaces of their own, to be entered. They live as long as the process that made
 * them.
 */
#ifndef LINX_FAULT_TARGET_H
#define LINX_FAULT_TARGET_H

#include <sys/types.h>

enum target_kind {
  TARGET_NONE,
  TARGET_CONTAINER,   /* pid, mount, uts, ipc and net */
  TARGET_SHARED_PIDS, /* mount, uts and ipc */
  TARGET_USER,        /* user (ids 0 to 65535 mapped), pid, mount, uts, ipc */
  TARGET_ROOTLESS,    /* an ordinary user's: user (id 0 mapped to it), pid, mount, uts */
  TARGET_COUNT,
};

/* The flags of its namespaces. */
unsigned long target_namespaces(enum target_kind kind);

/* The process's pid, or a negative errno. */
pid_t target_make(enum target_kind kind);

#endif
