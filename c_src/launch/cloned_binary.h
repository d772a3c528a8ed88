/* SPDX-License-Identifier: MIT */
/*
 * Runs the agent from a sealed copy in memory. A process of another namespace that sees the agent's
 * child can open the program file that the child runs through /proc/<pid>/exe, and could write to
 * the host's file (CVE-2019-5736). The copy is sealed against writing, and no other process runs
 * it.
 */
#ifndef LINX_LAUNCH_CLONED_BINARY_H
#define LINX_LAUNCH_CLONED_BINARY_H

#include <stdint.h>

#include "base/buffer.h"

/* The copy's argv[1]; argv[2] is the number of the descriptor from which the copy reads what the
 * original has read of fd 3. */
#define SEALED_ARGUMENT "--sealed"

/*
 * Executes a sealed copy of this program, to which it hands over `read_ahead`, the bytes that were
 * read from fd 3. Returns only on failure: a negative errno.
 */
int sealed_exec(const struct buffer *read_ahead);

/* In the copy: reads what the original has handed over into `read_ahead`. argv is that of main. 0
 * or a negative errno. */
int sealed_resume(char *const argv[], struct buffer *read_ahead);

#endif
