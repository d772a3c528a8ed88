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

/* The rows of the table: a kind, by user, and with user namespaces apart. */
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

struct tally {
  atomic_ulong next; /* the number of the next session */
  atomic_ulong sessions;
  atomic_ulong failed;
  atomic_ulong outcomes[ROW_COUNT][OUTCOME_COUNT];
  atomic_ulong ran; /* the workload reached main */
  atomic_ulong faults[FAULT_COUNT];
  _Atomic uint64_t seeds[FAULT_COUNT]; /* the first */
};

struct tally *tally_make(void);
void tally_add(struct tally *tally, const struct plan *plan, const struct frame *last, bool ran,
               const struct verdict *verdict);
void tally_print(const struct tally *tally);

#endif
