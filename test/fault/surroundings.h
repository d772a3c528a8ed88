/* SPDX-License-Identifier: MIT */
/*
 * What the runs of a test have in common: programs where every user can execute them, processes to
 * enter, and the processes that run sessions.
 */
#ifndef LINX_FAULT_SURROUNDINGS_H
#define LINX_FAULT_SURROUNDINGS_H

#include <stdbool.h>

#include "run.h"

/* Ends the process when it is not possible. What was made is gone after exit(3). */
void surroundings_make(struct surroundings *around, const char *agent, int limit_ms);

/* Zeroed memory that the caller shares with the processes that it starts. */
void *surroundings_share(size_t size);

/* Starts a function in a process that may run sessions. `number` chooses its processor. */
pid_t worker_start(void (*function)(void *context), void *context, int number);

/* Waits for its end; whether that was a return of the function. */
bool worker_finish(pid_t worker);

#endif
