/* SPDX-License-Identifier: MIT */
/* Numbers as text, without libc's formatter: a few bytes of code instead of some kilobytes. Pure.
 */
#ifndef LINX_BASE_DECIMAL_H
#define LINX_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Room for the digits of any unsigned long, and a NUL. */
#define DECIMAL_SIZE 21

/* Writes the digits and a NUL to `text`, which has DECIMAL_SIZE bytes. The number of digits. */
size_t decimal_format(char *text, unsigned long number);

/* Reads the digits at *text and steps over them. False when there are none. A number that is too
 * large for an unsigned long wraps around. */
bool decimal_parse(const char **text, unsigned long *number);

#endif
