/* SPDX-License-Identifier: MIT */
/* Atoms and small numbers in arguments, as numbers of the kernel's or of linx's. Pure. */
#ifndef LINX_WIRE_WORD_H
#define LINX_WIRE_WORD_H

#include <stddef.h>
#include <stdint.h>

#include "wire/etf.h"

/* An atom of the wire, and what it stands for. */
struct word {
  const char *name;
  uint64_t value;
};

/* A table of words as two arguments. */
#define WORDS(table) (table), sizeof(table) / sizeof((table)[0])

/* Reads an atom that is one of the words. 0 or -EINVAL. */
int word_read(struct term_reader *reader, const struct word *words, size_t count, uint64_t *value);

/* Reads a number from 0 to `max`. 0 or -EINVAL. */
int word_read_number(struct term_reader *reader, uint32_t max, uint32_t *value);

#endif
