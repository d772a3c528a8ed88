/* SPDX-License-Identifier: MIT */
/* A failure as a value: what a frame of error carries. Pure. */
#ifndef LINX_WIRE_FAILURE_H
#define LINX_WIRE_FAILURE_H

#include <stdbool.h>

#include "wire/stage.h"

struct failure {
  int error;        /* errno */
  enum stage stage; /* the step that failed; STAGE_NONE: none did */
  int index;        /* of the element of setup or final, or -1 */
};

static inline struct failure failure_none(void) {
  return (struct failure){.error = 0, .stage = STAGE_NONE, .index = -1};
}

static inline bool failure_is(struct failure failure) {
  return failure.stage != STAGE_NONE;
}

/* The outcome of a step: a failure if `result` is a negative errno. */
static inline struct failure failure_of(enum stage stage, int result) {
  if (result >= 0)
    return failure_none();
  return (struct failure){.error = -result, .stage = stage, .index = -1};
}

#endif
