/* SPDX-License-Identifier: MIT */
#include "wire/word.h"

#include <errno.h>
#include <string.h>

int word_read(struct term_reader *reader, const struct word *words, size_t count, uint64_t *value) {
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  for (size_t i = 0; i < count; i++)
    if (strcmp(name, words[i].name) == 0) {
      *value = words[i].value;
      return 0;
    }
  return -EINVAL;
}

int word_read_number(struct term_reader *reader, uint32_t max, uint32_t *value) {
  int64_t number = 0;
  int result = term_read_integer(reader, 0, max, &number);
  *value = (uint32_t)number;
  return result;
}
