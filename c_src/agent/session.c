#include "agent/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "agent/guard.h"
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

/* While descendants die they are looked for again at this pace, should a signal be missed. */
#define DESCENDANT_PAUSE_MS 20

/* So many frames of a terminal may leave in a row, an echo, an answer and a prompt among them; the
 * ones after them leave so far apart, or large, until there is a pause or something to answer. */
#define TERMINAL_BURST   8
#define TERMINAL_PACE_MS 8

/* How long the agent goes on with what it cannot deliver: to a client that has closed fd 3 and not
 * fd 4, or while the kernel has no memory for a write. */
#define LEAVE_MS 5000

/* How long a frame waits for the next one, which is on its way, to share a write with it. */
#define DELAY_MS 2

/* Which states may follow which, a bit each. */
static const unsigned followers[] = {
    [STATE_STARTING] = 1U << STATE_PARKED | 1U << STATE_EXECING | 1U << STATE_CLEARING,
    [STATE_PARKED] = 1U << STATE_EXECING | 1U << STATE_CLEARING,
    [STATE_EXECING] = 1U << STATE_RUNNING | 1U << STATE_CLEARING,
    [STATE_RUNNING] = 1U << STATE_CLEARING,
    [STATE_CLEARING] = 1U << STATE_DRAINING,
    [STATE_DRAINING] = 1U << STATE_DONE,
    [STATE_DONE] = 0,
};

void session_enter(struct session *session, enum session_state state) {
  if ((followers[session->state] & 1U << state) == 0)
    __builtin_trap(); /* the workload dies with the agent, and the BEAM hears of it */
  session->state = state;
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
  /* A workload that lives on after the BEAM needs none, and one that is reaped had none. */
  if (session->is_guarded || session->request->leave || session->pidfd < 0)
    return true;
  if (session->guard_fails)
    return false;
  int result = guard_start(&guard);
  session->is_guarded = result == 0;
  session->guard_fails = result < 0;
  if (result < 0)
    session_fail(session, -result, STAGE_GUARD);
  return session->is_guarded;
}

static struct pollfd want(int fd, int events) {
  return (struct pollfd){.fd = fd, .events = (short)events};
}

/* Frames are read ahead of their time, so that an abort and the end of the channel are seen behind
 * commands that wait, the largest of which is COMMAND_MAX. */
static bool wants_input(const struct session *session) {
  if (session_accepts_commands(session))
    return true;
  return session_looks_ahead(session) && buffer_length(&session->in.buffer) < 2 * COMMAND_MAX;
}

/*
 * A terminal hands its output on in pieces of 4 KiB, or as small as what the workload writes, and
 * an agent that is woken by each is as fast as the workload. So the pieces of a terminal that goes
 * on and on gather in one frame, until that is large enough or the pace allows the next. When the
 * pace allows a frame for which nothing had to be gathered, the terminal has paused.
 */
static void gather(struct session *session) {
  const struct relay_out *terminal = &session->outputs[OUT_PTY];
  bool gathered = session->gathers;
  session->gathers = false;
  if (session->out.open == 0)
    return;
  int64_t now = clock_ms();
  if (!gathered && now >= session->terminal_at)
    session->terminal_burst = 0;
  session->gathers = session->terminal_burst >= TERMINAL_BURST && now < session->terminal_at &&
                     session->out.open < RELAY_FRAME_ENOUGH && terminal->fd >= 0 &&
                     relay_out_events(terminal) != 0;
}

/* Output is read when the frame before it has gone, or to be added to it, so that no more than one
 * is held. */
static bool wants_output(const struct session *session) {
  return session->out.broken || channel_out_pending(&session->out) == 0 || session->gathers;
}

/*
 * A child that does not park execs at once, and no client waits to hear of it. So the agent sleeps
 * through that: whatever happens next, output or the end, wakes it, or DELAY_MS do. A workload that
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
  bool wanted = wants_output(session);
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
    /* The terminal's hang-up is its output's business. */
    polled[SLOT_INPUTS + i] =
        want(events == 0 && relay->stream == STREAM_PTY ? -1 : relay->fd, events);
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
  int64_t deadline = earlier(session->kill_at, session->give_up_at);
  deadline = earlier(deadline, session->look_at);
  deadline = earlier(deadline, session->insist_at);
  deadline = earlier(deadline, session->leave_at);
  if (session->gathers)
    deadline = earlier(deadline, session->terminal_at);
  /* In STATE_CLEARING the end may wait for memory as well. */
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

/* What is lost of a stream is a failure of the session. No frame says that a stream broke after the
 * end; an exit code of 1 does. */
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

/* Acknowledgements wait for the channel to be empty, so that there is room for them without more
 * memory, and for a large frame to be whole, and so come in few frames. */
static void acknowledge(struct session *session) {
  for (int i = 0; i < IN_COUNT; i++) {
    bool more = i == IN_STDIN && session->stdin_left > 0;
    if (!more)
      relay_in_report(&session->inputs[i], &session->out);
  }
}

/*
 * Whether a write that the kernel had no memory for is to wait. When there has been none for so
 * long, there is none for this session.
 */
static bool is_starving(struct session *session) {
  if (!session->out.starved && !session->down.starved) {
    session->starved_at = 0;
    return false;
  }
  int64_t now = clock_ms();
  if (session->starved_at == 0)
    session->starved_at = now;
  if (now - session->starved_at >= LEAVE_MS) {
    session->out.broken = session->out.broken || session->out.starved;
    if (session->down.starved)
      session_fail(session, ENOMEM, STAGE_READY_FRAME);
    session->down.starved = false;
    return false;
  }
  if (now < session->retry_at)
    return true;
  session->retry_at = now + POLL_WAIT_PAUSE_MS;
  return false;
}

static void deliver(struct session *session) {
  gather(session);
  if (session->delays || session->gathers || is_starving(session))
    return;
  if (session->down.starved)
    session_flush_down(session);
  if (session->out.open > 0) {
    session->terminal_at = clock_ms() + TERMINAL_PACE_MS;
    if (session->terminal_burst < TERMINAL_BURST)
      session->terminal_burst++;
  }
  channel_out_flush(&session->out);
  if (channel_out_pending(&session->out) > 0)
    return;
  acknowledge(session);
  if (channel_out_pending(&session->out) > 0)
    session->busy.expects = true; /* a client whose input was taken sends more */
  channel_out_flush(&session->out);
}

static bool has_streams(const struct session *session) {
  for (int i = 0; i < OUT_COUNT; i++)
    if (session->outputs[i].fd >= 0)
      return true;
  return false;
}

/* Zombies that a tracer outside the session keeps to itself are no reason to stay: init reaps them.
 */
static bool waits_for_descendants(struct session *session) {
  if (!session_has_descendants(session))
    return false;
  return clock_ms() < session->report_at || proc_has_living_children(session->children);
}

/* Whether frames are still on their way to a client that takes them. One that has closed fd 3 has
 * until leave_at. */
static bool is_delivering(struct session *session) {
  if (session->out.broken || channel_out_pending(&session->out) == 0)
    return false;
  if (!session->beam_is_gone)
    return true;
  if (session->leave_at == 0)
    session->leave_at = clock_ms() + LEAVE_MS;
  return clock_ms() < session->leave_at;
}

/* The agent's work is done when no client is to be served or told, and no process to be reaped. */
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
  if (polled[SLOT_SIGNALS].revents != 0)
    session_reap_adopted(session);
  if (polled[SLOT_PIDFD].revents != 0)
    session_child_ended(session);
  session_take_commands(session);
  report_failed_relays(session);
  if (session->state == STATE_CLEARING)
    session_report_end(session);
  deliver(session);
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
