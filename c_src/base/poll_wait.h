/* SPDX-License-Identifier: MIT */
/* poll(2) for descriptors below 1024, without its dependence on RLIMIT_NOFILE. */
#ifndef LINX_BASE_POLL_WAIT_H
#define LINX_BASE_POLL_WAIT_H

#include <poll.h>

/*
 * As poll(2). It fails with EINTR alone: poll refuses more entries than RLIMIT_NOFILE allows
 * descriptors, and any process of the same user may lower that limit at any time (prlimit(2)).
 * select(2), which has no such limit, then takes its place; entries with no events asked for are
 * not watched by it, and an end of file is reported as POLLIN. Where no call works (no memory),
 * this pauses for up to POLL_WAIT_PAUSE_MS and returns 0. Negative descriptors are not taken.
 */
#define POLL_WAIT_PAUSE_MS 10
int poll_wait(struct pollfd *polled, nfds_t count, int timeout_ms);

#endif
