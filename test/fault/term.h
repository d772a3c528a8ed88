/* SPDX-License-Identifier: MIT */
/*
 * The wire as a client speaks it: requests and commands are put together byte by byte and frames
 * taken apart, sharing no code with the agent. Pure.
 */
#ifndef LINX_FAULT_TERM_H
#define LINX_FAULT_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One frame in the making; its first 4 bytes are the length, filled in by term_end. */
struct term {
  uint8_t *bytes;
  size_t size;
  size_t room;
};

void term_begin(struct term *term);
void term_end(struct term *term);
void term_free(struct term *term);
void term_tuple(struct term *term, unsigned arity);
void term_list(struct term *term, uint32_t count); /* the elements and term_nil follow */
void term_nil(struct term *term);
void term_map(struct term *term, uint32_t pairs);
void term_atom(struct term *term, const char *name);
void term_integer(struct term *term, int32_t value);
void term_unsigned(struct term *term, uint64_t value);
void term_binary(struct term *term, const void *bytes, size_t size);
void term_text(struct term *term, const char *text);
/* The elements and the tail. */
void term_atoms(struct term *term, const char *const *names);

#define FRAME_ATOM_SIZE 32

/* A frame from the agent: {name, atom}, {name, atom, number}, {name, number, atom}, with a further
 * number, {name, binary} or {name, map}. */
struct frame {
  char name[FRAME_ATOM_SIZE];
  char atom[FRAME_ATOM_SIZE];
  int64_t numbers[2];
  int count; /* of numbers */
  const uint8_t *data;
  size_t size;
};

/* False when it is none of these. */
bool frame_parse(struct frame *frame, const uint8_t *bytes, size_t size);

#endif
