/* SPDX-License-Identifier: MIT */
#include "wire/frame.h"

#include <ei.h>
#include <string.h>

#include "base/big_endian.h"

static void begin(struct frame *frame) {
  frame->length = 4;
  ei_encode_version(frame->bytes, &frame->length);
}

/* `data` bytes follow the frame's own. */
static void end(struct frame *frame, size_t data) {
  big_endian_write(frame->bytes, (uint32_t)((size_t)frame->length - 4 + data));
}

static void put_tuple(struct frame *frame, int arity) {
  ei_encode_tuple_header(frame->bytes, &frame->length, arity);
}

/* Always SMALL_ATOM_UTF8_EXT, so that a frame has one form whatever OTP's ei was built for. */
static void put_atom(struct frame *frame, const char *name) {
  ei_encode_atom_len_as(frame->bytes, &frame->length, name, (int)strlen(name), ERLANG_UTF8,
                        ERLANG_UTF8);
}

static void put_integer(struct frame *frame, int64_t value) {
  ei_encode_longlong(frame->bytes, &frame->length, value);
}

void frame_status(struct frame *frame, const char *name) {
  begin(frame);
  put_tuple(frame, 2);
  put_atom(frame, "status");
  put_atom(frame, name);
  end(frame, 0);
}

void frame_status_value(struct frame *frame, const char *name, int64_t value) {
  begin(frame);
  put_tuple(frame, 3);
  put_atom(frame, "status");
  put_atom(frame, name);
  put_integer(frame, value);
  end(frame, 0);
}

void frame_error(struct frame *frame, int error, enum stage stage, int index) {
  begin(frame);
  put_tuple(frame, index < 0 ? 3 : 4);
  put_atom(frame, "error");
  put_integer(frame, error);
  put_atom(frame, stage_name(stage));
  if (index >= 0)
    put_integer(frame, index);
  end(frame, 0);
}

void frame_stream(struct frame *frame, const char *name, const char *stream) {
  begin(frame);
  put_tuple(frame, 2);
  put_atom(frame, name);
  put_atom(frame, stream);
  end(frame, 0);
}

void frame_stream_value(struct frame *frame, const char *name, const char *stream, uint64_t value) {
  begin(frame);
  put_tuple(frame, 3);
  put_atom(frame, name);
  put_atom(frame, stream);
  ei_encode_ulonglong(frame->bytes, &frame->length, value);
  end(frame, 0);
}

void frame_winsize(struct frame *frame, unsigned rows, unsigned cols, unsigned xpixel,
                   unsigned ypixel) {
  const unsigned cells[] = {rows, cols, xpixel, ypixel};
  begin(frame);
  put_tuple(frame, 2);
  put_atom(frame, "winsize");
  put_tuple(frame, 4);
  for (int i = 0; i < 4; i++)
    put_integer(frame, cells[i]);
  end(frame, 0);
}

void frame_usage(struct frame *frame, const struct frame_usage *usage) {
  const struct {
    const char *name;
    int64_t value;
  } counters[] = {
      {"utime_us", usage->utime_us}, {"stime_us", usage->stime_us}, {"maxrss_kb", usage->maxrss_kb},
      {"minflt", usage->minflt},     {"majflt", usage->majflt},     {"inblock", usage->inblock},
      {"oublock", usage->oublock},   {"nvcsw", usage->nvcsw},       {"nivcsw", usage->nivcsw},
  };
  const int count = (int)(sizeof counters / sizeof counters[0]);
  begin(frame);
  put_tuple(frame, 2);
  put_atom(frame, "usage");
  ei_encode_map_header(frame->bytes, &frame->length, count + 1);
  for (int i = 0; i < count; i++) {
    put_atom(frame, counters[i].name);
    put_integer(frame, counters[i].value);
  }
  put_atom(frame, "core_dumped");
  put_atom(frame, usage->core_dumped ? "true" : "false");
  end(frame, 0);
}

void frame_atom(struct frame *frame, const char *name) {
  begin(frame);
  put_atom(frame, name);
  end(frame, 0);
}

void frame_data_header(struct frame *frame, const char *name, size_t size) {
  begin(frame);
  put_tuple(frame, 2);
  put_atom(frame, name);
  frame->bytes[frame->length++] = ERL_BINARY_EXT;
  big_endian_write(frame->bytes + frame->length, (uint32_t)size);
  frame->length += 4;
  end(frame, size);
}

size_t frame_data_header_size(const char *name) {
  return 4 + 1 + 2 + 2 + strlen(name) + 5;
}
