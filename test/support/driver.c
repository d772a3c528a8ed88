/* SPDX-License-Identifier: MIT */
/*
 * Starts a program (the agent) under conditions that a Port cannot make, stays its parent and its
 * descendants' subreaper, and reports over a Unix socket how everything ended.
 *
 *   driver REPORT [option...] -- program [argument...]
 *
 * REPORT names an abstract Unix socket. Its lines: "driver PID", "agent PID", "exited CODE" or
 * "signaled SIGNAL", each with CPU_US MAXRSS_KB WAIT_STATUS, "orphan PID WAIT_STATUS" for every
 * descendant that the program left to its subreaper, and "done" when nothing of it is left, alive
 * or as a zombie. The options are applied in order, in the child, just before exec. SIGTERM to the
 * driver kills everything below it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
  _exit(127);
}

static int connect_abstract(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  if (fd < 0 || length > sizeof(address.sun_path) - 1)
    fail("socket");
  memcpy(address.sun_path + 1, name, length);
  if (connect(fd, (struct sockaddr *)&address,
              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0)
    fail("connect");
  return fd;
}

static void move_to(int fd, const char *target) {
  int wanted = atoi(target);

  if (fd < 0)
    fail(target);
  if (fd == wanted)
    return;
  if (dup2(fd, wanted) < 0)
    fail("dup2");
  close(fd);
}

static void option_connect(char **value) {
  move_to(connect_abstract(value[1]), value[0]);
}

static void option_read(char **value) {
  move_to(open(value[1], O_RDONLY), value[0]);
}

static void option_write(char **value) {
  move_to(open(value[1], O_WRONLY | O_CREAT | O_APPEND, 0666), value[0]);
}

static void option_close(char **value) {
  close(atoi(value[0]));
}

/* Descriptors that no option asks for: a run of low ones and a few at the very top of the table. */
static void option_open_fds(char **value) {
  struct rlimit limit;

  for (int i = 0; i < atoi(value[0]); i++)
    if (open("/dev/null", O_RDWR) < 0)
      fail("open /dev/null");
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
    fail("getrlimit");
  for (int below = 1; below <= 3; below++)
    if (dup2(2, (int)limit.rlim_cur - below) < 0)
      fail("dup2");
}

static void option_nofile(char **value) {
  rlim_t wanted = (rlim_t)atoi(value[0]);
  struct rlimit limit = {.rlim_cur = wanted, .rlim_max = wanted};

  if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
    fail("setrlimit");
}

static void option_stack(char **value) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_STACK, &limit) < 0)
    fail("getrlimit");
  limit.rlim_cur = (rlim_t)atol(value[0]);
  if (setrlimit(RLIMIT_STACK, &limit) < 0)
    fail("setrlimit");
}

static void option_memory(char **value) {
  rlim_t bytes = (rlim_t)atol(value[0]);
  struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

  if (setrlimit(RLIMIT_AS, &limit) < 0)
    fail("setrlimit");
}

/* A seccomp filter from a file, without no_new_privs: a kernel that refuses what another allows. */
static void option_filter(char **value) {
  static uint64_t code[64]; /* struct sock_filter and sock_fprog, whose header musl does not have */
  struct {
    unsigned short len;
    uint64_t *filter;
  } program = {.filter = code};
  int fd = open(value[0], O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, code, sizeof(code));

  if (size < 0)
    fail(value[0]);
  program.len = (unsigned short)((size_t)size / sizeof(code[0]));
  close(fd);
  if (syscall(SYS_seccomp, 1, 0, &program) < 0)
    fail("seccomp");
}

static void option_core(char **value) {
  struct rlimit limit;

  (void)value;
  if (getrlimit(RLIMIT_CORE, &limit) < 0)
    fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_CORE, &limit) < 0)
    fail("setrlimit");
}

static void option_ignore_signal(char **value) {
  if (signal(atoi(value[0]), SIG_IGN) == SIG_ERR)
    fail("signal");
}

/* 32 and 33 belong to libc's threads, which hides them from signal(2) and sigprocmask(2). */
static void option_ignore_signals(char **value) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
  } action = {.handler = SIG_IGN};

  (void)value;
  for (int signum = 1; signum <= 64; signum++)
    syscall(SYS_rt_sigaction, signum, &action, NULL, 8);
}

static void option_block_signals(char **value) {
  unsigned long all = ~0UL;

  (void)value;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8) < 0)
    fail("rt_sigprocmask");
}

static void option_groups(char **value) {
  gid_t groups[] = {(gid_t)atoi(value[0]), (gid_t)atoi(value[1])};

  if (setgroups(2, groups) < 0)
    fail("setgroups");
}

static void option_user(char **value) {
  uid_t user = (uid_t)atoi(value[0]);

  if (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0)
    fail("setresuid");
}

static void option_umask(char **value) {
  umask((mode_t)strtol(value[0], NULL, 8));
}

static void option_cwd(char **value) {
  if (chdir(value[0]) < 0)
    fail(value[0]);
}

/* A session keyring that holds one key: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING, add_key(2). */
static void option_key(char **value) {
  if (syscall(SYS_keyctl, 1, NULL) < 0)
    fail("keyctl");
  if (syscall(SYS_add_key, "user", value[0], "secret", 6, -3) < 0)
    fail("add_key");
}

static const struct {
  const char *name;
  int values;
  void (*apply)(char **value);
} options[] = {
    {"--connect", 2, option_connect},
    {"--read", 2, option_read},
    {"--write", 2, option_write},
    {"--close", 1, option_close},
    {"--open-fds", 1, option_open_fds},
    {"--memory", 1, option_memory},
    {"--nofile", 1, option_nofile},
    {"--stack", 1, option_stack},
    {"--core", 0, option_core},
    {"--filter", 1, option_filter},
    {"--ignore-signal", 1, option_ignore_signal},
    {"--ignore-signals", 0, option_ignore_signals},
    {"--block-signals", 0, option_block_signals},
    {"--groups", 2, option_groups},
    {"--user", 1, option_user},
    {"--umask", 1, option_umask},
    {"--cwd", 1, option_cwd},
    {"--key", 1, option_key},
};

static _Noreturn void start(char **argument) {
  while (*argument && strcmp(*argument, "--") != 0) {
    size_t row = 0;
    size_t rows = sizeof(options) / sizeof(options[0]);

    while (row < rows && strcmp(options[row].name, *argument) != 0)
      row++;
    if (row == rows)
      fail(*argument);
    options[row].apply(argument + 1);
    argument += 1 + options[row].values;
  }
  if (!*argument || !argument[1])
    fail("no program");
  execv(argument[1], argument + 1);
  fail(argument[1]);
}

static void kill_children(void) {
  char path[64];
  int pid;
  FILE *children;

  snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
  children = fopen(path, "re");
  if (!children)
    return;
  while (fscanf(children, "%d", &pid) == 1)
    kill(pid, SIGKILL);
  fclose(children);
}

static long microseconds(struct timeval time) {
  return time.tv_sec * 1000000L + time.tv_usec;
}

static void report_end(int report, int status, const struct rusage *usage) {
  long cpu = microseconds(usage->ru_utime) + microseconds(usage->ru_stime);

  if (WIFSIGNALED(status))
    dprintf(report, "signaled %d %ld %ld %d\n", WTERMSIG(status), cpu, usage->ru_maxrss, status);
  else
    dprintf(report, "exited %d %ld %ld %d\n", WEXITSTATUS(status), cpu, usage->ru_maxrss, status);
}

static int reap(pid_t agent, int report) {
  struct rusage usage;
  int status;
  pid_t pid;

  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    if (pid == agent)
      report_end(report, status, &usage);
    else
      dprintf(report, "orphan %d %d\n", pid, status);
  }
  return pid == 0;
}

int main(int argc, char **argv) {
  sigset_t awaited;
  sigset_t before;
  int asked_to_stop = 0;
  int report;
  pid_t agent;

  if (argc < 4)
    return 127;
  report = fcntl(connect_abstract(argv[1]), F_DUPFD_CLOEXEC, 100);
  for (int fd = 5; fd < 100; fd++)
    close(fd);
  if (report < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
    fail("prctl");
  dprintf(report, "driver %d\n", getpid());
  signal(SIGCHLD, SIG_DFL);
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, &before);

  agent = fork();
  if (agent < 0)
    fail("fork");
  if (agent == 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    dprintf(report, "agent %d\n", getpid());
    start(argv + 2);
  }

  for (int fd = 0; fd < 5; fd++)
    if (fd != 2)
      close(fd);
  while (reap(agent, report)) {
    if (sigwaitinfo(&awaited, NULL) == SIGTERM)
      asked_to_stop = 1;
    if (asked_to_stop)
      kill_children();
  }
  dprintf(report, "done\n");
  return 0;
}
