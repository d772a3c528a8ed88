/* SPDX-License-Identifier: MIT */
/*
 * Arguments of set-up commands about who a process is and what it may use, a letter each. Pure.
 *
 *   v  an id, as u, or :keep
 *   V  a list of ids, as U, or :keep
 *   h  a name of the host: a binary of HOST_NAME_MAX_BYTES at most, without NUL
 *   r  a resource (getrlimit(2)), such as :nofile
 *   l  a limit: a number of 64 bits, or :infinity
 *   N  a number of 32 bits, but for the greatest, which to personality(2) is a question
 *   B  a boolean
 *   C  a list of numbers of CPUs that is not empty, 0 to CPU_NUMBER_MAX
 *   e  a scheduling policy (sched(7)), such as :batch
 *   E  a map of :nice, :priority, :flags, :runtime, :deadline and :period (sched_setattr(2))
 *   g  a class of I/O scheduling (ioprio_set(2)), such as :best_effort
 *   G  a level in such a class, 0 to 7
 */
#ifndef LINX_WIRE_PROCESS_ARGUMENT_H
#define LINX_WIRE_PROCESS_ARGUMENT_H

#include "wire/argument.h"

#define PROCESS_LETTERS "vVhrlNBCeEgG"

/* As arguments_decode, of one argument. */
int process_argument_decode(char type, struct term_reader *reader, struct argument *argument,
                            uint32_t *ids);

#endif
