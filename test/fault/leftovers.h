/* SPDX-License-Identifier: MIT */
/* The processes below the caller, which is their subreaper. */
#ifndef LINX_FAULT_LEFTOVERS_H
#define LINX_FAULT_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A process's processor time so far, in milliseconds; 0 when it is gone. */
long leftovers_cpu_ms(pid_t pid);

/* What each of them is doing: /proc/<pid>/{stat,wchan,syscall}. */
void leftovers_describe(char *text, size_t size);

/* What all of them do, as far as it can be seen. */
enum rest {
  REST_NONE,   /* one runs, or its call has a time limit */
  REST_ASLEEP, /* all sleep, in calls that an ordinary user cannot see */
  REST_STUCK,  /* all sleep in calls without a time limit: only the caller could wake one */
};

/*
 * They are looked at one after the other: it is so for all at once if a second look has the same
 * sum of context switches.
 */
enum rest leftovers_rest(unsigned long *switches);

/* SIGKILL to every one. */
void leftovers_kill(void);

#endif
