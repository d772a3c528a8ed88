/* SPDX-License-Identifier: MIT */
/*
 * Frames the agent and the child send: a 4-byte big-endian length and one term. Pure.
 */
#ifndef LINX_WIRE_FRAME_H
#define LINX_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/stage.h"

/* Every frame but the data of an output frame fits. */
#define FRAME_SIZE 512

struct frame {
  char bytes[FRAME_SIZE];
  int length; /* of the whole frame, its length field included */
};

struct frame_usage {
  int64_t utime_us, stime_us, maxrss_kb, minflt, majflt, inblock, oublock, nvcsw, nivcsw;
  bool core_dumped;
};

/* {status, name} and {status, name, value} */
void frame_status(struct frame *frame, const char *name);
void frame_status_value(struct frame *frame, const char *name, int64_t value);

/* {error, errno, stage} or, with index >= 0, {error, errno, stage, index} */
void frame_error(struct frame *frame, int error, enum stage stage, int index);

/* {name, stream} and {name, stream, value} */
void frame_stream(struct frame *frame, const char *name, const char *stream);
void frame_stream_value(struct frame *frame, const char *name, const char *stream, uint64_t value);

/* {winsize, {rows, cols, xpixel, ypixel}} */
void frame_winsize(struct frame *frame, unsigned rows, unsigned cols, unsigned xpixel,
                   unsigned ypixel);

/* {usage, map} */
void frame_usage(struct frame *frame, const struct frame_usage *usage);

/* A bare atom, as commands go to the child. */
void frame_atom(struct frame *frame, const char *name);

/* What stands before the data of {name, <<data>>}, whose length is `size`. */
void frame_data_header(struct frame *frame, const char *name, size_t size);

/* The length of frame_data_header's bytes for that name. */
size_t frame_data_header_size(const char *name);

#endif
