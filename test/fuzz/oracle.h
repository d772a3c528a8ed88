/* SPDX-License-Identifier: MIT */
/*
 * What must hold of the frames of a session, given what was asked of it and done to it. Pure: it
 * sees frames, counters and flags, and neither processes nor clocks.
 */
#ifndef LINX_FUZZ_ORACLE_H
#define LINX_FUZZ_ORACLE_H

#include "account.h"
#include "frame.h"
#include "plan.h"
#include "verdict.h"

/* What the fuzzer has done so far; the player keeps it. */
struct facts {
  bool request_sent; /* every byte of it */
  bool in_closed;    /* fd 3 has ended */
  bool out_closed;   /* fd 4 is not read any more */
  bool unread;       /* fd 4 was not read before the agent's end */
  bool agent_killed; /* by the fuzzer */
  bool target_killed;
  bool maps_written;   /* of the child's user namespace */
  bool child_signaled; /* or the intermediate one */
  bool orphaned;       /* fd 3 or 4 was closed while the workload lived and had no end of its own */
  bool misled;         /* a frame was begun and not finished: what follows is part of it */
  bool invalid_sent;   /* what is no command at a checkpoint */
  bool proceed_sent, abort_sent, kill_sent;
  int checkpoint_sent;  /* commands that are acknowledged with ack: true */
  uint64_t signals;     /* bit n: signal n may have ended the workload */
  uint64_t stdin_bytes; /* sent */
  uint64_t pty_bytes;
  uint64_t demanded[STREAM_COUNT];
  bool close_sent[STREAM_COUNT];
};

struct oracle {
  const struct plan *plan;
  struct verdict *verdict;
  bool spawned, ready, running, usage, terminal;
  struct frame last; /* the terminal frame */
  int64_t host_pid;
  int64_t applied;
  bool ended[STREAM_COUNT]; /* eof */
  bool closed;              /* :stdin */
  bool after_usage;         /* nothing but the terminal frame may come */
  uint64_t received[STREAM_COUNT];
  uint64_t written[STREAM_COUNT];
};

struct oracle oracle_init(const struct plan *plan, struct verdict *verdict);
void oracle_frame(struct oracle *oracle, const struct frame *frame, const struct facts *facts);

/* Whether every stream has had its end, so that the agent has nothing left to serve. */
bool oracle_streams_ended(const struct oracle *oracle, const struct facts *facts);

/*
 * After fd 4 was read to its end: what the whole of it says. `cut`: bytes of a frame were left.
 * `exit_code`: the agent's, or -1 when a signal ended it.
 */
void oracle_end(struct oracle *oracle, const struct facts *facts, const struct account *account,
                bool cut, int exit_code);

/* oracle_error.c: whether anything in the plan or the facts explains the error. */
bool oracle_explains_error(const struct plan *plan, const struct facts *facts,
                           const struct frame *frame);
/* What a workload cannot have been run with; NULL when there is nothing. */
const char *oracle_impossible(const struct plan *plan);
bool oracle_explains_signal(const struct plan *plan, const struct facts *facts, int64_t signum);

#endif
