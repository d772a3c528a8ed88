/* SPDX-License-Identifier: MIT */
#include "setup/passwd.h"

#include <string.h>

bool passwd_is_same(struct argument_text one, struct argument_text other) {
  return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0;
}

bool passwd_is_number(struct argument_text text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.bytes[i] < '0' || text.bytes[i] > '9')
      return false;
  return text.size > 0;
}

bool passwd_read_id(struct argument_text text, uint32_t *id) {
  uint64_t number = 0;
  if (!passwd_is_number(text))
    return false;
  for (size_t i = 0; i < text.size && number <= ARGUMENT_ID_MAX; i++)
    number = number * 10 + (uint64_t)(text.bytes[i] - '0');
  *id = (uint32_t)number;
  return number <= ARGUMENT_ID_MAX;
}

/* Takes what is before the next `separator` off the text, or the whole text when there is none.
 * False when nothing was left, not even an empty text. */
static bool take(struct argument_text *text, char separator, struct argument_text *taken) {
  if (text->bytes == NULL)
    return false;
  const char *end = memchr(text->bytes, separator, text->size);
  *taken = *text;
  *text = (struct argument_text){.bytes = NULL};
  if (end != NULL) {
    size_t size = (size_t)(end - taken->bytes);
    *text = (struct argument_text){.bytes = end + 1, .size = taken->size - size - 1};
    taken->size = size;
  }
  return true;
}

static bool take_name(struct argument_text *line, struct argument_text *name) {
  struct argument_text password;
  return memchr(line->bytes, '\0', line->size) == NULL && take(line, ':', name) && name->size > 0 &&
         take(line, ':', &password);
}

static bool take_id(struct argument_text *line, uint32_t *id) {
  struct argument_text digits;
  return take(line, ':', &digits) && passwd_read_id(digits, id);
}

bool passwd_read_user(struct argument_text line, struct passwd_user *user) {
  struct argument_text comment;
  if (!take_name(&line, &user->name) || !take_id(&line, &user->uid) || !take_id(&line, &user->gid))
    return false;
  user->home = (struct argument_text){.bytes = "", .size = 0};
  if (take(&line, ':', &comment))
    take(&line, ':', &user->home);
  return true;
}

bool passwd_read_group(struct argument_text line, struct passwd_group *group) {
  if (!take_name(&line, &group->name) || !take_id(&line, &group->gid))
    return false;
  group->members = (struct argument_text){.bytes = "", .size = 0};
  take(&line, ':', &group->members);
  return true;
}

bool passwd_has_member(const struct passwd_group *group, struct argument_text name) {
  struct argument_text left = group->members;
  struct argument_text member;
  while (take(&left, ',', &member))
    if (name.size > 0 && passwd_is_same(member, name))
      return true;
  return false;
}

char *passwd_lines_room(struct passwd_lines *lines, size_t *room) {
  if (lines->start == 0 && lines->end == PASSWD_PIECE) {
    lines->skips = true;
    lines->end = 0;
  }
  memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
  lines->end -= lines->start;
  lines->start = 0;
  *room = PASSWD_PIECE - lines->end;
  return lines->bytes + lines->end;
}

void passwd_lines_add(struct passwd_lines *lines, size_t count) {
  lines->end += count;
}

bool passwd_lines_next(struct passwd_lines *lines, bool ended, struct argument_text *line) {
  while (lines->start < lines->end) {
    const char *start = lines->bytes + lines->start;
    size_t left = lines->end - lines->start;
    const char *newline = memchr(start, '\n', left);
    bool skips = lines->skips;
    if (newline == NULL && !skips && !ended)
      return false;
    size_t size = newline != NULL ? (size_t)(newline - start) : left;
    lines->start += newline != NULL ? size + 1 : left;
    lines->skips = skips && newline == NULL;
    *line = (struct argument_text){.bytes = start, .size = size};
    if (!skips)
      return true;
  }
  return false;
}
