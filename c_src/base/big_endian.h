/* SPDX-License-Identifier: MIT */
/* Numbers of four bytes in network order, as frames and terms have them. Pure. */
#ifndef LINX_BASE_BIG_ENDIAN_H
#define LINX_BASE_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

#define BIG_ENDIAN_SIZE ((size_t)4)

static inline uint32_t big_endian_read(const uint8_t *from) {
  return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline void big_endian_write(char *to, uint32_t value) {
  for (int i = 0; i < 4; i++)
    to[i] = (char)(value >> (24 - 8 * i));
}

#endif
