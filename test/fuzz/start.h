/* SPDX-License-Identifier: MIT */
/*
 * Starts an agent as a port would, or as none would.
 */
#ifndef LINX_FUZZ_START_H
#define LINX_FUZZ_START_H

#include "machine.h"
#include "plan.h"

struct started {
  pid_t agent;
  int in;       /* what the agent reads as fd 3 */
  int out;      /* what it writes as fd 4; of one socket, another descriptor of the same */
  int terminal; /* the master of its fd 0; -1 */
};

struct started start_agent(const struct machine *machine, const struct plan *plan);

#endif
