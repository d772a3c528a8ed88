/* SPDX-License-Identifier: MIT */
/*
 * Set-up commands, each row of setup/commands.def: the arguments that its letters say are taken,
 * and no others; and what each letter stands for.
 */
#include "terms.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/mount_api.h"
#include "wire/command.h"
#include "wire/etf.h"
#include "wire/mount_argument.h"

static const struct {
  const char *name;
  const char *types;
} rows[SETUP_COUNT] = {
#define SETUP(name, arguments, by, changes, function) {#name, arguments},
#include "setup/commands.def"
#undef SETUP
};

static struct terms terms;
static uint8_t *frame;
static enum setup_command found;
static struct argument arguments[ARGUMENTS_MAX];
static uint32_t ids[ARGUMENT_IDS_MAX];

/* A byte more than a text may have. */
static char long_text[ARGUMENT_TEXT_MAX + 1];

static int forget(void **state) {
  (void)state;
  free(frame);
  frame = NULL;
  return 0;
}

static int decode_cut(size_t size) {
  forget(NULL);
  frame = exactly(&terms, size);
  return setup_command_decode_frame(&found, arguments, ids, frame, size);
}

static void begin_row(const char *name, size_t count) {
  begin(&terms);
  if (count > 0)
    put_tuple(&terms, (unsigned)count + 1);
  put_atom(&terms, name);
}

static void put_words(unsigned count, const char *const words[]) {
  put_list(&terms, count);
  for (unsigned i = 0; i < count; i++)
    put_atom(&terms, words[i]);
}

static void put_mode_flag(int64_t mode) {
  put_tuple(&terms, 2);
  put_atom(&terms, "mode");
  put_integer(&terms, mode);
}

static void put_list_of(int64_t number) {
  put_list(&terms, 1);
  put_integer(&terms, number);
  put_nil(&terms);
}

static void put_pair(const char *key, int64_t value) {
  put_map(&terms, 1);
  put_atom(&terms, key);
  put_integer(&terms, value);
}

static void put_valid_of_process(char type) {
  static const char *const names[] = {"r", "rttime", "e", "deadline", "g", "best_effort"};
  switch (type) {
  case 'v':
  case 'V':
    put_atom(&terms, "keep");
    return;
  case 'h':
    put_data(&terms, long_text, HOST_NAME_MAX_BYTES);
    return;
  case 'r':
  case 'e':
  case 'g':
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i += 2)
      if (names[i][0] == type)
        put_atom(&terms, names[i + 1]);
    return;
  case 'l':
    put_atom(&terms, "infinity");
    return;
  case 'N':
    put_big(&terms, false, UINT32_MAX - 1, 4);
    return;
  case 'B':
    put_atom(&terms, "true");
    return;
  case 'C':
    put_list(&terms, 2);
    put_integer(&terms, 3);
    put_integer(&terms, CPU_NUMBER_MAX);
    put_nil(&terms);
    return;
  case 'E':
    put_map(&terms, 3);
    put_atom(&terms, "nice");
    put_integer(&terms, -20);
    put_atom(&terms, "flags");
    put_list(&terms, 1);
    put_atom(&terms, "dl_overrun");
    put_nil(&terms);
    put_atom(&terms, "period");
    put_big(&terms, false, UINT64_MAX, 8);
    return;
  case 'G':
    put_integer(&terms, 7);
    return;
  default:
    fail();
  }
}

static void put_valid_of_mount(char type) {
  static const char *const attributes[] = {"rdonly",      "nosuid",     "nodev",   "noexec",
                                           "nosymfollow", "nodiratime", "relatime"};
  static const char *const flags[] = {"nofollow", "recursive", "optional", "keep"};
  switch (type) {
  case 'P':
    put_binary(&terms, "/");
    return;
  case 'L':
    put_binary(&terms, "x");
    return;
  case 'K':
  case 'k':
  case 'c':
    put_integer(&terms, SLOTS_MAX - 1);
    return;
  case 't':
    put_words(3, flags);
    put_nil(&terms);
    return;
  case 'f':
    put_list(&terms, 4);
    put_atom(&terms, "nofollow");
    put_atom(&terms, "recursive");
    put_atom(&terms, "keep");
    put_mode_flag(07777);
    put_nil(&terms);
    return;
  case 'R':
  case 'D':
    put_list(&terms, 1);
    put_atom(&terms, type == 'R' ? "recursive" : "detach");
    put_nil(&terms);
    return;
  case 'a':
    put_words(7, attributes);
    put_nil(&terms);
    return;
  case 'p':
    put_atom(&terms, "unbindable");
    return;
  case 'O':
    put_list(&terms, 2);
    put_tuple(&terms, 2);
    put_binary(&terms, "size");
    put_binary(&terms, "");
    put_binary(&terms, "noswap");
    put_nil(&terms);
    return;
  case 'd':
    put_atom(&terms, "fifo");
    return;
  case 'i':
    put_integer(&terms, NODE_NUMBER_MAX);
    return;
  case 'M':
    put_integer(&terms, 07777);
    return;
  default:
    put_valid_of_process(type);
  }
}

static void put_valid(char type) {
  switch (type) {
  case 'm':
    put_big(&terms, false, UINT64_MAX, 8);
    return;
  case 'o':
    put_integer(&terms, 0777);
    return;
  case 'u':
    put_big(&terms, false, ARGUMENT_ID_MAX, 4);
    return;
  case 'U':
    put_list(&terms, 2);
    put_byte(&terms, 4);
    put_integer(&terms, 65534);
    put_nil(&terms);
    return;
  case 'n':
    put_integer(&terms, -20);
    return;
  case 's':
    put_binary(&terms, "name");
    return;
  case 'S':
    put_list(&terms, 2);
    put_binary(&terms, "name");
    put_binary(&terms, "");
    put_nil(&terms);
    return;
  case 'b':
    put_data(&terms, "a\0b", 3);
    return;
  case 'w':
    put_tuple(&terms, 4);
    for (int cell = 0; cell < 4; cell++)
      put_integer(&terms, 65535 - cell);
    return;
  default:
    put_valid_of_mount(type);
  }
}

static void put_option(unsigned arity, const char *name) {
  put_list(&terms, 1);
  if (arity > 0)
    put_tuple(&terms, arity);
  put_binary(&terms, name);
  for (unsigned i = 1; i < arity; i++)
    put_binary(&terms, "x");
  put_nil(&terms);
}

static void put_two(const char *one, const char *other) {
  put_list(&terms, 2);
  put_atom(&terms, one);
  put_atom(&terms, other);
  put_nil(&terms);
}

static bool put_invalid_flags(const char *unknown, int which) {
  switch (which) {
  case 1:
    put_list(&terms, 1);
    put_atom(&terms, unknown);
    put_nil(&terms);
    return true;
  case 2:
    put_list(&terms, 1);
    put_tuple(&terms, 2);
    put_atom(&terms, "recursive");
    put_integer(&terms, 1);
    put_nil(&terms);
    return true;
  case 3:
    put_list(&terms, 1);
    put_mode_flag(010000);
    put_nil(&terms);
    return true;
  case 4:
    put_list(&terms, 1);
    put_atom(&terms, "mode");
    put_nil(&terms);
    return true;
  case 5:
    put_string(&terms, "flags");
    return true;
  default:
    return false;
  }
}

static bool put_invalid_of_process(char type, int which) {
  static const char *const keys[] = {"niceness", "nice", "priority", "flags", "runtime"};
  static const int values[] = {0, 20, 100, 1, -1};
  switch (type) {
  case 'v':
    put_big(&terms, which == 2, which == 1 ? UINT32_MAX : 1, 4);
    return which <= 2;
  case 'V':
    put_list_of(-1);
    return which == 1;
  case 'h':
    put_data(&terms, which == 1 ? "a\0b" : long_text, which == 1 ? 3 : HOST_NAME_MAX_BYTES + 1);
    return which <= 2;
  case 'r':
  case 'e':
  case 'g':
    put_integer(&terms, 1);
    return which == 1;
  case 'l':
    put_integer(&terms, -1);
    return which == 1;
  case 'N':
    put_big(&terms, which == 2, which == 1 ? UINT32_MAX : 1, 4);
    return which <= 2;
  case 'B':
    put_integer(&terms, 1);
    return which == 1;
  case 'C':
    if (which == 1)
      put_nil(&terms);
    else
      put_list_of(which == 2 ? CPU_NUMBER_MAX + 1 : -1);
    return which <= 3;
  case 'E':
    if (which == 6) { /* the same key twice */
      put_map(&terms, 2);
      for (int i = 0; i < 2; i++) {
        put_atom(&terms, "nice");
        put_integer(&terms, 1);
      }
    } else {
      put_pair(keys[which - 1], values[which - 1]);
    }
    return which <= 6;
  case 'G':
    put_integer(&terms, which == 1 ? 8 : -1);
    return which <= 2;
  default:
    return false;
  }
}

static bool put_invalid_of_mount(char type, int which) {
  static const char *const times[] = {"noatime", "relatime", "strictatime"};
  switch (type) {
  case 'P':
    put_data(&terms, which == 1 ? "a/b" : "/\0b", which == 3 ? 0 : 3);
    return which <= 3;
  case 'L':
    put_data(&terms, "a\0b", which == 1 ? 0 : 3);
    return which <= 2;
  case 'K':
  case 'k':
  case 'c':
    put_integer(&terms, which == 1 ? SLOTS_MAX : -1);
    return which <= 2;
  case 't':
    return put_invalid_flags("keep", which);
  case 'f':
    return put_invalid_flags("optional", which);
  case 'R':
    return put_invalid_flags("detach", which);
  case 'D':
    return put_invalid_flags("recursive", which);
  case 'a':
    if (which <= 3)
      put_two(times[which - 1], times[which % 3]);
    else
      put_two("rdonly", "readonly");
    return which <= 4;
  case 'p':
    put_integer(&terms, 1 << 18);
    return which == 1;
  case 'O':
    if (which <= 3)
      put_option(which == 3 ? 3 : (unsigned)which - 1, which == 3 ? "x" : "");
    else
      put_two("size", "mode");
    return which <= 4;
  case 'd':
    put_integer(&terms, 1);
    return which == 1;
  case 'i':
    put_integer(&terms, which == 1 ? NODE_NUMBER_MAX + 1 : -1);
    return which <= 2;
  case 'M':
    put_integer(&terms, which == 1 ? 010000 : -1);
    return which <= 2;
  default:
    return which <= 6 && put_invalid_of_process(type, which);
  }
}

/* Values just past what a letter allows, or of another kind; false past the last. */
static bool put_invalid(char type, int which) {
  if (which == 0) {
    put_atom(&terms, "atom");
    return true;
  }
  switch (type) {
  case 'm':
    put_big(&terms, true, 1, 1);
    return which == 1;
  case 'o':
    put_integer(&terms, which == 1 ? 01000 : -1);
    return which <= 2;
  case 'u':
    put_big(&terms, which == 2, which == 1 ? UINT32_MAX : 1, 4);
    return which <= 2;
  case 'U':
    put_list(&terms, 1);
    put_big(&terms, which == 2, which == 1 ? UINT32_MAX : 1, 4);
    put_nil(&terms);
    return which <= 2;
  case 'n':
    put_integer(&terms, which == 1 ? 20 : -21);
    return which <= 2;
  case 's':
    if (which == 1)
      put_data(&terms, "a\0b", 3);
    else
      put_data(&terms, long_text, sizeof long_text);
    return which <= 2;
  case 'S':
    put_list(&terms, which == 2 ? ARGUMENT_TEXTS_MAX + 1 : 1);
    for (int at = 0; at < (which == 2 ? ARGUMENT_TEXTS_MAX + 1 : 1); at++)
      put_data(&terms, which == 1 ? "a\0b" : "abc", 3);
    if (which == 3)
      put_binary(&terms, "tail");
    else
      put_nil(&terms);
    return which <= 3;
  case 'b':
    put_string(&terms, "charlist");
    return which == 1;
  case 'w':
    put_tuple(&terms, which == 3 ? 3 : 4);
    for (int cell = 0; cell < (which == 3 ? 3 : 4); cell++)
      put_integer(&terms, cell < 3 ? 1 : which == 1 ? 65536 : -1);
    return which <= 3;
  default:
    return put_invalid_of_mount(type, which);
  }
}

static void put_row(size_t row) {
  begin_row(rows[row].name, strlen(rows[row].types));
  for (const char *type = rows[row].types; *type != '\0'; type++)
    put_valid(*type);
}

static void each_takes_its_arguments_whole(void **state) {
  (void)state;
  for (size_t row = 0; row < SETUP_COUNT; row++) {
    put_row(row);
    for (size_t size = 0; size < terms.size; size++)
      assert_int_equal(decode_cut(size), -EINVAL);
    assert_int_equal(decode_cut(terms.size), 0);
    assert_int_equal(found, row);
    put_nil(&terms);
    assert_int_equal(decode_cut(terms.size), -EINVAL);
  }
}

static void another_number_of_arguments_is_refused(void **state) {
  (void)state;
  for (size_t row = 0; row < SETUP_COUNT; row++)
    for (size_t count = 0; count <= ARGUMENTS_MAX + 1; count++) {
      size_t wanted = strlen(rows[row].types);
      if (count == wanted)
        continue;
      begin_row(rows[row].name, count);
      for (size_t at = 0; at < count; at++)
        put_valid(at < wanted ? rows[row].types[at] : 'u');
      assert_int_equal(decode_cut(terms.size), -EINVAL);
    }
}

static void each_argument_is_held_to_its_letter(void **state) {
  (void)state;
  for (size_t row = 0; row < SETUP_COUNT; row++)
    for (size_t wrong = 0; rows[row].types[wrong] != '\0'; wrong++)
      for (int which = 0;; which++) {
        bool more = true;
        begin_row(rows[row].name, strlen(rows[row].types));
        for (size_t at = 0; rows[row].types[at] != '\0'; at++)
          if (at == wrong)
            more = put_invalid(rows[row].types[at], which);
          else
            put_valid(rows[row].types[at]);
        if (!more)
          break;
        assert_int_equal(decode_cut(terms.size), -EINVAL);
      }
}

/* The letters alone, without a row that has them. */
static void read_values(const char *types) {
  struct term_reader reader;
  begin(&terms);
  put_tuple(&terms, (unsigned)strlen(types));
  for (const char *type = types; *type != '\0'; type++)
    put_valid(*type);
  forget(NULL);
  frame = exactly(&terms, terms.size);
  int arity = 0;
  assert_int_equal(term_reader_init(&reader, frame, terms.size), 0);
  assert_int_equal(term_read_tuple(&reader, &arity), 0);
  assert_int_equal(arguments_decode(types, &reader, arguments, ids), 0);
}

static void values_are_read_as_they_are(void **state) {
  (void)state;
  read_values("mouU");
  assert_true(arguments[0].mask == UINT64_MAX);
  assert_int_equal(arguments[1].mode, 0777);
  assert_true(arguments[2].id == ARGUMENT_ID_MAX);
  assert_int_equal(arguments[3].ids.count, 2);
  assert_int_equal(arguments[3].ids.values[0], 4);
  assert_int_equal(arguments[3].ids.values[1], 65534);
  read_values("nsS");
  assert_int_equal(arguments[0].niceness, -20);
  assert_int_equal(arguments[1].text.size, 4);
  assert_memory_equal(arguments[1].text.bytes, "name", 4);
  struct argument_text text;
  assert_true(argument_next_text(&arguments[2], &text));
  assert_int_equal(text.size, 4);
  assert_memory_equal(text.bytes, "name", 4);
  assert_true(argument_next_text(&arguments[2], &text));
  assert_int_equal(text.size, 0);
  assert_false(argument_next_text(&arguments[2], &text));
  read_values("bw");
  assert_int_equal(arguments[0].binary.size, 3);
  assert_memory_equal(arguments[0].binary.bytes, "a\0b", 3);
  assert_true(arguments[0].binary.bytes > frame);
  assert_int_equal(arguments[1].cells.rows, 65535);
  assert_int_equal(arguments[1].cells.cols, 65534);
  assert_int_equal(arguments[1].cells.xpixel, 65533);
  assert_int_equal(arguments[1].cells.ypixel, 65532);
}

static void values_of_mounts_are_read_as_they_are(void **state) {
  (void)state;
  struct argument_option option;
  read_values("KtfRDa");
  assert_int_equal(arguments[0].slot, SLOTS_MAX - 1);
  assert_int_equal(arguments[1].flags.bits, FLAG_NOFOLLOW | FLAG_RECURSIVE | FLAG_OPTIONAL);
  assert_int_equal(arguments[2].flags.bits, FLAG_NOFOLLOW | FLAG_RECURSIVE | FLAG_KEEP | FLAG_MODE);
  assert_int_equal(arguments[2].flags.mode, 07777);
  assert_int_equal(arguments[3].flags.bits, FLAG_RECURSIVE);
  assert_int_equal(arguments[4].flags.bits, FLAG_DETACH);
  assert_true(arguments[5].mask == (ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC |
                                    ATTR_NOSYMFOLLOW | ATTR_NODIRATIME | ATTR_RELATIME));
  read_values("PpdiMO");
  assert_int_equal(arguments[0].text.size, 1);
  assert_true(arguments[1].mask == MS_UNBINDABLE);
  assert_int_equal(arguments[2].mode, S_IFIFO);
  assert_int_equal(arguments[3].number, NODE_NUMBER_MAX);
  assert_int_equal(arguments[4].mode, 07777);
  assert_true(argument_next_option(&arguments[5], &option));
  assert_true(option.has_value && option.value.size == 0);
  assert_memory_equal(option.name.bytes, "size", option.name.size);
  assert_true(argument_next_option(&arguments[5], &option));
  assert_false(option.has_value);
  assert_memory_equal(option.name.bytes, "noswap", option.name.size);
  assert_false(argument_next_option(&arguments[5], &option));
}

static void values_of_processes_are_read_as_they_are(void **state) {
  (void)state;
  read_values("vVhr");
  assert_true(arguments[0].id == ARGUMENT_ID_KEPT);
  assert_true(arguments[1].ids.is_kept);
  assert_int_equal(arguments[2].text.size, HOST_NAME_MAX_BYTES);
  assert_int_equal(arguments[3].word, RLIMIT_RTTIME);
  read_values("lNBe");
  assert_true(arguments[0].mask == UINT64_MAX);
  assert_true(arguments[1].word == UINT32_MAX - 1);
  assert_true(arguments[2].is_on);
  assert_int_equal(arguments[3].word, 6);
  read_values("gGE");
  assert_int_equal(arguments[0].word, 2);
  assert_int_equal(arguments[1].word, 7);
  const struct argument_scheduling *scheduling = &arguments[2].scheduling;
  assert_true(scheduling->has_nice);
  assert_int_equal(scheduling->nice, -20);
  assert_int_equal(scheduling->flags, 4);
  assert_true(scheduling->period == UINT64_MAX);
  assert_true(scheduling->runtime == 0 && scheduling->deadline == 0 && scheduling->priority == 0);
  read_values("C");
  assert_int_equal(arguments[0].ids.count, 2);
  assert_int_equal(arguments[0].ids.values[0], 3);
  assert_int_equal(arguments[0].ids.values[1], CPU_NUMBER_MAX);
}

/* Where a number or a list may stand for what :keep and :infinity do not. */
static void a_letter_with_a_word_takes_its_numbers(void **state) {
  (void)state;
  begin_row("set_credentials", 3);
  put_integer(&terms, 1);
  put_atom(&terms, "keep");
  put_nil(&terms);
  assert_int_equal(decode_cut(terms.size), 0);
  assert_true(arguments[0].id == 1 && arguments[1].id == ARGUMENT_ID_KEPT);
  assert_false(arguments[2].ids.is_kept);
  assert_int_equal(arguments[2].ids.count, 0);
  begin_row("set_credentials", 3);
  put_atom(&terms, "keep");
  put_integer(&terms, 2);
  put_list_of(5);
  assert_int_equal(decode_cut(terms.size), 0);
  assert_false(arguments[2].ids.is_kept);
  assert_int_equal(arguments[2].ids.values[0], 5);
  begin_row("rlimit", 3);
  put_atom(&terms, "core");
  put_integer(&terms, 0);
  put_big(&terms, false, UINT64_MAX, 8);
  assert_int_equal(decode_cut(terms.size), 0);
  assert_int_equal(arguments[0].word, RLIMIT_CORE);
  assert_true(arguments[1].mask == 0 && arguments[2].mask == UINT64_MAX);
}

static void each_is_a_command_at_the_checkpoint_alone(void **state) {
  (void)state;
  struct command command;
  for (size_t row = 0; row < SETUP_COUNT; row++) {
    put_row(row);
    forget(NULL);
    frame = exactly(&terms, terms.size);
    assert_int_equal(command_decode_frame(&command, frame, terms.size, WHEN_PARKED), 0);
    assert_int_equal(command.id, COMMAND_SETUP);
    assert_int_equal(command.setup, row);
    int running = command_decode_frame(&command, frame, terms.size, WHEN_RUNNING);
    assert_true(running == -EINVAL || command.id != COMMAND_SETUP);
  }
}

static void each_fails_under_its_own_name(void **state) {
  (void)state;
  for (size_t row = 0; row < SETUP_COUNT; row++) {
    enum stage stage = setup_command_stage((enum setup_command)row);
    assert_string_equal(stage_name(stage), rows[row].name);
    assert_int_equal(stage_from_name(rows[row].name), stage);
  }
}

int main(void) {
  memset(long_text, 'x', sizeof long_text);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_takes_its_arguments_whole),
      cmocka_unit_test(another_number_of_arguments_is_refused),
      cmocka_unit_test(each_argument_is_held_to_its_letter),
      cmocka_unit_test(values_are_read_as_they_are),
      cmocka_unit_test(values_of_processes_are_read_as_they_are),
      cmocka_unit_test(a_letter_with_a_word_takes_its_numbers),
      cmocka_unit_test(values_of_mounts_are_read_as_they_are),
      cmocka_unit_test(each_is_a_command_at_the_checkpoint_alone),
      cmocka_unit_test(each_fails_under_its_own_name),
  };
  return cmocka_run_group_tests_name("setup_command", tests, NULL, forget);
}
