/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes in one piece: filled at the end, emptied at the start. It begins in memory that
 * the caller lends (so that a small session maps nothing) and moves to memory of its own, which it
 * then owns, when more is needed.
 */
#ifndef LINX_BASE_BUFFER_H
#define LINX_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *bytes;
  size_t size;
  size_t start;
  size_t end;
  bool mapped;
};

static inline size_t buffer_length(const struct buffer *buffer) {
  return buffer->end - buffer->start;
}

static inline uint8_t *buffer_start(const struct buffer *buffer) {
  return buffer->bytes + buffer->start;
}

/* Room for `count` more bytes behind the end, or NULL when there is no memory. Moves the contents:
 * pointers into the buffer are void afterwards. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t count);

/* Copies bytes behind the end. 0 or -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t count);

void buffer_consume(struct buffer *buffer, size_t count);

/* Forgets the contents and gives mapped memory back. */
void buffer_release(struct buffer *buffer);

#endif
