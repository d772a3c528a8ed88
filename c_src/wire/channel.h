/* SPDX-License-Identifier: MIT */
/*
 * Framed input and output on a descriptor. The descriptor belongs to the caller. On a non-blocking
 * one no function waits; the child uses the same functions on blocking pipes.
 */
#ifndef LINX_WIRE_CHANNEL_H
#define LINX_WIRE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "wire/frame.h"

struct channel_in {
  int fd;
  bool eof;
  int error;     /* the errno that made it eof; 0: the peer has closed its end */
  uint64_t skip; /* bytes of an oversized frame still to be thrown away */
  struct buffer buffer;
};

struct channel_out {
  int fd;
  bool broken;  /* the peer is gone; what is appended from then on is thrown away */
  int error;    /* the errno that made it broken */
  bool starved; /* the kernel had no memory for the last write; it is to be tried again later */
  size_t open;  /* data in the last frame, when more of the same stream can still be added to it */
  struct buffer buffer;
};

/* One read(2). 1 when bytes arrived, 0 when none are there now; on end of file, or an error that is
 * one, sets eof and returns 0. -ENOMEM. */
int channel_in_read(struct channel_in *in);

/*
 * The next whole frame's payload, in place until the next channel_in_read: 1, 0 when there is none
 * yet. A frame larger than `limit` is -EMSGSIZE once and is thrown away as it arrives.
 */
int channel_in_next(struct channel_in *in, size_t limit, const uint8_t **payload, size_t *size);

/*
 * Goes through the whole frames that are here without taking them: *offset is 0 for the first, and
 * where the next one begins afterwards. False when there is none.
 */
bool channel_in_peek(const struct channel_in *in, size_t *offset, const uint8_t **payload,
                     size_t *size);

/*
 * Of a frame that has begun and is not whole yet: how much is here, in place, and how long it will
 * be. False while not even its length is here.
 */
bool channel_in_begun(const struct channel_in *in, const uint8_t **payload, size_t *size,
                      size_t *frame_size);

/* Takes what is here of such a frame; the caller sees to the rest. */
void channel_in_take_begun(struct channel_in *in);

/* Appends a frame; it is sent by channel_out_flush. The one before it is closed. 0 or -ENOMEM. */
int channel_out_frame(struct channel_out *out, const struct frame *frame);

/* Writes what the descriptor takes, after which no frame is open. A peer that is gone sets broken.
 */
void channel_out_flush(struct channel_out *out);

static inline size_t channel_out_pending(const struct channel_out *out) {
  return buffer_length(&out->buffer);
}

#endif
