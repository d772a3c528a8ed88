/* SPDX-License-Identifier: MIT */
/*
 * The first process of a container that stops what appears in it: SIGSTOP to every process of its
 * pid namespace that comes after it has said "ready", again and again, so that SIGCONT does not
 * help for long. Says "stopped PID as N" of the Nth.
 *
 *   stopper [wait]
 *
 * With "wait" it begins with the order "go". Runs as the first process of a pid namespace; numbers
 * are the namespace's.
 */
#include <signal.h>

#include "neighbour.h"

#define PID_MAX 4194304

static char is_told[PID_MAX + 1];

/* New processes have the next numbers: those are tried without a look at /proc. The longer none is
 * found, the more have come and gone unseen. */
static void stop_all(void) {
  static int highest = 1;
  static int idle;
  static int told;

  idle++;
  for (int pid = 2; pid <= highest + 4 + idle / 16 && pid <= PID_MAX; pid++) {
    if (kill(pid, SIGSTOP) < 0)
      continue;
    if (pid > highest) {
      highest = pid;
      idle = 0;
    }
    if (!is_told[pid]) {
      is_told[pid] = 1;
      say("stopped %d as %d\n", pid, ++told);
    }
  }
}

int main(int argc, char **argv) {
  char order[16];
  int goes = !(argc > 1 && strcmp(argv[1], "wait") == 0);

  if (getpid() != 1)
    return 127;
  say("ready\n");
  for (;;) {
    if (next_order(order, sizeof(order), goes ? 0 : -1))
      goes = 1;
    stop_all();
  }
}
