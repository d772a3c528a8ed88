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

static void require_inside(const struct command *command, const uint8_t *bytes, size_t size) {
  const uint8_t *data = command->data.bytes;
  require(data >= bytes && data <= bytes + size);
  require(command->data.size <= (size_t)(bytes + size - data));
}

static void require_groups(const struct command *command) {
  struct term_reader groups = command->ids.groups;
  uint32_t values[8];
  int count = 0;
  require(term_read_unsigned_list(&groups, COMMAND_ID_MAX, values, 8, &count) == 0);
  require(count >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct command command;
  int result = command_decode_frame(&command, bytes, size);
  require(result == 0 || result == -EINVAL);
  if (result < 0)
    return 0;
  if (command.id == COMMAND_SECCOMP_INSTALL || command.id == COMMAND_PTY_IN ||
      command.id == COMMAND_STDIN)
    require_inside(&command, bytes, size);
  else if (command.id == COMMAND_SET_CREDENTIALS)
    require_groups(&command);
  else if (command.id == COMMAND_SIGNAL)
    require(command.signal.number >= 1 && command.signal.number <= 64);
  return 0;
}
