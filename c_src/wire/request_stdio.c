/* SPDX-License-Identifier: MIT */
#include "wire/request_stdio.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct {
  const char *name;
  enum stdio_kind kind;
} atoms[] =
    {
        {"inherit", STDIO_INHERIT},
        {"devnull", STDIO_DEVNULL},
        {"pipe", STDIO_PIPE},
        {"stdout", STDIO_TO_STDOUT},
},
  file_modes[] = {
      {"read", STDIO_FILE_READ},
      {"write", STDIO_FILE_WRITE},
      {"append", STDIO_FILE_APPEND},
};

static int decode_tuple(struct term_reader *reader, struct arena *arena,
                        struct stdio_directive *directive) {
  char name[TERM_ATOM_SIZE];
  char *path = NULL;
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity < 2 || term_read_atom(reader, name) < 0)
    return -EINVAL;
  int result = term_read_string(reader, arena, &path);
  if (result < 0)
    return result;
  directive->path = path;
  if (arity == 2 && strcmp(name, "connect_unix") == 0) {
    directive->kind = STDIO_CONNECT_UNIX;
    return 0;
  }
  if (arity != 3 || strcmp(name, "file") != 0 || term_read_atom(reader, name) < 0)
    return -EINVAL;
  for (size_t i = 0; i < sizeof file_modes / sizeof file_modes[0]; i++)
    if (strcmp(name, file_modes[i].name) == 0) {
      directive->kind = file_modes[i].kind;
      return 0;
    }
  return -EINVAL;
}

static int decode_directive(struct term_reader *reader, struct arena *arena, int fd,
                            struct stdio_directive *directive) {
  char name[TERM_ATOM_SIZE];
  if (!term_is_atom(reader))
    return decode_tuple(reader, arena, directive);
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++)
    if (strcmp(name, atoms[i].name) == 0) {
      directive->kind = atoms[i].kind;
      return directive->kind == STDIO_TO_STDOUT && fd != 2 ? -EINVAL : 0;
    }
  return -EINVAL;
}

int stdio_directives_decode(struct stdio_directive directives[3], struct term_reader *reader,
                            struct arena *arena) {
  static const char *const streams[3] = {"stdin", "stdout", "stderr"};
  bool given[3] = {false, false, false};
  char name[TERM_ATOM_SIZE];
  int count = 0;
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++) {
    int arity = 0;
    int fd = 0;
    if (term_read_tuple(reader, &arity) < 0 || arity != 2 || term_read_atom(reader, name) < 0)
      return -EINVAL;
    while (fd < 3 && strcmp(name, streams[fd]) != 0)
      fd++;
    if (fd == 3 || given[fd])
      return -EINVAL;
    given[fd] = true;
    int result = decode_directive(reader, arena, fd, &directives[fd]);
    if (result < 0)
      return result;
  }
  return term_read_list_end(reader, count);
}
