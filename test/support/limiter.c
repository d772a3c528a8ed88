/* SPDX-License-Identifier: MIT */
/*
 * A process of the agent's own user that takes its descriptors away: prlimit(2), RLIMIT_NOFILE 0.
 *
 *   limiter              says "ready"; orders: a pid to be limited, said as "limited PID"
 *   limiter workload     a workload: says "ready"; limits its parent when SIGUSR1 comes, and says
 *                        "limited PID"; when it comes again says "got it", sleeps for half a
 *                        second and exits with 7
 *   limiter at-once      the same without a wait for the first SIGUSR1
 */
#include <signal.h>
#include <sys/resource.h>

#include "neighbour.h"

static void limit(pid_t pid) {
  const struct rlimit none = {0, 0};

  if (prlimit(pid, RLIMIT_NOFILE, &none, NULL) < 0)
    fail("prlimit");
  say("limited %d\n", pid);
}

static int work(int at_once) {
  sigset_t go;
  int signum;

  sigemptyset(&go);
  sigaddset(&go, SIGUSR1);
  sigprocmask(SIG_BLOCK, &go, NULL);
  if (!at_once) {
    say("ready\n");
    sigwait(&go, &signum);
  }
  limit(getppid());
  sigwait(&go, &signum);
  say("got it\n");
  usleep(500 * 1000);
  return 7;
}

int main(int argc, char **argv) {
  char order[32];

  if (argc > 1)
    return work(strcmp(argv[1], "at-once") == 0);
  say("ready\n");
  for (;;)
    if (next_order(order, sizeof(order), -1))
      limit((pid_t)atoi(order));
}
