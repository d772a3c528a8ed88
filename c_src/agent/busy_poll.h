/* SPDX-License-Identifier: MIT */
/*
 * poll(2) after a reply: the client may send its next request in less time than it takes the agent
 * to fall asleep and to be woken, so the agent polls without sleeping for a while first.
 */
#ifndef LINX_AGENT_BUSY_POLL_H
#define LINX_AGENT_BUSY_POLL_H

#include <poll.h>
#include <stdbool.h>

/* The most entries that are polled. */
#define BUSY_POLL_MAX 16

struct busy_poll {
  bool expects;  /* set by the caller when a reply was sent; good for one call */
  unsigned rest; /* replies that are not spun for, because the last spin found nothing */
};

/* As poll_wait; entries with a negative descriptor are allowed, and not handed over. */
int busy_poll(struct busy_poll *busy, struct pollfd *polled, int count, int timeout_ms);

#endif
