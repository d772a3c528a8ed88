/* SPDX-License-Identifier: MIT */
/* Slots: what they hold, and what lists of commands may do with them. */
#include "terms.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "launch/slot_check.h"
#include "setup/slots.h"

static struct slots slots;
static struct terms terms;

static int open_one(void) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

static int empty(void **state) {
  bool is_new = false;
  (void)state;
  slots_close(&slots, &is_new);
  return 0;
}

static void a_slot_holds_what_was_put_there(void **state) {
  (void)state;
  for (unsigned slot = 0; slot < SLOTS_MAX; slot += SLOTS_MAX - 1) {
    int fd = open_one();
    assert_int_equal(slots_get(&slots, slot), -EINVAL);
    assert_int_equal(slots_put(&slots, slot, fd, SLOT_IS_NEW), 0);
    assert_int_equal(slots_get(&slots, slot), fd);
    assert_true(slots_has(&slots, slot, SLOT_IS_NEW));
    assert_false(slots_has(&slots, slot, SLOT_IS_USED));
    slots_done(&slots, slot, true);
    assert_true(slots_has(&slots, slot, SLOT_IS_USED));
    assert_int_equal(slots_get(&slots, slot), fd);
    slots_done(&slots, slot, false);
    assert_int_equal(slots_get(&slots, slot), -EINVAL);
    assert_false(slots_has(&slots, slot, SLOT_IS_NEW));
    assert_false(is_open(fd));
  }
}

static void a_slot_in_use_is_not_filled_and_the_descriptor_is_closed(void **state) {
  (void)state;
  int first = open_one();
  int second = open_one();
  assert_int_equal(slots_put(&slots, 5, first, 0), 0);
  assert_int_equal(slots_put(&slots, 5, second, 0), -EINVAL);
  assert_false(is_open(second));
  assert_true(is_open(first));
  assert_int_equal(slots_put(&slots, 6, -ENOMEM, 0), -ENOMEM);
  assert_int_equal(slots_get(&slots, 6), -EINVAL);
}

static void a_slot_that_is_left_out_is_in_use(void **state) {
  (void)state;
  assert_int_equal(slots_put(&slots, 7, -ENOENT, SLOT_IS_LEFT_OUT), 0);
  assert_int_equal(slots_get(&slots, 7), -ENOENT);
  int fd = open_one();
  assert_int_equal(slots_put(&slots, 7, fd, 0), -EINVAL);
  assert_false(is_open(fd));
  slots_done(&slots, 7, false);
  assert_int_equal(slots_get(&slots, 7), -EINVAL);
}

static void all_are_closed_and_one_that_was_not_used_is_an_error(void **state) {
  bool is_new = false;
  (void)state;
  int fds[3];
  for (unsigned i = 0; i < 3; i++) {
    fds[i] = open_one();
    assert_int_equal(slots_put(&slots, i, fds[i], i == 2 ? SLOT_IS_NEW : 0), 0);
    if (i < 2)
      slots_done(&slots, i, true);
  }
  assert_int_equal(slots_close(&slots, &is_new), -EINVAL);
  assert_true(is_new);
  for (int i = 0; i < 3; i++)
    assert_false(is_open(fds[i]));
  assert_int_equal(slots_close(&slots, &is_new), 0);
}

/* Lists of commands, a letter each: f fills slot 1, a attaches it, k keeps it, o fills slot 2. */
static void put_commands(const char *letters) {
  static const struct {
    char letter;
    int slot;
  } fills[] = {{'f', 1}, {'o', 2}};
  if (*letters != '\0')
    put_list(&terms, (uint32_t)strlen(letters));
  for (const char *at = letters; *at != '\0'; at++) {
    bool is_fill = *at == fills[0].letter || *at == fills[1].letter;
    put_tuple(&terms, is_fill ? 4 : 5);
    put_atom(&terms, is_fill ? "tree_open" : "attach");
    put_integer(&terms, *at == 'o' ? 2 : 1);
    put_binary(&terms, "/");
    put_nil(&terms);
    if (is_fill)
      continue;
    if (*at == 'k') {
      put_list(&terms, 1);
      put_atom(&terms, "keep");
    }
    put_nil(&terms);
  }
}

static struct command_list list_of(uint8_t **frame, const char *letters) {
  struct command_list list = {.count = 0};
  struct term_reader reader;
  begin(&terms);
  put_commands(letters);
  put_nil(&terms);
  *frame = exactly(&terms, terms.size);
  assert_int_equal(term_reader_init(&reader, *frame, terms.size), 0);
  assert_int_equal(term_read_list(&reader, &list.count), 0);
  list.at = reader;
  return list;
}

static void assert_checked(const char *setup, const char *final, bool proceed, int index) {
  uint8_t *frames[2];
  struct request request = {
      .setup = list_of(&frames[0], setup), .final = list_of(&frames[1], final), .proceed = proceed};
  struct failure failure = slot_check(&request);
  assert_int_equal(failure.index, index);
  assert_int_equal(failure_is(failure) ? failure.error : 0, index < 0 ? 0 : EINVAL);
  free(frames[0]);
  free(frames[1]);
}

static void lists_use_their_slots_as_the_child_can(void **state) {
  (void)state;
  static const struct {
    const char *setup, *final;
    int with_stop, without; /* the index of the failure, or -1 */
  } lists[] = {
      {"", "", -1, -1},   {"fa", "", -1, -1},   {"f", "a", -1, -1}, {"fkka", "", -1, -1},
      {"fk", "", -1, -1}, {"fafa", "", -1, -1}, {"a", "", 0, 0},    {"", "a", -1, 0},
      {"f", "", -1, 0},   {"faf", "", -1, 2},   {"ff", "", 1, 1},   {"fkf", "", 2, 2},
      {"faa", "", 2, 2},  {"fa", "a", -1, 0},   {"f", "f", 0, 0},   {"", "f", 0, 0},
      {"", "fa", -1, -1}, {"", "aa", 1, 0},     {"", "kk", -1, 0},  {"fao", "", -1, 2},
      {"of", "aa", 1, 1}, {"o", "fa", -1, 0},
  };
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    assert_checked(lists[i].setup, lists[i].final, false, lists[i].with_stop);
    assert_checked(lists[i].setup, lists[i].final, true, lists[i].without);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(a_slot_holds_what_was_put_there, empty),
      cmocka_unit_test_teardown(a_slot_in_use_is_not_filled_and_the_descriptor_is_closed, empty),
      cmocka_unit_test_teardown(a_slot_that_is_left_out_is_in_use, empty),
      cmocka_unit_test_teardown(all_are_closed_and_one_that_was_not_used_is_an_error, empty),
      cmocka_unit_test(lists_use_their_slots_as_the_child_can),
  };
  return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
