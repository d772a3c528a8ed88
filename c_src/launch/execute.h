/* SPDX-License-Identifier: MIT */
/* Which file the child executes. Runs in the child (launch/child.h). */
#ifndef LINX_LAUNCH_EXECUTE_H
#define LINX_LAUNCH_EXECUTE_H

#include "wire/request.h"

/*
 * Executes argv[0]; or, of `files`, the first that exists, as execvp(3) does along PATH: a file
 * that may not be executed is skipped, and the result is EACCES if no other file is executed.
 *
 * With search_path an argv[0] without a slash is looked for along the PATH of `env` in the same
 * way, and a file that the kernel does not know the format of is executed by /bin/sh. An empty
 * element is the working directory; one in which the name would be longer than a path may be is
 * skipped.
 *
 * Returns only after a failure: what execve(2) has returned, which under a filter may be any
 * number. Writes the request's argv.
 */
long execute_program(const struct request *request, char **env);

#endif
