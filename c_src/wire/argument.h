/* SPDX-License-Identifier: MIT */
/*
 * Arguments of set-up commands, as plain values. Pure.
 *
 * A command's arguments are described by a letter each:
 *
 *   m  a mask of 64 bits
 *   o  permission bits, 0 to 0777
 *   u  a user or group id, 0 to ARGUMENT_ID_MAX
 *   U  a list of such ids
 *   b  a binary
 *   w  {rows, cols, xpixel, ypixel}, 0 to 65535 each
 */
#ifndef LINX_WIRE_ARGUMENT_H
#define LINX_WIRE_ARGUMENT_H

#include <stddef.h>
#include <stdint.h>

/* The most arguments that a command has, and the most ids in a list: NGROUPS_MAX (limits.h). */
#define ARGUMENTS_MAX    4
#define ARGUMENT_IDS_MAX 65536

/* (uid_t)-1 means "leave alone" to the kernel (setresuid(2)), so it is no id. */
#define ARGUMENT_ID_MAX (UINT32_MAX - 1)

struct argument {
  union {
    uint64_t mask;
    uint32_t mode;
    uint32_t id;
    struct {
      const uint32_t *values; /* in the caller's storage */
      size_t count;
    } ids;
    struct {
      const uint8_t *bytes; /* borrowed from the frame */
      size_t size;
    } binary;
    struct {
      uint16_t rows, cols, xpixel, ypixel;
    } cells;
  };
};

struct term_reader;

/*
 * Decodes the arguments that the reader stands on, and steps over them. `ids` has room for
 * ARGUMENT_IDS_MAX of them; NULL: the list is checked, and its values are not to be looked at.
 * 0 or -EINVAL.
 */
int arguments_decode(const char *types, struct term_reader *reader,
                     struct argument arguments[ARGUMENTS_MAX], uint32_t *ids);

#endif
