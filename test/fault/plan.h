/* SPDX-License-Identifier: MIT */
/*
 * Which injections there are: of every call that a session makes without one, in every role, the
 * first, the second and the last occurrence, with every error, once and from the first one on.
 * Pure.
 */
#ifndef LINX_FAULT_PLAN_H
#define LINX_FAULT_PLAN_H

#include <stdint.h>

#include "tracer.h"

struct planned {
  int session;
  struct injection injection;
  unsigned rank; /* place among those of the same call */
  uint32_t lot;
};

struct plan {
  struct planned *items;
  int count;
  int room;
};

/* Appends the injections into one session, in an order of their own. */
void plan_add(struct plan *plan, int session, const struct recording *recording, uint32_t *seed);

/* Puts them in the order of running: any beginning of it has calls of all kinds, because each call
 * has its first injection before any has its second. */
void plan_order(struct plan *plan);

#endif
