/* SPDX-License-Identifier: MIT */
#include "setup/slots.h"

#include <errno.h>

#include "base/syscalls.h"

static uint64_t bit(unsigned slot) {
  return UINT64_C(1) << slot;
}

static bool is_filled(const struct slots *slots, unsigned slot) {
  return (slots->filled & bit(slot)) != 0;
}

int slots_put(struct slots *slots, unsigned slot, int descriptor, unsigned facts) {
  if (descriptor < 0 && (facts & SLOT_IS_LEFT_OUT) == 0)
    return descriptor;
  if (is_filled(slots, slot)) {
    if (descriptor >= 0)
      sys_close(descriptor);
    return -EINVAL;
  }
  slots->filled |= bit(slot);
  slots->descriptors[slot] = descriptor;
  slots->facts[slot] = (uint8_t)facts;
  return 0;
}

int slots_get(const struct slots *slots, unsigned slot) {
  if (!is_filled(slots, slot))
    return -EINVAL;
  return slots_has(slots, slot, SLOT_IS_LEFT_OUT) ? -ENOENT : slots->descriptors[slot];
}

bool slots_has(const struct slots *slots, unsigned slot, enum slot_fact fact) {
  return is_filled(slots, slot) && (slots->facts[slot] & fact) != 0;
}

void slots_note(struct slots *slots, unsigned slot, enum slot_fact fact) {
  slots->facts[slot] = (uint8_t)(slots->facts[slot] | (unsigned)fact);
}

static void clear(struct slots *slots, unsigned slot) {
  if (is_filled(slots, slot) && !slots_has(slots, slot, SLOT_IS_LEFT_OUT))
    sys_close(slots->descriptors[slot]);
  slots->filled &= ~bit(slot);
}

void slots_done(struct slots *slots, unsigned slot, bool keeps) {
  slots_note(slots, slot, SLOT_IS_USED);
  if (!keeps)
    clear(slots, slot);
}

void slots_note_root(struct slots *slots) {
  for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
    if (is_filled(slots, slot))
      slots_note(slots, slot, SLOT_IS_OF_HOST);
}

int slots_close(struct slots *slots, bool *is_new) {
  int result = 0;
  for (unsigned slot = 0; slots->filled != 0 && slot < SLOTS_MAX; slot++) {
    if (is_filled(slots, slot) && !slots_has(slots, slot, SLOT_IS_USED)) {
      *is_new = slots_has(slots, slot, SLOT_IS_NEW);
      result = -EINVAL;
    }
    clear(slots, slot);
  }
  return result;
}
