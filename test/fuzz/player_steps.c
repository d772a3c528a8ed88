/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "player.h"
#include "processes.h"

/* How long an event that may never come is waited for. */
#define EVENT_LIMIT_MS 150

/* The first byte of a session's life comes late under a sanitizer and with every core busy. */
#define START_LIMIT_MS 2000

static uint64_t sum(uint64_t a, uint64_t b) {
  return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* What a command may lead to, told to the oracle before the agent can know of it. */
static void note_command(struct facts *facts, const struct command *command) {
  switch (command->message) {
  case MESSAGE_PROCEED:
    facts->proceed_sent = true;
    return;
  case MESSAGE_ABORT:
    facts->abort_sent = facts->kill_sent = true;
    facts->signals |= UINT64_C(1) << 9;
    return;
  case MESSAGE_DROP_BOUNDING:
  case MESSAGE_SET_THREAD:
  case MESSAGE_SET_AMBIENT:
  case MESSAGE_CREDENTIALS:
  case MESSAGE_SECCOMP:
  case MESSAGE_WINSIZE:
  case MESSAGE_LOOPBACK:
  case MESSAGE_UMASK:
  case MESSAGE_NICE:
  case MESSAGE_ALLOWANCE:
  case MESSAGE_HOSTNAME:
  case MESSAGE_MOUNT:
    facts->checkpoint_sent++;
    return;
  case MESSAGE_SIGNAL:
    facts->signals |= UINT64_C(1) << command->number % 64;
    facts->kill_sent = facts->invalid_sent = true;
    return;
  case MESSAGE_STDIN:
    facts->stdin_bytes += command->amount;
    return;
  case MESSAGE_PTY_IN:
    facts->pty_bytes += command->amount;
    facts->invalid_sent = true;
    return;
  case MESSAGE_CLOSE:
    facts->close_sent[command->stream] = true;
    return;
  case MESSAGE_DEMAND:
    facts->demanded[command->stream] = sum(facts->demanded[command->stream], command->amount);
    return;
  case MESSAGE_MALFORMED:
  case MESSAGE_COUNT:
    facts->invalid_sent = true;
    return;
  }
}

void player_send(struct player *player, const struct command *command) {
  char text[96];
  if (player->started.in < 0 || player->facts.in_closed)
    return;
  describe_command(text, sizeof text, command);
  journal_add(player->journal, "> %s", text);
  note_command(&player->facts, command);
  encode_command(&player->pending, command, &player->offsets);
}

static void send_commands(struct player *player, const struct step *step) {
  size_t before = player->pending.size;
  for (int i = 0; i < step->command_count; i++)
    player_send(player, &step->commands[i]);
  size_t added = player->pending.size - before;
  if (step->action == ACTION_SEND_HALF && added > 1) {
    journal_add(player->journal, "> (half of it)");
    player->pending.size -= added / 2;
    player->facts.misled = true;
  }
  if (step->pieces > 1) {
    player->piece = added / (size_t)step->pieces + 1;
    player->piece_left = player->pending.size;
  }
}

void player_signal_agent(struct player *player, int signum) {
  /* A signal that it was started with blocked or ignored does nothing. */
  bool heard = !player->plan->ignores_signals && !player->plan->blocks_signals;
  if (player_is_over(player))
    return;
  if (signum == SIGKILL || heard)
    player->facts.agent_killed = true;
  player->agent_signal = signum;
  journal_add(player->journal, "signal %d to the agent", signum);
  pidfd_signal(player->agent_fd, signum);
}

static void signal_child(struct player *player, int signum) {
  player->facts.signals |= UINT64_C(1) << signum;
  player->facts.child_signaled = true;
  journal_add(player->journal, "signal %d to the child", signum);
  if (player->child_fd >= 0)
    pidfd_signal(player->child_fd, signum);
}

void player_signal_children(struct player *player, int signum) {
  pid_t pids[64];
  if (player_is_over(player))
    return;
  int count = process_children(player->started.agent, pids, 64);
  player->facts.signals |= UINT64_C(1) << signum;
  player->facts.child_signaled = true;
  for (int i = 0; i < count; i++) {
    journal_add(player->journal, "signal %d to the agent's child %d", signum, (int)pids[i]);
    kill(pids[i], signum);
  }
}

static void signal_intermediate(struct player *player, int signum) {
  pid_t pids[64];
  if (player_is_over(player))
    return;
  int count = process_children(player->started.agent, pids, 64);
  for (int i = 0; i < count; i++)
    if (pids[i] != (pid_t)player->oracle.host_pid) {
      player->facts.signals |= UINT64_C(1) << signum;
      player->facts.child_signaled = true;
      journal_add(player->journal, "signal %d to the agent's child %d", signum, (int)pids[i]);
      kill(pids[i], signum);
    }
}

static void signal_target(struct player *player) {
  const struct plan *plan = player->plan;
  if (plan->kind != KIND_ENTER || plan->target == TARGET_DEAD || plan->target == TARGET_ZOMBIE)
    return;
  journal_add(player->journal, "signal 9 to the target");
  player->facts.target_killed = true;
  kill(player->target, SIGKILL);
}

static void write_maps(struct player *player) {
  const struct plan *plan = player->plan;
  pid_t child = (pid_t)player->oracle.host_pid;
  if (plan->kind != KIND_SPAWN || !plan_has_user_namespace(plan) || child == 0)
    return;
  int result = target_write_maps(child, plan->as_nobody, player->machine->privileged);
  player->facts.maps_written |= result == 0;
  journal_add(player->journal, "the id maps are written (%d)", result);
}

static void act(struct player *player, const struct step *step) {
  char text[700];
  describe_step(text, sizeof text, step);
  if (step->action != ACTION_SEND)
    journal_add(player->journal, "%s", text);
  switch (step->action) {
  case ACTION_SEND:
  case ACTION_SEND_HALF:
    send_commands(player, step);
    return;
  case ACTION_MAPS:
    write_maps(player);
    return;
  case ACTION_CLOSE_IN:
    player_close_in(player);
    return;
  case ACTION_CLOSE_OUT:
    player_close_out(player);
    return;
  case ACTION_SHUTDOWN_IN:
    player_shutdown_in(player);
    return;
  case ACTION_READ_NOT:
    player->read_not_until = now_ms() + step->milliseconds;
    return;
  case ACTION_PAUSE_AGENT:
    pidfd_signal(player->agent_fd, SIGSTOP);
    player->agent_paused_until = now_ms() + step->milliseconds;
    return;
  case ACTION_SIGNAL_AGENT:
    player_signal_agent(player, step->number);
    return;
  case ACTION_SIGNAL_CHILD:
    signal_child(player, step->number);
    return;
  case ACTION_SIGNAL_INTERMEDIATE:
    signal_intermediate(player, step->number);
    return;
  case ACTION_SIGNAL_TARGET:
    signal_target(player);
    return;
  case ACTION_IDLE:
    for (int64_t end = now_ms() + step->milliseconds; now_ms() < end && !player_is_over(player);)
      player_wait(player, end - now_ms());
    return;
  }
}

struct moment {
  int frames;
  uint64_t bytes;
  int64_t us;
};

static bool has_come(const struct player *player, const struct step *step,
                     const struct moment *since) {
  const struct oracle *oracle = &player->oracle;
  if (oracle->terminal)
    return true;
  switch (step->trigger) {
  case TRIGGER_NOW:
    return true;
  case TRIGGER_FRAME:
    return player->frames > since->frames;
  case TRIGGER_SPAWNED:
    return oracle->spawned;
  case TRIGGER_READY:
    return oracle->ready;
  case TRIGGER_RUNNING:
    return oracle->running;
  case TRIGGER_STARTED:
    return atomic_load(&player->account->started) > 0;
  case TRIGGER_TERMINAL:
    return false;
  case TRIGGER_BYTES:
    return player->received_bytes - since->bytes >= step->amount;
  case TRIGGER_MICROSECONDS:
    return now_us() - since->us >= step->amount;
  }
  return true;
}

/* Rounds are short where nothing but the clock, or the workload's page, says that it is time. */
static int64_t pause_of(const struct step *step) {
  return step->trigger == TRIGGER_MICROSECONDS || step->trigger == TRIGGER_STARTED ? 1 : 50;
}

static bool is_too_late(const struct player *player, const struct moment *since) {
  int64_t from = since->us / 1000;
  if (player->frames == 0)
    return now_ms() - from >= START_LIMIT_MS;
  if (player->first_frame_ms > from)
    from = player->first_frame_ms;
  return now_ms() - from >= EVENT_LIMIT_MS;
}

void player_play_steps(struct player *player) {
  for (int i = 0; i < player->plan->step_count && !player_is_over(player); i++) {
    const struct step *step = &player->plan->steps[i];
    const struct moment since = {player->frames, player->received_bytes, now_us()};
    while (!has_come(player, step, &since) && !is_too_late(player, &since) &&
           !player_is_over(player))
      player_wait(player, pause_of(step));
    if (!player_is_over(player))
      act(player, step);
  }
}
