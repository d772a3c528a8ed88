/* SPDX-License-Identifier: MIT */
/*
 * Running from a sealed copy in memory. A process that a foreign namespace can see leads, by its
 * /proc/<pid>/exe, to the program file it runs (CVE-2019-5736); a copy that is sealed against
 * writing, and that no other process runs, leads to nothing.
 */
#ifndef LINX_LAUNCH_CLONED_BINARY_H
#define LINX_LAUNCH_CLONED_BINARY_H

#include <stdint.h>

#include "base/buffer.h"

/* The argument that tells the copy where to read what the original has read of fd 3 already. */
#define SEALED_ARGUMENT "--sealed"

/*
 * Executes a sealed copy of this program, which goes on with `read_ahead`, the bytes that have come
 * in on fd 3. Returns only on failure: a negative errno.
 */
int sealed_exec(const struct buffer *read_ahead);

/* In the copy: takes over what the original has read. argv as main got it. 0 or a negative errno.
 */
int sealed_resume(char *const argv[], struct buffer *read_ahead);

#endif
