/* SPDX-License-Identifier: MIT */
#include "agent/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * The most bytes of data in one output frame: with its header it fits into what a VM reads of a
 * port at once. Of a larger frame the VM would read the rest later, and copy the beginning once
 * more.
 */
#define CHUNK_MAX ((size_t)60 << 10)

/* A workload may make packets of its pipe (O_DIRECT, pipe(2)); none is larger. */
#define PACKET_MAX ((size_t)PIPE_BUF)

/* Bytes of input that are read from fd 3 into the queue at a time. */
#define QUEUE_CHUNK ((size_t)64 << 10)

/*
 * Bytes that a pipe is enlarged to once it has been full. The pipes of idle sessions stay small,
 * because an unprivileged user's pipes may take 64 MiB together, and beyond that each gets a page
 * or two (pipe(7), pipe-user-pages-soft).
 */
#define PIPE_SIZE (256 << 10)

/* Bytes with which a pipe that was not enlarged counts as full. */
#define PIPE_FULL ((size_t)60 << 10)

/* A smaller pipe works as well, only slower. */
void relay_grow_pipe(int fd) {
  fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

static size_t allowance(const struct relay_out *relay) {
  return relay->by_demand && relay->demand < CHUNK_MAX ? (size_t)relay->demand : CHUNK_MAX;
}

short relay_out_events(const struct relay_out *relay) {
  return allowance(relay) > 0 || relay->abandoned ? POLLIN : 0;
}

int relay_out_poll_fd(const struct relay_out *relay) {
  /* poll reports a hang-up whether asked for or not, so a stream that hung up is not polled until
   * the rest is asked for. */
  return relay->hung_up && relay_out_events(relay) == 0 ? -1 : relay->fd;
}

short relay_in_events(const struct relay_in *relay) {
  return buffer_length(&relay->queue) > 0 && !relay->is_held ? POLLOUT : 0;
}

void relay_out_close(struct relay_out *relay) {
  fd_close(&relay->fd);
}

static int end_of_stream(struct relay_out *relay, struct channel_out *out) {
  struct frame frame;
  frame_stream(&frame, "eof", stream_name(relay->stream));
  int result = relay->announce_eof ? channel_out_frame(out, &frame) : 0;
  if (result == 0)
    relay_out_close(relay);
  return result;
}

static size_t available(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 || count < 0 ? 0 : (size_t)count;
}

/*
 * Reads until nothing is there or the room is as good as full: a packet that does not fit would be
 * cut, and its rest thrown away by the kernel, which happens only to one that is larger than what
 * was asked for. Sets *ended at the end of the stream, and *error when that is an error. Data is
 * copied: splice(2) would hand packets on as they are, and the BEAM would lose count of the frame,
 * and take what the workload writes next for frames of the agent.
 */
static size_t read_all(int fd, uint8_t *to, size_t room, bool *ended, int *error) {
  size_t total = 0;
  while (total == 0 || room - total >= PACKET_MAX) {
    ssize_t count = read(fd, to + total, room - total);
    if (count > 0) {
      total += (size_t)count;
      continue;
    }
    if (count < 0 && errno == EINTR)
      continue;
    *ended = count == 0 || errno != EAGAIN;
    if (count < 0 && *ended && errno != EIO) /* EIO: a terminal that no process has open */
      *error = errno;
    break;
  }
  return total;
}

static void use_demand(struct relay_out *relay, size_t size) {
  if (relay->by_demand)
    relay->demand -= size;
}

void relay_out_discard(struct relay_out *relay) {
  static uint8_t nowhere[4096];
  bool ended = false;
  int error = 0;
  if (relay->fd >= 0 && read_all(relay->fd, nowhere, sizeof nowhere, &ended, &error) == 0 && ended)
    relay_out_close(relay);
}

/*
 * Reads up to `room` bytes into a frame at the end of `out`: a new one, or the terminal's own that
 * is still open. How many, or -ENOMEM.
 */
static ssize_t read_frame(struct relay_out *relay, size_t room, struct channel_out *out,
                          bool *ended) {
  bool terminal = relay->stream == STREAM_PTY;
  size_t held = terminal && out->open < RELAY_FRAME_ENOUGH ? out->open : 0;
  size_t whole_header = frame_data_header_size(relay->frame_name);
  size_t header = held > 0 ? 0 : whole_header;
  if (room > CHUNK_MAX - held)
    room = CHUNK_MAX - held;
  uint8_t *to = buffer_reserve(&out->buffer, header + room);
  if (to == NULL) { /* no memory: what fits into what there is */
    size_t left = out->buffer.size - buffer_length(&out->buffer);
    if (left <= header)
      return -ENOMEM;
    room = left - header;
    to = buffer_reserve(&out->buffer, left);
  }
  uint8_t *data = to + header;
  size_t size = read_all(relay->fd, data, room, ended, &relay->failed_with);
  if (size == 0)
    return 0;
  struct frame frame;
  frame_data_header(&frame, relay->frame_name, held + size);
  memcpy(data - held - whole_header, frame.bytes, whole_header);
  out->buffer.end += header + size;
  out->open = terminal ? held + size : 0;
  return (ssize_t)size;
}

int relay_out_pump(struct relay_out *relay, short revents, struct channel_out *out) {
  if (relay->fd < 0 || revents == 0)
    return 0;
  size_t waiting = available(relay->fd);
  size_t room = allowance(relay);
  if (room == 0 && relay->abandoned) {
    relay_out_discard(relay);
    return 0;
  }
  if (room == 0) {
    relay->hung_up = (revents & (POLLHUP | POLLERR)) != 0;
    return relay->hung_up && waiting == 0 ? end_of_stream(relay, out) : 0;
  }
  if (waiting >= PIPE_FULL && !relay->grown) {
    relay->grown = true;
    relay_grow_pipe(relay->fd);
    relay_grow_pipe(out->fd);
  }
  /* More may come meanwhile; FIONREAD says less than a terminal's next reads give. */
  if (relay->stream != STREAM_PTY && room > waiting + PACKET_MAX)
    room = waiting + PACKET_MAX;
  bool ended = false;
  ssize_t size = read_frame(relay, room, out, &ended);
  if (size < 0)
    return (int)size;
  use_demand(relay, (size_t)size);
  /* If there is no room for the end, the next read finds it again. */
  if (relay->failed_with != 0)
    relay_out_close(relay);
  else if (ended)
    end_of_stream(relay, out);
  return (int)size; /* CHUNK_MAX at most */
}

/* A terminal is one descriptor for both directions, and belongs to the output's side. */
void relay_in_close(struct relay_in *relay) {
  if (relay->stream == STREAM_PTY)
    relay->fd = -1;
  fd_close(&relay->fd);
  buffer_release(&relay->queue);
}

/* What the kernel takes now; the rest stays with the caller. */
static size_t write_some(struct relay_in *relay, const uint8_t *bytes, size_t size) {
  size_t total = 0;
  while (total < size) {
    ssize_t count = write(relay->fd, bytes + total, size - total);
    if (count > 0) {
      total += (size_t)count;
      continue;
    }
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno != EAGAIN) {
      /* EIO: a terminal that no process has open. */
      if (relay->stream == STREAM_PTY && errno != EIO)
        relay->failed_with = errno;
      relay->closed_with = errno;
      relay_in_close(relay);
    }
    break;
  }
  if (total < size && relay->fd >= 0 && !relay->grown) {
    relay->grown = true;
    relay_grow_pipe(relay->fd);
  }
  relay->written += total;
  return total;
}

int relay_in_begin(struct relay_in *relay, const uint8_t *bytes, size_t size) {
  if (relay->fd < 0 || relay->close_when_empty)
    return 0;
  return buffer_append(&relay->queue, bytes, size);
}

int relay_in_data(struct relay_in *relay, const uint8_t *bytes, size_t size) {
  if (relay->fd < 0 || relay->close_when_empty)
    return 0;
  bool waits = relay->is_held || buffer_length(&relay->queue) > 0;
  size_t taken = waits ? 0 : write_some(relay, bytes, size);
  return relay->fd < 0 ? 0 : buffer_append(&relay->queue, bytes + taken, size - taken);
}

void relay_in_pump(struct relay_in *relay, short revents) {
  if (relay->fd < 0 || revents == 0)
    return;
  size_t length = buffer_length(&relay->queue);
  if (length > 0) {
    size_t taken = write_some(relay, buffer_start(&relay->queue), length);
    if (relay->fd >= 0)
      buffer_consume(&relay->queue, taken);
  } else if ((revents & POLLERR) != 0) { /* the last reader has closed (pipe(7)) */
    relay->closed_with = EPIPE;
    relay_in_close(relay);
  }
  if (relay->fd >= 0 && relay->close_when_empty && buffer_length(&relay->queue) == 0)
    relay_in_close(relay);
}

/* Not by splice(2), which holds the locks of both pipes at once: a workload that keeps its own
 * locked (by a splice from it into a socket that is full) would stop the BEAM in its write to
 * `from`. */
ssize_t relay_in_from(struct relay_in *relay, int from, size_t size) {
  if (relay->fd < 0 || relay->close_when_empty)
    return -EPIPE;
  size_t room = size < QUEUE_CHUNK ? size : QUEUE_CHUNK;
  uint8_t *to = buffer_reserve(&relay->queue, room);
  if (to == NULL)
    return -ENOMEM;
  ssize_t count = read(from, to, room);
  if (count < 0)
    count = errno == EINTR ? -EAGAIN : -errno;
  else
    relay->queue.end += (size_t)count;
  relay_in_pump(relay, POLLOUT);
  return count;
}

void relay_in_finish(struct relay_in *relay) {
  relay->close_when_empty = true;
  if (relay->fd >= 0 && buffer_length(&relay->queue) == 0)
    relay_in_close(relay);
}

int relay_in_report(struct relay_in *relay, struct channel_out *out) {
  struct frame frame;
  if (!relay->acknowledge)
    return 0;
  if (relay->written > 0) {
    frame_stream_value(&frame, "written", stream_name(relay->stream), relay->written);
    int result = channel_out_frame(out, &frame);
    if (result < 0)
      return result;
    relay->written = 0;
  }
  if (relay->closed_with == 0 || relay->stream == STREAM_PTY)
    return 0;
  frame_stream_value(&frame, "closed", stream_name(relay->stream), (uint64_t)relay->closed_with);
  int result = channel_out_frame(out, &frame);
  if (result == 0)
    relay->closed_with = 0;
  return result;
}
