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

/* Newly made processes have the next numbers: those are tried without a look at /proc. */
static void stop_all(int *highest) {
  static int told;

  for (int pid = 2; pid <= *highest + 4; pid++) {
    if (kill(pid, SIGSTOP) < 0)
      continue;
    if (!is_told[pid]) {
      is_told[pid] = 1;
      say("stopped %d as %d\n", pid, ++told);
    }
    if (pid > *highest)
      *highest = pid;
  }
}

int main(int argc, char **argv) {
  char order[16];
  int highest = 1;
  int goes = !(argc > 1 && strcmp(argv[1], "wait") == 0);

  if (getpid() != 1)
    return 127;
  say("ready\n");
  for (;;) {
    if (next_order(order, sizeof(order), goes ? 0 : -1))
      goes = 1;
    stop_all(&highest);
  }
}
