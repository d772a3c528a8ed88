/* SPDX-License-Identifier: MIT */
#include "setup/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/syscalls.h"
#include "setup/setup.h"

/* linux/filter.h */
struct filter_instruction {
  uint16_t code;
  uint8_t jump_true, jump_false;
  uint32_t k;
};

struct filter_program {
  unsigned short length;
  const struct filter_instruction *instructions;
};

#define FILTER_MAX_LENGTH 4096 /* BPF_MAXINSNS */

struct seccomp_filter {
  struct seccomp_filter *next;
  unsigned short length;
  struct filter_instruction instructions[];
};

static int install(const struct seccomp_filter *filter) {
  struct filter_program program = {filter->length, filter->instructions};
  long result = sys_result(syscall(SYS_seccomp, LINX_SECCOMP_SET_MODE_FILTER, 0UL, &program));
  if (result == -ENOSYS) /* seccomp(2) came after the filters themselves */
    result = sys_result(prctl(PR_SET_SECCOMP, (unsigned long)LINX_SECCOMP_MODE_FILTER, &program));
  return (int)result;
}

int seccomp_filters_install(const struct seccomp_filters *filters) {
  for (const struct seccomp_filter *filter = filters->first; filter != NULL;
       filter = filter->next) {
    int result = install(filter);
    if (result < 0)
      return result;
  }
  return 0;
}

struct trial {
  const struct seccomp_filters *filters;
  volatile int result;
};

/* Shares the child's memory, so the verdict needs no system call; the filter may deny every one,
 * exit included, and then an invalid instruction ends the process. */
static int run_trial(void *argument) {
  struct trial *trial = argument;
  trial->result = seccomp_filters_install(trial->filters);
  syscall(SYS_exit_group, 0);
  __builtin_trap();
}

static int try_filters(const struct seccomp_filters *filters) {
  static char stack[16384] __attribute__((aligned(16)));
  /* A filter that kills the attempt to install the next one leaves this verdict. */
  struct trial trial = {.filters = filters, .result = -EPERM};
  int pid = clone(run_trial, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &trial);
  if (pid < 0)
    return -errno;
  int waited;
  do
    waited = waitpid(pid, NULL, 0);
  while (waited < 0 && errno == EINTR);
  return waited < 0 ? -errno : trial.result;
}

static void append(struct seccomp_filters *filters, struct seccomp_filter *filter) {
  if (filters->last == NULL)
    filters->first = filter;
  else
    filters->last->next = filter;
  filters->last = filter;
}

int seccomp_add(struct setup *setup, const struct argument *arguments) {
  const uint8_t *program = arguments->binary.bytes;
  size_t size = arguments->binary.size;
  size_t length = size / sizeof(struct filter_instruction);
  if (length == 0 || length > FILTER_MAX_LENGTH || size % sizeof(struct filter_instruction) != 0)
    return -EINVAL;
  struct seccomp_filter *filter =
      mmap(NULL, sizeof *filter + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (filter == MAP_FAILED)
    return -ENOMEM;
  filter->length = (unsigned short)length;
  memcpy(filter->instructions, program, size);
  append(&setup->filters, filter);
  return try_filters(&setup->filters);
}
