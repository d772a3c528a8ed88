#include "agent/busy_poll.h"

#include <sched.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/poll_wait.h"

/*
 * How long the next word is looked out for. On a virtual machine, whose idle processors are halted,
 * falling asleep and being woken takes as long, and as much of the processor.
 */
#define WATCH_US 100

/* Whoever lets the agent look out in vain is somebody who takes their time. */
#define REST 16

/* Anybody else who has something to do goes first. */
static int watch(struct pollfd *polled, nfds_t count) {
  int64_t end = clock_us() + WATCH_US;
  int ready;
  while ((ready = poll_wait(polled, count, 0)) == 0 && clock_us() < end)
    sched_yield();
  return ready;
}

/* Whether this is an occasion to look out instead of going to sleep. */
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
    ready = watch(used, used_count);
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
