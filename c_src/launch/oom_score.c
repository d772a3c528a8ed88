/* SPDX-License-Identifier: MIT */
#include "launch/oom_score.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/syscalls.h"

static int open_own(void) {
  return sys_open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
}

/* The file of a process that is not dumpable is root's (proc(5)). There is no workload yet that
 * could trace the agent meanwhile. */
static int open_dumpable(void) {
  int fd = open_own();
  if (fd != -EACCES)
    return fd;
  int result = sys_prctl(PR_SET_DUMPABLE, 1, 0);
  fd = result < 0 ? result : open_own();
  result = sys_prctl(PR_SET_DUMPABLE, 0, 0);
  if (result < 0 && fd >= 0)
    fd_close(&fd);
  return result < 0 ? result : fd;
}

static int write_text(int fd, const char *text, int length) {
  long count = sys_call(SYS_pwrite64, fd, text, length, 0);
  return count < 0 ? (int)count : count == length ? 0 : -EIO;
}

static int write_number(int fd, int number) {
  char text[1 + DECIMAL_SIZE] = "-";
  int sign = number < 0;
  size_t digits = decimal_format(text + sign, (unsigned long)(sign ? -number : number));
  return write_text(fd, text, sign + (int)digits);
}

struct failure oom_score_set(struct oom_score *score, const struct request *request) {
  *score = (struct oom_score){.fd = -1};
  if (!request->has_oom_score)
    return failure_none();
  cleanup_close int fd = open_dumpable();
  int result = fd < 0 ? fd : (int)sys_read(fd, score->own, sizeof score->own);
  score->length = result;
  if (result >= 0)
    result = write_number(fd, request->oom_score);
  if (result == 0)
    score->fd = fd_take(&fd);
  return failure_of(STAGE_OOM_SCORE_ADJ, result);
}

struct failure oom_score_restore(struct oom_score *score) {
  if (score->fd < 0)
    return failure_none();
  int result = write_text(score->fd, score->own, score->length);
  fd_close(&score->fd);
  return failure_of(STAGE_OOM_SCORE_ADJ, result);
}
