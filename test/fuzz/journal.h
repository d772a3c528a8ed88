/* SPDX-License-Identifier: MIT */
/*
 * What happened in a session, line by line, for a person to read when it went wrong.
 */
#ifndef LINX_FUZZ_JOURNAL_H
#define LINX_FUZZ_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

struct journal {
  char text[24000];
  size_t length;
  int64_t begin_us;
  int repeats; /* of output frames, which are counted rather than listed */
};

void journal_begin(struct journal *journal);
void journal_add(struct journal *journal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A frame of which only the first few in a row are worth a line. */
void journal_add_output(struct journal *journal, const char *text);

#endif
