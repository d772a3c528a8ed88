/* SPDX-License-Identifier: MIT */
#include "agent/pacing.h"

#include <errno.h>

#include "agent/workload.h"
#include "base/clock.h"
#include "base/poll_wait.h"

/* TERMINAL_BURST frames of a terminal may be written one after another: an echo, a reply and a
 * prompt are among them. The frames after them are TERMINAL_PACE_MS milliseconds apart, or large,
 * until the terminal pauses or input comes. */
#define TERMINAL_BURST   8
#define TERMINAL_PACE_MS 8

/*
 * A terminal returns its output in pieces of 4 KiB, or as small as what the workload writes, and an
 * agent that is woken by each piece is as fast as the workload. So the pieces of a terminal that
 * writes on and on are gathered in one frame, until that is large enough or terminal_at has come.
 * If nothing had to be gathered when terminal_at comes, the terminal has paused.
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

/* Acknowledgements wait for the channel to be empty, so that there is room for them without more
 * memory, and for a large frame to be whole, and so come in few frames. */
static void acknowledge(struct session *session) {
  for (int i = 0; i < IN_COUNT; i++) {
    bool more = i == IN_STDIN && session->stdin_left > 0;
    if (!more)
      relay_in_report(&session->inputs[i], &session->out);
  }
}

/* What waits for the child is dropped, because it would be written again and again until the child,
 * which is killed now, has ended. */
static void give_up_down(struct session *session) {
  session->down.broken = true;
  session->down.error = ENOMEM;
  session_flush_down(session);
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
      give_up_down(session);
    return false;
  }
  if (now < session->retry_at)
    return true;
  session->retry_at = now + POLL_WAIT_PAUSE_MS;
  return false;
}

void session_deliver(struct session *session) {
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
