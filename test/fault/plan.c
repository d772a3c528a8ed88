/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdbool.h>
#include <stdlib.h>

#include "rules.h"

/* A generator of its own, so that a seed means the same everywhere (xorshift32). */
static uint32_t next(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

static void append(struct plan *plan, const struct planned *item) {
  if (plan->count == plan->room) {
    plan->room = plan->room * 2 + 1024;
    plan->items = realloc(plan->items, (size_t)plan->room * sizeof *plan->items);
    if (plan->items == NULL)
      abort();
  }
  plan->items[plan->count++] = *item;
}

static void append_errors(struct plan *plan, int session, const struct recorded *call,
                          unsigned occurrence, bool persistent) {
  for (const struct error_name *error = injected_errors; error->name != NULL; error++) {
    struct planned item = {
        .session = session,
        .injection = {.role = call->role,
                      .occurrence = occurrence,
                      .persistent = persistent,
                      .error = error->number},
    };
    for (int i = 0; i < CALL_NAME_SIZE; i++)
      item.injection.call[i] = call->call[i];
    bool kills_twice = error->number == ERROR_KILL && persistent;
    if (!kills_twice && !rule_is_excluded(&item.injection))
      append(plan, &item);
  }
}

static void shuffle(struct planned *items, int count, uint32_t *seed) {
  for (int i = count - 1; i > 0; i--) {
    int j = (int)(next(seed) % (uint32_t)(i + 1));
    struct planned kept = items[i];
    items[i] = items[j];
    items[j] = kept;
  }
  for (int i = 0; i < count; i++) {
    items[i].rank = (unsigned)i;
    items[i].lot = next(seed);
  }
}

void plan_add(struct plan *plan, int session, const struct recording *recording, uint32_t *seed) {
  for (int i = 0; i < recording->count; i++) {
    const struct recorded *call = &recording->calls[i];
    int begin = plan->count;
    append_errors(plan, session, call, 1, false);
    append_errors(plan, session, call, 1, true);
    if (call->count > 1)
      append_errors(plan, session, call, 2, false);
    if (call->count > 2)
      append_errors(plan, session, call, call->count, false);
    shuffle(plan->items + begin, plan->count - begin, seed);
  }
}

static int compare(const void *left, const void *right) {
  const struct planned *a = left;
  const struct planned *b = right;
  if (a->rank != b->rank)
    return a->rank < b->rank ? -1 : 1;
  return (a->lot > b->lot) - (a->lot < b->lot);
}

void plan_order(struct plan *plan) {
  qsort(plan->items, (size_t)plan->count, sizeof *plan->items, compare);
}
