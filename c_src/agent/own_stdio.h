/* SPDX-License-Identifier: MIT */
/* Whose the workload's pipes and its terminal are, where the child has no right to say so: an inode
 * of an owner whom its user namespace does not map (setup/stdio_owner.h). */
#ifndef LINX_AGENT_OWN_STDIO_H
#define LINX_AGENT_OWN_STDIO_H

#include "agent/session.h"

/* Before the agent's end of stdin is closed, and with it the agent's only way to the pipe, which is
 * kept without being one of its writers. */
void own_stdio_keep(struct session *session);

/* `uid` is an id of the child's user namespace. Tells the child whether it was done. */
void own_stdio(struct session *session, uint32_t uid);

#endif
