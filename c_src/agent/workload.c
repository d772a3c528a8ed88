/* SPDX-License-Identifier: MIT */
#include "agent/workload.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "agent/guard.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/syscalls.h"

/* Milliseconds after which a child that is still there is sent SIGKILL again. */
#define INSIST_MS 200

/* The pidfd stands for the group that the workload has led as long as a process is in that. Before
 * Linux 6.9 there is only its number, which may be another group's by now, so none is signalled. */
static void signal_left(const struct session *session, int signum) {
  if (session->group >= 0)
    sys_call(SYS_pidfd_send_signal, session->group, signum, NULL, LINX_PIDFD_SIGNAL_PROCESS_GROUP);
}

void session_signal(struct session *session, int signum, enum signal_scope scope) {
  if (session->pidfd < 0) {
    if (scope != SCOPE_WORKLOAD)
      signal_left(session, signum);
    return;
  }
  switch (scope) {
  case SCOPE_WORKLOAD:
    kill(session->pid, signum);
    return;
  case SCOPE_GROUP:
    /* Before setsid the child has no group of its own. */
    if (kill(-session->pid, signum) < 0)
      kill(session->pid, signum);
    return;
  case SCOPE_TREE:
    /* A process whose parent has ended is the agent's child, if the agent is a subreaper. */
    if (session->child_signals >= 0) {
      proc_signal_own_descendants(session->children, signum);
    } else {
      proc_signal_descendants(session->pid, signum);
      kill(session->pid, signum);
    }
    /* A process of the group whose parent has ended may be no descendant any more. */
    if (signum == SIGKILL)
      kill(-session->pid, signum);
    return;
  }
}

void session_kill(struct session *session, enum signal_scope scope) {
  session_signal(session, SIGKILL, scope);
  session->insist_at = clock_ms() + INSIST_MS;
  if (session->state == STATE_STARTING || session->state == STATE_PARKED) {
    fd_close(&session->down.fd);
    buffer_consume(&session->down.buffer, buffer_length(&session->down.buffer));
    session->down.broken = true;
  }
}

void session_fail(struct session *session, int error, enum stage stage) {
  if (session->ending.failure.stage == STAGE_NONE)
    session->ending.failure = (struct failure){.error = error, .stage = stage, .index = -1};
  session_kill(session, SCOPE_WORKLOAD);
}

void session_emit(struct session *session, const struct frame *frame) {
  if (channel_out_frame(&session->out, frame) < 0)
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
}

bool session_guard(struct session *session) {
  const struct guard guard = {
      .control = session->in.fd,
      .pid = session->pid,
      .pidfd = session->pidfd,
      .children = session->child_signals >= 0 ? session->children : -1,
      .grace_ms = session->request->grace_ms,
      .noticed = &session->beam_is_gone,
  };
  /* With the policy :leave there is no need for a guard, and none for a workload that was
   * reaped. */
  if (session->is_guarded || session->request->leave || session->pidfd < 0)
    return true;
  /* The guard keeps the pid with which it was started, and no stream is touched before the workload
   * has one. */
  if (session->guard_fails || session->is_intermediate)
    return false;
  int result = guard_start(&guard);
  session->is_guarded = result == 0;
  session->guard_fails = result < 0;
  if (result < 0)
    session_fail(session, -result, STAGE_GUARD);
  return session->is_guarded;
}

void session_flush_down(struct session *session) {
  channel_out_flush(&session->down);
  /* EPIPE: the child has ended, which its pidfd reports. */
  if (session->down.broken && session->down.error != EPIPE)
    session_fail(session, session->down.error, STAGE_READY_FRAME);
}

void session_cancel_openers(const struct session *session) {
  for (int fd = 0; fd < 3; fd++)
    if (session->openers[fd] > 0)
      sys_call(SYS_tgkill, getpid(), session->openers[fd], SIGURG);
}
