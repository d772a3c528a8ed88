/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "player.h"
#include "processes.h"

/* The longest round, after which the agent's processor time is looked at. */
#define ROUND_MS 100

/* Processor time that an agent may use in a silence, beside a fifth of it. */
#define IDLE_CPU_NS 12000000

static void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* An end that the workload comes to by itself may be earlier than the orphan policy. */
static void note_orphan(struct player *player) {
  struct pollfd ended = {.fd = player->child_fd, .events = POLLIN};
  const struct facts *facts = &player->facts;
  bool lives = player->child_fd >= 0 && poll(&ended, 1, 0) == 0 && !player->oracle.terminal;
  if (lives && !facts->kill_sent && !facts->child_signaled && !facts->target_killed &&
      !plan_ends_by_itself(player->plan))
    player->facts.orphaned = true;
}

static void forget_pending(struct player *player) {
  /* What is left unsent of the request or of a frame is an end in the middle of it. */
  player->pending.size = 0;
  player->piece_left = 0;
}

void player_close_in(struct player *player) {
  if (player->started.in < 0)
    return;
  note_orphan(player);
  forget_pending(player);
  /* Of one socket, closing half of it is all that there is. */
  if (player->plan->wiring == WIRING_ONE_SOCKET)
    shutdown(player->started.in, SHUT_WR);
  close_fd(&player->started.in);
  player->facts.in_closed = true;
}

void player_shutdown_in(struct player *player) {
  if (player->started.in < 0)
    return;
  if (shutdown(player->started.in, SHUT_WR) < 0) {
    player_close_in(player); /* a pipe */
    return;
  }
  forget_pending(player);
  player->facts.in_closed = true;
}

void player_close_out(struct player *player) {
  if (player->started.out < 0)
    return;
  note_orphan(player);
  /* A socket that is only written to does not tell that its other end is not read. */
  if (player->plan->wiring == WIRING_ONE_SOCKET)
    player_close_in(player);
  close_fd(&player->started.out);
  player->facts.out_closed = true;
}

void player_drop_connections(struct player *player) {
  player->drops_connections = true;
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    close_fd(&player->connections[i]);
}

static void look_at_ids(struct player *player) {
  unsigned uid = 0;
  unsigned gid = 0;
  int groups = 0;
  pid_t pid = (pid_t)player->oracle.host_pid;
  if (player->plan->as_nobody || !plan_has_user_namespace(player->plan) ||
      plan_is_damaged(player->plan) || /* which may be the user namespace's name */
      process_ids(pid, &uid, &gid, &groups) < 0)
    return;
  if (uid == 0 || gid == 0)
    verdict_add(player->verdict, FAULT_IDS, "the workload runs as the host's uid %u, gid %u", uid,
                gid);
  else if (groups > 0 && !plan_sends(player->plan, MESSAGE_CREDENTIALS))
    verdict_add(player->verdict, FAULT_IDS, "the workload has %d groups of the host", groups);
}

static void note_frame(struct player *player, const struct frame *frame) {
  char text[96];
  frame_describe(text, sizeof text, frame);
  if (frame->kind == FRAME_OUTPUT || frame->kind == FRAME_WRITTEN)
    journal_add_output(player->journal, text);
  else
    journal_add(player->journal, "< %s", text);
}

static void take_frame(struct player *player, const uint8_t *payload, size_t size) {
  struct frame frame = frame_decode(payload, size);
  note_frame(player, &frame);
  oracle_frame(&player->oracle, &frame, &player->facts);
  if (player->frames++ == 0)
    player->first_frame_ms = now_ms();
  if (frame.kind == FRAME_SPAWNED && player->child_fd < 0)
    player->child_fd = pidfd_open((pid_t)frame.number);
  if (frame.kind == FRAME_RUNNING)
    look_at_ids(player);
}

static void take_frames(struct player *player) {
  const uint8_t *data = player->received.data;
  size_t at = 0;
  while (player->received.size - at >= 4) {
    size_t size = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 |
                  data[at + 3];
    if (player->received.size - at - 4 < size)
      break;
    take_frame(player, data + at + 4, size);
    at += 4 + size;
  }
  bytes_consume(&player->received, at);
}

static void read_out(struct player *player) {
  static uint8_t block[65536];
  ssize_t count = read(player->started.out, block, sizeof block);
  if (count > 0) {
    bytes_put(&player->received, block, (size_t)count);
    player->received_bytes += (uint64_t)count;
    take_frames(player);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    player->out_ended = true;
  }
}

static void consume(struct player *player, size_t count) {
  bytes_consume(&player->pending, count);
  player->piece_left -= count < player->piece_left ? count : player->piece_left;
}

static void write_in(struct player *player) {
  size_t size = player->pending.size;
  if (player->piece_left > 0 && player->piece < size)
    size = player->piece;
  ssize_t count = send(player->started.in, player->pending.data, size, MSG_NOSIGNAL);
  if (count < 0 && errno == ENOTSOCK)
    count = write(player->started.in, player->pending.data, size);
  if (count > 0)
    consume(player, (size_t)count);
  else if (count < 0 && errno != EAGAIN && errno != EINTR)
    forget_pending(player); /* the agent is gone */
  if (player->pending.size == 0)
    player->facts.request_sent = true;
}

static void reap_agent(struct player *player) {
  if (wait4(player->started.agent, &player->status, WNOHANG, &player->usage) !=
      player->started.agent)
    return;
  close_fd(&player->agent_fd);
  /* One that was started with signals blocked may have had no time to block them. */
  if (WIFSIGNALED(player->status) && WTERMSIG(player->status) == player->agent_signal)
    player->facts.agent_killed = true;
  if (WIFEXITED(player->status))
    journal_add(player->journal, "the agent exits with %d", WEXITSTATUS(player->status));
  else
    journal_add(player->journal, "signal %d ends the agent", WTERMSIG(player->status));
}

static void accept_connection(struct player *player) {
  int fd = accept4(player->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  for (int i = 0; i < CONNECTIONS_MAX && fd >= 0 && !player->drops_connections; i++)
    if (player->connections[i] < 0) {
      player->connections[i] = fd;
      return;
    }
  close_fd(&fd);
}

static void read_connection(int *fd) {
  char block[65536];
  ssize_t count = read(*fd, block, sizeof block);
  if (count == 0 || (count < 0 && errno != EAGAIN))
    close_fd(fd);
}

static bool reads(const struct player *player) {
  return !player->out_ended && !player->reads_not &&
         (player->read_not_until == 0 || now_ms() >= player->read_not_until);
}

enum { SLOT_AGENT, SLOT_OUT, SLOT_IN, SLOT_LISTENER, SLOT_TERMINAL, SLOT_CONNECTIONS };

static int wait_for_event(struct player *player, struct pollfd *polled, int timeout) {
  int count = SLOT_CONNECTIONS + CONNECTIONS_MAX;
  polled[SLOT_AGENT] = (struct pollfd){player->agent_fd, POLLIN, 0};
  polled[SLOT_OUT] = (struct pollfd){reads(player) ? player->started.out : -1, POLLIN, 0};
  polled[SLOT_IN] = (struct pollfd){player->pending.size > 0 ? player->started.in : -1, POLLOUT, 0};
  polled[SLOT_LISTENER] = (struct pollfd){player->listener, POLLIN, 0};
  polled[SLOT_TERMINAL] = (struct pollfd){player->started.terminal, POLLIN, 0};
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    polled[SLOT_CONNECTIONS + i] = (struct pollfd){player->connections[i], POLLIN, 0};
  return poll(polled, (nfds_t)count, timeout);
}

static void resume_agent(struct player *player) {
  if (player->agent_paused_until == 0 || now_ms() < player->agent_paused_until)
    return;
  player->agent_paused_until = 0;
  if (!player_is_over(player))
    pidfd_signal(player->agent_fd, SIGCONT);
}

/* A silence begins with every event, and the agent has nothing to do in it. */
static void look_for_spin(struct player *player, bool silent) {
  int64_t cpu = player_is_over(player) ? -1 : process_cpu(player->started.agent);
  int64_t now = now_us();
  bool busy = plan_works(player->plan, WORK_FLOOD) || !player->oracle.spawned;
  if (silent && !busy && !player->spun && cpu >= 0 && player->idle_cpu >= 0) {
    int64_t used = cpu - player->idle_cpu;
    int64_t silence = (now - player->idle_since) * 1000;
    if (used > IDLE_CPU_NS + silence / 5) {
      verdict_add(player->verdict, FAULT_SPIN, "%.1f ms of processor time in %.1f ms of silence",
                  (double)used / 1e6, (double)silence / 1e6);
      player->spun = true;
    }
  }
  if (!silent || cpu < 0 || busy) {
    player->idle_cpu = cpu;
    player->idle_since = now;
  }
}

static void one_round(struct player *player, int timeout) {
  struct pollfd polled[SLOT_CONNECTIONS + CONNECTIONS_MAX];
  char typed[256];
  int ready = wait_for_event(player, polled, timeout);
  resume_agent(player);
  look_for_spin(player, ready == 0);
  if (ready <= 0)
    return;
  if (polled[SLOT_IN].revents != 0)
    write_in(player);
  if (polled[SLOT_OUT].revents != 0)
    read_out(player);
  if (polled[SLOT_LISTENER].revents != 0)
    accept_connection(player);
  if (polled[SLOT_TERMINAL].revents != 0 && read(player->started.terminal, typed, sizeof typed) < 0)
    close_fd(&player->started.terminal);
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    if (polled[SLOT_CONNECTIONS + i].revents != 0)
      read_connection(&player->connections[i]);
  if (polled[SLOT_AGENT].revents != 0)
    reap_agent(player);
}

void player_wait(struct player *player, int64_t milliseconds) {
  one_round(player, (int)(milliseconds < 0          ? 0
                          : milliseconds < ROUND_MS ? milliseconds
                                                    : ROUND_MS));
}
