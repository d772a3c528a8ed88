/* SPDX-License-Identifier: MIT */
/*
 * The counts of all workers, in memory that they share.
 */
#ifndef LINX_FUZZ_TALLY_H
#define LINX_FUZZ_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "frame.h"
#include "plan.h"
#include "verdict.h"

enum outcome {
  OUTCOME_EXITED,
  OUTCOME_SIGNALED,
  OUTCOME_ABORTED,
  OUTCOME_ERROR,
  OUTCOME_NONE, /* no terminal frame was to be had: the channel or the agent was gone */
  OUTCOME_COUNT,
};

/* The rows of the table. */
enum row {
  ROW_SPAWN,
  ROW_SPAWN_USER,
  ROW_ENTER,
  ROW_ENTER_USER,
  ROW_KILL,
  ROW_TERMINAL,
  ROW_BAD,
  ROW_COUNT,
};

#define KINDS_MAX 256

/* What went wrong, apart from the numbers in it: so different faults of one sort are told apart. */
struct tally {
  atomic_bool stops; /* the run was interrupted */
  atomic_ulong next; /* the number of the next session */
  atomic_ulong sessions;
  atomic_ulong failed;
  atomic_ulong outcomes[ROW_COUNT][OUTCOME_COUNT];
  atomic_ulong ran; /* the workload reached main */
  struct kind {
    _Atomic uint64_t key; /* 0: free */
    atomic_ulong count;
    uint64_t seed; /* of the first session that it was found in */
    enum fault fault;
    char text[64];
  } kinds[KINDS_MAX];
};

struct tally *tally_make(void);
/* How many sessions had the rarest of its faults before; ULONG_MAX when it has none. */
unsigned long tally_add(struct tally *tally, const struct plan *plan, const struct frame *last,
                        bool ran, const struct verdict *verdict);
void tally_print(const struct tally *tally);

#endif
