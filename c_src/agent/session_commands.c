/* SPDX-License-Identifier: MIT */
#include "agent/session_commands.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "agent/own_stdio.h"
#include "agent/workload.h"
#include "base/clock.h"
#include "base/pty.h"

/* Milliseconds that commands left by a closed BEAM wait while the child starts. */
#define GIVE_UP_MS 1000

/* Bytes from which on a frame of stdin data is passed on as it comes. */
#define STREAMED_MIN ((size_t)16 << 10)

/* Bytes of replies that the BEAM has not read, from which on no more checkpoint commands are
 * taken. */
#define ANSWERS_MAX ((size_t)64 << 10)

static bool is_queue_full(const struct session *session) {
  for (int i = 0; i < IN_COUNT; i++)
    if (buffer_length(&session->inputs[i].queue) >= RELAY_QUEUE_LIMIT)
      return true;
  return false;
}

bool session_accepts_commands(const struct session *session) {
  switch (session->state) {
  case STATE_STARTING:
    return false;
  case STATE_PARKED:
    return !session->awaits_answer && channel_out_pending(&session->out) < ANSWERS_MAX &&
           !is_queue_full(session);
  case STATE_EXECING:
  case STATE_RUNNING:
  case STATE_CLEARING:
  case STATE_DRAINING:
  case STATE_DONE:
    break;
  }
  return !is_queue_full(session);
}

static struct relay_out *output_of(struct session *session, enum stream_id stream) {
  for (int i = 0; i < OUT_COUNT; i++)
    if (session->outputs[i].stream == stream)
      return &session->outputs[i];
  return NULL;
}

static void demand(struct session *session, enum stream_id stream, uint64_t bytes) {
  struct relay_out *relay = output_of(session, stream);
  if (relay == NULL)
    return;
  relay->demand = bytes > UINT64_MAX - relay->demand ? UINT64_MAX : relay->demand + bytes;
}

static void finish_stdin(struct session *session) {
  own_stdio_keep(session);
  relay_in_finish(&session->inputs[IN_STDIN]);
}

static void close_stream(struct session *session, enum stream_id stream) {
  struct relay_out *relay = output_of(session, stream);
  if (stream != STREAM_PTY && !session_guard(session))
    return;
  if (stream == STREAM_STDIN)
    finish_stdin(session);
  else if (relay != NULL && (stream != STREAM_PTY || relay->by_demand))
    relay_out_close(relay);
  /* The terminal is one descriptor for both directions; the output's side owns it. */
  if (session->outputs[OUT_PTY].fd < 0)
    session->inputs[IN_PTY].fd = -1;
}

static void data(struct session *session, int input, const struct command *command) {
  if (input == IN_STDIN && !session_guard(session))
    return;
  if (relay_in_data(&session->inputs[input], command->data.bytes, command->data.size) < 0)
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
}

/* The frame as it came, its length field included. */
static void forward(struct session *session, const uint8_t *payload, size_t size) {
  if (buffer_append(&session->down.buffer, payload - 4, size + 4) < 0) {
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
    return;
  }
  session_flush_down(session);
}

static void proceed(struct session *session, const uint8_t *payload, size_t size) {
  forward(session, payload, size);
  session_enter(session, STATE_EXECING);
  session->ending.proceeding = true;
}

static void abort_session(struct session *session) {
  session->ending.aborted = true;
  session_kill(session, SCOPE_WORKLOAD);
}

static void set_up(struct session *session, const uint8_t *payload, size_t size) {
  session->awaits_answer = true;
  forward(session, payload, size);
}

static void winsize(const struct session *session, const struct argument *size) {
  if (session->outputs[OUT_PTY].fd >= 0)
    pty_set_winsize(session->outputs[OUT_PTY].fd, size->cells.rows, size->cells.cols,
                    size->cells.xpixel, size->cells.ypixel);
}

static void act(struct session *session, const struct command *command, const uint8_t *payload,
                size_t size) {
  switch (command->id) {
  case COMMAND_PROCEED:
    proceed(session, payload, size);
    return;
  case COMMAND_ABORT:
    abort_session(session);
    return;
  case COMMAND_SETUP:
    set_up(session, payload, size);
    return;
  case COMMAND_PTY_WINSIZE:
    winsize(session, &command->winsize);
    return;
  case COMMAND_SIGNAL:
    session_signal(session, command->signal.number, command->signal.scope);
    return;
  case COMMAND_PTY_IN:
    session->terminal_burst = 0;
    data(session, IN_PTY, command);
    return;
  case COMMAND_STDIN:
    data(session, IN_STDIN, command);
    return;
  case COMMAND_CLOSE:
    close_stream(session, command->stream.id);
    return;
  case COMMAND_DEMAND:
    demand(session, command->stream.id, command->stream.bytes);
    return;
  case COMMAND_COUNT:
    return;
  }
}

static unsigned moment(const struct session *session) {
  return session->state == STATE_PARKED ? WHEN_PARKED : WHEN_RUNNING;
}

static void take_frame(struct session *session, const uint8_t *payload, size_t size) {
  struct command command;
  if (command_decode_frame(&command, payload, size, moment(session)) == 0)
    act(session, &command, payload, size);
  else if (session->state == STATE_PARKED)
    session_fail(session, EINVAL, STAGE_MALFORMED_COMMAND);
}

bool session_looks_ahead(const struct session *session) {
  return session->state == STATE_STARTING || session->awaits_answer;
}

/*
 * A child that does not react, because it is stopped or waits for a file system, is ended all the
 * same: an abort acts before the commands that wait, unless :proceed is among them, and so does
 * SIGKILL.
 */
static void look_ahead(struct session *session) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  size_t offset = 0;
  bool proceeds = false;
  while (!session->ending.aborted && channel_in_peek(&session->in, &offset, &payload, &size)) {
    struct command command;
    if (command_decode_frame(&command, payload, size, WHEN_PARKED | WHEN_RUNNING) < 0)
      continue;
    if (command.id == COMMAND_ABORT && !proceeds && !session->request->proceed)
      abort_session(session);
    else if (command.id == COMMAND_SIGNAL && command.signal.number == SIGKILL)
      session_signal(session, SIGKILL, command.signal.scope);
    proceeds = proceeds || command.id == COMMAND_PROCEED;
  }
}

/* A child that is being killed takes no more commands. */
static bool is_ending(const struct session *session) {
  return session->state == STATE_PARKED &&
         (session->ending.aborted || session->ending.failure.stage != STAGE_NONE);
}

static void skip_stdin(struct session *session) {
  session->in.skip = session->stdin_left;
  session->stdin_left = 0;
}

static void continue_stdin(struct session *session) {
  if (!session_guard(session)) {
    skip_stdin(session);
    return;
  }
  ssize_t count = relay_in_from(&session->inputs[IN_STDIN], session->in.fd, session->stdin_left);
  if (count == -EPIPE) {
    skip_stdin(session);
  } else if (count == -ENOMEM) {
    skip_stdin(session); /* or it would be tried again and again until the workload has ended */
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
  } else if (count == 0 || (count < 0 && count != -EAGAIN)) {
    session->in.eof = true;
  } else if (count > 0) {
    session->stdin_left -= (size_t)count;
  }
}

/* Begins to pass on a large {stdin, _} frame that is not whole yet: what has come of it now, and
 * the rest as it comes. */
static void begin_stdin(struct session *session) {
  struct relay_in *relay = &session->inputs[IN_STDIN];
  const uint8_t *payload = NULL;
  size_t size = 0;
  size_t frame_size = 0;
  if (!channel_in_begun(&session->in, &payload, &size, &frame_size) || frame_size < STREAMED_MIN)
    return;
  size_t at = command_stdin_data(payload, size, frame_size);
  if (at == 0)
    return;
  if (relay_in_begin(relay, payload + at, size - at) < 0)
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
  session->stdin_left = frame_size - size;
  channel_in_take_begun(&session->in);
  if (relay->fd >= 0 && !relay->grown) {
    relay->grown = true;
    relay_grow_pipe(relay->fd);
    relay_grow_pipe(session->in.fd);
  }
  continue_stdin(session);
}

void session_read_input(struct session *session) {
  if (session->stdin_left > 0)
    continue_stdin(session);
  else if (channel_in_read(&session->in) < 0)
    session->in.eof = true;
}

void session_take_commands(struct session *session) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  bool accepts;
  while ((accepts = session_accepts_commands(session)) && !is_ending(session)) {
    int found = channel_in_next(&session->in, COMMAND_MAX, &payload, &size);
    if (found == 0) {
      begin_stdin(session);
      break;
    }
    if (found > 0)
      take_frame(session, payload, size);
    else if (session->state == STATE_PARKED)
      session_fail(session, EMSGSIZE, STAGE_COMMAND_TOO_BIG);
  }
  if (session_looks_ahead(session))
    look_ahead(session);
  if (session->out.broken || (session->in.eof && accepts))
    session_beam_gone(session);
  else if (session->in.eof && !session->beam_is_gone && session->give_up_at == 0)
    session->give_up_at = clock_ms() + (is_queue_full(session) ? 0 : GIVE_UP_MS);
}

void session_beam_gone(struct session *session) {
  if (session->beam_is_gone)
    return;
  session->beam_is_gone = true;
  session->in.eof = true;
  for (int i = 0; i < OUT_COUNT; i++)
    session->outputs[i].abandoned = true;
  switch (session->state) {
  case STATE_STARTING:
  case STATE_PARKED:
    session_kill(session, SCOPE_GROUP);
    return;
  case STATE_EXECING:
    if (!session->waits)
      break;
    session_kill(session, SCOPE_GROUP);
    return;
  case STATE_RUNNING:
    break;
  case STATE_CLEARING:
  case STATE_DRAINING:
  case STATE_DONE:
    return;
  }
  if (session->request->leave) {
    finish_stdin(session);
    return;
  }
  if (session->request->grace_ms == 0) {
    session_kill(session, SCOPE_GROUP);
  } else {
    session_signal(session, SIGTERM, SCOPE_GROUP);
    /* A stopped process handles no signal before it is continued. */
    session_signal(session, SIGCONT, SCOPE_GROUP);
    int64_t now = clock_ms();
    int64_t grace = session->request->grace_ms;
    session->kill_at = grace > INT64_MAX - now ? INT64_MAX : now + grace;
  }
  /* After the signals, because closing a pipe may block the agent (guard.h). */
  if (session_guard(session))
    finish_stdin(session);
}
