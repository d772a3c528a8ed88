/* SPDX-License-Identifier: MIT */
/*
 * Terms written by hand, byte by byte, so that the tests share no code with the encoder or with ei.
 * Include once, in a test of its own.
 */
#ifndef LINX_TEST_TERMS_H
#define LINX_TEST_TERMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TERMS_MAX ((size_t)1 << 16)

struct terms {
  uint8_t bytes[TERMS_MAX];
  size_t size;
};

/* The numbers of the External Term Format, as the OTP documentation gives them. */
enum tag {
  NEW_FLOAT = 70,
  BIT_BINARY = 77,
  NEW_PID = 88,
  NEW_PORT = 89,
  NEWER_REFERENCE = 90,
  SMALL_INTEGER = 97,
  INTEGER = 98,
  FLOAT = 99,
  ATOM = 100,
  REFERENCE = 101,
  PORT = 102,
  PID = 103,
  SMALL_TUPLE = 104,
  LARGE_TUPLE = 105,
  NIL = 106,
  STRING = 107,
  LIST = 108,
  BINARY = 109,
  SMALL_BIG = 110,
  LARGE_BIG = 111,
  NEW_FUN = 112,
  EXPORT = 113,
  NEW_REFERENCE = 114,
  SMALL_ATOM = 115,
  MAP = 116,
  FUN = 117,
  ATOM_UTF8 = 118,
  SMALL_ATOM_UTF8 = 119,
  V4_PORT = 120,
};

static inline void put_bytes(struct terms *terms, const void *bytes, size_t size) {
  assert_true(size <= TERMS_MAX - terms->size);
  if (size > 0)
    memcpy(terms->bytes + terms->size, bytes, size);
  terms->size += size;
}

static inline void put8(struct terms *terms, unsigned value) {
  uint8_t byte = (uint8_t)value;
  put_bytes(terms, &byte, 1);
}

static inline void put16(struct terms *terms, unsigned value) {
  put8(terms, value >> 8);
  put8(terms, value & 0xff);
}

static inline void put32(struct terms *terms, uint32_t value) {
  put16(terms, value >> 16);
  put16(terms, value & 0xffff);
}

static inline void put_zeros(struct terms *terms, size_t count) {
  while (count-- > 0)
    put8(terms, 0);
}

static inline void begin(struct terms *terms) {
  terms->size = 0;
  put8(terms, 131);
}

static inline void put_tuple(struct terms *terms, unsigned arity) {
  put8(terms, SMALL_TUPLE);
  put8(terms, arity);
}

static inline void put_map(struct terms *terms, uint32_t pairs) {
  put8(terms, MAP);
  put32(terms, pairs);
}

/* A list's head; its elements and put_nil follow. */
static inline void put_list(struct terms *terms, uint32_t count) {
  put8(terms, LIST);
  put32(terms, count);
}

static inline void put_nil(struct terms *terms) {
  put8(terms, NIL);
}

static inline void put_atom(struct terms *terms, const char *name) {
  put8(terms, SMALL_ATOM_UTF8);
  put8(terms, (unsigned)strlen(name));
  put_bytes(terms, name, strlen(name));
}

static inline void put_data(struct terms *terms, const void *bytes, size_t size) {
  put8(terms, BINARY);
  put32(terms, (uint32_t)size);
  put_bytes(terms, bytes, size);
}

static inline void put_binary(struct terms *terms, const char *text) {
  put_data(terms, text, strlen(text));
}

static inline void put_string(struct terms *terms, const char *text) {
  put8(terms, STRING);
  put16(terms, (unsigned)strlen(text));
  put_bytes(terms, text, strlen(text));
}

static inline void put_byte(struct terms *terms, unsigned value) {
  put8(terms, SMALL_INTEGER);
  put8(terms, value);
}

static inline void put_integer(struct terms *terms, int32_t value) {
  put8(terms, INTEGER);
  put32(terms, (uint32_t)value);
}

/* A big of `size` bytes, little-endian, of which `value` is the low end. */
static inline void put_big(struct terms *terms, bool negative, uint64_t value, unsigned size) {
  put8(terms, SMALL_BIG);
  put8(terms, size);
  put8(terms, negative);
  for (unsigned at = 0; at < size; at++)
    put8(terms, at < 8 ? value >> (8 * at) & 0xff : 0);
}

/* The first `size` bytes in memory of just that size, where AddressSanitizer sees every step too
 * far; to be freed. */
static inline uint8_t *exactly(const struct terms *terms, size_t size) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, terms->bytes, size);
  return copy;
}

#endif
