/* SPDX-License-Identifier: MIT */
#include "wire/time_offsets.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/decimal.h"

#define NANOSECONDS 1000000000

static const char *const clocks[TIME_OFFSETS_MAX] = {"monotonic", "boottime"};

static const char *read_clock(struct term_reader *reader) {
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(reader, name) < 0)
    return NULL;
  for (int i = 0; i < TIME_OFFSETS_MAX; i++)
    if (strcmp(name, clocks[i]) == 0)
      return clocks[i];
  return NULL;
}

static int decode_one(struct time_offsets *offsets, struct term_reader *reader) {
  struct time_offset offset = {.seconds = 0};
  int64_t nanoseconds = 0;
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity != 3)
    return -EINVAL;
  offset.clock = read_clock(reader);
  if (offset.clock == NULL ||
      term_read_integer(reader, INT64_MIN, INT64_MAX, &offset.seconds) < 0 ||
      term_read_integer(reader, 0, NANOSECONDS - 1, &nanoseconds) < 0)
    return -EINVAL;
  for (int i = 0; i < offsets->count; i++)
    if (offsets->of[i].clock == offset.clock)
      return -EINVAL;
  offset.nanoseconds = (uint32_t)nanoseconds;
  offsets->of[offsets->count++] = offset;
  return 0;
}

int time_offsets_decode(struct time_offsets *offsets, struct term_reader *reader) {
  int count = 0;
  *offsets = (struct time_offsets){.count = 0};
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++)
    if (decode_one(offsets, reader) < 0)
      return -EINVAL;
  return term_read_list_end(reader, count);
}

static char *put_text(char *at, const char *text) {
  size_t length = strlen(text);
  /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): more follows */
  memcpy(at, text, length);
  return at + length;
}

int time_offsets_format(char text[TIME_OFFSETS_SIZE], const struct time_offsets *offsets) {
  char *at = text;
  for (int i = 0; i < offsets->count; i++) {
    const struct time_offset *offset = &offsets->of[i];
    bool is_negative = offset->seconds < 0;
    uint64_t seconds = is_negative ? 0 - (uint64_t)offset->seconds : (uint64_t)offset->seconds;
    if (seconds > ULONG_MAX)
      return -ERANGE;
    at = put_text(at, offset->clock);
    at = put_text(at, is_negative ? " -" : " ");
    at += decimal_format(at, (unsigned long)seconds);
    at = put_text(at, " ");
    at += decimal_format(at, offset->nanoseconds);
    at = put_text(at, "\n");
  }
  return (int)(at - text);
}
