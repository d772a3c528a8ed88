/* SPDX-License-Identifier: MIT */
#include "term.h"

#include <stdlib.h>
#include <string.h>

/* The numbers of the External Term Format, as the OTP documentation gives them. */
enum tag {
  VERSION = 131,
  SMALL_INTEGER = 97,
  INTEGER = 98,
  SMALL_TUPLE = 104,
  NIL = 106,
  LIST = 108,
  BINARY = 109,
  SMALL_BIG = 110,
  MAP = 116,
  SMALL_ATOM_UTF8 = 119,
};

static void put(struct term *term, const void *bytes, size_t size) {
  if (size > term->room - term->size) {
    term->room = (term->room + size) * 2;
    term->bytes = realloc(term->bytes, term->room);
    if (term->bytes == NULL)
      abort();
  }
  memcpy(term->bytes + term->size, bytes, size);
  term->size += size;
}

static void put8(struct term *term, unsigned value) {
  const uint8_t byte = (uint8_t)value;
  put(term, &byte, 1);
}

static void put32(struct term *term, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    put8(term, value >> shift & 0xff);
}

void term_begin(struct term *term) {
  *term = (struct term){.size = 0};
  put32(term, 0);
  put8(term, VERSION);
}

void term_end(struct term *term) {
  size_t size = term->size;
  term->size = 0;
  put32(term, (uint32_t)(size - 4));
  term->size = size;
}

void term_free(struct term *term) {
  free(term->bytes);
  *term = (struct term){.size = 0};
}

void term_tuple(struct term *term, unsigned arity) {
  put8(term, SMALL_TUPLE);
  put8(term, arity);
}

void term_list(struct term *term, uint32_t count) {
  if (count == 0)
    return;
  put8(term, LIST);
  put32(term, count);
}

void term_nil(struct term *term) {
  put8(term, NIL);
}

void term_map(struct term *term, uint32_t pairs) {
  put8(term, MAP);
  put32(term, pairs);
}

void term_atom(struct term *term, const char *name) {
  put8(term, SMALL_ATOM_UTF8);
  put8(term, (unsigned)strlen(name));
  put(term, name, strlen(name));
}

void term_integer(struct term *term, int32_t value) {
  put8(term, INTEGER);
  put32(term, (uint32_t)value);
}

void term_unsigned(struct term *term, uint64_t value) {
  put8(term, SMALL_BIG);
  put8(term, 8);
  put8(term, 0);
  for (int i = 0; i < 8; i++)
    put8(term, (unsigned)(value >> (8 * i)) & 0xff);
}

void term_binary(struct term *term, const void *bytes, size_t size) {
  put8(term, BINARY);
  put32(term, (uint32_t)size);
  put(term, bytes, size);
}

void term_text(struct term *term, const char *text) {
  term_binary(term, text, strlen(text));
}

void term_atoms(struct term *term, const char *const *names) {
  uint32_t count = 0;
  while (names[count] != NULL)
    count++;
  term_list(term, count);
  for (uint32_t i = 0; i < count; i++)
    term_atom(term, names[i]);
  term_nil(term);
}

/* Taking apart */

struct reader {
  const uint8_t *at;
  size_t left;
};

static bool take(struct reader *reader, size_t count, const uint8_t **bytes) {
  if (count > reader->left)
    return false;
  *bytes = reader->at;
  reader->at += count;
  reader->left -= count;
  return true;
}

static bool take_number(struct reader *reader, size_t count, uint64_t *value) {
  const uint8_t *bytes = NULL;
  if (!take(reader, count, &bytes))
    return false;
  *value = 0;
  for (size_t i = 0; i < count; i++)
    *value = *value << 8 | bytes[i];
  return true;
}

static bool take_atom(struct reader *reader, char atom[FRAME_ATOM_SIZE]) {
  const uint8_t *bytes = NULL;
  uint64_t size = 0;
  if (!take_number(reader, 1, &size) || !take(reader, (size_t)size, &bytes) ||
      size >= FRAME_ATOM_SIZE)
    return false;
  memcpy(atom, bytes, (size_t)size);
  atom[size] = '\0';
  return true;
}

static bool take_big(struct reader *reader, int64_t *number) {
  const uint8_t *bytes = NULL;
  uint64_t size = 0;
  uint64_t sign = 0;
  if (!take_number(reader, 1, &size) || !take_number(reader, 1, &sign) || size > 8 ||
      !take(reader, (size_t)size, &bytes))
    return false;
  uint64_t value = 0;
  for (uint64_t i = size; i > 0; i--)
    value = value << 8 | bytes[i - 1];
  *number = sign != 0 ? -(int64_t)value : (int64_t)value;
  return true;
}

static bool take_integer(struct reader *reader, uint64_t tag, int64_t *number) {
  uint64_t value = 0;
  if (tag == SMALL_BIG)
    return take_big(reader, number);
  if (!take_number(reader, tag == INTEGER ? 4 : 1, &value))
    return false;
  *number = tag == INTEGER ? (int32_t)value : (int64_t)value;
  return true;
}

static bool take_element(struct reader *reader, struct frame *frame) {
  uint64_t tag = 0;
  uint64_t size = 0;
  if (!take_number(reader, 1, &tag))
    return false;
  switch (tag) {
  case SMALL_ATOM_UTF8:
    return frame->atom[0] == '\0' && take_atom(reader, frame->atom);
  case SMALL_INTEGER:
  case INTEGER:
  case SMALL_BIG:
    return frame->count < 2 && take_integer(reader, tag, &frame->numbers[frame->count++]);
  case BINARY:
    frame->size = 0;
    if (!take_number(reader, 4, &size))
      return false;
    frame->size = (size_t)size;
    return take(reader, frame->size, &frame->data);
  case MAP: /* only {usage, map} has one, and its content is of no interest here */
    frame->size = reader->left;
    return take(reader, reader->left, &frame->data);
  default:
    return false;
  }
}

bool frame_parse(struct frame *frame, const uint8_t *bytes, size_t size) {
  struct reader reader = {bytes, size};
  uint64_t number = 0;
  uint64_t arity = 0;
  *frame = (struct frame){.count = 0};
  if (!take_number(&reader, 1, &number) || number != VERSION || !take_number(&reader, 1, &number) ||
      number != SMALL_TUPLE || !take_number(&reader, 1, &arity) || arity < 2 || arity > 4 ||
      !take_number(&reader, 1, &number) || number != SMALL_ATOM_UTF8 ||
      !take_atom(&reader, frame->name))
    return false;
  for (uint64_t i = 1; i < arity; i++)
    if (!take_element(&reader, frame))
      return false;
  return reader.left == 0;
}
