/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <stddef.h>
#include <string.h>

/* By the beginning of the call's name. */
static const struct {
  const char *call;
  const char *kind;
} openers[] = {
    {"signalfd4", "signalfd"}, {"memfd_create", "memfd"}, {"open./dev/ptmx", "ptmx"},
    {"open./proc/", "proc"},   {"open.?", "?"},           {"timerfd_create", "timerfd"},
};

const char *descriptors_kind(const struct descriptors *descriptors, int fd) {
  return fd >= 0 && fd < DESCRIPTORS_MAX ? descriptors->kinds[fd] : NULL;
}

void descriptors_enter(struct descriptors *descriptors, const char *call,
                       const uint64_t arguments[6]) {
  descriptors->opening = NULL;
  if (strcmp(call, "close") == 0 && arguments[0] < DESCRIPTORS_MAX)
    descriptors->kinds[arguments[0]] = NULL;
  for (size_t i = 0; i < sizeof openers / sizeof openers[0]; i++)
    if (strncmp(call, openers[i].call, strlen(openers[i].call)) == 0)
      descriptors->opening = openers[i].kind;
}

void descriptors_leave(struct descriptors *descriptors, int64_t result) {
  if (descriptors->opening != NULL && result >= 0 && result < DESCRIPTORS_MAX)
    descriptors->kinds[result] = descriptors->opening;
  descriptors->opening = NULL;
}

void descriptors_forget(struct descriptors *descriptors) {
  *descriptors = (struct descriptors){.opening = NULL};
}
