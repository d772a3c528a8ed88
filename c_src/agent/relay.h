/* SPDX-License-Identifier: MIT */
/*
 * Data between the BEAM and the workload's pipes or terminal. Nothing here waits; what a relay
 * holds is bounded by demand in one direction and by the input queue's limit in the other.
 */
#ifndef LINX_AGENT_RELAY_H
#define LINX_AGENT_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/channel.h"
#include "wire/command.h"

/* Bytes of data with which a frame of the terminal is large enough, and is not added to any
 * more. */
#define RELAY_FRAME_ENOUGH ((size_t)32 << 10)

/* Bytes of input in the queue with which the agent stops reading fd 3. */
#define RELAY_QUEUE_LIMIT ((size_t)4 << 20)

struct relay_out {
  int fd; /* the agent's end, non-blocking; -1 when there is none (any more) */
  enum stream_id stream;
  const char *frame_name;
  bool by_demand;
  bool announce_eof;
  uint64_t demand;
  bool abandoned;  /* no client can ask for more: beyond the demand it is thrown away */
  bool grown;      /* the pipe has been made larger */
  int failed_with; /* errno of a read that failed, at which the stream was closed; 0 */
  bool hung_up;    /* every writer has closed it, but what was written is not asked for yet */
};

struct relay_in {
  int fd;
  enum stream_id stream;
  bool acknowledge;
  bool grown; /* the pipe has been made larger */
  bool close_when_empty;
  bool is_held;     /* all is queued, because what is to take it is not known yet */
  uint64_t written; /* taken by the kernel and not acknowledged yet */
  int closed_with;  /* errno for the {closed, stdin, errno} that is due; 0 */
  int failed_with;  /* of a terminal: errno of a write that failed, at which it was closed; 0 */
  struct buffer queue;
};

/* What to poll the descriptor for. 0 with -1 as the descriptor: nothing. */
short relay_out_events(const struct relay_out *relay);
short relay_in_events(const struct relay_in *relay);

/* The descriptor to poll, or -1 while nothing can come of it. */
int relay_out_poll_fd(const struct relay_out *relay);

/*
 * Reads what demand and one frame allow and appends it to `out`; at the end of the stream closes
 * and announces it. A terminal returns 4 KiB a read at most, so its frame stays open for the next
 * ones (out->open). `revents` is what poll returned, or POLLIN to try. Returns how many bytes, or
 * -ENOMEM, and nothing is lost then. Without memory for a large frame it reads what fits into what
 * `out` has.
 */
int relay_out_pump(struct relay_out *relay, short revents, struct channel_out *out);

/* Reads and throws away, because no client is left. */
void relay_out_discard(struct relay_out *relay);

void relay_out_close(struct relay_out *relay);

/* Writes or queues data. 0 or -ENOMEM. */
int relay_in_data(struct relay_in *relay, const uint8_t *bytes, size_t size);

/* Queues the beginning of data whose rest comes by relay_in_from. 0 or -ENOMEM. */
int relay_in_begin(struct relay_in *relay, const uint8_t *bytes, size_t size);

/*
 * Passes up to `size` bytes on from the descriptor `from`, behind what is queued; what the
 * workload's pipe does not take is queued. How many, 0 at the end of `from`, -EAGAIN when it has
 * none now, or -ENOMEM. -EPIPE once no reader is left.
 */
ssize_t relay_in_from(struct relay_in *relay, int from, size_t size);

/* A larger pipe, for a stream that fills it. */
void relay_grow_pipe(int fd);

/* Writes what the kernel takes of the queue. `revents` is what poll returned. */
void relay_in_pump(struct relay_in *relay, short revents);

/* Closes once the queue is empty. */
void relay_in_finish(struct relay_in *relay);

void relay_in_close(struct relay_in *relay);

/* Appends the acknowledgements that are due. 0 or -ENOMEM; those that found no room stay due. */
int relay_in_report(struct relay_in *relay, struct channel_out *out);

#endif
