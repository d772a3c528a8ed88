/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

size_t decimal_format(char *text, unsigned long number) {
  char reversed[DECIMAL_SIZE];
  size_t count = 0;
  do
    reversed[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  for (size_t i = 0; i < count; i++)
    text[i] = reversed[count - 1 - i];
  text[count] = '\0';
  return count;
}

bool decimal_parse(const char **text, unsigned long *number) {
  const char *at = *text;
  *number = 0;
  for (; *at >= '0' && *at <= '9'; at++)
    *number = *number * 10 + (unsigned long)(*at - '0');
  bool found = at != *text;
  *text = at;
  return found;
}
