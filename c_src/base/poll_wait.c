/* SPDX-License-Identifier: MIT */
#include "base/poll_wait.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/select.h>
#include <time.h>

#include "base/syscalls.h"

static struct kernel_timespec milliseconds(int count) {
  return (struct kernel_timespec){count / 1000, (int64_t)(count % 1000) * 1000000};
}

static int pause_briefly(int timeout_ms) {
  bool shorter = timeout_ms >= 0 && timeout_ms < POLL_WAIT_PAUSE_MS;
  struct kernel_timespec pause = milliseconds(shorter ? timeout_ms : POLL_WAIT_PAUSE_MS);
  sys_call(LINX_SYS_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, &pause, NULL);
  return 0;
}

static int poll_once(struct pollfd *polled, nfds_t count, int timeout_ms) {
#ifdef SYS_poll
  return (int)sys_call(SYS_poll, polled, count, timeout_ms);
#else
  struct kernel_timespec timeout = milliseconds(timeout_ms < 0 ? 0 : timeout_ms);
  return (int)sys_call(SYS_ppoll, polled, count, timeout_ms < 0 ? NULL : &timeout, NULL, 0);
#endif
}

static int select_instead(struct pollfd *polled, nfds_t count, int timeout_ms) {
  struct kernel_timespec timeout = milliseconds(timeout_ms < 0 ? 0 : timeout_ms);
  fd_set readable;
  fd_set writable;
  int last = -1;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  for (nfds_t i = 0; i < count; i++) {
    if (polled[i].fd >= FD_SETSIZE)
      continue;
    if ((polled[i].events & POLLIN) != 0)
      FD_SET(polled[i].fd, &readable);
    if ((polled[i].events & POLLOUT) != 0)
      FD_SET(polled[i].fd, &writable);
    if (polled[i].events != 0 && polled[i].fd > last)
      last = polled[i].fd;
  }
  int result = (int)sys_call(LINX_SYS_PSELECT, last + 1, &readable, &writable, NULL,
                             timeout_ms < 0 ? NULL : &timeout, NULL);
  if (result < 0)
    return result;
  int ready = 0;
  for (nfds_t i = 0; i < count; i++) {
    polled[i].revents = 0;
    if (polled[i].fd >= FD_SETSIZE)
      continue;
    if ((polled[i].events & POLLIN) != 0 && FD_ISSET(polled[i].fd, &readable))
      polled[i].revents |= POLLIN;
    if ((polled[i].events & POLLOUT) != 0 && FD_ISSET(polled[i].fd, &writable))
      polled[i].revents |= POLLOUT;
    ready += polled[i].revents != 0;
  }
  return ready;
}

int poll_wait(struct pollfd *polled, nfds_t count, int timeout_ms) {
  int ready = poll_once(polled, count, timeout_ms);
  if (ready >= 0 || ready == -EINTR)
    return ready;
  ready = select_instead(polled, count, timeout_ms);
  if (ready >= 0 || ready == -EINTR)
    return ready;
  for (nfds_t i = 0; i < count; i++)
    polled[i].revents = 0;
  return pause_briefly(timeout_ms);
}
