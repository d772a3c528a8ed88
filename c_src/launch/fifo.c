/* SPDX-License-Identifier: MIT */
#include "launch/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/syscalls.h"

/* faccessat2(2), since Linux 5.8; the number is the same on every architecture */
#define LINX_SYS_FACCESSAT2 439

/* With room for the frame of a signal (sigaltstack(2)). */
#define STACK_SIZE 16384

struct opener {
  int pin;    /* the FIFO, without being one of its readers or writers (O_PATH) */
  int flags;  /* of open(2) */
  int socket; /* to the child */
  char stack[STACK_SIZE] __attribute__((aligned(16)));
};

/* One for each of 0, 1 and 2, so that a FIFO which is two of them is opened on both sides. */
static struct opener openers[3];

/* The result of open(2): a negative errno, or 0 and the descriptor. */
static void send_result(int socket, int opened) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  int result = opened < 0 ? opened : 0;
  struct iovec data = {.iov_base = &result, .iov_len = sizeof result};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (opened >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof opened);
    memcpy(CMSG_DATA(header), &opened, sizeof opened);
  }
  sys_call(SYS_sendmsg, socket, &message, MSG_NOSIGNAL);
}

/* The thread. Nothing here calls libc, as in agent/guard.c. By the descriptor, because the path may
 * lead to another file by now. */
_Noreturn static void run(struct opener *opener) {
  char path[14 + DECIMAL_SIZE] = "/proc/self/fd/";
  decimal_format(path + 14, (unsigned long)opener->pin);
  int opened = sys_open(path, opener->flags | O_NOCTTY | O_CLOEXEC);
  send_result(opener->socket, opened);
  if (opened >= 0)
    sys_close(opened);
  sys_close(opener->pin);
  sys_close(opener->socket);
  for (;;)
    sys_call(SYS_exit, 0);
}

static void run_stdin(void) {
  run(&openers[0]);
}

static void run_stdout(void) {
  run(&openers[1]);
}

static void run_stderr(void) {
  run(&openers[2]);
}

static void on_cancel(int signum) {
  (void)signum;
}

/* All signals are blocked in the thread, because one that it took would be lost to the agent, but
 * for the one that makes open(2) fail with EINTR. */
static int start(struct opener *opener, int fd) {
  static void (*const runs[3])(void) = {run_stdin, run_stdout, run_stderr};
  const unsigned long flags =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  const struct sigaction cancel = {.sa_handler = on_cancel};
  const uint64_t others = ~(UINT64_C(1) << (FIFO_CANCEL - 1));
  uint64_t before = 0;
  if (sigaction(FIFO_CANCEL, &cancel, NULL) < 0)
    return -errno;
  int result = (int)sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &others, &before, sizeof others);
  if (result < 0)
    return result;
  long thread = raw_clone(flags, opener->stack + sizeof opener->stack, runs[fd], NULL);
  sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
  return (int)thread;
}

/* With the effective ids. A kernel that has no such call says it when the FIFO is opened. */
static int check_access(int pin, int flags) {
  int mode = flags == O_RDONLY ? R_OK : W_OK;
  int result = (int)sys_call(LINX_SYS_FACCESSAT2, pin, "", mode, AT_EMPTY_PATH | AT_EACCESS);
  return result == -EACCES || result == -EROFS ? result : 0;
}

int fifo_begin(int fd, const char *path, int flags, int *thread) {
  struct stat file;
  int ends[2] = {-1, -1};
  cleanup_close int pin = sys_open(path, O_PATH | O_CLOEXEC);
  if (pin < 0)
    return pin;
  if (fstat(pin, &file) < 0)
    return -errno;
  if (!S_ISFIFO(file.st_mode))
    return -ENOTTY;
  int result = check_access(pin, flags & O_ACCMODE);
  if (result == 0)
    result = (int)sys_call(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  if (result < 0)
    return result;
  openers[fd].pin = pin;
  openers[fd].flags = flags;
  openers[fd].socket = ends[0];
  result = start(&openers[fd], fd);
  if (result < 0) {
    sys_close(ends[0]);
    sys_close(ends[1]);
    return result;
  }
  fd_take(&pin);
  *thread = result;
  return ends[1];
}
