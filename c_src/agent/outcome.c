/* SPDX-License-Identifier: MIT */
#include "agent/outcome.h"

#include <errno.h>
#include <sys/wait.h>

/* A child that has not exec'd and leaves by itself gives an errno as its status, if it could not
 * send a frame. */
static struct failure silent_failure(const struct ending *ending) {
  int error = WEXITSTATUS(ending->wait_status);
  return (struct failure){
      .error = error != 0 ? error : EPROTO,
      .stage = ending->proceeding ? STAGE_EXECVE : STAGE_READY_FRAME,
      .index = -1,
  };
}

static void failure_frame(struct frame *frame, struct failure failure) {
  frame_error(frame, failure.error, failure.stage, failure.index);
}

void outcome_frame(struct frame *frame, const struct ending *ending) {
  if (ending->aborted)
    frame_status_value(frame, "aborted", ending->child_pid);
  else if (ending->failure.stage != STAGE_NONE)
    failure_frame(frame, ending->failure);
  else if (WIFSIGNALED(ending->wait_status))
    frame_status_value(frame, "signaled", WTERMSIG(ending->wait_status));
  else if (ending->execed)
    frame_status_value(frame, "exited", WEXITSTATUS(ending->wait_status));
  else
    failure_frame(frame, silent_failure(ending));
}

enum exit_code outcome_exit_code(const struct ending *ending) {
  return ending->aborted ? EXIT_REPORTED : stage_exit_code(ending->failure.stage, true);
}
