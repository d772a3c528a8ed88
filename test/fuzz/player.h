/* SPDX-License-Identifier: MIT */
/*
 * Plays a plan against an agent: one poll loop, whose rounds are called by the steps and by the
 * end. player_io.c moves bytes, player_steps.c plays the steps, player_end.c brings it to its end,
 * aftermath.c looks at what is left.
 */
#ifndef LINX_FUZZ_PLAYER_H
#define LINX_FUZZ_PLAYER_H

#include <sys/resource.h>

#include "bytes.h"
#include "encode.h"
#include "journal.h"
#include "oracle.h"
#include "start.h"
#include "target.h"

/* How long after it was due the end of an agent may come. */
#define END_LIMIT_MS 10000

/* And how much later when fd 4 is not read, which the agent does not give up at once. */
#define NO_READER_MS    6000

#define CONNECTIONS_MAX 8

struct player {
  const struct machine *machine;
  struct targets *targets;
  const struct plan *plan;
  struct journal *journal;
  struct verdict *verdict;
  struct oracle oracle;
  struct facts facts;
  struct offsets offsets;
  struct account *account;

  struct started started; /* descriptors become -1 when they are closed */
  int agent_fd;           /* pidfd; -1 once it is reaped */
  int child_fd;           /* of the workload's process; -1 before :spawned */
  pid_t target;
  int listener;
  int connections[CONNECTIONS_MAX];
  bool drops_connections; /* those that are still to come, too */

  struct bytes pending; /* for fd 3 */
  size_t piece;         /* how much of its first piece_left bytes is written at a time */
  size_t piece_left;
  struct bytes received;
  uint64_t received_bytes;
  int frames;
  bool out_ended; /* end of file on fd 4 */

  bool reads_not;             /* until the agent is gone */
  int64_t read_not_until;     /* ms */
  int agent_signal;           /* the last that was sent to it */
  int64_t agent_paused_until; /* ms; 0: it is not */
  int64_t begin_ms;
  int64_t first_frame_ms;
  int64_t idle_cpu; /* of the agent when the present silence began, ns */
  int64_t idle_since;
  bool spun;
  bool ran; /* the workload reached main */

  int status; /* of the agent, from wait4(2) */
  struct rusage usage;
};

/* Plays everything and judges it. Nothing of the session is left afterwards. */
void player_run(struct player *player);

/* player_io.c */

/* Waits for an event for so long, and takes what comes. */
void player_wait(struct player *player, int64_t milliseconds);
void player_close_in(struct player *player);
void player_close_out(struct player *player);
void player_shutdown_in(struct player *player);
void player_drop_connections(struct player *player);
static inline bool player_is_over(const struct player *player) {
  return player->agent_fd < 0;
}

/* player_steps.c */
void player_play_steps(struct player *player);
void player_send(struct player *player, const struct command *command);
void player_signal_agent(struct player *player, int signum);
void player_signal_children(struct player *player, int signum);

/* player_end.c */
void player_bring_to_end(struct player *player);

/* aftermath.c */
void player_look_at_remains(struct player *player);

#endif
