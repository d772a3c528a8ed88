/* SPDX-License-Identifier: MIT */
#include "launch/session_keyring.h"

#include <errno.h>

#include "base/syscalls.h"
#include "setup/setup.h"

/* Whether a command of `final`, which comes later, sets ids. */
static bool final_sets_ids(const struct request *request) {
  struct command_list list = request->final;
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  for (int i = 0; i < list.count; i++)
    if (setup_command_decode(&command, arguments, NULL, &list.at) < 0 ||
        (setup_rows[command].changes & CHANGES_IDS) != 0)
      return true;
  return false;
}

static bool is_confined_by_request(const struct child_start *start) {
  const struct request *request = start->request;
  return start->target != NULL || request->namespaces != 0 || request->filters ||
         final_sets_ids(request);
}

struct failure session_keyring_settle(const struct child_start *start, bool is_confined) {
  enum keyring keyring = start->request->keyring;
  if (keyring == KEYRING_BY_CONFINEMENT)
    keyring = is_confined || is_confined_by_request(start) ? KEYRING_NEW : KEYRING_INHERIT;
  if (keyring == KEYRING_INHERIT)
    return failure_none();
  int result = (int)sys_keyctl_join_session_keyring();
  bool may_lack = start->request->keyring == KEYRING_BY_CONFINEMENT;
  return failure_of(STAGE_KEYCTL, may_lack && (result == -ENOSYS || result == -EPERM) ? 0 : result);
}
