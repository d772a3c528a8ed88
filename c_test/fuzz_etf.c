/* SPDX-License-Identifier: MIT */
/*
 * The bounds-checking pass on anything at all, and of what it takes every reader, whatever the term
 * is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/etf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(int holds) {
  if (!holds)
    abort();
}

static void read_as_everything(const struct term_reader *start, size_t size, struct arena *arena) {
  char name[TERM_ATOM_SIZE];
  const uint8_t *data = NULL;
  size_t length = 0;
  char *string = NULL;
  uint32_t values[4];
  int count = 0;
  int64_t integer = 0;
  uint64_t mask = 0;
  bool boolean = false;
  struct term_reader at = *start;
  require(term_read_tuple(&at, &count) < 0 || (count >= 0 && (size_t)count <= size));
  at = *start;
  require(term_read_map(&at, &count) < 0 || (count >= 0 && (size_t)count <= size));
  at = *start;
  require(term_read_list(&at, &count) < 0 || (count >= 0 && (size_t)count <= size));
  at = *start;
  term_read_atom(&at, name);
  at = *start;
  term_read_boolean(&at, &boolean);
  at = *start;
  term_read_integer(&at, INT64_MIN, INT64_MAX, &integer);
  at = *start;
  term_read_mask(&at, &mask);
  at = *start;
  term_read_unsigned_list(&at, UINT32_MAX, values, 4, &count);
  at = *start;
  if (term_read_binary(&at, &data, &length) == 0)
    require(data >= (const uint8_t *)start->bytes && length <= size);
  at = *start;
  require(term_read_string(&at, arena, &string) != -ENOMEM);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct term_reader start;
  struct arena arena = {.size = term_arena_size(size)};
  if (term_reader_init(&start, bytes, size) < 0)
    return 0;
  struct term_reader skipped = start;
  term_skip(&skipped);
  require((size_t)skipped.index == size);
  arena.base = malloc(arena.size);
  if (arena.base != NULL)
    read_as_everything(&start, size, &arena);
  free(arena.base);
  return 0;
}
