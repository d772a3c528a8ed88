/* SPDX-License-Identifier: MIT */
#include "base/syscalls.h"
#include "launch/fifo.h"
#include "launch/stdio.h"

int stdio_install(const struct stdio_plan *plan) {
  int result = 0;
  for (int fd = 0; fd < 3 && result >= 0; fd++)
    if (plan->child[fd] >= 0)
      result = sys_dup(plan->child[fd], fd, 0);
  if (result >= 0 && plan->stderr_to_stdout)
    result = sys_dup(STDOUT_FILENO, STDERR_FILENO, 0);
  return result < 0 ? result : 0;
}

bool stdio_is_opened(const struct stdio_plan *plan) {
  bool opened = true;
  for (int fd = 0; fd < 3 && opened; fd++)
    if ((plan->fifos & 1U << fd) != 0)
      opened = fifo_is_opened(fd);
  return opened;
}

int stdio_await(const struct stdio_plan *plan) {
  int result = 0;
  for (int fd = 0; fd < 3 && result >= 0; fd++)
    if ((plan->fifos & 1U << fd) != 0)
      result = fifo_await(fd);
  if (result >= 0 && plan->stderr_to_stdout && plan->fifos != 0)
    result = sys_dup(STDOUT_FILENO, STDERR_FILENO, 0);
  return result < 0 ? result : 0;
}

unsigned stdio_made(const struct stdio_plan *plan) {
  unsigned made = 0;
  for (int fd = 0; fd < 3; fd++)
    if (plan->agent[fd] >= 0 || plan->slave >= 0)
      made |= 1U << fd;
  return made;
}
