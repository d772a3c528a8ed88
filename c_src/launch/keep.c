/* SPDX-License-Identifier: MIT */
#include "launch/keep.h"

#include <stdbool.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/syscalls.h"
#include "launch/cloned_binary.h"
#include "setup/capabilities.h"

/* No id of it is 0, and it has no capability and can get none. */
static bool is_ordinary(void) {
  struct capability_data own[2];
  return sys_call(SYS_getuid) != 0 && sys_call(SYS_geteuid) != 0 && capabilities_get(own) == 0 &&
         own[0].permitted == 0 && own[1].permitted == 0;
}

static int let_go(void) {
  cleanup_close int null = sys_open("/dev/null", O_RDWR | O_CLOEXEC);
  int result = null < 0 ? null : 0;
  for (int fd = 0; fd <= 2 && result >= 0; fd++)
    result = sys_dup(null, fd, 0);
  return result < 0 ? result : 0;
}

struct failure keep_prepare(int *copy) {
  /* Its pid is to be the number by which the BEAM finds it in /proc. */
  int result = proc_check_own();
  if (result < 0)
    return failure_of(STAGE_EXEC_OUTCOME, result);
  *copy = sealed_copy();
  if (*copy < 0)
    return failure_of(STAGE_MEMFD, *copy);
  result = let_go();
  if (result < 0)
    return failure_of(STAGE_STDIO, result);
  result = (int)sys_call(SYS_chdir, "/");
  if (result < 0)
    return failure_of(STAGE_SETUP_chdir, result);
  result = is_ordinary() ? sys_prctl(PR_SET_DUMPABLE, 1, 0) : 0;
  return result < 0 ? failure_of(STAGE_PRCTL, result) : failure_none();
}
