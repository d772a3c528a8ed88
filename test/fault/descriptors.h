/* SPDX-License-Identifier: MIT */
/*
 * What kind of thing a traced process's descriptors are, as far as it has opened them itself while
 * its calls were followed: "signalfd", "memfd", "ptmx", "proc". Pure.
 */
#ifndef LINX_FAULT_DESCRIPTORS_H
#define LINX_FAULT_DESCRIPTORS_H

#include <stdint.h>

#define DESCRIPTORS_MAX 64

struct descriptors {
  const char *kinds[DESCRIPTORS_MAX]; /* static strings; NULL: unknown */
  const char *opening;                /* by the call that the process is in */
};

/* NULL when it is not known. */
const char *descriptors_kind(const struct descriptors *descriptors, int fd);

/* The process enters a call of that name. */
void descriptors_enter(struct descriptors *descriptors, const char *call,
                       const uint64_t arguments[6]);

/* The call has returned. */
void descriptors_leave(struct descriptors *descriptors, int64_t result);

/* The process has executed a program. */
void descriptors_forget(struct descriptors *descriptors);

#endif
