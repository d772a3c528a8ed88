/* SPDX-License-Identifier: MIT */
/*
 * A workload that plays a part: actor [--beacon PATH] PART [argument...]. What a test needs to see
 * of it is written to fd 1, one line a fact; "ready" means that the part has come to the point
 * where it waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "beacon.h"

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...) {
  va_list values;

  va_start(values, format);
  vdprintf(1, format, values);
  va_end(values);
}

static void say_result(const char *what, long result) {
  if (result < 0)
    say("%s errno %d\n", what, errno);
  else
    say("%s ok\n", what);
}

static _Noreturn void wait_forever(void) {
  for (;;)
    pause();
}

/* Becomes another program, which holds the beacon then. */
static int play_exec(char **argument) {
  execv(argument[0], argument);
  return 127;
}

static int play_exit(char **argument) {
  return atoi(argument[0]);
}

static int play_pause(char **argument) {
  (void)argument;
  say("ready\n");
  wait_forever();
}

/* Ends by a signal of its own choice. */
static int play_die(char **argument) {
  raise(atoi(argument[0]));
  return 99;
}

static int play_ignore(char **argument) {
  for (; *argument; argument++)
    signal(atoi(*argument), SIG_IGN);
  return play_pause(argument);
}

/* Says each of the signals as it comes, in a way that survives a burst. */
static int play_catch(char **argument) {
  sigset_t caught;
  int signum;

  sigemptyset(&caught);
  for (; *argument; argument++)
    sigaddset(&caught, atoi(*argument));
  sigprocmask(SIG_BLOCK, &caught, NULL);
  say("ready\n");
  while (sigwait(&caught, &signum) == 0)
    say("got %d\n", signum);
  return 0;
}

static unsigned char pattern(long offset) {
  return (unsigned char)('a' + offset % 23);
}

static int write_pattern(int fd, long wanted) {
  static unsigned char block[23 * 1024];

  for (size_t i = 0; i < sizeof(block); i++)
    block[i] = pattern((long)i);
  for (long done = 0; done < wanted;) {
    size_t start = (size_t)(done % 23);
    size_t size = sizeof(block) - start;
    ssize_t written;

    if ((long)size > wanted - done)
      size = (size_t)(wanted - done);
    written = write(fd, block + start, size);
    if (written < 0)
      return errno;
    done += written;
  }
  return 0;
}

static int play_write(char **argument) {
  return write_pattern(atoi(argument[0]), atol(argument[1]));
}

/* Says that it begins, on fd 1, then writes to the given fd for ever. */
static int play_flood(char **argument) {
  say("ready\n");
  return write_pattern(atoi(argument[0]), INT64_MAX);
}

/* Waits until SIGUSR1 comes. */
static void wait_for_go(void) {
  sigset_t go;
  int signum;

  sigemptyset(&go);
  sigaddset(&go, SIGUSR1);
  sigprocmask(SIG_BLOCK, &go, NULL);
  say("ready\n");
  sigwait(&go, &signum);
}

static int play_write_late(char **argument) {
  wait_for_go();
  return play_write(argument);
}

static int read_pattern(long wanted) {
  static unsigned char block[65536];
  long done = 0;

  while (done < wanted) {
    ssize_t got = read(0, block, sizeof(block));

    if (got <= 0)
      break;
    for (ssize_t i = 0; i < got; i++, done++) {
      if (block[i] != pattern(done)) {
        say("wrong byte at %ld\n", done);
        return 1;
      }
    }
  }
  say("read %ld\n", done);
  return 0;
}

static int play_read(char **argument) {
  return read_pattern(atol(argument[0]));
}

/* The same from a terminal in raw mode, and not before SIGUSR1 has come. */
static int play_read_late(char **argument) {
  struct termios mode;

  if (tcgetattr(0, &mode) == 0) {
    cfmakeraw(&mode);
    tcsetattr(0, TCSANOW, &mode);
  }
  wait_for_go();
  return read_pattern(atol(argument[0]));
}

static int play_kill_group(char **argument) {
  signal(atoi(argument[0]), SIG_IGN);
  say_result("kill", kill(0, atoi(argument[0])));
  return 0;
}

static pid_t pid_argument(const char *text) {
  return strcmp(text, "parent") == 0 ? getppid() : (pid_t)atoi(text);
}

static int play_ptrace(char **argument) {
  say_result("ptrace", ptrace(PTRACE_SEIZE, pid_argument(argument[0]), NULL, NULL));
  return 0;
}

/* Opens a file of a process, such as fd/4 or mem of "parent". */
static int play_open_of(char **argument) {
  char path[128];

  snprintf(path, sizeof(path), "/proc/%d/%s", pid_argument(argument[0]), argument[1]);
  say_result("open", open(path, O_RDWR));
  return 0;
}

static int play_write_to(char **argument) {
  for (; *argument; argument++)
    say_result("write", write(atoi(*argument), "forged", 6));
  return 0;
}

static void ignore_all(char **signals) {
  for (; *signals; signals++)
    signal(atoi(*signals), SIG_IGN);
}

/* A child in the same process group, which ignores the given signals; the parent does not. */
static int play_stubborn_child(char **argument) {
  pid_t child = fork();

  if (child == 0) {
    ignore_all(argument);
    say("child ready\n");
    wait_forever();
  }
  say("child %d\n", child);
  wait_forever();
}

/* Ignores the given signals, which its child does not, and says how that ended. */
static int play_outlive_child(char **argument) {
  int status = 0;
  pid_t child;

  ignore_all(argument);
  child = fork();
  if (child == 0) {
    for (; *argument; argument++)
      signal(atoi(*argument), SIG_DFL);
    say("child ready\n");
    wait_forever();
  }
  waitpid(child, &status, 0);
  say("child ended %d\n", WTERMSIG(status));
  return 0;
}

/* A child in the same process group, which ignores the given signals, as does the parent. */
static int play_family(char **argument) {
  ignore_all(argument);
  return play_stubborn_child(argument);
}

/* A child in the same process group that outlives the workload. */
static int play_leave_child(char **argument) {
  pid_t child = fork();

  (void)argument;
  if (child == 0)
    wait_forever();
  say("child %d\n", child);
  return 0;
}

/* A daemon by the book: two forks and a session of its own; holds the given fds, closes others. */
static int play_daemon(char **argument) {
  int keep = argument[0] && strcmp(argument[0], "keep") == 0;
  int link[2];
  pid_t daemon_pid;
  pid_t child;

  if (pipe(link) < 0)
    return 1;
  child = fork();
  if (child == 0) {
    setsid();
    daemon_pid = fork();
    if (daemon_pid == 0) {
      for (int fd = 0; !keep && fd < 3; fd++)
        close(fd);
      daemon_pid = getpid();
      if (write(link[1], &daemon_pid, sizeof(daemon_pid)) < 0)
        return 1;
      wait_forever();
    }
    _exit(0);
  }
  waitpid(child, NULL, 0);
  if (read(link[0], &daemon_pid, sizeof(daemon_pid)) != sizeof(daemon_pid))
    return 1;
  say("daemon %d\n", daemon_pid);
  return 0;
}

/* A child that has ended and is not reaped. */
static int play_zombie(char **argument) {
  siginfo_t ended;
  pid_t child = fork();

  (void)argument;
  if (child == 0)
    _exit(0);
  waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
  say("zombie %d\n", child);
  wait_forever();
}

static void *say_thread_id(void *unused) {
  (void)unused;
  say("tid %ld\n", syscall(SYS_gettid));
  wait_forever();
}

/* A second thread, whose id is no process id. */
static int play_thread(char **argument) {
  pthread_t thread;

  (void)argument;
  if (pthread_create(&thread, NULL, say_thread_id, NULL) != 0)
    return 1;
  wait_forever();
}

static void *fork_away(void *unused) {
  pid_t child = fork();

  (void)unused;
  if (child == 0)
    setsid();
  else
    say("child %d\n", child);
  wait_forever();
}

/* A child of a second thread, in a session of its own. */
static int play_thread_fork(char **argument) {
  pthread_t thread;

  (void)argument;
  if (pthread_create(&thread, NULL, fork_away, NULL) != 0)
    return 1;
  wait_forever();
}

/* Lets go of its terminal wholly, then opens it anew, as a login does. */
static int play_reopen_tty(char **argument) {
  char path[64] = "";
  char line[64];
  ssize_t length;

  (void)argument;
  if (ttyname_r(0, path, sizeof(path)) != 0)
    return 1;
  say("before\n");
  for (int round = 0; round < 3; round++) {
    /* The hang-up that a closed slave sends must not end this process. */
    signal(SIGHUP, SIG_IGN);
    for (int fd = 0; fd < 3; fd++)
      close(fd);
    if (open(path, O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
      return 2;
    say("again %d\n", round);
  }
  say("ready\n");
  length = read(0, line, sizeof(line));
  say("line %.*s", (int)length, line);
  return 0;
}

static int play_tty(char **argument) {
  int fd = open("/dev/tty", O_RDWR);

  (void)argument;
  say("isatty %d %d %d\n", isatty(0), isatty(1), isatty(2));
  say_result("controlling", fd);
  say("foreground %d\n", tcgetpgrp(0) == getpgrp());
  return 0;
}

static void say_winsize(void) {
  struct winsize size = {0};

  ioctl(0, TIOCGWINSZ, &size);
  say("winsize %d %d %d %d\n", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
}

static int play_winsize(char **argument) {
  sigset_t changed;
  int signum;

  (void)argument;
  sigemptyset(&changed);
  sigaddset(&changed, SIGWINCH);
  sigprocmask(SIG_BLOCK, &changed, NULL);
  say_winsize();
  say("ready\n");
  while (sigwait(&changed, &signum) == 0)
    say_winsize();
  return 0;
}

/* keyctl(2) KEYCTL_SEARCH from the session keyring downward. */
static int play_find_key(char **argument) {
  say_result("key", syscall(SYS_keyctl, 10, -3, "user", argument[0], 0));
  return 0;
}

static int play_mount(char **argument) {
  say_result("mount", mount("linx", argument[0], "tmpfs", 0, NULL));
  say("ready\n");
  wait_forever();
}

/* A tmpfs over /proc, or nothing in its place; then waits to be entered. */
static int play_hide_proc(char **argument) {
  (void)argument;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return 1;
  if (mount("linx", "/proc", "tmpfs", 0, NULL) < 0)
    return 2;
  say("ready\n");
  wait_forever();
}

/* Where it is, whether that is the root, and which of the given paths can be opened from there. */
static int play_where(char **argument) {
  char path[4096] = "";
  struct stat here;
  struct stat root;

  say("cwd %s\n", getcwd(path, sizeof(path)) ? path : "none");
  if (stat(".", &here) < 0 || stat("/", &root) < 0)
    return 1;
  say("at root %d\n", here.st_dev == root.st_dev && here.st_ino == root.st_ino);
  for (; *argument; argument++)
    say("%s %s\n", *argument, open(*argument, O_RDONLY) < 0 ? "hidden" : "open");
  return 0;
}

static int play_attributes(char **argument) {
  int death_signal = -1;

  (void)argument;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  say("pdeathsig %d\n", death_signal);
  say("dumpable %d\n", prctl(PR_GET_DUMPABLE));
  say("subreaper parent %d\n", getppid());
  say("pid %d session %d group %d\n", getpid(), getsid(0), getpgrp());
  say("uid %d %d gid %d %d\n", getuid(), geteuid(), getgid(), getegid());
  return 0;
}

/* How many strings of argv and of the environment there are, and their bytes. */
static int play_sizes(char **argument) {
  extern char **environ;
  size_t strings[2] = {0};
  size_t bytes[2] = {0};

  for (; *argument; argument++, strings[0]++)
    bytes[0] += strlen(*argument);
  for (char **entry = environ; *entry; entry++, strings[1]++)
    bytes[1] += strlen(*entry);
  say("argv %zu %zu env %zu %zu\n", strings[0], bytes[0], strings[1], bytes[1]);
  return 0;
}

static int play_say(char **argument) {
  for (; *argument; argument++)
    say("%s\n", *argument);
  return 0;
}

static int play_getpid(char **argument) {
  (void)argument;
  say_result("getpid", syscall(SYS_getpid));
  return 0;
}

/* Whether a directory can still be left and whether a descriptor can still be duplicated. */
static int play_try(char **argument) {
  (void)argument;
  say_result("chdir", chdir("/"));
  say_result("dup3", syscall(SYS_dup3, 1, 9, 0));
  return 0;
}

/* Gives up the named descriptors but lives on. */
static int play_close(char **argument) {
  say("ready\n");
  for (; *argument; argument++)
    close(atoi(*argument));
  wait_forever();
}

/* Sleeps without using the processor, then ends: a span in which nothing happens. */
static int play_nap(char **argument) {
  say("ready\n");
  usleep((useconds_t)atoi(argument[0]) * 1000);
  return 0;
}

/* Uses the processor for so many milliseconds of its own time. */
static int play_burn(char **argument) {
  struct timespec used;

  do
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < atol(argument[0]));
  return 0;
}

/* Has so many MiB of memory in use at once. */
static int play_touch(char **argument) {
  size_t size = (size_t)atol(argument[0]) << 20;
  char *memory = malloc(size);

  if (!memory)
    return 1;
  memset(memory, 1, size);
  return memory[size / 2] != 1;
}

/* Everything from fd 0 to fd 1, and an account of it on fd 2. */
static int play_copy(char **argument) {
  static char block[65536];
  long total = 0;
  ssize_t got;

  (void)argument;
  while ((got = read(0, block, sizeof(block))) > 0) {
    for (ssize_t done = 0; done < got;) {
      ssize_t written = write(1, block + done, (size_t)(got - done));

      if (written < 0)
        return 1;
      done += written;
    }
    total += got;
  }
  dprintf(2, "copied %ld\n", total);
  return 0;
}

/* Ends its input without reading it, says so, and waits. */
static int play_deaf(char **argument) {
  (void)argument;
  close(0);
  say("ready\n");
  wait_forever();
}

/* Daemons that hold the inherited descriptors: many at once, none of them in this process group. */
static int play_brood(char **argument) {
  for (long i = 0; i < atol(argument[0]); i++) {
    pid_t child = fork();

    if (child == 0) {
      setsid();
      if (fork() != 0)
        _exit(0);
      for (;;)
        pause();
    }
    waitpid(child, NULL, 0);
  }
  say("brood ready\n");
  return argument[1] ? atoi(argument[1]) : 0;
}

static const struct {
  const char *name;
  int (*play)(char **argument);
} parts[] = {
    {"attributes", play_attributes},
    {"brood", play_brood},
    {"burn", play_burn},
    {"catch", play_catch},
    {"close", play_close},
    {"copy", play_copy},
    {"daemon", play_daemon},
    {"deaf", play_deaf},
    {"die", play_die},
    {"exec", play_exec},
    {"exit", play_exit},
    {"family", play_family},
    {"find-key", play_find_key},
    {"flood", play_flood},
    {"getpid", play_getpid},
    {"hide-proc", play_hide_proc},
    {"ignore", play_ignore},
    {"kill-group", play_kill_group},
    {"leave-child", play_leave_child},
    {"mount", play_mount},
    {"nap", play_nap},
    {"open-of", play_open_of},
    {"outlive-child", play_outlive_child},
    {"pause", play_pause},
    {"ptrace", play_ptrace},
    {"read", play_read},
    {"read-late", play_read_late},
    {"reopen-tty", play_reopen_tty},
    {"say", play_say},
    {"sizes", play_sizes},
    {"thread", play_thread},
    {"thread-fork", play_thread_fork},
    {"stubborn-child", play_stubborn_child},
    {"touch", play_touch},
    {"try", play_try},
    {"tty", play_tty},
    {"where", play_where},
    {"winsize", play_winsize},
    {"write", play_write},
    {"write-late", play_write_late},
    {"write-to", play_write_to},
    {"zombie", play_zombie},
};

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "--beacon") == 0) {
    light_beacon(argv[2]);
    argc -= 2;
    argv += 2;
  }
  for (size_t row = 0; argc > 1 && row < sizeof(parts) / sizeof(parts[0]); row++)
    if (strcmp(parts[row].name, argv[1]) == 0)
      return parts[row].play(argv + 2);
  return 98;
}
