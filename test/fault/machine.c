/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#if defined(__x86_64__)

#define REGISTER(name) ((void *)offsetof(struct user_regs_struct, name))

static int poke(pid_t pid, void *where, long value) {
  return ptrace(PTRACE_POKEUSER, pid, where, (void *)value) < 0 ? -errno : 0;
}

int machine_skip_call(pid_t pid) {
  return poke(pid, REGISTER(orig_rax), -1);
}

int machine_set_result(pid_t pid, long result) {
  return poke(pid, REGISTER(rax), result);
}

int machine_current_call(pid_t pid, uint64_t *number, uint64_t *first_argument) {
  errno = 0;
  *number = (uint64_t)ptrace(PTRACE_PEEKUSER, pid, REGISTER(orig_rax), NULL);
  *first_argument = (uint64_t)ptrace(PTRACE_PEEKUSER, pid, REGISTER(rdi), NULL);
  return -errno;
}

#elif defined(__aarch64__)

/* elf(5): the register sets of ptrace(2) PTRACE_GETREGSET */
#define REGISTERS_GENERAL 1
#define REGISTERS_CALL    0x404

static int transfer(int request, pid_t pid, long set, void *bytes, size_t size) {
  struct iovec vector = {bytes, size};
  return ptrace(request, pid, (void *)set, &vector) < 0 ? -errno : 0;
}

int machine_skip_call(pid_t pid) {
  int none = -1;
  return transfer(PTRACE_SETREGSET, pid, REGISTERS_CALL, &none, sizeof none);
}

int machine_set_result(pid_t pid, long result) {
  struct user_regs_struct registers;
  int got = transfer(PTRACE_GETREGSET, pid, REGISTERS_GENERAL, &registers, sizeof registers);
  if (got < 0)
    return got;
  registers.regs[0] = (unsigned long long)result;
  return transfer(PTRACE_SETREGSET, pid, REGISTERS_GENERAL, &registers, sizeof registers);
}

/* x0 holds the result by the time of a fork's stop; the event comes before it is written. */
int machine_current_call(pid_t pid, uint64_t *number, uint64_t *first_argument) {
  struct user_regs_struct registers;
  int got = transfer(PTRACE_GETREGSET, pid, REGISTERS_GENERAL, &registers, sizeof registers);
  if (got < 0)
    return got;
  *number = registers.regs[8];
  *first_argument = registers.regs[0];
  return 0;
}

#else
#error "the registers of this architecture are not described here"
#endif
