/* SPDX-License-Identifier: MIT */
/*
 * An agent that was started before its request takes over what has changed since then: the
 * environment and the working directory of the VM, and the program that the agent is.
 */
#ifndef LINX_LAUNCH_POOLED_H
#define LINX_LAUNCH_POOLED_H

#include "wire/failure.h"
#include "wire/request.h"

/* A failure at STAGE_STALE when another agent is to be started instead: ESTALE because this one's
 * file has been replaced, another errno because it cannot go to the VM's directory. The strings of
 * `pooled` are part of the environment afterwards. */
struct failure pooled_take_over(const struct pooled *pooled);

#endif
