/* SPDX-License-Identifier: MIT */
/* The frames from the BEAM: commands and input. And the end of the channel. */
#ifndef LINX_AGENT_SESSION_COMMANDS_H
#define LINX_AGENT_SESSION_COMMANDS_H

#include "agent/session.h"

/* Whether a frame from the BEAM could be acted on now. */
bool session_accepts_commands(const struct session *session);

/* Whether the frames that wait are searched for an abort and SIGKILL. */
bool session_looks_ahead(const struct session *session);

/* Acts on every whole frame that may be acted on, and on the end of the channel. */
void session_take_commands(struct session *session);

/* Reads fd 3, which has something. */
void session_read_input(struct session *session);

/* The BEAM's end is closed: the parked child dies, the running workload gets the orphan policy. */
void session_beam_gone(struct session *session);

#endif
