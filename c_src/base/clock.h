/* SPDX-License-Identifier: MIT */
/* The monotonic clock (clock_gettime(2)). */
#ifndef LINX_BASE_CLOCK_H
#define LINX_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);
int64_t clock_us(void);

#endif
