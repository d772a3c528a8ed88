/* SPDX-License-Identifier: MIT */
/* What a session (setsid(2)) has left when its leader has ended, found in /proc. */
#ifndef LINX_BASE_PROC_SESSION_H
#define LINX_BASE_PROC_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Kills every other process of the session and of the process group that `leader` has begun, and
 * what descends from them. `leader` is a child of the caller that is not reaped, so that its number
 * stands for no other. Returns whether one of them was alive, and not a zombie, or may be: new ones
 * are looked for until `until`, a time of clock_ms, at most.
 */
bool proc_kill_session(pid_t leader, int64_t until);

#endif
