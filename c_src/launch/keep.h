/* SPDX-License-Identifier: MIT */
/*
 * {keep, map}: an agent that holds a sealed copy of its program (launch/cloned_binary.h). Agents
 * that are started from /proc/<pid>/fd/<n>, its descriptor, need no copy and no second exec of
 * their own.
 */
#ifndef LINX_LAUNCH_KEEP_H
#define LINX_LAUNCH_KEEP_H

#include "wire/failure.h"

/*
 * Makes the copy and stores its descriptor in `copy`. What the process has of the BEAM's is let go:
 * fds 0, 1 and 2 become /dev/null, and the working directory /, so that no terminal, pipe or mount
 * stays in use for as long as it lives.
 *
 * Only privileges open /proc/<pid>/fd of a process that is not dumpable (proc(5)). So an ordinary
 * user's process becomes dumpable again: the user's other processes could then trace it and replace
 * the descriptor, and so what the BEAM's next agents execute, as they could trace the BEAM (Yama's
 * ptrace_scope keeps them from both). A process with id 0 or any capability never does, because
 * those who may trace it would gain these.
 */
struct failure keep_prepare(int *copy);

#endif
