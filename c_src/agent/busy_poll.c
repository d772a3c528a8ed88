/* SPDX-License-Identifier: MIT */
#include "agent/busy_poll.h"

#include <sched.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/poll_wait.h"

/*
 * How long, in microseconds, the agent spins. On a virtual machine, whose idle processors are
 * halted, falling asleep and being woken takes as long, and as much processor time.
 */
#define SPIN_US 100

/* After a spin without result the next REST replies are not followed by one. */
#define REST 16

static int spin(struct pollfd *polled, nfds_t count) {
  int64_t end = clock_us() + SPIN_US;
  int ready;
  while ((ready = poll_wait(polled, count, 0)) == 0 && clock_us() < end)
    sched_yield(); /* other processes that can run go first */
  return ready;
}

/* Whether to spin before this sleep. */
static bool is_worth_it(struct busy_poll *busy) {
  bool expects = busy->expects;
  busy->expects = false;
  if (!expects)
    return false;
  if (busy->rest == 0)
    return true;
  busy->rest--;
  return false;
}

int busy_poll(struct busy_poll *busy, struct pollfd *polled, int count, int timeout_ms) {
  struct pollfd used[BUSY_POLL_MAX];
  nfds_t used_count = 0;
  for (int i = 0; i < count; i++) {
    polled[i].revents = 0;
    if (polled[i].fd >= 0)
      used[used_count++] = polled[i];
  }
  int ready = 0;
  if (is_worth_it(busy)) {
    ready = spin(used, used_count);
    if (ready == 0)
      busy->rest = REST;
  }
  if (ready == 0)
    ready = poll_wait(used, used_count, timeout_ms);
  nfds_t next = 0;
  for (int i = 0; i < count && ready > 0; i++)
    if (polled[i].fd >= 0)
      polled[i].revents = used[next++].revents;
  return ready;
}
