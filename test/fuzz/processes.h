/* SPDX-License-Identifier: MIT */
/*
 * Processes as /proc shows them.
 */
#ifndef LINX_FUZZ_PROCESSES_H
#define LINX_FUZZ_PROCESSES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
  pid_t pid, parent, group;
  char state;
  char name[32];
};

/* 0, or -1 when there is none. */
int process_read(struct process *process, pid_t pid);

/* The children of a process, at most `room`; how many. */
int process_children(pid_t pid, pid_t *pids, int room);

/* state, parent, group, name and where it waits, for a report. */
void process_describe(char *text, size_t size, pid_t pid);

/* The real ids of its Uid and Gid lines and the number of groups; -1 when it is gone. */
int process_ids(pid_t pid, unsigned *uid, unsigned *gid, int *groups);

/* Nanoseconds of processor time; -1 when it is gone. */
int64_t process_cpu(pid_t pid);

#endif
