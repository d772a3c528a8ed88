/* SPDX-License-Identifier: MIT */
#include "wire/id_map.h"

#include <errno.h>

#include "base/decimal.h"
#include "wire/argument.h"

static int decode_row(struct term_reader *reader, struct id_map_row *row) {
  uint32_t *numbers[] = {&row->inside, &row->outside, &row->count};
  int64_t number = 0;
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity != 3)
    return -EINVAL;
  for (int i = 0; i < 3; i++) {
    if (term_read_integer(reader, 0, ARGUMENT_ID_MAX, &number) < 0)
      return -EINVAL;
    *numbers[i] = (uint32_t)number;
  }
  uint32_t room = ARGUMENT_ID_MAX - (row->inside > row->outside ? row->inside : row->outside);
  return row->count == 0 || row->count - 1 > room ? -EINVAL : 0;
}

int id_map_decode(struct id_map *map, struct term_reader *reader, struct arena *arena) {
  int count = 0;
  if (term_read_list(reader, &count) < 0 || count == 0 || count > ID_MAP_ROWS_MAX)
    return -EINVAL;
  struct id_map_row *rows = arena_alloc(arena, (size_t)count * sizeof *rows);
  if (rows == NULL)
    return -ENOMEM;
  for (int i = 0; i < count; i++)
    if (decode_row(reader, &rows[i]) < 0)
      return -EINVAL;
  *map = (struct id_map){.rows = rows, .count = count};
  return term_read_list_end(reader, count);
}

bool id_map_is_own(const struct id_map *map, uint32_t outside) {
  return map->count == 1 && map->rows[0].count == 1 && map->rows[0].outside == outside;
}

uint32_t id_map_first(const struct id_map *map) {
  for (int i = 0; i < map->count; i++)
    if (map->rows[i].inside == 0)
      return 0;
  return map->rows[0].inside;
}

size_t id_map_format(char *text, const struct id_map *map) {
  char *at = text;
  for (int i = 0; i < map->count; i++) {
    const struct id_map_row *row = &map->rows[i];
    at += decimal_format(at, row->inside);
    *at++ = ' ';
    at += decimal_format(at, row->outside);
    *at++ = ' ';
    at += decimal_format(at, row->count);
    *at++ = '\n';
  }
  *at = '\0';
  return (size_t)(at - text);
}
