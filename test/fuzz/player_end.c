/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "player.h"
#include "processes.h"

/* A client keeps no more unacknowledged, so that a signal does not wait behind data. */
#define WINDOW ((uint64_t)1 << 20)

/* How long streams are given to end by themselves, and a lingering workload to end. */
#define PATIENCE_MS 300

/* Long enough for the processor time of a silence to be told from what led to it. */
#define IDLE_MS 130

static void idle(struct player *player) {
  int64_t limit = now_ms() + IDLE_MS;
  while (player->plan->idles && !player_is_over(player) && now_ms() < limit)
    player_wait(player, limit - now_ms());
}

/* Whether a command that is sent now will be read as one, and before long. */
static bool is_heard(const struct player *player) {
  const struct facts *facts = &player->facts;
  uint64_t unread = facts->stdin_bytes - player->oracle.written[STREAM_STDIN] + facts->pty_bytes;
  return !facts->in_closed && !facts->misled && unread <= WINDOW;
}

static bool is_stopped(const struct player *player) {
  const uint64_t stops = UINT64_C(1) << 19 | UINT64_C(1) << 20;
  return (player->facts.signals & stops) != 0;
}

/* Whether the workload's input comes to an end when the fuzzer wants it to. */
static bool input_ends(const struct plan *plan) {
  if (!plan_works(plan, WORK_IN) && !plan_works(plan, WORK_IN_ALL))
    return true;
  bool inherits = plan->stdio[0] == DIRECTIVE_ABSENT || plan->stdio[0] == DIRECTIVE_INHERIT;
  return !plan->pty && (plan->devnull || !inherits || plan->standard[0] != STANDARD_TERMINAL);
}

static bool ends_by_itself(const struct player *player) {
  const struct plan *plan = player->plan;
  bool works = plan->kind == KIND_SPAWN || plan->kind == KIND_ENTER;
  bool goes_on = plan->proceed || player->facts.proceed_sent;
  if (!works)
    return plan->kind == KIND_KILL;
  return plan_is_malformed(plan) ||
         (goes_on && plan_ends_by_itself(plan) && input_ends(plan) && !is_stopped(player) &&
          player->facts.pty_bytes == 0 && !plan_is_damaged(plan) && is_heard(player));
}

static void ask_for_everything(struct player *player) {
  for (int stream = STREAM_STDOUT; stream < STREAM_COUNT; stream++)
    if (player->plan->demand && plan_relays(player->plan, (enum stream)stream))
      player_send(player, &(struct command){.message = MESSAGE_DEMAND,
                                            .stream = (enum stream)stream,
                                            .amount = UINT64_MAX});
}

static void close_streams(struct player *player) {
  for (int stream = STREAM_STDOUT; stream < STREAM_COUNT; stream++)
    if (plan_relays(player->plan, (enum stream)stream) && !player->oracle.ended[stream])
      player_send(player,
                  &(struct command){.message = MESSAGE_CLOSE, .stream = (enum stream)stream});
}

static void wait_for_terminal(struct player *player, const char *why) {
  int64_t limit = now_ms() + END_LIMIT_MS;
  while (!player->oracle.terminal && !player_is_over(player) && now_ms() < limit)
    player_wait(player, limit - now_ms());
  if (!player->oracle.terminal && !player_is_over(player))
    verdict_add(player->verdict, FAULT_NOT_HEARD, "%s: no terminal frame in %d ms", why,
                END_LIMIT_MS);
}

static void end_naturally(struct player *player) {
  journal_add(player->journal, "its input ends and its output is asked for");
  player_send(player, &(struct command){.message = MESSAGE_CLOSE, .stream = STREAM_STDIN});
  ask_for_everything(player);
  player_drop_connections(player);
  wait_for_terminal(player, "a workload that ends by itself");
}

static void end_by_command(struct player *player) {
  player_send(player, &(struct command){.message = MESSAGE_ABORT});
  player_send(player, &(struct command){.message = MESSAGE_SIGNAL,
                                        .number = SIGKILL,
                                        .scope = player->plan->ending_scope});
  wait_for_terminal(player, "abort and signal 9");
}

static enum ending choose(const struct player *player) {
  enum ending ending = player->plan->ending;
  bool lends = player->plan->kind == KIND_TERMINAL;
  if (ending == ENDING_NATURAL && !ends_by_itself(player))
    ending = ENDING_KILL;
  if (ending == ENDING_KILL && (!is_heard(player) || lends || plan_is_damaged(player->plan)))
    ending = ENDING_CLOSE_BOTH;
  return ending;
}

/* fd 3 or 4 is closed: what is due follows from the orphan policy. */
static void close_ends(struct player *player, enum ending ending) {
  switch (ending) {
  case ENDING_CLOSE_IN:
    player_close_in(player);
    return;
  case ENDING_CLOSE_OUT:
    player_close_out(player);
    return;
  case ENDING_NO_READER:
    player->reads_not = true;
    player->facts.unread = true;
    player_close_in(player);
    return;
  case ENDING_KILL_AGENT:
    player_signal_agent(player, SIGKILL);
    return;
  case ENDING_TERM_AGENT:
    player_signal_agent(player, SIGTERM);
    player_signal_agent(player, SIGKILL);
    return;
  case ENDING_CLOSE_BOTH:
  case ENDING_NATURAL:
  case ENDING_KILL:
  case ENDING_COUNT:
    player_close_in(player);
    player_close_out(player);
    return;
  }
}

static void wait_for_streams(struct player *player) {
  int64_t limit = now_ms() + PATIENCE_MS;
  while (!oracle_streams_ended(&player->oracle, &player->facts) && !player_is_over(player) &&
         now_ms() < limit)
    player_wait(player, limit - now_ms());
}

/* The terminal frame is there, and fd 3 and 4 are open: until nothing is left to be served. */
static void end_streams(struct player *player) {
  idle(player);
  if (player->plan->serves_to_the_end && is_heard(player)) {
    ask_for_everything(player);
    wait_for_streams(player);
    if (!oracle_streams_ended(&player->oracle, &player->facts))
      close_streams(player);
  }
  if (player->plan->hold || plan_is_damaged(player->plan) ||
      !oracle_streams_ended(&player->oracle, &player->facts))
    player_close_in(player);
}

/* With orphan_policy :linger the agent stays for as long as the workload does. */
static void end_lingering(struct player *player) {
  int64_t limit = now_ms() + PATIENCE_MS;
  while (!player_is_over(player) && now_ms() < limit)
    player_wait(player, limit - now_ms());
  player_signal_children(player, SIGKILL);
}

static void wait_for_exit(struct player *player) {
  char text[300];
  int64_t due = now_ms() + (player->facts.unread ? NO_READER_MS : 0);
  bool over = player->facts.in_closed || player->facts.out_closed;
  if (over && !player->plan->linger)
    due += player->plan->grace_ms;
  while (!player_is_over(player) && now_ms() < due + END_LIMIT_MS) {
    if (over && (player->plan->linger || plan_is_damaged(player->plan)))
      end_lingering(player);
    player_wait(player, 50);
  }
  if (player_is_over(player))
    return;
  process_describe(text, sizeof text, player->started.agent);
  verdict_add(player->verdict, FAULT_ALIVE, "%d ms later: %s", END_LIMIT_MS, text);
}

void player_bring_to_end(struct player *player) {
  if (player_is_over(player))
    return;
  pidfd_signal(player->agent_fd, SIGCONT);
  player->agent_paused_until = 0;
  player->read_not_until = 0;
  idle(player);
  if (player_is_over(player))
    return;
  enum ending ending = choose(player);
  bool over = player->facts.in_closed || player->facts.out_closed || player->facts.agent_killed;
  if (!over && !player->oracle.terminal) {
    journal_add(player->journal, "the end: %s", ending_names[ending]);
    if (ending == ENDING_NATURAL)
      end_naturally(player);
    else if (ending == ENDING_KILL)
      end_by_command(player);
    else
      close_ends(player, ending);
    over = player->facts.in_closed || player->facts.out_closed || player->facts.agent_killed;
  }
  if (!over && player->oracle.terminal)
    end_streams(player);
  else if (!over)
    close_ends(player, ENDING_CLOSE_BOTH);
  if (ending == ENDING_CLOSE_BOTH)
    close_ends(player, ending);
  player_drop_connections(player);
  wait_for_exit(player);
}
