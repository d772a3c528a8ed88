/* SPDX-License-Identifier: MIT */
#include "launch/child_pipe.h"

#include <errno.h>

#include "base/poll_wait.h"
#include "base/syscalls.h"
#include "wire/command.h"

int child_pipe_try_send(const struct child_pipe *pipe, const struct frame *frame) {
  const char *at = frame->bytes;
  int left = frame->length;
  while (left > 0) {
    long count = sys_write(pipe->up, at, (size_t)left);
    if (count == -EAGAIN) {
      struct pollfd writable = {.fd = pipe->up, .events = POLLOUT};
      poll_wait(&writable, 1, -1);
    }
    if (count == -EINTR || count == -EAGAIN)
      continue;
    if (count <= 0)
      return count < 0 ? (int)count : -EPIPE;
    at += count;
    left -= (int)count;
  }
  return 0;
}

_Noreturn void child_pipe_leave(long result) {
  sys_exit(result < 0 && result >= -UINT8_MAX ? (int)-result : EPERM);
}

void child_pipe_send(const struct child_pipe *pipe, const struct frame *frame) {
  int result = child_pipe_try_send(pipe, frame);
  if (result < 0)
    child_pipe_leave(result);
}

/* Ends the child because the command pipe has ended, with the agent or because the agent has closed
 * it, or because the pipe cannot be read. */
_Noreturn static void give_up(const struct child_pipe *pipe) {
  if (pipe->commands.eof && pipe->commands.error == 0)
    sys_exit(CHILD_FAILED);
  child_pipe_leave(pipe->commands.eof ? -pipe->commands.error : -ENOMEM);
}

void child_pipe_next(struct child_pipe *pipe, const uint8_t **payload, size_t *size) {
  struct pollfd readable = {.fd = pipe->commands.fd, .events = POLLIN};
  while (channel_in_next(&pipe->commands, COMMAND_MAX, payload, size) == 0) {
    int result = channel_in_read(&pipe->commands);
    if (result < 0 || pipe->commands.eof)
      give_up(pipe);
    if (result == 0)
      poll_wait(&readable, 1, -1);
  }
}

bool child_pipe_is_proceed(const uint8_t *payload, size_t size) {
  struct command command;
  return command_decode_frame(&command, payload, size, WHEN_PARKED) == 0 &&
         command.id == COMMAND_PROCEED;
}
