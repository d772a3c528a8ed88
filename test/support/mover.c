/* SPDX-License-Identifier: MIT */
/*
 * A process that root is about to enter, and that moves away: with the order "move" into a user
 * namespace of its own, where it is root, and a mount namespace in that. Says "ready" and "moved".
 */
#include <fcntl.h>
#include <sched.h>

#include "neighbour.h"

static void write_map(const char *path, unsigned outside) {
  char row[32];
  int length = snprintf(row, sizeof(row), "0 %u 1", outside);
  int fd = open(path, O_WRONLY);

  if (fd < 0 || write(fd, row, (size_t)length) != length)
    fail(path);
  close(fd);
}

int main(void) {
  char order[16];
  unsigned uid = geteuid();

  say("ready\n");
  while (next_order(order, sizeof(order), -1)) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
      fail("unshare");
    write_map("/proc/self/uid_map", uid);
    say("moved\n");
  }
  return 0;
}
