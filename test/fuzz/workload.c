/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "encode.h"

/* What a workload exits with when it cannot do its part. */
enum { EXIT_NO_ACCOUNT = 97, EXIT_UNKNOWN = 98 };

static struct account *account;

_Noreturn static void leave(int status) {
  atomic_store(&account->ended, status + 1);
  _exit(status);
}

_Noreturn static void wait_forever(void) {
  for (;;)
    pause();
}

static void milliseconds(long count) {
  poll(NULL, 0, (int)count);
}

/* A descriptor that some relative has made non-blocking (a terminal, an inherited one) is waited
 * for. */
static int wait_for(int fd, short events) {
  struct pollfd polled = {.fd = fd, .events = events};
  return poll(&polled, 1, -1);
}

static void write_pattern(int fd, long size) {
  static char block[ACCOUNT_BLOCK];
  long end = size > LONG_MAX - account->written[fd] ? LONG_MAX : account->written[fd] + size;
  while (account->written[fd] < end) {
    long left = end - account->written[fd];
    size_t count = (size_t)(left < ACCOUNT_BLOCK ? left : ACCOUNT_BLOCK);
    for (size_t i = 0; i < count; i++)
      block[i] = (char)account_pattern(account->written[fd] + (long)i);
    ssize_t taken = write(fd, block, count);
    if (taken > 0) {
      atomic_fetch_add(&account->written[fd], taken);
    } else if (errno == EAGAIN) {
      wait_for(fd, POLLOUT);
    } else if (errno != EINTR) {
      atomic_store(&account->output_failed, 1);
      return;
    }
  }
}

/* `size` < 0: to the end. */
static void read_pattern(long size) {
  static unsigned char block[65536];
  while (size != 0) {
    size_t room = size > 0 && size < (long)sizeof block ? (size_t)size : sizeof block;
    ssize_t count = read(0, block, room);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EAGAIN) {
      wait_for(0, POLLIN);
      continue;
    }
    if (count <= 0) {
      atomic_store(&account->input_ended, 1);
      return;
    }
    for (ssize_t i = 0; i < count; i++)
      if (block[i] != account_pattern(account->read + i))
        atomic_store(&account->wrong_input, 1);
    atomic_fetch_add(&account->read, count);
    size -= size > 0 ? count : 0;
  }
}

static void spin(long count) {
  struct timespec used;
  do
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < count);
}

static void caught(int signum) {
  (void)signum;
}

/* In the same process group; one that is stubborn ignores what an orphan policy sends first. */
static void have_child(int stubborn) {
  if (fork() != 0)
    return;
  if (stubborn)
    for (int signum = 1; signum < 32; signum++)
      signal(signum, SIG_IGN);
  wait_forever();
}

static void have_daemon(int deaf) {
  pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0)
      _exit(0);
    for (int fd = 0; deaf && fd < 3; fd++)
      close(fd);
    wait_forever();
  }
  waitpid(child, NULL, 0);
}

static void have_brood(long count) {
  for (long i = 0; i < count; i++)
    have_daemon(i % 2 == 0);
}

static void have_zombie(void) {
  siginfo_t ended;
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
}

static void make_raw(void) {
  struct termios mode;
  if (tcgetattr(0, &mode) < 0)
    return;
  cfmakeraw(&mode);
  tcsetattr(0, TCSANOW, &mode);
}

/* Lets go of its terminal wholly, then opens it anew; the hang-up is ignored meanwhile. */
static void reopen_terminal(void) {
  char path[64];
  if (ttyname_r(0, path, sizeof path) != 0)
    return;
  signal(SIGHUP, SIG_IGN);
  for (int fd = 0; fd < 3; fd++)
    close(fd);
  if (open(path, O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
    leave(EXIT_UNKNOWN);
  signal(SIGHUP, SIG_DFL);
}

static void play(enum work work, long number) {
  switch (work) {
  case WORK_OUT:
    write_pattern(1, number);
    return;
  case WORK_ERR:
    write_pattern(2, number);
    return;
  case WORK_FLOOD:
    write_pattern(1, LONG_MAX);
    wait_forever();
  case WORK_IN:
    read_pattern(number);
    return;
  case WORK_IN_ALL:
    read_pattern(-1);
    return;
  case WORK_SLEEP:
    milliseconds(number);
    return;
  case WORK_SPIN:
    spin(number);
    return;
  case WORK_IGNORE:
    signal((int)number, SIG_IGN);
    return;
  case WORK_TRAP:
    signal((int)number, caught);
    return;
  case WORK_CLOSE:
    close((int)number);
    return;
  case WORK_CHILD:
  case WORK_STUBBORN_CHILD:
    have_child(work == WORK_STUBBORN_CHILD);
    return;
  case WORK_DAEMON:
  case WORK_DAEMON_DEAF:
    have_daemon(work == WORK_DAEMON_DEAF);
    return;
  case WORK_BROOD:
    have_brood(number);
    return;
  case WORK_ZOMBIE:
    have_zombie();
    return;
  case WORK_RAW:
    make_raw();
    return;
  case WORK_REOPEN:
    reopen_terminal();
    return;
  case WORK_PACKETS:
    fcntl(1, F_SETFL, O_DIRECT);
    return;
  case WORK_STOP:
    raise(SIGSTOP);
    wait_forever();
  case WORK_PAUSE:
    wait_forever();
  case WORK_DIE:
    signal((int)number, SIG_DFL);
    raise((int)number);
    leave(EXIT_UNKNOWN);
  case WORK_EXIT:
    leave((int)number);
  case WORK_COUNT:
    break;
  }
  leave(EXIT_UNKNOWN);
}

static void play_item(const char *item) {
  const char *colon = strchr(item, ':');
  size_t length = colon == NULL ? strlen(item) : (size_t)(colon - item);
  for (int work = 0; work < WORK_COUNT; work++)
    if (strlen(work_names[work]) == length && strncmp(item, work_names[work], length) == 0) {
      play((enum work)work, colon == NULL ? 0 : strtol(colon + 1, NULL, 10));
      return;
    }
  leave(EXIT_UNKNOWN);
}

int workload_main(char *argv[]) {
  int fd = open(argv[0], O_RDWR | O_CLOEXEC);
  void *page = fd < 0
                   ? MAP_FAILED
                   : mmap(NULL, sizeof(struct account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED)
    return EXIT_NO_ACCOUNT;
  close(fd);
  account = page;
  atomic_fetch_add(&account->started, 1);
  for (char **item = argv + 1; *item != NULL; item++)
    play_item(*item);
  leave(0);
}
