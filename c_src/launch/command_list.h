/* SPDX-License-Identifier: MIT */
/* Going through the commands of a request, which its decoder has accepted. */
#ifndef LINX_LAUNCH_COMMAND_LIST_H
#define LINX_LAUNCH_COMMAND_LIST_H

#include "wire/command.h"
#include "wire/failure.h"
#include "wire/request.h"

typedef struct failure command_fn(void *context, enum setup_command command,
                                  const struct argument *arguments, int index);

/* Calls `apply` for each command until one fails; its index becomes that of the failure. `ids` as
 * in setup_command_decode. */
struct failure command_list_each(struct command_list list, uint32_t *ids, command_fn *apply,
                                 void *context);

#endif
