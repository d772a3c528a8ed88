/* SPDX-License-Identifier: MIT */
/*
 * Types into its own terminal (ioctl(2), TIOCSTI) and pastes what is selected on a console
 * (TIOCLINUX), in every way that a system call can be made, each in a process of its own. Says of
 * each how it ended: "WAY COMMAND done", "WAY COMMAND errno N" or "WAY COMMAND signal N". The ways
 * are
 *
 *   native   the machine's own system call table
 *   wide     the same with bits set that the kernel does not look at: a command is an unsigned int
 *   x32      the table of x32 programs (x86-64)
 *   compat   the 32-bit table (x86-64)
 */
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "neighbour.h"

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif

/* The bit that says x32 in a system call's number. */
#define X32_BIT 0x40000000L

/* The 32-bit table's number of ioctl. */
#define COMPAT_IOCTL 54

/* Within the first 4 GiB, as the 32-bit table takes addresses; TIOCLINUX reads a subcode, 3 to
 * paste. */
static char *argument;

static long by_native(unsigned long command) {
  return syscall(SYS_ioctl, 0, command, argument);
}

static long by_wide(unsigned long command) {
  return syscall(SYS_ioctl, 0, command | 0x100000000UL, argument);
}

#ifdef __x86_64__
#include <sys/mman.h>

static long by_x32(unsigned long command) {
  return syscall(SYS_ioctl | X32_BIT, 0, command, argument);
}

static long by_compat(unsigned long command) {
  long result;

  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(COMPAT_IOCTL), "b"(0), "c"(command), "d"(argument)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

static char *low_memory(void) {
  char *memory =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

  return memory == MAP_FAILED ? NULL : memory;
}
#else
static char *low_memory(void) {
  static char memory[4096];

  return memory;
}
#endif

static const struct {
  const char *name;
  long (*call)(unsigned long command);
} ways[] = {
    {"native", by_native},
    {"wide", by_wide},
#ifdef __x86_64__
    {"x32", by_x32},
    {"compat", by_compat},
#endif
};

static const struct {
  const char *name;
  unsigned long number;
  char argument;
} commands[] = {
    {"TIOCSTI", TIOCSTI, 'x'},
    {"TIOCLINUX", TIOCLINUX, 3},
};

static void type(size_t way, size_t command) {
  int status = 0;
  pid_t child = fork();

  if (child < 0)
    fail("fork");
  if (child == 0) {
    *argument = commands[command].argument;
    _exit(ways[way].call(commands[command].number) < 0 ? errno : 0);
  }
  waitpid(child, &status, 0);
  say("%s %s ", ways[way].name, commands[command].name);
  if (WIFSIGNALED(status))
    say("signal %d\n", WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    say("errno %d\n", WEXITSTATUS(status));
  else
    say("done\n");
}

/* What is typed is not to be seen among what is said. */
static void set_echo_off(void) {
  struct termios mode;

  if (tcgetattr(0, &mode) < 0)
    return;
  mode.c_lflag &= (tcflag_t)~ECHO;
  tcsetattr(0, TCSANOW, &mode);
}

int main(void) {
  set_echo_off();
  argument = low_memory();
  if (!argument)
    fail("mmap");
  for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
    for (size_t command = 0; command < sizeof(commands) / sizeof(commands[0]); command++)
      type(way, command);
  say("typed\n");
  return 0;
}
