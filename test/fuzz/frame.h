/* SPDX-License-Identifier: MIT */
/*
 * The frames that an agent sends, decoded by the letter of the wire page. Pure.
 */
#ifndef LINX_FUZZ_FRAME_H
#define LINX_FUZZ_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum frame_kind {
  FRAME_SPAWNED,
  FRAME_READY,
  FRAME_RUNNING,
  FRAME_APPLIED,
  FRAME_OUTPUT,
  FRAME_EOF,
  FRAME_WRITTEN,
  FRAME_CLOSED,
  FRAME_USAGE,
  FRAME_WINSIZE,
  FRAME_SETTINGS,
  FRAME_EXITED,
  FRAME_SIGNALED,
  FRAME_ABORTED,
  FRAME_ERROR,
  FRAME_NONE,
};

struct frame {
  enum frame_kind kind;
  int64_t number; /* a pid, status, signal, count or errno */
  int64_t index;  /* of an error; -1 */
  char stage[40];
  enum stream stream;
  const uint8_t *data; /* borrowed */
  size_t size;
};

/* FRAME_NONE when the payload is no frame that an agent may send. */
struct frame frame_decode(const uint8_t *payload, size_t size);

bool frame_is_terminal(const struct frame *frame);

void frame_describe(char *text, size_t size, const struct frame *frame);

#endif
