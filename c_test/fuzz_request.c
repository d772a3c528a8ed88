/* SPDX-License-Identifier: MIT */
/*
 * The request decoder on anything at all. AddressSanitizer watches the frame and the arena, which
 * have just the size they are said to need; what is accepted must hold what its header promises.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/command.h"
#include "wire/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(int holds) {
  if (!holds)
    abort();
}

static void require_strings(char **strings, const struct arena *arena) {
  const char *end = arena->base + arena->used;
  for (char **string = strings; *string != NULL; string++)
    require(*string >= arena->base && *string + strlen(*string) < end);
}

static void require_variables(char **variables, const struct arena *arena) {
  if (variables == NULL)
    return;
  require_strings(variables, arena);
  for (char **entry = variables; *entry != NULL; entry++)
    require(strchr(*entry, '=') > *entry);
}

/* The child decodes the commands of a list once more, one after the other. */
static void require_commands(const struct command_list *list) {
  static uint32_t ids[ARGUMENT_IDS_MAX];
  struct term_reader at = list->at;
  for (int i = 0; i < list->count; i++) {
    struct argument arguments[ARGUMENTS_MAX];
    enum setup_command command;
    require(setup_command_decode(&command, arguments, ids, &at) == 0);
  }
}

static void require_sound(const struct request *request, const struct arena *arena) {
  require((request->mode != MODE_ENTER && request->mode != MODE_KILL) || request->target > 0);
  if (request->mode == MODE_KILL || request->mode == MODE_TERMINAL || request->mode == MODE_KEEP)
    return;
  require(request->argv != NULL && request->argv[0] != NULL);
  require_strings(request->argv, arena);
  require((char *)(request->argv - 1) >= arena->base);
  require(request->files == NULL || !request->search_path);
  if (request->files != NULL)
    require_strings(request->files, arena);
  require_variables(request->env, arena);
  require_variables(request->env_set, arena);
  if (request->env_unset != NULL)
    require_strings(request->env_unset, arena);
  require(request->grace_ms >= 0);
  require(request->pty || !request->terminal.has_size);
  if (request->terminal.type != NULL) {
    char *const type[] = {request->terminal.type, NULL};
    require_strings((char **)type, arena);
  }
  require_commands(&request->setup);
  require_commands(&request->final);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct request request;
  struct arena arena = {.size = term_arena_size(size)};
  arena.base = malloc(arena.size);
  if (arena.base == NULL)
    return 0;
  int result = request_decode(&request, bytes, size, &arena);
  require(result == 0 || result == -EINVAL);
  if (result == 0)
    require_sound(&request, &arena);
  free(arena.base);
  return 0;
}
