/* SPDX-License-Identifier: MIT */
/* {kill, map}: ends a session whose own agent does not react. */
#ifndef LINX_AGENT_KILL_H
#define LINX_AGENT_KILL_H

#include "wire/failure.h"
#include "wire/request.h"

/* Gives the process the name by which kill_target knows an agent, whatever its file is called. 0 or
 * a negative errno. */
int kill_name_agent(void);

/*
 * {kill, #{target => Pid, agent => Agent}}: SIGKILL to the process group of that number, or to the
 * process; with an agent to all that descends from it, and to the group if the process is its
 * child, or ESRCH when `Agent` is not an agent. For a session whose own agent does not react: one
 * that is stopped, or that a workload keeps waiting for the lock of a pipe they share (guard.h).
 */
struct failure kill_target(const struct request *request);

#endif
