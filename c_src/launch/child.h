/* SPDX-License-Identifier: MIT */
/*
 * What the child does between clone and exec. It has two pipes to the agent, and the agent's memory
 * or a copy of it (launch/sharing.h). So nothing here, and nothing that is called from here,
 * writes what the agent reads or reads what it writes, or calls a function of libc that is not
 * pure: system calls are those of base/syscalls.h, which do not write errno, and memory is that of
 * sys_allocate, which stays the agent's after exec. scripts/check-child holds the last of these.
 */
#ifndef LINX_LAUNCH_CHILD_H
#define LINX_LAUNCH_CHILD_H

#include <stdbool.h>

#include "launch/enter.h"
#include "launch/stdio.h"
#include "wire/request.h"

/* Constant from clone on. */
struct child_start {
  const struct request *request;
  struct stdio_plan plan;
  const struct enter_target *target; /* NULL for spawn */
  int down;                          /* commands from the agent; -1: none come */
  int up;                            /* frames to the agent */
  int terminal;                      /* a socket for the master of a terminal; -1: none */
  int proc;                          /* /proc, for a sysctl in a list; -1: none */
  int agent_down;                    /* the other ends, which the child has no use for */
  int agent_up;
  uint32_t uid, gid;  /* the agent's, effective; the gid where there are maps, else 0 */
  bool is_root;       /* its uid is 0 */
  bool shares;        /* the agent's memory */
  bool is_privileged; /* the agent, as user_namespace_is_privileged says */
};

/* Whether the child has a user namespace of its own, whose id 0 it takes. */
bool child_has_user_namespace(const struct child_start *start);

/* Whether the child only joins namespaces and forks the workload's process, in a pid namespace. */
bool child_enters_pid_namespace(const struct child_start *start);

/* Whether its id maps are written by a user who is not root, for whom it has to be dumpable. */
bool child_is_mapped_by_user(const struct child_start *start);

/* Bytes of stack that suffice for the child. */
#define CHILD_STACK_SIZE 65536

_Noreturn void child_run(const struct child_start *start);

#endif
