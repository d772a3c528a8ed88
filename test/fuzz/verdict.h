/* SPDX-License-Identifier: MIT */
/*
 * What was found wrong with one session. Pure.
 */
#ifndef LINX_FUZZ_VERDICT_H
#define LINX_FUZZ_VERDICT_H

#include <stdbool.h>

enum fault {
  FAULT_FRAME,          /* not a frame of the wire page, or one cut short */
  FAULT_ORDER,          /* a frame where none of its kind may be */
  FAULT_NO_TERMINAL,    /* the channel was read to its end, and there was no terminal frame */
  FAULT_AFTER_TERMINAL, /* a second one, or anything but stream traffic after it */
  FAULT_STREAM,         /* lost, invented or changed data, or data that was not asked for */
  FAULT_NOT_RUN,        /* :running without exec */
  FAULT_ACCEPTED,       /* ran, although what was asked for is not to be had */
  FAULT_RUN,            /* the workload ran, and the frames say otherwise */
  FAULT_ERROR,          /* an error that nothing explains */
  FAULT_STATUS,         /* an end that is not the workload's */
  FAULT_IDS,            /* an id of the host's in a user namespace that does not map it */
  FAULT_NOT_HEARD,      /* no terminal frame in time after the session was told to end */
  FAULT_ALIVE,          /* the agent lives on after its end was due */
  FAULT_EXIT_CODE,      /* of the agent */
  FAULT_LEFT,           /* a process that should be gone */
  FAULT_ZOMBIE,         /* an ended process that the agent did not reap */
  FAULT_CHANNEL_HELD,   /* fd 4 outlives the agent */
  FAULT_SPIN,           /* the agent uses the processor while nothing happens */
  FAULT_SANITIZER,
  FAULT_COUNT,
};

#define VERDICT_MAX 12

struct verdict {
  int count; /* of all, those that are not kept included */
  struct {
    enum fault fault;
    char text[200];
  } faults[VERDICT_MAX];
};

void verdict_add(struct verdict *verdict, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern const char *const fault_names[FAULT_COUNT];

#endif
