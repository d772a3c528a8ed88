/* SPDX-License-Identifier: MIT */
#include "launch/terminal_type.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A service, or a program that an editor runs, has "dumb" or "unknown": no full-screen program
 * works with these (term(7)). */
static bool names_terminal(const char *type) {
  return type != NULL && *type != '\0' && strcmp(type, "dumb") != 0 && strcmp(type, "unknown") != 0;
}

int terminal_type_set(const char *type) {
  if (names_terminal(getenv("TERM")))
    return 0;
  return setenv("TERM", type, 1) < 0 ? -errno : 0;
}
