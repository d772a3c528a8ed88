/* SPDX-License-Identifier: MIT */
/* The id maps of a fresh user namespace (user_namespaces(7)): what a request says of them, and the
 * text that the kernel takes. Pure. */
#ifndef LINX_WIRE_ID_MAP_H
#define LINX_WIRE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "wire/etf.h"

#define ID_MAP_ROWS_MAX 340 /* since Linux 4.15; 5 before */

struct id_map_row {
  uint32_t inside, outside, count;
};

struct id_map {
  const struct id_map_row *rows; /* in the arena */
  int count;                     /* 0: there is none */
};

/* Decodes the list of {inside, outside, count} that the reader stands on, and steps over it. No row
 * goes beyond the greatest id, or is empty. 0, -EINVAL or -ENOMEM. */
int id_map_decode(struct id_map *map, struct term_reader *reader, struct arena *arena);

/* Whether the map is one row of one id, and that is `outside`: what an ordinary user may write. */
bool id_map_is_own(const struct id_map *map, uint32_t outside);

/* The id that the child takes: 0 where the map has it, else the first one of the first row. */
uint32_t id_map_first(const struct id_map *map);

/* Room for a row of each, and a NUL. */
#define ID_MAP_ROW_SIZE  33
#define ID_MAP_TEXT_SIZE (ID_MAP_ROWS_MAX * ID_MAP_ROW_SIZE + 1)

/* The text for /proc/<pid>/uid_map, in `text`, which has ID_MAP_ROW_SIZE bytes for each row and one
 * more. Its length. */
size_t id_map_format(char *text, const struct id_map *map);

#endif
