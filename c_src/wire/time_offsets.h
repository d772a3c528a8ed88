/* SPDX-License-Identifier: MIT */
/* The clocks of a fresh time namespace (time_namespaces(7)): what a request says of them, and the
 * text that the kernel takes. Pure. */
#ifndef LINX_WIRE_TIME_OFFSETS_H
#define LINX_WIRE_TIME_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/etf.h"

#define TIME_OFFSETS_MAX 2 /* clocks that have one */

struct time_offset {
  const char *clock; /* as the kernel and the wire name it; a static string */
  int64_t seconds;
  uint32_t nanoseconds; /* below 10^9, also of a negative offset: {-1, 500000000} is -0.5 s */
};

struct time_offsets {
  int count;
  struct time_offset of[TIME_OFFSETS_MAX];
};

/* Decodes the list of {clock, seconds, nanoseconds} that the reader stands on, of which each clock
 * is there once at most, and steps over it. 0 or -EINVAL. */
int time_offsets_decode(struct time_offsets *offsets, struct term_reader *reader);

/* Room for a line of each clock. */
#define TIME_OFFSETS_SIZE 96

/* The text for /proc/<pid>/timens_offsets. Its length, or -ERANGE for a number of seconds that is
 * longer than any of the kernel's. */
int time_offsets_format(char text[TIME_OFFSETS_SIZE], const struct time_offsets *offsets);

#endif
