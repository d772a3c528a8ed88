/* SPDX-License-Identifier: MIT */
#include "launch/slot_check.h"

#include <errno.h>

#include "launch/command_list.h"
#include "wire/mount_argument.h"

enum content { EMPTY, UNUSED, USED, UNKNOWN };

struct slot {
  enum content content;
  struct failure filled; /* the failure, if no command uses it */
};

static struct slot slots[SLOTS_MAX];

/* Whether one of the arguments is :keep. */
static bool keeps(const char *types, const struct argument *arguments) {
  for (int i = 0; types[i] != '\0'; i++)
    if (types[i] == 'f')
      return (arguments[i].flags.bits & FLAG_KEEP) != 0;
  return false;
}

static int use(struct slot *slot, bool stays) {
  if (slot->content == EMPTY)
    return -EINVAL;
  slot->content = stays ? USED : EMPTY;
  return 0;
}

static int fill(struct slot *slot, struct failure unused) {
  if (slot->content == UNUSED || slot->content == USED)
    return -EINVAL;
  *slot = (struct slot){.content = UNUSED, .filled = unused};
  return 0;
}

static struct failure follow(void *context, enum setup_command command,
                             const struct argument *arguments, int index) {
  const char *types = setup_command_types(command);
  struct failure refused = failure_of(setup_command_stage(command), -EINVAL);
  int result = 0;
  (void)context;
  refused.index = index;
  for (int i = 0; types[i] != '\0' && result == 0; i++) {
    if (types[i] == 'K')
      result = fill(&slots[arguments[i].slot], refused);
    else if (types[i] == 'k')
      result = use(&slots[arguments[i].slot], keeps(types, arguments));
    else if (types[i] == 'c')
      result = use(&slots[arguments[i].slot], true);
  }
  return result < 0 ? refused : failure_none();
}

static struct failure check_used(void) {
  for (int slot = 0; slot < SLOTS_MAX; slot++)
    if (slots[slot].content == UNUSED)
      return slots[slot].filled;
  return failure_none();
}

struct failure slot_check(const struct request *request) {
  if (request->setup.count == 0 && request->final.count == 0)
    return failure_none();
  for (int slot = 0; slot < SLOTS_MAX; slot++)
    slots[slot] = (struct slot){.content = EMPTY};
  struct failure failure = command_list_each(request->setup, NULL, follow, NULL);
  for (int slot = 0; slot < SLOTS_MAX && !request->proceed; slot++)
    slots[slot].content = UNKNOWN;
  if (!failure_is(failure))
    failure = command_list_each(request->final, NULL, follow, NULL);
  return failure_is(failure) ? failure : check_used();
}
