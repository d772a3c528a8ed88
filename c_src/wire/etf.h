/* SPDX-License-Identifier: MIT */
/*
 * Reading terms in the Erlang External Term Format. ei's decoders take no length, so a reader can
 * only be had for a frame that term_check has walked from end to end. Pure: no system call, no
 * allocation but from the caller's arena.
 *
 * Every function returns 0 or a negative errno (-EINVAL: not a term of that kind, -ENOMEM: the
 * arena is used up) and leaves the reader where it was on failure.
 */
#ifndef LINX_WIRE_ETF_H
#define LINX_WIRE_ETF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Terms nested deeper than this are refused. */
#define TERM_MAX_DEPTH 256

/* Room for the name of every atom that is compared with one. The stack is kept small: a page of it
 * is a page fault in every session. */
#define TERM_ATOM_SIZE 64

struct term_reader {
  const char *bytes; /* borrowed from the caller, outlives the reader */
  int index;
};

/*
 * Walks the one term in bytes[0..size): version byte, every length and arity against what is left,
 * depth, proper tails, nothing behind it. 0 or -EINVAL.
 */
int term_check(const uint8_t *bytes, size_t size);

/* term_check, then a reader that stands on the term itself. */
int term_reader_init(struct term_reader *reader, const uint8_t *bytes, size_t size);

int term_read_tuple(struct term_reader *reader, int *arity);
int term_read_map(struct term_reader *reader, int *pairs);

/* A list's elements follow; a list with any is ended by term_read_list_end. [] counts 0. */
int term_read_list(struct term_reader *reader, int *count);
int term_read_list_end(struct term_reader *reader, int count);

/* An atom that holds a NUL, or is longer than every name that is compared, reads as the empty
 * name. */
int term_read_atom(struct term_reader *reader, char name[TERM_ATOM_SIZE]);
int term_read_boolean(struct term_reader *reader, bool *value);
int term_read_integer(struct term_reader *reader, int64_t min, int64_t max, int64_t *value);
int term_read_mask(struct term_reader *reader, uint64_t *value);

/*
 * A list of integers in [0, max]; small ones arrive as STRING_EXT, as term_to_binary sends them.
 * The first `capacity` go to `values`; *count says how many there are.
 */
int term_read_unsigned_list(struct term_reader *reader, uint32_t max, uint32_t *values,
                            int capacity, int *count);

/* The bytes of a binary, in place: they belong to the frame. */
int term_read_binary(struct term_reader *reader, const uint8_t **bytes, size_t *size);

/* A binary or a charlist without a NUL in it, as a C string in the arena. */
int term_read_string(struct term_reader *reader, struct arena *arena, char **string);

bool term_is_atom(const struct term_reader *reader);
bool term_is_tuple(const struct term_reader *reader);

/* Steps over one term of any kind. */
void term_skip(struct term_reader *reader);

/* Bytes of arena that suffice for every string and every array of strings in a frame of `size`. */
size_t term_arena_size(size_t size);

#endif
