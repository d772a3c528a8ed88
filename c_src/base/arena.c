/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdalign.h>

void *arena_alloc(struct arena *arena, size_t size) {
  size_t start = (arena->used + alignof(void *) - 1) & ~(alignof(void *) - 1);
  if (start > arena->size || size > arena->size - start)
    return NULL;
  arena->used = start + size;
  return arena->base + start;
}
