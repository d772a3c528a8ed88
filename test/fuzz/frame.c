/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <stdio.h>
#include <string.h>

#include "encode.h"

struct reader {
  const uint8_t *at;
  size_t left;
  bool failed;
};

static uint32_t take(struct reader *reader, int bytes) {
  uint32_t value = 0;
  if (reader->left < (size_t)bytes) {
    reader->failed = true;
    reader->left = 0;
    return 0;
  }
  for (int i = 0; i < bytes; i++)
    value = value << 8 | reader->at[i];
  reader->at += bytes;
  reader->left -= (size_t)bytes;
  return value;
}

static void expect(struct reader *reader, uint32_t tag) {
  if (take(reader, 1) != tag)
    reader->failed = true;
}

static void take_atom(struct reader *reader, char name[40]) {
  expect(reader, 119);
  size_t length = take(reader, 1);
  name[0] = '\0';
  if (length >= 40 || reader->left < length) {
    reader->failed = true;
    return;
  }
  memcpy(name, reader->at, length);
  name[length] = '\0';
  take(reader, 0);
  reader->at += length;
  reader->left -= length;
}

static int64_t take_integer(struct reader *reader) {
  uint32_t tag = take(reader, 1);
  if (tag == 97)
    return take(reader, 1);
  if (tag == 98)
    return (int32_t)take(reader, 4);
  if (tag != 110) {
    reader->failed = true;
    return 0;
  }
  uint32_t length = take(reader, 1);
  uint32_t negative = take(reader, 1);
  uint64_t value = 0;
  if (length > 8)
    reader->failed = true;
  for (uint32_t i = 0; i < length && i < 8; i++)
    value |= (uint64_t)take(reader, 1) << (8 * i);
  return negative != 0 ? -(int64_t)value : (int64_t)value;
}

static enum stream take_stream(struct reader *reader) {
  char name[40];
  take_atom(reader, name);
  for (int stream = 0; stream < STREAM_COUNT; stream++)
    if (strcmp(name, stream_names[stream]) == 0)
      return (enum stream)stream;
  reader->failed = true;
  return STREAM_STDIN;
}

static enum frame_kind status(struct reader *reader, struct frame *frame, uint32_t arity) {
  static const struct {
    const char *name;
    enum frame_kind kind;
  } names[] = {
      {"spawned", FRAME_SPAWNED}, {"ready", FRAME_READY},       {"applied", FRAME_APPLIED},
      {"exited", FRAME_EXITED},   {"signaled", FRAME_SIGNALED}, {"aborted", FRAME_ABORTED},
  };
  char name[40];
  take_atom(reader, name);
  if (arity == 2)
    return strcmp(name, "running") == 0 ? FRAME_RUNNING : FRAME_NONE;
  frame->number = take_integer(reader);
  for (size_t i = 0; i < sizeof names / sizeof names[0] && arity == 3; i++)
    if (strcmp(name, names[i].name) == 0)
      return names[i].kind;
  return FRAME_NONE;
}

static enum frame_kind error(struct reader *reader, struct frame *frame, uint32_t arity) {
  frame->number = take_integer(reader);
  take_atom(reader, frame->stage);
  if (arity == 4)
    frame->index = take_integer(reader);
  return arity == 3 || (arity == 4 && frame->index >= 0) ? FRAME_ERROR : FRAME_NONE;
}

static enum frame_kind output(struct reader *reader, struct frame *frame, uint32_t arity) {
  expect(reader, 109);
  frame->size = take(reader, 4);
  frame->data = reader->at;
  if (arity != 2 || frame->size != reader->left || frame->size == 0)
    return FRAME_NONE;
  reader->left = 0;
  return FRAME_OUTPUT;
}

static enum frame_kind usage(struct reader *reader) {
  static const char *const names[] = {"utime_us", "stime_us", "maxrss_kb", "minflt", "majflt",
                                      "inblock",  "oublock",  "nvcsw",     "nivcsw"};
  char name[40];
  expect(reader, 116);
  if (take(reader, 4) != 10)
    return FRAME_NONE;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    take_atom(reader, name);
    if (strcmp(name, names[i]) != 0 || take_integer(reader) < 0)
      return FRAME_NONE;
  }
  take_atom(reader, name);
  if (strcmp(name, "core_dumped") != 0)
    return FRAME_NONE;
  take_atom(reader, name);
  return strcmp(name, "true") == 0 || strcmp(name, "false") == 0 ? FRAME_USAGE : FRAME_NONE;
}

static enum frame_kind winsize(struct reader *reader) {
  expect(reader, 104);
  if (take(reader, 1) != 4)
    return FRAME_NONE;
  for (int i = 0; i < 4; i++)
    take_integer(reader);
  return FRAME_WINSIZE;
}

static enum frame_kind decode(struct reader *reader, struct frame *frame) {
  char name[40];
  expect(reader, 131);
  expect(reader, 104);
  uint32_t arity = take(reader, 1);
  take_atom(reader, name);
  if (reader->failed)
    return FRAME_NONE;
  if (strcmp(name, "status") == 0)
    return status(reader, frame, arity);
  if (strcmp(name, "error") == 0)
    return error(reader, frame, arity);
  if (strcmp(name, "usage") == 0 && arity == 2)
    return usage(reader);
  if (strcmp(name, "winsize") == 0 && arity == 2)
    return winsize(reader);
  if (strcmp(name, "settings") == 0) {
    enum frame_kind kind = output(reader, frame, arity);
    return kind == FRAME_OUTPUT ? FRAME_SETTINGS : FRAME_NONE;
  }
  if (strcmp(name, "pty_out") == 0) {
    frame->stream = STREAM_PTY;
    return output(reader, frame, arity);
  }
  for (int stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
    if (strcmp(name, stream_names[stream]) == 0) {
      frame->stream = (enum stream)stream;
      return output(reader, frame, arity);
    }
  frame->stream = take_stream(reader);
  if (strcmp(name, "eof") == 0)
    return arity == 2 ? FRAME_EOF : FRAME_NONE;
  frame->number = take_integer(reader);
  if (strcmp(name, "written") == 0)
    return arity == 3 ? FRAME_WRITTEN : FRAME_NONE;
  return strcmp(name, "closed") == 0 && arity == 3 ? FRAME_CLOSED : FRAME_NONE;
}

struct frame frame_decode(const uint8_t *payload, size_t size) {
  struct reader reader = {.at = payload, .left = size};
  struct frame frame = {.index = -1};
  frame.kind = decode(&reader, &frame);
  if (reader.failed || reader.left > 0)
    frame.kind = FRAME_NONE;
  return frame;
}

bool frame_is_terminal(const struct frame *frame) {
  return frame->kind == FRAME_EXITED || frame->kind == FRAME_SIGNALED ||
         frame->kind == FRAME_ABORTED || frame->kind == FRAME_ERROR;
}

void frame_describe(char *text, size_t size, const struct frame *frame) {
  static const char *const names[] = {
      "spawned", "ready",   "running",  "applied", "output",   "eof",     "written", "closed",
      "usage",   "winsize", "settings", "exited",  "signaled", "aborted", "error",   "(no frame)"};
  const char *name = names[frame->kind];
  switch (frame->kind) {
  case FRAME_SPAWNED:
  case FRAME_READY:
  case FRAME_APPLIED:
  case FRAME_EXITED:
  case FRAME_SIGNALED:
  case FRAME_ABORTED:
    snprintf(text, size, "{:status, :%s, %lld}", name, (long long)frame->number);
    return;
  case FRAME_RUNNING:
    snprintf(text, size, "{:status, :running}");
    return;
  case FRAME_OUTPUT:
    snprintf(text, size, "{:%s, %zu bytes}",
             frame->stream == STREAM_PTY ? "pty_out" : stream_names[frame->stream], frame->size);
    return;
  case FRAME_EOF:
    snprintf(text, size, "{:eof, :%s}", stream_names[frame->stream]);
    return;
  case FRAME_WRITTEN:
  case FRAME_CLOSED:
    snprintf(text, size, "{:%s, :%s, %lld}", name, stream_names[frame->stream],
             (long long)frame->number);
    return;
  case FRAME_ERROR:
    if (frame->index < 0)
      snprintf(text, size, "{:error, %lld, :%s}", (long long)frame->number, frame->stage);
    else
      snprintf(text, size, "{:error, %lld, :%s, %lld}", (long long)frame->number, frame->stage,
               (long long)frame->index);
    return;
  case FRAME_USAGE:
  case FRAME_WINSIZE:
  case FRAME_SETTINGS:
  case FRAME_NONE:
    snprintf(text, size, "%s", name);
    return;
  }
}
