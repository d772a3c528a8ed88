/* SPDX-License-Identifier: MIT */
/* Set-up commands that give a session a root of its own, and one of each that changes its files. */
#ifndef LINX_FAULT_SESSION_TREE_H
#define LINX_FAULT_SESSION_TREE_H

#include "session.h"

/* A list, as `setup` of a session; ends with NULL. */
extern put_command *const session_tree[];

/* What its workload has then. */
extern const char *const session_tree_facts[];

#endif
