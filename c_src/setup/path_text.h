/* SPDX-License-Identifier: MIT */
/* A text of a command as a string of C. */
#ifndef LINX_SETUP_PATH_TEXT_H
#define LINX_SETUP_PATH_TEXT_H

#include <limits.h>
#include <string.h>

#include "wire/argument.h"

_Static_assert(ARGUMENT_TEXT_MAX < PATH_MAX, "every text fits");

static inline void text_copy(char copy[PATH_MAX], const struct argument_text *text) {
  memcpy(copy, text->bytes, text->size);
  copy[text->size] = '\0';
}

static inline bool text_is(const struct argument_text *text, const char *word) {
  return text->size == strlen(word) && memcmp(text->bytes, word, text->size) == 0;
}

#endif
