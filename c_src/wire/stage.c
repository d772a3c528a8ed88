#include "wire/stage.h"

#include <string.h>

static const char *const names[STAGE_COUNT] = {[STAGE_NONE] = "none",
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a designator takes none */
#define STAGE_NAME(id, name) [STAGE_##id] = name,
                                               STAGE_TABLE(STAGE_NAME)
#undef STAGE_NAME
#define SETUP(name, arguments, by, changes, function) [STAGE_SETUP_##name] = #name,
#include "setup/commands.def"
#undef SETUP
};

const char *stage_name(enum stage stage) {
  return names[stage];
}

enum stage stage_from_name(const char *name) {
  for (int stage = STAGE_NONE + 1; stage < STAGE_COUNT; stage++)
    if (strcmp(names[stage], name) == 0)
      return (enum stage)stage;
  return STAGE_NONE;
}
