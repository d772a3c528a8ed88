/* SPDX-License-Identifier: MIT */
/* TERM (environ(7)) of a workload in a terminal. */
#ifndef LINX_LAUNCH_TERMINAL_TYPE_H
#define LINX_LAUNCH_TERMINAL_TYPE_H

/* Sets TERM in the agent's own environment, which the workload inherits, where that names no
 * terminal: where TERM is missing, empty, or what programs without a terminal are given. 0 or a
 * negative errno. */
int terminal_type_set(const char *type);

#endif
