/* SPDX-License-Identifier: MIT */
#include "wire/channel.h"

#include <errno.h>

#include "base/big_endian.h"
#include "base/syscalls.h"

#define LENGTH_FIELD BIG_ENDIAN_SIZE

static size_t payload_length(const uint8_t *header) {
  return big_endian_read(header);
}

/* How much one read should ask for: the rest of a frame that has begun, or whatever fits. */
static size_t wanted(const struct channel_in *in) {
  size_t length = buffer_length(&in->buffer);
  if (in->skip > 0 || length < LENGTH_FIELD)
    return 1;
  size_t whole = LENGTH_FIELD + payload_length(buffer_start(&in->buffer));
  return whole > length ? whole - length : 1;
}

static void skip(struct channel_in *in) {
  size_t length = buffer_length(&in->buffer);
  size_t count = in->skip < length ? (size_t)in->skip : length;
  buffer_consume(&in->buffer, count);
  in->skip -= count;
}

int channel_in_read(struct channel_in *in) {
  struct buffer *buffer = &in->buffer;
  if (buffer_reserve(buffer, wanted(in)) == NULL)
    return -ENOMEM;
  long count;
  do
    count = sys_read(in->fd, buffer->bytes + buffer->end, buffer->size - buffer->end);
  while (count == -EINTR);
  if (count == -EAGAIN)
    return 0;
  if (count <= 0) {
    in->eof = true;
    in->error = (int)-count;
    return 0;
  }
  buffer->end += (size_t)count;
  skip(in);
  return 1;
}

int channel_in_next(struct channel_in *in, size_t limit, const uint8_t **payload, size_t *size) {
  size_t length = buffer_length(&in->buffer);
  if (in->skip > 0 || length < LENGTH_FIELD)
    return 0;
  const uint8_t *header = buffer_start(&in->buffer);
  size_t whole = LENGTH_FIELD + payload_length(header);
  if (whole - LENGTH_FIELD > limit) {
    in->skip = whole;
    skip(in);
    return -EMSGSIZE;
  }
  if (length < whole)
    return 0;
  *payload = header + LENGTH_FIELD;
  *size = whole - LENGTH_FIELD;
  buffer_consume(&in->buffer, whole);
  return 1;
}

bool channel_in_peek(const struct channel_in *in, size_t *offset, const uint8_t **payload,
                     size_t *size) {
  size_t length = buffer_length(&in->buffer);
  if (in->skip > 0 || length - *offset < LENGTH_FIELD)
    return false;
  const uint8_t *header = buffer_start(&in->buffer) + *offset;
  *size = payload_length(header);
  if (length - *offset - LENGTH_FIELD < *size)
    return false;
  *payload = header + LENGTH_FIELD;
  *offset += LENGTH_FIELD + *size;
  return true;
}

bool channel_in_begun(const struct channel_in *in, const uint8_t **payload, size_t *size,
                      size_t *frame_size) {
  size_t length = buffer_length(&in->buffer);
  if (in->skip > 0 || length < LENGTH_FIELD)
    return false;
  const uint8_t *header = buffer_start(&in->buffer);
  *payload = header + LENGTH_FIELD;
  *size = length - LENGTH_FIELD;
  *frame_size = payload_length(header);
  return *size < *frame_size;
}

void channel_in_take_begun(struct channel_in *in) {
  buffer_consume(&in->buffer, buffer_length(&in->buffer));
}

int channel_out_frame(struct channel_out *out, const struct frame *frame) {
  out->open = 0;
  return out->broken ? 0 : buffer_append(&out->buffer, frame->bytes, (size_t)frame->length);
}

void channel_out_flush(struct channel_out *out) {
  out->open = 0;
  out->starved = false;
  while (!out->broken && channel_out_pending(out) > 0) {
    long count = sys_write(out->fd, buffer_start(&out->buffer), channel_out_pending(out));
    if (count > 0) {
      buffer_consume(&out->buffer, (size_t)count);
    } else if (count == -ENOMEM || count == -ENOBUFS) {
      out->starved = true;
      return;
    } else if (count == -EAGAIN) {
      return;
    } else if (count != -EINTR) {
      out->broken = true;
      out->error = count < 0 ? (int)-count : EPIPE;
    }
  }
  if (out->broken)
    buffer_consume(&out->buffer, buffer_length(&out->buffer));
}
