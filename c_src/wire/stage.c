/* SPDX-License-Identifier: MIT */
#include "wire/stage.h"

#include <stdint.h>
#include <string.h>

static const char *const names[STAGE_COUNT] = {[STAGE_NONE] = "none",
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a designator takes none */
#define STAGE_NAME(id, name, before, after) [STAGE_##id] = name,
                                               STAGE_TABLE(STAGE_NAME)
#undef STAGE_NAME
#define SETUP(name, arguments, by, changes, function) [STAGE_SETUP_##name] = #name,
#include "setup/commands.def"
#undef SETUP
};

static const struct {
  uint8_t before, after;
} exit_codes[STAGE_COUNT] = {
#define STAGE_CODES(id, name, before, after) [STAGE_##id] = {before, after},
    STAGE_TABLE(STAGE_CODES)
#undef STAGE_CODES
#define SETUP(name, arguments, by, changes, function)                                              \
  [STAGE_SETUP_##name] = {EXIT_CREATION, EXIT_REPORTED},
#include "setup/commands.def"
#undef SETUP
};

enum exit_code stage_exit_code(enum stage stage, bool has_child) {
  return (enum exit_code)(has_child ? exit_codes[stage].after : exit_codes[stage].before);
}

const char *stage_name(enum stage stage) {
  return names[stage];
}

enum stage stage_from_name(const char *name) {
  for (int stage = STAGE_NONE + 1; stage < STAGE_COUNT; stage++)
    if (strcmp(names[stage], name) == 0)
      return (enum stage)stage;
  return STAGE_NONE;
}
