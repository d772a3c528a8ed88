/* SPDX-License-Identifier: MIT */
/* The signals that a program was started with ignored: exec sets all others to their default
 * (execve(2)). The parser is pure. */
#ifndef LINX_BASE_IGNORED_SIGNALS_H
#define LINX_BASE_IGNORED_SIGNALS_H

#include <stdint.h>

#define IGNORED_SIGNALS_ALL UINT64_MAX

/* From the text of /proc/<pid>/status (proc(5)), NUL-terminated: bit n - 1 for signal n;
 * IGNORED_SIGNALS_ALL when the text does not have them. */
uint64_t ignored_signals_parse(const char *text);

/* Those of the caller now; IGNORED_SIGNALS_ALL when they cannot be known. */
uint64_t ignored_signals_read(void);

#endif
