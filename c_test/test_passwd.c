/* SPDX-License-Identifier: MIT */
/* Lines of /etc/passwd and /etc/group, of any kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "setup/passwd.h"

static struct argument_text text(const char *bytes) {
  return (struct argument_text){.bytes = bytes, .size = strlen(bytes)};
}

static void assert_text(struct argument_text found, const char *expected) {
  assert_int_equal(found.size, strlen(expected));
  assert_memory_equal(found.bytes, expected, found.size);
}

static void a_user_has_ids_and_a_directory(void **state) {
  struct passwd_user user;
  (void)state;
  assert_true(passwd_read_user(text("name:x:1000:100:comment:/home/name:/bin/sh"), &user));
  assert_text(user.name, "name");
  assert_int_equal(user.uid, 1000);
  assert_int_equal(user.gid, 100);
  assert_text(user.home, "/home/name");
  assert_true(passwd_read_user(text("n::0:00004294967294"), &user));
  assert_true(user.uid == 0 && user.gid == UINT32_MAX - 1);
  assert_text(user.home, "");
  assert_true(passwd_read_user(text("n:x:1:2:"), &user));
  assert_text(user.home, "");
  assert_true(passwd_read_user(text("n:x:1:2:c:/h"), &user));
  assert_text(user.home, "/h");
  assert_true(passwd_read_user(text("n:x:1:2:c::/bin/sh:more"), &user));
  assert_text(user.home, "");
}

static void a_line_that_is_no_user_does_not_count(void **state) {
  static const char *const lines[] = {
      "",
      ":",
      "name",
      "name:x",
      "name:x:1",
      "name:x::1",
      "name:x:1:",
      ":x:1:2",
      "name:x:+1:2",
      "name:x:-1:2",
      "name:x: 1:2",
      "name:x:1 :2",
      "name:x:0x1:2",
      "name:x:1:2\r",
      "name:x:4294967295:1",
      "name:x:1:4294967295",
      "name:x:4294967296:1",
      "name:x:18446744073709551616:1",
      "name:x:99999999999999999999999999:1",
      "name:x:1:a",
      "+::::::",
      "+:x:+:+",
      "# comment",
  };
  struct passwd_user user;
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    assert_false(passwd_read_user(text(lines[i]), &user));
  assert_false(
      passwd_read_user((struct argument_text){.bytes = "a:x:1:1:\0:/", .size = 11}, &user));
}

static void a_group_has_members(void **state) {
  struct passwd_group group;
  (void)state;
  assert_true(passwd_read_group(text("staff:x:50:ann,bob,,c:more"), &group));
  assert_text(group.name, "staff");
  assert_int_equal(group.gid, 50);
  assert_true(passwd_has_member(&group, text("ann")));
  assert_true(passwd_has_member(&group, text("bob")));
  assert_true(passwd_has_member(&group, text("c")));
  assert_false(passwd_has_member(&group, text("b")));
  assert_false(passwd_has_member(&group, text("an")));
  assert_false(passwd_has_member(&group, text("anna")));
  assert_false(passwd_has_member(&group, text("")));
  assert_false(passwd_has_member(&group, text("more")));
  assert_false(passwd_has_member(&group, text("ann,bob")));
  assert_true(passwd_read_group(text("g:x:1"), &group));
  assert_false(passwd_has_member(&group, text("g")));
  assert_false(passwd_read_group(text("g:x:-1:ann"), &group));
  assert_false(passwd_read_group(text("g:x"), &group));
  assert_false(passwd_read_group(text(":x:1:ann"), &group));
}

static void a_number_is_digits_alone(void **state) {
  uint32_t id = 7;
  (void)state;
  assert_true(passwd_read_id(text("0"), &id) && id == 0);
  assert_true(passwd_read_id(text("4294967294"), &id) && id == ARGUMENT_ID_MAX);
  assert_false(passwd_read_id(text("4294967295"), &id));
  assert_true(passwd_is_number(text("4294967295")));
  assert_false(passwd_is_number(text("")));
  assert_false(passwd_is_number(text("1a")));
  assert_false(passwd_is_number(text("-1")));
}

/* Splits `file`, whose next bytes come in pieces of `piece`, and joins the lines with "|". */
static void assert_split(const char *file, size_t size, size_t piece, const char *expected) {
  static char joined[PASSWD_PIECE * 4];
  struct passwd_lines *lines = calloc(1, sizeof *lines);
  struct argument_text line;
  size_t used = 0;
  size_t at = 0;
  assert_non_null(lines);
  for (bool ended = false; !ended;) {
    size_t room = 0;
    char *to = passwd_lines_room(lines, &room);
    assert_true(room > 0);
    size_t count = size - at < piece ? size - at : piece;
    count = count < room ? count : room;
    memcpy(to, file + at, count);
    at += count;
    passwd_lines_add(lines, count);
    ended = count == 0;
    while (passwd_lines_next(lines, ended, &line)) {
      assert_true(used + line.size + 1 < sizeof joined);
      memcpy(joined + used, line.bytes, line.size);
      used += line.size;
      joined[used++] = '|';
    }
  }
  joined[used] = '\0';
  assert_string_equal(joined, expected);
  free(lines);
}

static void a_file_is_split_whatever_its_pieces(void **state) {
  static const char *const files[][2] = {
      {"", ""},
      {"\n", "|"},
      {"a", "a|"},
      {"a\n", "a|"},
      {"a\nb", "a|b|"},
      {"\n\na\n", "||a|"},
      {"ab\ncd\n", "ab|cd|"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    for (size_t piece = 1; piece < 8; piece++)
      assert_split(files[i][0], strlen(files[i][0]), piece, files[i][1]);
}

static void a_line_longer_than_a_piece_is_skipped(void **state) {
  static char file[PASSWD_PIECE * 3 + 16];
  static char expected[PASSWD_PIECE + 16];
  (void)state;
  for (size_t length = PASSWD_PIECE - 2; length < 3 * PASSWD_PIECE; length += 511) {
    for (size_t piece = 1000; piece < 2 * PASSWD_PIECE; piece += 1000) {
      bool fits = length < PASSWD_PIECE;
      memcpy(file, "a\n", 2);
      memset(file + 2, 'x', length);
      memcpy(file + 2 + length, "\nb\n", 3);
      memcpy(expected, "a|", 2);
      memset(expected + 2, 'x', fits ? length : 0);
      memcpy(expected + 2 + (fits ? length : 0), fits ? "|b|" : "b|", fits ? 4 : 3);
      assert_split(file, length + 5, piece, expected);
      memcpy(expected + 2 + (fits ? length : 0), fits ? "|" : "", fits ? 2 : 1);
      assert_split(file, length + 2, piece, expected);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_user_has_ids_and_a_directory),
      cmocka_unit_test(a_line_that_is_no_user_does_not_count),
      cmocka_unit_test(a_group_has_members),
      cmocka_unit_test(a_number_is_digits_alone),
      cmocka_unit_test(a_file_is_split_whatever_its_pieces),
      cmocka_unit_test(a_line_longer_than_a_piece_is_skipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
