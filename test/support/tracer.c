/* SPDX-License-Identifier: MIT */
/*
 * A process that is traced and has ended is kept from its parent until its tracer has waited for it
 * (ptrace(2)); this tracer never does.
 *
 *   tracer                 says "ready"; orders: a pid to be seized, said as "seized PID"
 *   tracer inside PID      joins that process's user namespace first, with the ids it came with and
 *                          all capabilities there, which an exec after that would take away
 *   tracer exit CODE       a workload that its own child has seized before it exits
 *   tracer die SIGNAL      the same, but it ends by a signal
 *
 * The workload says "tracer PID" before it ends. Its child is in another session, so that no signal
 * to the workload's process group ends it.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "neighbour.h"

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

static void seize(int pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
    say("refused %d errno %d\n", pid, errno);
  else
    say("seized %d\n", pid);
}

static _Noreturn void seize_by_order(void) {
  char order[32];

  say("ready\n");
  for (;;)
    if (next_order(order, sizeof(order), -1))
      seize(atoi(order));
}

/* The seconds after which a tracer ends that no test has ended. */
#define LIFETIME 60

/* Returns in the workload when its child has seized it. */
static void be_seized(void) {
  int seized[2];
  char byte;
  pid_t tracer;

  prctl(PR_SET_PTRACER, -1L);
  if (pipe(seized) < 0)
    fail("pipe");
  tracer = fork();
  if (tracer == 0) {
    setsid();
    alarm(LIFETIME);
    signal(SIGTERM, SIG_IGN);
    if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0 || write(seized[1], "", 1) != 1)
      _exit(1);
    wait_forever();
  }
  close(seized[1]);
  if (read(seized[0], &byte, 1) != 1)
    fail("the child could not seize its parent");
  say("tracer %d\n", tracer);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "inside") == 0)
    join_namespace(argv[2], "user", CLONE_NEWUSER);
  if (argc < 3 || strcmp(argv[1], "inside") == 0)
    seize_by_order();
  be_seized();
  if (strcmp(argv[1], "die") == 0)
    kill(getpid(), atoi(argv[2]));
  return atoi(argv[2]);
}
