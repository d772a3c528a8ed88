/* SPDX-License-Identifier: MIT */
/* The child's two pipes to the agent: frames up, and frames down. */
#ifndef LINX_LAUNCH_CHILD_PIPE_H
#define LINX_LAUNCH_CHILD_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/channel.h"
#include "wire/frame.h"

/* The exit status of a child that has reported its failure in a frame, or that has no agent any
 * more. */
#define CHILD_FAILED 127

/* Both descriptors are the child's, and stay open until exec or its end. */
struct child_pipe {
  int up;
  struct channel_in commands; /* its fd is -1 in a child that is sent nothing */
};

/* 0 or a negative errno: EPIPE when the agent is gone, ENOMEM when the memory cgroup, which is
 * charged for the pages of a pipe, has none. */
int child_pipe_try_send(const struct child_pipe *pipe, const struct frame *frame);

/* A child that cannot send a frame which the agent waits for ends, because otherwise the two would
 * wait for each other. */
void child_pipe_send(const struct child_pipe *pipe, const struct frame *frame);

/* Ends the child without a frame: the exit status is the errno. The agent reads from /proc that the
 * child has not exec'd, and so does not take the status for the workload's. EPERM stands for a
 * number that is no errno or needs more than one byte. */
_Noreturn void child_pipe_leave(long result);

/* Waits for the next frame, and ends the child with the agent, which is the end of the pipe. The
 * payload is there until the next call. */
void child_pipe_next(struct child_pipe *pipe, const uint8_t **payload, size_t *size);

/* Whether the frame is :proceed. The agent has checked every frame that it forwards. */
bool child_pipe_is_proceed(const uint8_t *payload, size_t size);

#endif
