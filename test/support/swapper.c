/* SPDX-License-Identifier: MIT */
/*
 * Exchanges the names of files, over and over (rename(2), RENAME_EXCHANGE), until fd 3 ends: what a
 * process that can write to an image does while a session is set up in it.
 *
 *   swapper ONE OTHER [ONE OTHER]...
 *
 * Says "ready" after the first round.
 */
#include "neighbour.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static void swap(const char *one, const char *other) {
  if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
    fail("renameat2");
}

int main(int argc, char **argv) {
  struct pollfd orders = {.fd = ORDERS, .events = POLLIN};

  for (int round = 0; poll(&orders, 1, 0) == 0; round++) {
    for (int at = 1; at + 1 < argc; at += 2)
      swap(argv[at], argv[at + 1]);
    if (round == 0)
      say("ready\n");
  }
  return 0;
}
