/* SPDX-License-Identifier: MIT */
/*
 * A small pid namespace whose numbers are used again at once, with an agent in it.
 *
 *   recycler run PROGRAM     makes the namespace, with a /proc of its own, and runs PROGRAM there
 *   recycler tree            a workload whose children come and go
 *
 * Beside PROGRAM, which has this process's descriptors, bystanders come and go, each with a number
 * that has just become free. At PROGRAM's end "bystanders N hit K" is said: K of them were sent
 * SIGUSR2, by a process that meant another. The tree says "ready" and ends with the end of its
 * stdin; it ignores SIGUSR2.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "neighbour.h"

/* The numbers that are used come after this one. */
#define FIRST 300

/* How many bystanders, and children of the tree, there are at a time. */
#define BYSTANDERS 16
#define CHILDREN   32

static volatile int *hits;

static void nap(long microseconds) {
  const struct timespec time = {.tv_nsec = microseconds * 1000};

  nanosleep(&time, NULL);
}

static void count_hit(int signum) {
  (void)signum;
  __atomic_add_fetch(hits, 1, __ATOMIC_RELAXED);
}

static _Noreturn void stand_by(unsigned seed) {
  for (int fd = 0; fd < 5; fd++)
    close(fd);
  nap((long)(seed * 7919 % 300));
  _exit(0);
}

/* The next process has the lowest number that is free (pid_namespaces(7), ns_last_pid). */
static void start_over(void) {
  static int last_pid = -1;
  char number[16];
  int length = snprintf(number, sizeof(number), "%d", FIRST);

  if (last_pid < 0)
    last_pid = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  if (last_pid < 0 || pwrite(last_pid, number, (size_t)length, 0) != length)
    fail("ns_last_pid");
}

static pid_t run_agent(char *program) {
  pid_t agent = fork();

  if (agent < 0)
    fail("fork");
  if (agent == 0) {
    char *const argv[] = {program, NULL};

    signal(SIGUSR2, SIG_DFL);
    execv(program, argv);
    fail(program);
  }
  close(3);
  close(4);
  return agent;
}

static void add_bystander(unsigned seed) {
  pid_t pid = fork();

  if (pid == 0)
    stand_by(seed);
  if (pid < 0)
    fail("fork");
}

/* The first process of the namespace. Whatever it inherits beside the bystanders it reaps as well.
 */
static _Noreturn void live(char *program) {
  unsigned bystanders = 0;
  pid_t agent;
  pid_t ended;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount("proc", "/proc", "proc", 0, NULL) < 0)
    fail("mount");
  hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (hits == MAP_FAILED)
    fail("mmap");
  start_over();
  agent = run_agent(program);
  signal(SIGUSR2, count_hit);
  while (bystanders < BYSTANDERS)
    add_bystander(bystanders++);
  while ((ended = wait(NULL)) != agent) {
    if (ended < 0)
      continue;
    start_over();
    add_bystander(bystanders++);
  }
  say("bystanders %u hit %d\n", bystanders, *hits);
  _exit(0);
}

static int run(char *program) {
  pid_t first;
  int status = 0;

  if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
    fail("unshare");
  first = fork();
  if (first < 0)
    fail("fork");
  if (first == 0)
    live(program);
  close(3);
  close(4);
  waitpid(first, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void add_child(unsigned seed) {
  pid_t pid = fork();

  if (pid == 0) {
    nap((long)(seed * 7919 % 300));
    _exit(0);
  }
  if (pid < 0)
    fail("fork");
}

static int grow_tree(void) {
  struct pollfd orders = {.fd = 0, .events = POLLIN};
  unsigned children = 0;

  signal(SIGUSR2, SIG_IGN);
  while (children < CHILDREN)
    add_child(children++);
  say("ready\n");
  while (poll(&orders, 1, 0) == 0)
    if (wait(NULL) > 0)
      add_child(children++);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "run") == 0)
    return run(argv[2]);
  return argc > 1 && strcmp(argv[1], "tree") == 0 ? grow_tree() : 127;
}
