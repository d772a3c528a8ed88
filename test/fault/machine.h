/* SPDX-License-Identifier: MIT */
/*
 * What differs between architectures: the registers of a system call. Every function works on a
 * process that is stopped at a system call's entry or exit, or at a fork.
 */
#ifndef LINX_FAULT_MACHINE_H
#define LINX_FAULT_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

/* The call is not executed. */
int machine_skip_call(pid_t pid);

/* What the call, at its exit, returns. */
int machine_set_result(pid_t pid, long result);

/* The call that the process is in, and its first argument. */
int machine_current_call(pid_t pid, uint64_t *number, uint64_t *first_argument);

#endif
