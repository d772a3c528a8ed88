/* SPDX-License-Identifier: MIT */
#include "player.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file for each session: what an earlier session's workload still writes is not this one's.
 */
static void open_account(struct player *player) {
  char path[PATH_SIZE * 2];
  snprintf(path, sizeof path, "%s/%s", player->machine->directory, ACCOUNT_FILE);
  unlink(path);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(struct account)) < 0)
    die(path);
  player->account = mmap(NULL, sizeof(struct account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (player->account == MAP_FAILED)
    die(path);
  close(fd);
}

static void queue_request(struct player *player) {
  const struct places places = {.program = player->machine->program,
                                .directory = player->machine->directory,
                                .empty = player->machine->empty,
                                .target = player->target};
  encode_request(&player->pending, player->plan, &places);
  if (player->plan->request_pieces > 1) {
    player->piece = player->pending.size / (size_t)player->plan->request_pieces + 1;
    player->piece_left = player->pending.size;
  }
  if (player->plan->mutation == MUTATION_TOO_BIG)
    player->facts.misled = true; /* what follows is skipped as a part of it */
  for (int stream = 0; stream < STREAM_COUNT; stream++)
    player->facts.demanded[stream] = player->plan->demanded[stream];
}

static void begin(struct player *player) {
  const struct plan *plan = player->plan;
  player->oracle = oracle_init(plan, player->verdict);
  player->child_fd = -1;
  player->idle_cpu = -1;
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    player->connections[i] = -1;
  open_account(player);
  if (plan->kind == KIND_ENTER || plan->kind == KIND_KILL)
    player->target = target_get(player->targets, plan->target);
  queue_request(player);
  journal_begin(player->journal);
  player->begin_ms = now_ms();
  player->started = start_agent(player->machine, plan);
  player->agent_fd = pidfd_open(player->started.agent);
  if (player->agent_fd < 0)
    die("pidfd_open");
}

static void close_fd(int fd) {
  if (fd >= 0)
    close(fd);
}

static void finish(struct player *player) {
  player_drop_connections(player);
  close_fd(player->started.in);
  close_fd(player->started.out);
  close_fd(player->started.terminal);
  close_fd(player->child_fd);
  bytes_free(&player->pending);
  bytes_free(&player->received);
  player->ran = atomic_load(&player->account->started) > 0;
  munmap(player->account, sizeof(struct account));
  if (player->facts.target_killed || player->plan->kind == KIND_KILL)
    target_end(player->targets, player->plan->target);
}

void player_run(struct player *player) {
  begin(player);
  player_play_steps(player);
  player_bring_to_end(player);
  player_look_at_remains(player);
  finish(player);
}
