/* SPDX-License-Identifier: MIT */
#include "base/environment_change.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct change {
  const char *name; /* not terminated */
  size_t length;
  size_t place;   /* the order in which changes of one name count */
  char *variable; /* NULL: it is removed */
};

static size_t name_length(const char *variable) {
  const char *end = strchr(variable, '=');
  return end == NULL ? strlen(variable) : (size_t)(end - variable);
}

static int compare_names(const struct change *one, const struct change *other) {
  size_t shorter = one->length < other->length ? one->length : other->length;
  int order = memcmp(one->name, other->name, shorter);
  if (order != 0)
    return order;
  return (one->length > other->length) - (one->length < other->length);
}

static int compare(const void *one, const void *other) {
  const struct change *a = one;
  const struct change *b = other;
  int order = compare_names(a, b);
  return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static size_t count_strings(char *const *strings) {
  size_t count = 0;
  while (strings != NULL && strings[count] != NULL)
    count++;
  return count;
}

static size_t collect(struct change *changes, size_t count, char *const *strings, bool sets) {
  for (; strings != NULL && *strings != NULL; strings++, count++)
    changes[count] = (struct change){.name = *strings,
                                     .length = name_length(*strings),
                                     .place = count,
                                     .variable = sets ? *strings : NULL};
  return count;
}

/* Keeps the last change of each name, of changes in order. */
static size_t keep_last(struct change *changes, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (i + 1 == count || compare_names(&changes[i], &changes[i + 1]) != 0)
      changes[kept++] = changes[i];
  return kept;
}

static bool is_changed(const struct change *changes, size_t count, const char *variable) {
  struct change wanted = {.name = variable, .length = name_length(variable)};
  size_t first = 0;
  if (variable[wanted.length] != '=')
    return false;
  while (count > 0) {
    size_t half = count / 2;
    int order = compare_names(&wanted, &changes[first + half]);
    if (order == 0)
      return true;
    first += order > 0 ? half + 1 : 0;
    count = order > 0 ? count - half - 1 : half;
  }
  return false;
}

int environment_change(char ***changed, char *const *from, char *const *set, char *const *unset) {
  size_t most = count_strings(set) + count_strings(unset);
  struct change *changes = calloc(most + 1, sizeof *changes);
  char **all = calloc(count_strings(from) + most + 1, sizeof *all);
  size_t used = 0;
  *changed = all;
  if (changes == NULL || all == NULL) {
    free(changes);
    free(all);
    return -ENOMEM;
  }
  size_t count = collect(changes, collect(changes, 0, unset, false), set, true);
  qsort(changes, count, sizeof *changes, compare);
  count = keep_last(changes, count);
  for (; *from != NULL; from++)
    if (!is_changed(changes, count, *from))
      all[used++] = *from;
  for (size_t i = 0; i < count; i++)
    if (changes[i].variable != NULL)
      all[used++] = changes[i].variable;
  free(changes);
  return 0;
}
