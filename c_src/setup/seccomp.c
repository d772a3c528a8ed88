/* SPDX-License-Identifier: MIT */
#include "setup/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

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
  int result = (int)sys_call(SYS_seccomp, LINX_SECCOMP_SET_MODE_FILTER, 0, &program);
  if (result == -ENOSYS) /* seccomp(2) came after the filters themselves */
    result = sys_prctl(PR_SET_SECCOMP, LINX_SECCOMP_MODE_FILTER, (uintptr_t)&program);
  return result;
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

static struct trial trial;

/* Shares the child's memory, so the verdict needs no system call; the filter may deny every one,
 * exit included, and then an invalid instruction ends the process. */
static void run_trial(void) {
  trial.result = seccomp_filters_install(trial.filters);
  sys_exit(0);
}

static int try_filters(const struct seccomp_filters *filters) {
  static char stack[16384] __attribute__((aligned(16)));
  /* A filter that kills the attempt to install the next one leaves this verdict. */
  trial = (struct trial){.filters = filters, .result = -EPERM};
  long pid = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof stack, run_trial, NULL);
  if (pid < 0)
    return (int)pid;
  long waited;
  do
    waited = sys_call(SYS_wait4, pid, NULL, 0, NULL);
  while (waited == -EINTR);
  return waited < 0 ? (int)waited : trial.result;
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
  struct seccomp_filter *filter = sys_allocate(sizeof *filter + size);
  if (filter == NULL)
    return -ENOMEM;
  filter->length = (unsigned short)length;
  memcpy(filter->instructions, program, size);
  append(&setup->filters, filter);
  return try_filters(&setup->filters);
}
