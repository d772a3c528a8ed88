/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator over memory that the caller owns. What it hands out lives as long as that
 * memory; nothing is freed one by one. Pure.
 */
#ifndef LINX_BASE_ARENA_H
#define LINX_BASE_ARENA_H

#include <stddef.h>

struct arena {
  char *base;
  size_t used;
  size_t size;
};

/* `size` bytes aligned for a pointer, or NULL when the arena is used up. */
void *arena_alloc(struct arena *arena, size_t size);

#endif
