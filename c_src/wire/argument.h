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
 *   n  a niceness, -20 to 19
 *   s  a text: a binary of ARGUMENT_TEXT_MAX bytes at most, without NUL
 *   S  a list of ARGUMENT_TEXTS_MAX such texts at most
 *   b  a binary
 *   w  {rows, cols, xpixel, ypixel}, 0 to 65535 each
 *
 * and those of wire/mount_argument.h and wire/process_argument.h.
 */
#ifndef LINX_WIRE_ARGUMENT_H
#define LINX_WIRE_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most arguments that a command has, and the most ids in a list: NGROUPS_MAX (limits.h). */
#define ARGUMENTS_MAX    7
#define ARGUMENT_IDS_MAX 65536

/* (uid_t)-1 means "leave alone" to the kernel (setresuid(2)), so it is no id. */
#define ARGUMENT_ID_MAX (UINT32_MAX - 1)

/* "Leave it as it is" to setresuid(2) and setresgid(2): what :keep stands for. */
#define ARGUMENT_ID_KEPT    UINT32_MAX

#define HOST_NAME_MAX_BYTES 64 /* __NEW_UTS_LEN of linux/utsname.h */
#define CPU_NUMBER_MAX      8191

/* Bytes of a text, and texts in a list. */
#define ARGUMENT_TEXT_MAX  4095
#define ARGUMENT_TEXTS_MAX 256

struct argument_text {
  const char *bytes; /* borrowed from the frame, not terminated */
  size_t size;
};

struct argument_flags {
  unsigned bits; /* FLAG_* of wire/mount_argument.h */
  uint32_t mode; /* of FLAG_MODE */
};

/* Of sched_setattr(2). */
struct argument_scheduling {
  bool has_nice;
  int32_t nice;
  uint32_t priority;
  uint64_t flags, runtime, deadline, period; /* the last three in nanoseconds */
};

struct argument {
  union {
    uint64_t mask;
    uint32_t number;
    unsigned slot;
    struct argument_flags flags;
    uint32_t word; /* one of several, as the kernel numbers them, or a number */
    bool is_on;
    struct argument_scheduling scheduling;
    uint32_t mode;
    uint32_t id;
    int niceness;
    struct argument_text text;
    struct {
      const char *frame; /* borrowed; argument_next_text reads from it */
      int at;
      int left;
    } texts;
    struct {
      const uint32_t *values; /* in the caller's storage */
      size_t count;
      bool is_kept; /* there is no list: what the process has stays */
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

/* Decodes a text that the reader stands on, and steps over it. 0 or -EINVAL. */
int argument_decode_text(struct term_reader *reader, struct argument_text *text);

/* Takes the next text off a list that was decoded; false when there is none. */
bool argument_next_text(struct argument *texts, struct argument_text *text);

#endif
