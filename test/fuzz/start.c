/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the agent's ends wait before they become fds 3 and 4. */
#define ASIDE 64

struct ends {
  int in, out;             /* the fuzzer's */
  int agent_in, agent_out; /* the agent's */
};

static void make_pipe(int *reader, int *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    die("pipe2");
  *reader = ends[0];
  *writer = ends[1];
}

static void make_socket(int *mine, int *agents) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    die("socketpair");
  *mine = ends[0];
  *agents = ends[1];
}

static struct ends make_channel(const struct plan *plan) {
  struct ends ends;
  switch (plan->wiring) {
  case WIRING_TWO_SOCKETS:
    make_socket(&ends.in, &ends.agent_in);
    make_socket(&ends.out, &ends.agent_out);
    break;
  case WIRING_ONE_SOCKET:
    make_socket(&ends.in, &ends.agent_in);
    ends.out = fcntl(ends.in, F_DUPFD_CLOEXEC, 0);
    ends.agent_out = fcntl(ends.agent_in, F_DUPFD_CLOEXEC, 0);
    break;
  case WIRING_PIPE_AND_SOCKET:
    make_pipe(&ends.agent_in, &ends.in);
    make_socket(&ends.out, &ends.agent_out);
    break;
  case WIRING_PIPES:
  case WIRING_COUNT:
    make_pipe(&ends.agent_in, &ends.in);
    make_pipe(&ends.out, &ends.agent_out);
    break;
  }
  if (plan->send_buffer > 0) /* ENOTSOCK of a pipe */
    setsockopt(ends.agent_out, SOL_SOCKET, SO_SNDBUF, &plan->send_buffer, sizeof plan->send_buffer);
  fcntl(ends.in, F_SETFL, fcntl(ends.in, F_GETFL) | O_NONBLOCK);
  fcntl(ends.out, F_SETFL, fcntl(ends.out, F_GETFL) | O_NONBLOCK);
  return ends;
}

static void fail(const char *what) {
  dprintf(2, "session_fuzz: cannot start an agent: %s\n", what);
  _exit(126);
}

/* Those that libc keeps for itself are ignored as well. */
static void ignore_signals(void) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
  } action = {.handler = SIG_IGN};
  for (int signum = 1; signum <= 64; signum++)
    syscall(SYS_rt_sigaction, signum, &action, NULL, 8);
}

static void block_signals(void) {
  unsigned long all = ~0UL;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
}

static void hide_proc(void) {
  if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount("none", "/proc", "tmpfs", 0, NULL) < 0)
    fail("hide /proc");
}

static void become_nobody(void) {
  if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
      setresuid(NOBODY, NOBODY, NOBODY) < 0)
    fail("become nobody");
}

static void open_standard(const struct plan *plan, int fd, int terminal) {
  int from = -1;
  switch (plan->standard[fd]) {
  case STANDARD_CLOSED:
    close(fd);
    return;
  case STANDARD_TERMINAL:
    from = fcntl(terminal, F_DUPFD, ASIDE);
    break;
  case STANDARD_NULL:
    from = open("/dev/null", O_RDWR);
    break;
  case STANDARD_FILE:
    from = open("output", fd == 0 ? O_RDONLY : O_WRONLY | O_APPEND);
    break;
  }
  if (from < 0 || dup2(from, fd) < 0)
    fail("standard descriptors");
  if (from != fd)
    close(from);
}

_Noreturn static void be_agent(const struct machine *machine, const struct plan *plan,
                               const struct ends *ends, int terminal) {
  const gid_t groups[] = {0, 27};
  char *const argv[] = {(char *)machine->agent, NULL};
  int in = fcntl(ends->agent_in, F_DUPFD, ASIDE);
  int out = fcntl(ends->agent_out, F_DUPFD, ASIDE);
  int tty = terminal < 0 ? -1 : fcntl(terminal, F_DUPFD, ASIDE);
  if (chdir(machine->directory) < 0)
    fail("chdir");
  for (int fd = 3; fd < ASIDE; fd++)
    close(fd);
  for (int fd = 2; fd >= 0; fd--)
    if (plan->standard[fd] != STANDARD_CLOSED)
      open_standard(plan, fd, tty);
  if (dup2(in, 3) < 0 || dup2(out, 4) < 0)
    fail("fds 3 and 4");
  for (int fd = 5; fd < ASIDE + 64; fd++)
    close(fd);
  for (int i = 0; i < plan->extra_fds; i++)
    if (dup(3 + i % 2) < 0)
      fail("more descriptors");
  if (plan->hides_proc)
    hide_proc();
  if (plan->has_groups && setgroups(2, groups) < 0)
    fail("groups");
  if (plan->as_nobody && machine->privileged)
    become_nobody();
  if (plan->ignores_signals)
    ignore_signals();
  if (plan->blocks_signals)
    block_signals();
  for (int fd = 0; fd < 3; fd++)
    if (plan->standard[fd] == STANDARD_CLOSED)
      close(fd);
  execv(machine->agent, argv);
  _exit(126);
}

/* The slave's descriptor; the master's in *master. */
static int open_terminal(const struct plan *plan, int *master) {
  *master = -1;
  if (plan->standard[0] != STANDARD_TERMINAL)
    return -1;
  *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
    die("posix_openpt");
  int slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    die("ptsname");
  return slave;
}

struct started start_agent(const struct machine *machine, const struct plan *plan) {
  struct started started;
  struct ends ends = make_channel(plan);
  int slave = open_terminal(plan, &started.terminal);
  started.agent = fork();
  if (started.agent < 0)
    die("fork");
  if (started.agent == 0)
    be_agent(machine, plan, &ends, slave);
  close(ends.agent_in);
  close(ends.agent_out);
  if (slave >= 0)
    close(slave);
  started.in = ends.in;
  started.out = ends.out;
  return started;
}
