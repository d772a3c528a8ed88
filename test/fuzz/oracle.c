/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

/* The most data in an output frame (the wire page). */
#define OUTPUT_MAX ((size_t)60 << 10)

struct oracle oracle_init(const struct plan *plan, struct verdict *verdict) {
  return (struct oracle){.plan = plan, .verdict = verdict, .last = {.kind = FRAME_NONE}};
}

/* `good` or a frame out of order. */
static void expect(const struct oracle *oracle, bool good, const struct frame *frame,
                   const char *why) {
  char text[96];
  if (good)
    return;
  frame_describe(text, sizeof text, frame);
  verdict_add(oracle->verdict, FAULT_ORDER, "%s: %s", text, why);
}

/* An agent that is root has ids that mean something, so they may not be kept where no map has them.
 */
static bool keeps_ids(const struct plan *plan, const struct facts *facts) {
  bool unmapped =
      plan->kind == KIND_SPAWN ? !facts->maps_written : plan->target == TARGET_USER_UNMAPPED;
  return !plan->as_nobody && plan_has_user_namespace(plan) && !plan_is_damaged(plan) && unmapped &&
         !plan_sends(plan, MESSAGE_CREDENTIALS);
}

static void take_running(const struct oracle *oracle, const struct facts *facts) {
  const char *impossible = oracle_impossible(oracle->plan);
  if (impossible != NULL)
    verdict_add(oracle->verdict, FAULT_ACCEPTED, "%s", impossible);
  if (keeps_ids(oracle->plan, facts))
    verdict_add(oracle->verdict, FAULT_IDS, "no map, no command, and it runs");
}

static void take_status(struct oracle *oracle, const struct frame *frame,
                        const struct facts *facts) {
  switch (frame->kind) {
  case FRAME_SPAWNED:
    expect(oracle, !oracle->spawned && !oracle->ready && !oracle->running, frame, "not the first");
    oracle->spawned = true;
    oracle->host_pid = frame->number;
    return;
  case FRAME_READY:
    expect(oracle, oracle->spawned && !oracle->ready && !oracle->running, frame,
           "not once and after :spawned");
    oracle->ready = true;
    return;
  case FRAME_RUNNING:
    expect(oracle, oracle->ready && !oracle->running, frame, "not once and after :ready");
    expect(oracle, oracle->plan->proceed || facts->proceed_sent || plan_is_damaged(oracle->plan),
           frame, "nothing let it proceed");
    oracle->running = true;
    take_running(oracle, facts);
    return;
  case FRAME_APPLIED:
    oracle->applied++;
    expect(oracle, oracle->plan->ack && oracle->ready && !oracle->running, frame,
           "not asked for, or not at the checkpoint");
    expect(oracle, frame->number == oracle->applied, frame, "not counted from 1");
    expect(oracle, oracle->applied <= facts->checkpoint_sent || facts->misled, frame,
           "more than were sent");
    return;
  case FRAME_OUTPUT:
  case FRAME_EOF:
  case FRAME_WRITTEN:
  case FRAME_CLOSED:
  case FRAME_USAGE:
  case FRAME_WINSIZE:
  case FRAME_SETTINGS:
  case FRAME_EXITED:
  case FRAME_SIGNALED:
  case FRAME_ABORTED:
  case FRAME_ERROR:
  case FRAME_NONE:
    return;
  }
}

/* Several processes write to the stream, or a terminal changes it, or it is no pattern. */
static bool is_mixed(const struct plan *plan, enum stream stream) {
  if (stream == STREAM_PTY)
    return true;
  /* Of a packet that is larger than what was asked for the rest is lost, as the wire page says. */
  if (plan->demand && plan_works(plan, WORK_PACKETS))
    return true;
  return stream == STREAM_STDOUT && plan->stdio[2] == DIRECTIVE_TO_STDOUT;
}

static void take_output(struct oracle *oracle, const struct frame *frame,
                        const struct facts *facts) {
  const struct plan *plan = oracle->plan;
  enum stream stream = frame->stream;
  uint64_t at = oracle->received[stream];
  bool echo = stream == STREAM_PTY && facts->pty_bytes > 0;
  expect(oracle, plan_relays(plan, stream), frame, "no stream of this session");
  expect(oracle, oracle->running || echo, frame, "before :running");
  expect(oracle, !oracle->ended[stream], frame, "after its eof");
  expect(oracle, frame->size <= OUTPUT_MAX, frame, "too large");
  oracle->received[stream] += frame->size;
  if (plan->demand && oracle->received[stream] > facts->demanded[stream])
    verdict_add(oracle->verdict, FAULT_STREAM, "%s: %llu bytes, of which %llu were asked for",
                stream_names[stream], (unsigned long long)oracle->received[stream],
                (unsigned long long)facts->demanded[stream]);
  if (is_mixed(plan, stream))
    return;
  for (size_t i = 0; i < frame->size; i++)
    if (frame->data[i] != account_pattern((long)(at + i))) {
      verdict_add(oracle->verdict, FAULT_STREAM, "%s: wrong byte at %llu", stream_names[stream],
                  (unsigned long long)at + i);
      return;
    }
}

static void take_stream(struct oracle *oracle, const struct frame *frame,
                        const struct facts *facts) {
  const struct plan *plan = oracle->plan;
  enum stream stream = frame->stream;
  bool demands = stream != STREAM_PTY || plan->demand;
  uint64_t sent = stream == STREAM_PTY ? facts->pty_bytes : facts->stdin_bytes;
  expect(oracle, plan_relays(plan, stream) && demands, frame, "no stream of this session");
  if (frame->kind == FRAME_EOF) {
    expect(oracle, stream != STREAM_STDIN && !oracle->ended[stream], frame, "not once");
    oracle->ended[stream] = true;
  } else if (frame->kind == FRAME_CLOSED) {
    expect(oracle, stream == STREAM_STDIN && !oracle->closed && frame->number > 0, frame,
           "not once");
    oracle->closed = true;
  } else {
    oracle->written[stream] += (uint64_t)frame->number;
    expect(oracle, stream == STREAM_STDIN || stream == STREAM_PTY, frame, "an output");
    expect(oracle, frame->number > 0 && oracle->written[stream] <= sent, frame,
           "more than was sent");
  }
}

static void check_usage(const struct oracle *oracle, const struct frame *frame) {
  /* Without a child there is none whose usage could be told. */
  if (oracle->plan->usage && oracle->spawned)
    expect(oracle, oracle->usage, frame, "without :usage");
}

static void take_terminal(struct oracle *oracle, const struct frame *frame,
                          const struct facts *facts) {
  char text[96];
  bool kill = oracle->plan->kind == KIND_KILL;
  frame_describe(text, sizeof text, frame);
  check_usage(oracle, frame);
  if (frame->kind == FRAME_EXITED)
    expect(oracle, kill || oracle->running, frame, "never ran");
  else if (frame->kind == FRAME_ABORTED)
    expect(oracle, facts->abort_sent && !oracle->running, frame, "no :abort was sent to a child");
  else if (frame->kind == FRAME_SIGNALED &&
           !oracle_explains_signal(oracle->plan, facts, frame->number))
    verdict_add(oracle->verdict, FAULT_STATUS, "%s: nothing sent that signal", text);
  else if (frame->kind == FRAME_ERROR && !oracle_explains_error(oracle->plan, facts, frame))
    verdict_add(oracle->verdict, FAULT_ERROR, "%s", text);
  oracle->terminal = true;
  oracle->last = *frame;
}

static bool is_stream_traffic(const struct frame *frame) {
  return frame->kind == FRAME_OUTPUT || frame->kind == FRAME_EOF || frame->kind == FRAME_WRITTEN ||
         frame->kind == FRAME_CLOSED;
}

void oracle_frame(struct oracle *oracle, const struct frame *frame, const struct facts *facts) {
  char text[96];
  frame_describe(text, sizeof text, frame);
  if (frame->kind == FRAME_NONE) {
    verdict_add(oracle->verdict, FAULT_FRAME, "not a frame that an agent sends");
    return;
  }
  if (oracle->terminal && !is_stream_traffic(frame)) {
    verdict_add(oracle->verdict, FAULT_AFTER_TERMINAL, "%s", text);
    return;
  }
  if (oracle->after_usage && !oracle->terminal)
    expect(oracle, frame_is_terminal(frame), frame, "between :usage and the terminal frame");
  if (plan_is_damaged(oracle->plan)) { /* what was asked for is not known */
    oracle->spawned |= frame->kind == FRAME_SPAWNED;
    oracle->running |= frame->kind == FRAME_RUNNING;
    oracle->host_pid = frame->kind == FRAME_SPAWNED ? frame->number : oracle->host_pid;
    if (frame->kind == FRAME_EOF)
      oracle->ended[frame->stream] = true;
    if (frame_is_terminal(frame)) {
      oracle->terminal = true;
      oracle->last = *frame;
    }
    return;
  }
  if (frame->kind == FRAME_USAGE) {
    expect(oracle, oracle->plan->usage && !oracle->usage, frame, "not asked for, or twice");
    oracle->usage = oracle->after_usage = true;
  } else if (frame->kind == FRAME_WINSIZE || frame->kind == FRAME_SETTINGS) {
    expect(oracle, oracle->plan->kind == KIND_TERMINAL, frame, "no terminal is lent");
  } else if (frame->kind == FRAME_OUTPUT) {
    take_output(oracle, frame, facts);
  } else if (is_stream_traffic(frame)) {
    take_stream(oracle, frame, facts);
  } else if (frame_is_terminal(frame)) {
    take_terminal(oracle, frame, facts);
  } else {
    take_status(oracle, frame, facts);
  }
}

bool oracle_streams_ended(const struct oracle *oracle, const struct facts *facts) {
  for (int stream = STREAM_STDOUT; stream < STREAM_COUNT; stream++)
    if (plan_relays(oracle->plan, (enum stream)stream) && !oracle->ended[stream] &&
        (!facts->close_sent[stream] || facts->misled) &&
        (stream != STREAM_PTY || oracle->plan->demand))
      return false;
  return true;
}
