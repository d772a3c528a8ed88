/* SPDX-License-Identifier: MIT */
/* What must hold at the end of a session. Pure. */
#include <string.h>

#include "encode.h"
#include "oracle.h"

static bool may_miss_terminal(const struct oracle *oracle, const struct facts *facts) {
  const struct plan *plan = oracle->plan;
  bool lends = plan->kind == KIND_TERMINAL && plan->standard[0] == STANDARD_TERMINAL;
  return facts->agent_killed || facts->out_closed || facts->unread ||
         (facts->in_closed && !facts->request_sent) || lends;
}

static void check_terminal(struct oracle *oracle, const struct facts *facts, bool cut) {
  if (!oracle->terminal && !may_miss_terminal(oracle, facts))
    verdict_add(oracle->verdict, FAULT_NO_TERMINAL, "fd 4 ended without one%s",
                facts->in_closed ? ", after fd 3 was closed" : "");
  if (cut && !facts->agent_killed && !facts->unread && !facts->out_closed)
    verdict_add(oracle->verdict, FAULT_FRAME, "the last frame is cut%s",
                facts->in_closed ? ", after fd 3 was closed" : "");
}

static bool is_stage(const struct oracle *oracle, const char *stage) {
  return oracle->last.kind == FRAME_ERROR && strcmp(oracle->last.stage, stage) == 0;
}

static void check_exit_code(struct oracle *oracle, const struct facts *facts, int code) {
  bool bad = is_stage(oracle, "malformed_request") || is_stage(oracle, "request_too_big");
  bool channel = facts->out_closed || facts->unread || (facts->in_closed && !oracle->terminal);
  if (facts->agent_killed)
    return;
  if (code < 0)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "a signal, and not the fuzzer's");
  else if (code == 1 && !channel)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "1, and the channel was fine");
  else if (code == 2 && !bad && !channel)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "2, and the request was fine");
  else if ((code == 3 || code == 4) && oracle->last.kind != FRAME_ERROR && !channel)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "%d without an error frame", code);
  else if (code > 4)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "%d", code);
  else if (code == 0 && bad)
    verdict_add(oracle->verdict, FAULT_EXIT_CODE, "0 after a bad request");
}

static bool may_be_killed(const struct oracle *oracle, const struct facts *facts) {
  return oracle->last.kind == FRAME_SIGNALED || facts->agent_killed || facts->in_closed ||
         facts->out_closed || facts->target_killed || facts->child_signaled || facts->kill_sent;
}

static void check_run(struct oracle *oracle, const struct facts *facts,
                      const struct account *account) {
  char text[96];
  int started = atomic_load(&account->started);
  frame_describe(text, sizeof text, &oracle->last);
  if (started > 1)
    verdict_add(oracle->verdict, FAULT_RUN, "started %d times", started);
  if (oracle->running && started == 0 && !may_be_killed(oracle, facts) &&
      !plan_is_damaged(oracle->plan))
    verdict_add(oracle->verdict, FAULT_NOT_RUN, "the workload has not started; the end: %s", text);
  if (started == 0 || plan_is_damaged(oracle->plan))
    return;
  if (oracle->last.kind == FRAME_ERROR || oracle->last.kind == FRAME_ABORTED)
    verdict_add(oracle->verdict, FAULT_RUN, "the workload has run; the end: %s", text);
  else if (oracle->terminal && !oracle->running)
    verdict_add(oracle->verdict, FAULT_RUN, "no :running; the end: %s", text);
}

static void check_status(struct oracle *oracle, const struct account *account) {
  int ended = atomic_load(&account->ended);
  if (oracle->last.kind != FRAME_EXITED || oracle->plan->kind == KIND_KILL ||
      plan_is_damaged(oracle->plan))
    return;
  if (ended == 0 || ended - 1 != oracle->last.number)
    verdict_add(oracle->verdict, FAULT_STATUS, ":exited with %lld, and the workload ended with %d",
                (long long)oracle->last.number, ended - 1);
}

/* How much the workload has written to what the agent reads as that stream. */
static uint64_t produced(const struct plan *plan, const struct account *account,
                         enum stream stream) {
  uint64_t out = (uint64_t)atomic_load(&account->written[1]);
  uint64_t err = (uint64_t)atomic_load(&account->written[2]);
  if (stream == STREAM_PTY || (stream == STREAM_STDOUT && plan->stdio[2] == DIRECTIVE_TO_STDOUT))
    return out + err;
  return stream == STREAM_STDOUT ? out : err;
}

/* Whether what was received of the stream must be all that was written. */
static bool is_whole(const struct oracle *oracle, const struct facts *facts, enum stream stream) {
  const struct plan *plan = oracle->plan;
  bool raw = plan->work_count > 0 && plan->work[0].work == WORK_RAW;
  if (facts->in_closed || facts->close_sent[stream] || facts->misled ||
      plan_works(plan, WORK_CLOSE) || plan_works(plan, WORK_REOPEN) ||
      (plan->demand && plan_works(plan, WORK_PACKETS)))
    return false;
  if (stream != STREAM_PTY)
    return oracle->ended[stream];
  /* Echo and editing change what a terminal hands on; and another's input may stop it. */
  return oracle->terminal && raw && !plan->demand && facts->pty_bytes == 0;
}

static void check_streams(struct oracle *oracle, const struct facts *facts,
                          const struct account *account) {
  bool intact = !facts->in_closed && !facts->out_closed && !facts->agent_killed && !facts->unread;
  for (int at = STREAM_STDOUT; at < STREAM_COUNT; at++) {
    enum stream stream = (enum stream)at;
    uint64_t wrote = produced(oracle->plan, account, stream);
    uint64_t got = oracle->received[stream];
    if (!plan_relays(oracle->plan, stream) || plan_is_damaged(oracle->plan) || !intact)
      continue;
    if (is_whole(oracle, facts, stream) && (got < wrote || got > wrote + 2 * ACCOUNT_BLOCK))
      verdict_add(oracle->verdict, FAULT_STREAM, "%s: %llu bytes of %llu", stream_names[stream],
                  (unsigned long long)got, (unsigned long long)wrote);
    if (oracle->spawned && !oracle->ended[stream] && !facts->close_sent[stream] &&
        (stream != STREAM_PTY || oracle->plan->demand))
      verdict_add(oracle->verdict, FAULT_STREAM, "%s: the agent left without its eof",
                  stream_names[stream]);
  }
}

/* Input that was ended, and read by the workload to its end. */
static void check_input(struct oracle *oracle, const struct facts *facts,
                        const struct account *account) {
  const struct plan *plan = oracle->plan;
  uint64_t read = (uint64_t)atomic_load(&account->read);
  if (!plan_relays(plan, STREAM_STDIN) || plan_is_damaged(plan) || facts->misled)
    return;
  if (atomic_load(&account->wrong_input) != 0)
    verdict_add(oracle->verdict, FAULT_STREAM, "stdin: wrong bytes reached the workload");
  if (read > facts->stdin_bytes)
    verdict_add(oracle->verdict, FAULT_STREAM, "stdin: %llu bytes read, and %llu sent",
                (unsigned long long)read, (unsigned long long)facts->stdin_bytes);
  if (facts->in_closed || facts->agent_killed || facts->out_closed ||
      atomic_load(&account->input_ended) == 0 || plan_works(plan, WORK_CLOSE))
    return;
  if (!facts->close_sent[STREAM_STDIN])
    verdict_add(oracle->verdict, FAULT_STREAM, "stdin: ended, and nothing ended it");
}

void oracle_end(struct oracle *oracle, const struct facts *facts, const struct account *account,
                bool cut, int exit_code) {
  check_terminal(oracle, facts, cut);
  check_exit_code(oracle, facts, exit_code);
  check_run(oracle, facts, account);
  check_status(oracle, account);
  check_streams(oracle, facts, account);
  check_input(oracle, facts, account);
}
