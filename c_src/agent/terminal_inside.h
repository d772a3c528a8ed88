/* SPDX-License-Identifier: MIT */
/* The terminal that the child has opened inside (setup/terminal_inside.h). */
#ifndef LINX_AGENT_TERMINAL_INSIDE_H
#define LINX_AGENT_TERMINAL_INSIDE_H

#include "agent/session.h"

/*
 * Takes its master, and relays that instead of the host's terminal, which is closed. The descriptor
 * is checked, because in a pid namespace that is entered another process may have sent it. 0 or a
 * negative errno.
 */
int terminal_inside_take(struct session *session);

#endif
