/* SPDX-License-Identifier: MIT */
/*
 * Traces an agent's system calls (ptrace(2), PTRACE_GET_SYSCALL_INFO since Linux 5.3).
 *
 *   holder                   says "ready"; the order "hold PID NAME" says "watching PID", and "held
 *                            PID" when the process is about to open a file whose path ends in NAME;
 *                            the next order, "release", lets it go on untraced. The order
 *                            "put PID" writes "early\n" to fd 1 of that process (pidfd_getfd(2))
 *                            and says "put". The order "compare PID PID" says whether the two
 *                            processes have their memory in common, "compared shared." or
 *                            "compared apart." (kcmp(2))
 *   holder images PROGRAM    runs PROGRAM, with the descriptors of this process, and says of each
 *                            image that it executes "image N: D calls before", how many system
 * calls that take a descriptor or a path it has made before prctl(PR_SET_DUMPABLE), and at the end
 * "image N: never" of one that has not made that call
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "neighbour.h"

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif

/* The beginning of the kernel's struct ptrace_syscall_info; `op` is 1 at the entry of a call. */
struct call {
  uint8_t op;
  uint8_t pad[3];
  uint32_t arch;
  uint64_t instruction_pointer;
  uint64_t stack_pointer;
  uint64_t number;
  uint64_t arguments[6];
};

/* Whether the process has stopped at the entry of a system call. */
static int is_entry(pid_t pid, int status, struct call *call) {
  return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) &&
         ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*call), call) > 0 && call->op == 1;
}

/* On to its next stop; a signal that it has stopped for is delivered. */
static int next_stop(pid_t pid, int *status) {
  int signum = 0;

  if (WIFSTOPPED(*status) && *status >> 16 == 0 && WSTOPSIG(*status) != (SIGTRAP | 0x80))
    signum = WSTOPSIG(*status);
  ptrace(PTRACE_SYSCALL, pid, NULL, (long)signum);
  return waitpid(pid, status, __WALL) == pid && WIFSTOPPED(*status);
}

static int opens(pid_t pid, const struct call *call, const char *name) {
  char path[64] = "";
  uint64_t at;

  if (call->number == SYS_openat)
    at = call->arguments[1];
#ifdef SYS_open
  else if (call->number == SYS_open)
    at = call->arguments[0];
#endif
  else
    return 0;
  for (size_t i = 0; i < sizeof(path) / sizeof(long) - 1; i++) {
    long word = ptrace(PTRACE_PEEKDATA, pid, at + i * sizeof(long), NULL);

    memcpy(path + i * sizeof(long), &word, sizeof(word));
  }
  return strlen(path) >= strlen(name) && strcmp(path + strlen(path) - strlen(name), name) == 0;
}

static void hold(pid_t pid, const char *name) {
  char order[16];
  struct call call;
  int status = 0;

  if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC) < 0 ||
      ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
    fail("ptrace");
  waitpid(pid, &status, __WALL);
  say("watching %d\n", pid);
  while (next_stop(pid, &status))
    if (is_entry(pid, status, &call) && opens(pid, &call, name)) {
      say("held %d\n", pid);
      next_order(order, sizeof(order), -1);
      ptrace(PTRACE_DETACH, pid, NULL, NULL);
      return;
    }
  say("late\n");
}

static void put(pid_t pid) {
  long pidfd = syscall(SYS_pidfd_open, pid, 0);
  long fd = syscall(SYS_pidfd_getfd, pidfd, 1, 0);

  if (fd < 0 || write((int)fd, "early\n", 6) != 6)
    fail("put");
  close((int)fd);
  close((int)pidfd);
  say("put\n");
}

static void compare(pid_t one, pid_t other) {
  long result = syscall(SYS_kcmp, one, other, 1 /* KCMP_VM */, 0, 0);

  if (result < 0)
    fail("kcmp");
  say("compared %s.\n", result == 0 ? "shared" : "apart");
}

static int takes_file(const struct call *call) {
  switch (call->number) {
  case SYS_openat:
  case SYS_read:
  case SYS_write:
  case SYS_close:
  case SYS_fcntl:
  case SYS_ioctl:
  case SYS_ppoll:
#ifdef SYS_open
  case SYS_open:
#endif
#ifdef SYS_poll
  case SYS_poll:
#endif
    return 1;
  default:
    return 0;
  }
}

static int run_images(char **program) {
  struct call call;
  int status = 0;
  int image = 0;
  int calls = 0;
  int is_dumpable = 1;
  pid_t pid = fork();

  if (pid < 0)
    fail("fork");
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(program[0], program);
    fail(program[0]);
  }
  /* The program's channel is to end with the program. */
  for (int fd = 3; fd < 16; fd++)
    close(fd);
  waitpid(pid, &status, __WALL);
  ptrace(PTRACE_SETOPTIONS, pid, NULL,
         PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  status = 0;
  while (next_stop(pid, &status)) {
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
      image++;
      calls = 0;
      is_dumpable = 1;
    } else if (image > 0 && is_dumpable && is_entry(pid, status, &call)) {
      is_dumpable = call.number != SYS_prctl || call.arguments[0] != PR_SET_DUMPABLE;
      calls += takes_file(&call);
      if (!is_dumpable)
        say("image %d: %d calls before\n", image, calls);
    }
  }
  if (is_dumpable)
    say("image %d: never\n", image);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

int main(int argc, char **argv) {
  char order[64];
  char name[32];
  int other;
  int pid;

  if (argc > 2 && strcmp(argv[1], "images") == 0)
    return run_images(argv + 2);
  say("ready\n");
  while (next_order(order, sizeof(order), -1)) {
    if (sscanf(order, "hold %d %31s", &pid, name) == 2)
      hold(pid, name);
    else if (sscanf(order, "put %d", &pid) == 1)
      put(pid);
    else if (sscanf(order, "compare %d %d", &pid, &other) == 2)
      compare(pid, other);
  }
  return 127;
}
