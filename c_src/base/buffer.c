/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <errno.h>
#include <string.h>

#include "base/syscalls.h"

static const size_t page = 4096;

static int grow(struct buffer *buffer, size_t wanted) {
  size_t size = buffer->size * 2 > wanted ? buffer->size * 2 : wanted;
  size = (size + page - 1) & ~(page - 1);
  uint8_t *bytes = sys_allocate(size);
  if (bytes == NULL)
    return -ENOMEM;
  size_t length = buffer_length(buffer);
  if (length > 0)
    memcpy(bytes, buffer_start(buffer), length);
  buffer_release(buffer);
  *buffer = (struct buffer){.bytes = bytes, .size = size, .end = length, .mapped = true};
  return 0;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t count) {
  size_t length = buffer_length(buffer);
  if (count > buffer->size - buffer->end) {
    if (count <= buffer->size - length) {
      memmove(buffer->bytes, buffer_start(buffer), length);
      buffer->start = 0;
      buffer->end = length;
    } else if (grow(buffer, length + count) < 0) {
      return NULL;
    }
  }
  return buffer->bytes + buffer->end;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t count) {
  if (count == 0)
    return 0;
  uint8_t *to = buffer_reserve(buffer, count);
  if (to == NULL)
    return -ENOMEM;
  memcpy(to, bytes, count);
  buffer->end += count;
  return 0;
}

void buffer_consume(struct buffer *buffer, size_t count) {
  buffer->start += count;
  if (buffer->start == buffer->end)
    buffer->start = buffer->end = 0;
}

void buffer_release(struct buffer *buffer) {
  if (buffer->mapped)
    sys_release(buffer->bytes, buffer->size);
  *buffer = (struct buffer){0};
}
