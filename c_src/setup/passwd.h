/* SPDX-License-Identifier: MIT */
/*
 * The lines of /etc/passwd and /etc/group (passwd(5), group(5)), which may be written by an
 * attacker. Pure: no system call, no allocation.
 *
 * A line that is not understood does not count: one without the fields that are asked for, with an
 * empty name, with a NUL, or with an id that is not digits alone or is none.
 */
#ifndef LINX_SETUP_PASSWD_H
#define LINX_SETUP_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/argument.h"

/* A line with its newline is not longer, or it is skipped. */
#define PASSWD_PIECE 4096

/* The texts lie in the line. */
struct passwd_user {
  struct argument_text name, home;
  uint32_t uid, gid;
};

struct passwd_group {
  struct argument_text name, members;
  uint32_t gid;
};

bool passwd_is_same(struct argument_text one, struct argument_text other);

/* The number that a text of digits alone stands for. False for another text, and for a number above
 * ARGUMENT_ID_MAX. */
bool passwd_read_id(struct argument_text text, uint32_t *id);

/* Whether there are digits in the text and nothing else, whatever number they make. */
bool passwd_is_number(struct argument_text text);

bool passwd_read_user(struct argument_text line, struct passwd_user *user);
bool passwd_read_group(struct argument_text line, struct passwd_group *group);

/* Whether the group has a member of that name. */
bool passwd_has_member(const struct passwd_group *group, struct argument_text name);

/* Splits a file that is read in pieces into lines. Begins all zero. */
struct passwd_lines {
  char bytes[PASSWD_PIECE];
  size_t start, end; /* what is left */
  bool skips;        /* up to the next newline, the end of a line that was too long */
};

/* Where the file's next bytes go; never without room. What was read of `bytes` is lost. */
char *passwd_lines_room(struct passwd_lines *lines, size_t *room);
void passwd_lines_add(struct passwd_lines *lines, size_t count);

/* The next line, without its newline. False when more of the file is needed; with `ended`, which
 * says that there is no more, when there is no line left. */
bool passwd_lines_next(struct passwd_lines *lines, bool ended, struct argument_text *line);

#endif
