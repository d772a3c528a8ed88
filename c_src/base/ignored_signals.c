/* SPDX-License-Identifier: MIT */
#include "base/ignored_signals.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/syscalls.h"

/* The line comes behind one that has all supplementary groups. */
#define STATUS_SIZE 4096

#define NAME        "\nSigIgn:\t"
#define DIGITS      16

static int digit(char character) {
  if (character >= '0' && character <= '9')
    return character - '0';
  if (character >= 'a' && character <= 'f')
    return character - 'a' + 10;
  return -1;
}

uint64_t ignored_signals_parse(const char *text) {
  uint64_t mask = 0;
  const char *line = strstr(text, NAME);
  if (line == NULL)
    return IGNORED_SIGNALS_ALL;
  const char *digits = line + strlen(NAME);
  for (int i = 0; i < DIGITS; i++) {
    int value = digit(digits[i]);
    if (value < 0)
      return IGNORED_SIGNALS_ALL;
    mask = mask << 4 | (uint64_t)value;
  }
  return digits[DIGITS] == '\n' ? mask : IGNORED_SIGNALS_ALL;
}

uint64_t ignored_signals_read(void) {
  char text[STATUS_SIZE];
  cleanup_close int fd = sys_open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  long count = fd < 0 ? fd : sys_read(fd, text, sizeof text - 1);
  if (count < 0)
    return IGNORED_SIGNALS_ALL;
  text[count] = '\0';
  return ignored_signals_parse(text);
}
