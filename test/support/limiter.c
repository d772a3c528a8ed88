/*
 * A process of the agent's own user that takes its descriptors away: prlimit(2), RLIMIT_NOFILE 0.
 *
 *   limiter workload       limits its parent, says "limited PID", then waits for SIGUSR1 and says
 * "got it"; exits with 7 when it has slept for half a second limiter                says "ready";
 * orders: a pid to be limited, said as "limited PID"
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

static int work(void) {
  sigset_t go;
  int signum;

  sigemptyset(&go);
  sigaddset(&go, SIGUSR1);
  sigprocmask(SIG_BLOCK, &go, NULL);
  limit(getppid());
  sigwait(&go, &signum);
  say("got it\n");
  usleep(500 * 1000);
  return 7;
}

int main(int argc, char **argv) {
  char order[32];

  if (argc > 1 && strcmp(argv[1], "workload") == 0)
    return work();
  say("ready\n");
  for (;;)
    if (next_order(order, sizeof(order), -1))
      limit((pid_t)atoi(order));
}
