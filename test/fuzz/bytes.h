/* SPDX-License-Identifier: MIT */
/*
 * Bytes that grow, and terms of the External Term Format written into them by hand, so that the
 * fuzzer shares no code with the agent.
 */
#ifndef LINX_FUZZ_BYTES_H
#define LINX_FUZZ_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
  uint8_t *data;
  size_t size;
  size_t room;
};

static inline void bytes_put(struct bytes *bytes, const void *data, size_t size) {
  if (bytes->room - bytes->size < size) {
    bytes->room = 2 * bytes->room + size + 256;
    bytes->data = realloc(bytes->data, bytes->room);
    if (bytes->data == NULL)
      abort();
  }
  if (size > 0)
    memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

static inline void bytes_consume(struct bytes *bytes, size_t size) {
  bytes->size -= size;
  memmove(bytes->data, bytes->data + size, bytes->size);
}

static inline void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){.size = 0};
}

static inline void put8(struct bytes *bytes, unsigned value) {
  uint8_t byte = (uint8_t)value;
  bytes_put(bytes, &byte, 1);
}

static inline void put32(struct bytes *bytes, uint32_t value) {
  const uint8_t big_endian[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                 (uint8_t)(value >> 8), (uint8_t)value};
  bytes_put(bytes, big_endian, sizeof big_endian);
}

static inline void put_atom(struct bytes *bytes, const char *name) {
  put8(bytes, 119);
  put8(bytes, (unsigned)strlen(name));
  bytes_put(bytes, name, strlen(name));
}

static inline void put_tuple(struct bytes *bytes, unsigned arity) {
  put8(bytes, 104);
  put8(bytes, arity);
}

static inline void put_list(struct bytes *bytes, uint32_t count) {
  if (count == 0)
    return;
  put8(bytes, 108);
  put32(bytes, count);
}

static inline void put_nil(struct bytes *bytes) {
  put8(bytes, 106);
}

static inline void put_map(struct bytes *bytes, uint32_t pairs) {
  put8(bytes, 116);
  put32(bytes, pairs);
}

static inline void put_data(struct bytes *bytes, const void *data, size_t size) {
  put8(bytes, 109);
  put32(bytes, (uint32_t)size);
  bytes_put(bytes, data, size);
}

static inline void put_binary(struct bytes *bytes, const char *text) {
  put_data(bytes, text, strlen(text));
}

/* The charlist that term_to_binary makes of a short one. */
static inline void put_string(struct bytes *bytes, const char *text) {
  put8(bytes, 107);
  put8(bytes, (unsigned)strlen(text) >> 8);
  put8(bytes, (unsigned)strlen(text) & 0xff);
  bytes_put(bytes, text, strlen(text));
}

static inline void put_unsigned(struct bytes *bytes, uint64_t value) {
  if (value < 256) {
    put8(bytes, 97);
    put8(bytes, (unsigned)value);
  } else if (value <= INT32_MAX) {
    put8(bytes, 98);
    put32(bytes, (uint32_t)value);
  } else {
    put8(bytes, 110);
    put8(bytes, 8);
    put8(bytes, 0);
    for (int i = 0; i < 8; i++)
      put8(bytes, (unsigned)(value >> (8 * i)) & 0xff);
  }
}

static inline void put_boolean(struct bytes *bytes, int value) {
  put_atom(bytes, value ? "true" : "false");
}

/* A frame: room for its length, to be set when it is whole. */
static inline size_t frame_begin(struct bytes *bytes) {
  size_t at = bytes->size;
  put32(bytes, 0);
  put8(bytes, 131);
  return at;
}

static inline void frame_set_length(struct bytes *bytes, size_t at, uint32_t length) {
  for (int i = 0; i < 4; i++)
    bytes->data[at + (size_t)i] = (uint8_t)(length >> (24 - 8 * i));
}

static inline void frame_end(struct bytes *bytes, size_t at) {
  frame_set_length(bytes, at, (uint32_t)(bytes->size - at - 4));
}

#endif
