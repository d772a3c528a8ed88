/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <stdarg.h>
#include <stdio.h>

#include "machine.h"

/* So many output frames in a row are listed. */
#define REPEATS_MAX 4

void journal_begin(struct journal *journal) {
  journal->length = 0;
  journal->text[0] = '\0';
  journal->repeats = 0;
  journal->begin_us = now_us();
}

__attribute__((format(printf, 2, 0))) static void append(struct journal *journal,
                                                         const char *format, va_list values) {
  size_t room = sizeof journal->text - journal->length;
  if (room < 256)
    return;
  int head = snprintf(journal->text + journal->length, room, "  %8.1f ms  ",
                      (double)(now_us() - journal->begin_us) / 1000);
  int body =
      vsnprintf(journal->text + journal->length + head, room - (size_t)head - 1, format, values);
  size_t whole = (size_t)head + (size_t)body;
  journal->length += whole < room - 2 ? whole : room - 2;
  journal->text[journal->length++] = '\n';
  journal->text[journal->length] = '\0';
}

void journal_add(struct journal *journal, const char *format, ...) {
  va_list values;
  journal->repeats = 0;
  va_start(values, format);
  append(journal, format, values);
  va_end(values);
}

__attribute__((format(printf, 2, 3))) static void add_one(struct journal *journal,
                                                          const char *format, ...) {
  va_list values;
  va_start(values, format);
  append(journal, format, values);
  va_end(values);
}

void journal_add_output(struct journal *journal, const char *text) {
  if (++journal->repeats < REPEATS_MAX)
    add_one(journal, "< %s", text);
  else if (journal->repeats == REPEATS_MAX)
    add_one(journal, "< and more");
}
