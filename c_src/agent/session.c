/* SPDX-License-Identifier: MIT */
#include "agent/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "agent/descendants.h"
#include "agent/pacing.h"
#include "agent/session_child.h"
#include "agent/session_commands.h"
#include "agent/workload.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/poll_wait.h"
#include "base/proc.h"

enum slot {
  SLOT_IN,
  SLOT_OUT,
  SLOT_UP,
  SLOT_DOWN,
  SLOT_PIDFD,
  SLOT_SIGNALS,
  SLOT_INPUTS,
  SLOT_OUTPUTS = SLOT_INPUTS + IN_COUNT,
  SLOT_COUNT = SLOT_OUTPUTS + OUT_COUNT,
};

_Static_assert(SLOT_COUNT <= BUSY_POLL_MAX, "every slot can be polled");

/* Milliseconds between two looks for descendants that are killed, in case a SIGCHLD is missed. */
#define DESCENDANT_PAUSE_MS 20

static struct pollfd want(int fd, int events) {
  return (struct pollfd){.fd = fd, .events = (short)events};
}

/* Frames are read before they can be acted on, so that an abort and the end of the channel are seen
 * behind commands that wait, the largest of which has COMMAND_MAX bytes. */
static bool wants_input(const struct session *session) {
  if (session_accepts_commands(session))
    return true;
  return session_looks_ahead(session) && buffer_length(&session->in.buffer) < 2 * COMMAND_MAX;
}

/* Output is read once the frame before it has been written, or to be added to that frame, so that
 * the agent holds one frame at most. */
static bool wants_output(const struct session *session) {
  return session->out.broken || channel_out_pending(&session->out) == 0 || session->gathers;
}

/*
 * A child that does not park execs at once, and no client waits for its :ready. So its pipe is not
 * polled, and the agent sleeps until output, the child's end or DELAY_MS wake it. A workload that
 * has ended by then costs one wake-up and one write instead of two.
 */
static bool sleeps_through_exec(const struct session *session) {
  return session->delays && session->state == STATE_STARTING &&
         request_execs_at_once(session->request);
}

static void prepare(const struct session *session, struct pollfd polled[SLOT_COUNT]) {
  bool pending = channel_out_pending(&session->out) > 0 && !session->delays && !session->gathers &&
                 !session->out.starved;
  bool hidden = session->look_at != 0;
  /* A process that was forked into a joined pid namespace has the workload's stdio already, and
   * other processes there can take and use that (pidfd_getfd(2)). No stream is polled until the
   * agent knows the pid of the process, because the guard needs it first. */
  bool is_early = session->is_intermediate;
  bool wanted = wants_output(session) && !is_early;
  polled[SLOT_IN] = want(session->in.eof ? -1 : session->in.fd, wants_input(session) ? POLLIN : 0);
  polled[SLOT_OUT] = want(session->out.broken ? -1 : session->out.fd, pending ? POLLOUT : 0);
  polled[SLOT_UP] = want(sleeps_through_exec(session) ? -1 : session->up.fd, POLLIN);
  polled[SLOT_DOWN] = want(
      channel_out_pending(&session->down) > 0 && !session->down.starved ? session->down.fd : -1,
      POLLOUT);
  polled[SLOT_PIDFD] = want(hidden ? -1 : session->pidfd, POLLIN);
  polled[SLOT_SIGNALS] = want(session->signals_fail ? -1 : session->child_signals, POLLIN);
  for (int i = 0; i < IN_COUNT; i++) {
    const struct relay_in *relay = &session->inputs[i];
    short events = relay_in_events(relay);
    /* A hang-up of the terminal is handled by its output. */
    polled[SLOT_INPUTS + i] =
        want(is_early || (events == 0 && relay->stream == STREAM_PTY) ? -1 : relay->fd, events);
  }
  for (int i = 0; i < OUT_COUNT; i++) {
    const struct relay_out *relay = &session->outputs[i];
    polled[SLOT_OUTPUTS + i] =
        want(wanted ? relay_out_poll_fd(relay) : -1, relay_out_events(relay));
  }
}

static int64_t earlier(int64_t deadline, int64_t other) {
  return other != 0 && (deadline == 0 || other < deadline) ? other : deadline;
}

static int timeout(const struct session *session) {
  if (session->owes_reaping)
    return 0;
  int64_t deadline = earlier(session->kill_at, session->give_up_at);
  deadline = earlier(deadline, session->look_at);
  deadline = earlier(deadline, session->insist_at);
  deadline = earlier(deadline, session->leave_at);
  if (session->gathers)
    deadline = earlier(deadline, session->terminal_at);
  /* In STATE_CLEARING the final frame may also wait for memory. */
  if (session->state == STATE_CLEARING ||
      (session->state > STATE_CLEARING && session_owns_descendants(session)))
    deadline = earlier(deadline, clock_ms() + DESCENDANT_PAUSE_MS);
  if (session->out.starved || session->down.starved)
    deadline = earlier(deadline, clock_ms() + POLL_WAIT_PAUSE_MS);
  if (deadline == 0)
    return session->delays ? DELAY_MS : -1;
  int64_t left = deadline - clock_ms();
  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void expire(struct session *session) {
  if (session->look_at != 0 && clock_ms() >= session->look_at)
    session->look_at = 0;
  if (session->kill_at == 0 && session->give_up_at == 0 && session->insist_at == 0)
    return;
  int64_t now = clock_ms();
  if (session->kill_at != 0 && now >= session->kill_at) {
    session->kill_at = 0;
    session_kill(session, SCOPE_GROUP);
  }
  if (session->insist_at != 0 && now >= session->insist_at) {
    session->insist_at = 0;
    if (session->pidfd >= 0)
      session_kill(session, SCOPE_GROUP);
  }
  if (session->give_up_at != 0 && now >= session->give_up_at) {
    session->give_up_at = 0;
    session_beam_gone(session);
  }
}

static bool has_stream_news(const struct pollfd polled[SLOT_COUNT]) {
  for (int i = SLOT_INPUTS; i < SLOT_COUNT; i++)
    if (polled[i].revents != 0)
      return true;
  return false;
}

static int take_error(int *failed_with) {
  int error = *failed_with;
  *failed_with = 0;
  return error;
}

/* A stream that lost data is a failure of the session. After the final frame no other frame may say
 * so, and the agent's exit code is 1 instead. */
static void report_failed_relays(struct session *session) {
  int error = 0;
  for (int i = 0; i < IN_COUNT && error == 0; i++)
    error = take_error(&session->inputs[i].failed_with);
  for (int i = 0; i < OUT_COUNT && error == 0; i++)
    error = take_error(&session->outputs[i].failed_with);
  if (error != 0 && session->terminal_sent)
    session->stream_lost = true;
  else if (error != 0)
    session_fail(session, error, STAGE_RELAY);
}

static void relay_streams(struct session *session, const struct pollfd polled[SLOT_COUNT]) {
  if (!has_stream_news(polled) || (session->pty_slave < 0 && !session_guard(session)))
    return;
  for (int i = 0; i < IN_COUNT; i++)
    relay_in_pump(&session->inputs[i], polled[SLOT_INPUTS + i].revents);
  for (int i = 0; i < OUT_COUNT; i++) {
    struct relay_out *relay = &session->outputs[i];
    short revents = polled[SLOT_OUTPUTS + i].revents;
    if (session->out.broken && revents != 0) {
      relay_out_discard(relay);
      continue;
    }
    int size = relay_out_pump(relay, revents, &session->out);
    if (size > 0 && relay_out_events(relay) == 0)
      session->busy.expects = true; /* a client that has all it asked for asks for more */
  }
  /* The terminal is one descriptor for both directions; the output's side owns it. */
  if (session->outputs[OUT_PTY].fd < 0)
    session->inputs[IN_PTY].fd = -1;
}

static bool has_streams(const struct session *session) {
  for (int i = 0; i < OUT_COUNT; i++)
    if (session->outputs[i].fd >= 0)
      return true;
  return false;
}

/* The agent does not stay for zombies that a tracer outside the session keeps, because init reaps
 * them. */
static bool waits_for_descendants(struct session *session) {
  if (!session_has_descendants(session))
    return false;
  return clock_ms() < session->report_at || session->owes_reaping ||
         proc_has_living_children(session->children);
}

/* Whether frames are left that the client may still read. A client that has closed fd 3 has until
 * leave_at. */
static bool is_delivering(struct session *session) {
  if (session->out.broken || channel_out_pending(&session->out) == 0)
    return false;
  if (!session->beam_is_gone)
    return true;
  if (session->leave_at == 0)
    session->leave_at = clock_ms() + LEAVE_MS;
  return clock_ms() < session->leave_at;
}

/* Enters STATE_DONE when no client is served, no frame is left to deliver and no process is left to
 * reap. */
static void finish(struct session *session) {
  if (session->state != STATE_DRAINING)
    return;
  bool listening = !session->beam_is_gone && !session->out.broken;
  bool serves =
      listening && !session->stream_lost && (session->request->hold || has_streams(session));
  if (!waits_for_descendants(session) && !serves && !is_delivering(session))
    session_enter(session, STATE_DONE);
}

static void step(struct session *session) {
  struct pollfd polled[SLOT_COUNT];
  prepare(session, polled);
  int ready = busy_poll(&session->busy, polled, SLOT_COUNT, timeout(session));
  if (ready < 0)
    return; /* EINTR: a stop and continue of the agent */
  if (ready == 0)
    session->delays = false;
  expire(session);
  if ((polled[SLOT_IN].revents & POLLIN) != 0)
    session_read_input(session);
  else if (polled[SLOT_IN].revents != 0)
    session->in.eof = true;
  if ((polled[SLOT_OUT].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
    session->out.broken = true;
  /* Before output is relayed, so that :running comes before what the workload wrote. */
  if (polled[SLOT_UP].revents != 0 || polled[SLOT_UP].fd < 0)
    session_child_frames(session);
  if (polled[SLOT_DOWN].revents != 0)
    session_flush_down(session);
  relay_streams(session, polled);
  if (polled[SLOT_SIGNALS].revents != 0 || session->owes_reaping)
    session_reap_adopted(session);
  /* A frame may have put another process into the place of the one whose end was polled for. */
  if (polled[SLOT_PIDFD].revents != 0 && polled[SLOT_PIDFD].fd == session->pidfd)
    session_child_ended(session);
  session_take_commands(session);
  report_failed_relays(session);
  if (session->state == STATE_CLEARING)
    session_report_end(session);
  session_deliver(session);
  if (session->out.broken)
    session_beam_gone(session);
  finish(session);
}

int session_run(struct session *session) {
  session_child_cloned(session);
  while (session->state != STATE_DONE)
    step(session);
  channel_out_flush(&session->out);
  bool reported = session->terminal_sent && !session->out.broken && !session->stream_lost &&
                  channel_out_pending(&session->out) == 0;
  return reported ? session->exit_code : 1;
}
