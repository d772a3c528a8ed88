/* SPDX-License-Identifier: MIT */
/* The command decoder on anything at all. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(int holds) {
  if (!holds)
    abort();
}

static void require_inside(const uint8_t *data, size_t count, const uint8_t *bytes, size_t size) {
  require(data >= bytes && data <= bytes + size);
  require(count <= (size_t)(bytes + size - data));
}

/* What the agent has checked, the child decodes. */
static void require_setup(enum setup_command checked, const uint8_t *bytes, size_t size) {
  static uint32_t ids[ARGUMENT_IDS_MAX];
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  require(setup_command_decode_frame(&command, arguments, ids, bytes, size) == 0);
  require(command == checked);
  if (command == SETUP_seccomp_install)
    require_inside(arguments[0].binary.bytes, arguments[0].binary.size, bytes, size);
  else if (command == SETUP_set_credentials)
    require(arguments[2].ids.count <= ARGUMENT_IDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct command command;
  for (unsigned when = 0; when <= (WHEN_PARKED | WHEN_RUNNING); when++) {
    int result = command_decode_frame(&command, bytes, size, when);
    require(result == 0 || result == -EINVAL);
    if (result < 0)
      continue;
    if (command.id == COMMAND_SETUP)
      require_setup(command.setup, bytes, size);
    else if (command.id == COMMAND_PTY_IN || command.id == COMMAND_STDIN)
      require_inside(command.data.bytes, command.data.size, bytes, size);
    else if (command.id == COMMAND_SIGNAL)
      require(command.signal.number >= 1 && command.signal.number <= 64);
  }
  return 0;
}
