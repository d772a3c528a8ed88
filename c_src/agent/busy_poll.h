/*
 * poll(2) for a conversation: somebody who has just been answered may well have the next word ready
 * in less time than it takes to fall asleep and to be woken.
 */
#ifndef LINX_AGENT_BUSY_POLL_H
#define LINX_AGENT_BUSY_POLL_H

#include <poll.h>
#include <stdbool.h>

/* The most entries that are polled. */
#define BUSY_POLL_MAX 16

struct busy_poll {
  bool expects;  /* set by the caller when an answer has gone out; good for one call */
  unsigned rest; /* so many answers are not waited upon, because nothing came of the last wait */
};

/* As poll_wait; entries with a negative descriptor are allowed, and not handed over. */
int busy_poll(struct busy_poll *busy, struct pollfd *polled, int count, int timeout_ms);

#endif
