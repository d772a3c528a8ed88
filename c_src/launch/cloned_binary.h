/* SPDX-License-Identifier: MIT */
/*
 * Runs the agent from a sealed copy in memory. A process of another namespace that sees the agent's
 * child can open the program file that the child runs through /proc/<pid>/exe, and could write to
 * the host's file (CVE-2019-5736). The copy is sealed against writing. An agent makes one of its
 * own and executes it, or was started from one that another agent holds (launch/keep.h).
 */
#ifndef LINX_LAUNCH_CLONED_BINARY_H
#define LINX_LAUNCH_CLONED_BINARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* The copy's argv[1]; argv[2] is the number of the descriptor from which the copy reads what the
 * original has read of fd 3. */
#define SEALED_ARGUMENT "--sealed"

/*
 * Returns 0 when this process runs from a sealed copy, which the seals of its program file tell.
 * Otherwise executes a copy, to which it hands over `read_ahead`, the bytes that were read from fd
 * 3, and returns only on failure: a negative errno. `is_resumed`: argv says that this process is
 * such a copy; if it is none it fails with EINVAL, because another one would not be one either.
 */
int sealed_exec(const struct buffer *read_ahead, bool is_resumed);

/* Whether this process runs from a sealed copy: 1, 0 or a negative errno. */
int sealed_check(void);

/*
 * A sealed copy of this program: a descriptor or a negative errno. It only reads, because a file
 * with such a descriptor cannot get a write lease (fcntl(2), F_SETLEASE), by which a process that
 * has the copy open could delay each exec of it.
 */
int sealed_copy(void);

/* In the copy: reads what the original has handed over into `read_ahead`. argv is that of main. 0
 * or a negative errno. */
int sealed_resume(char *const argv[], struct buffer *read_ahead);

#endif
