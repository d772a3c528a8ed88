/* SPDX-License-Identifier: MIT */
#include "launch/command_list.h"

#include <errno.h>

struct failure command_list_each(struct command_list list, uint32_t *ids, command_fn *apply,
                                 void *context) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  struct failure failure = failure_none();
  for (int index = 0; index < list.count && !failure_is(failure); index++) {
    if (setup_command_decode(&command, arguments, ids, &list.at) < 0)
      return failure_of(STAGE_MALFORMED_COMMAND, -EINVAL);
    failure = apply(context, command, arguments, index);
    failure.index = index;
  }
  return failure;
}
