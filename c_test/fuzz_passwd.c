/* SPDX-License-Identifier: MIT */
/*
 * /etc/passwd and /etc/group of an attacker's root: any file, in pieces of any size. What is read
 * lies in the line, and the lines are those of the file that are not too long.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "setup/passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(int holds) {
  if (!holds)
    abort();
}

static void require_inside(struct argument_text text, struct argument_text line) {
  if (text.size > 0)
    require(text.bytes >= line.bytes && text.bytes + text.size <= line.bytes + line.size);
}

static void use(struct argument_text given) {
  /* In memory of its own, where AddressSanitizer sees a byte too far. */
  struct argument_text line = given;
  char *copy = malloc(line.size > 0 ? line.size : 1);
  struct passwd_user user;
  struct passwd_group group;
  require(copy != NULL);
  memcpy(copy, given.bytes, given.size);
  line.bytes = copy;
  require(memchr(line.bytes, '\n', line.size) == NULL);
  if (passwd_read_user(line, &user)) {
    require(user.name.size > 0 && user.uid <= ARGUMENT_ID_MAX && user.gid <= ARGUMENT_ID_MAX);
    require(memchr(user.home.bytes, ':', user.home.size) == NULL);
    require_inside(user.name, line);
    require_inside(user.home, line);
  }
  if (passwd_read_group(line, &group)) {
    require(group.name.size > 0 && group.gid <= ARGUMENT_ID_MAX);
    require_inside(group.members, line);
    passwd_has_member(&group, group.name);
    passwd_has_member(&group, group.members);
  }
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static struct passwd_lines lines;
  struct argument_text line;
  size_t piece = size > 0 ? bytes[0] * 17U + 1 : 1;
  size_t at = 0;
  memset(&lines, 0, sizeof lines);
  for (int ended = 0; !ended;) {
    size_t room = 0;
    char *to = passwd_lines_room(&lines, &room);
    require(room > 0 && room <= PASSWD_PIECE);
    size_t count = size - at < piece ? size - at : piece;
    count = count < room ? count : room;
    memcpy(to, bytes + at, count);
    at += count;
    passwd_lines_add(&lines, count);
    ended = count == 0;
    while (passwd_lines_next(&lines, ended, &line))
      use(line);
  }
  return 0;
}
