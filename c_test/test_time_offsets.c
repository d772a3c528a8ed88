/* SPDX-License-Identifier: MIT */
/* The clocks of a time namespace: what a request may say of them, and the kernel's text for it. */
#include "terms.h"

#include <errno.h>

#include "wire/time_offsets.h"

static struct terms terms;
static uint8_t *frame;
static struct time_offsets offsets;

static int forget(void **state) {
  (void)state;
  free(frame);
  frame = NULL;
  return 0;
}

static int decode_cut(size_t size) {
  struct term_reader reader;
  forget(NULL);
  frame = exactly(&terms, size);
  int result = term_reader_init(&reader, frame, size);
  return result < 0 ? result : time_offsets_decode(&offsets, &reader);
}

static int decode(void) {
  return decode_cut(terms.size);
}

static void begin_list(unsigned count) {
  begin(&terms);
  put_list(&terms, count);
}

static void put_offset(const char *clock, int64_t seconds, uint32_t nanoseconds) {
  uint64_t magnitude = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;
  put_tuple(&terms, 3);
  put_atom(&terms, clock);
  put_big(&terms, seconds < 0, magnitude, 8);
  put_big(&terms, false, nanoseconds, 4);
}

static void assert_text(const char *text) {
  char written[TIME_OFFSETS_SIZE];
  int length = time_offsets_format(written, &offsets);
  assert_int_equal(length, strlen(text));
  assert_memory_equal(written, text, (size_t)length);
}

static void each_clock_is_a_line_in_the_order_given(void **state) {
  (void)state;
  begin_list(2);
  put_offset("boottime", 86400, 999999999);
  put_offset("monotonic", -1, 500000000);
  put_nil(&terms);
  for (size_t size = 0; size < terms.size; size++)
    assert_int_equal(decode_cut(size), -EINVAL);
  assert_int_equal(decode(), 0);
  assert_int_equal(offsets.count, 2);
  assert_text("boottime 86400 999999999\nmonotonic -1 500000000\n");
}

static void none_is_no_text(void **state) {
  (void)state;
  begin(&terms);
  put_nil(&terms);
  assert_int_equal(decode(), 0);
  assert_int_equal(offsets.count, 0);
  assert_text("");
}

static void the_longest_numbers_have_room(void **state) {
  (void)state;
  begin_list(2);
  put_offset("monotonic", INT64_MIN, 999999999);
  put_offset("boottime", INT64_MAX, 0);
  put_nil(&terms);
  assert_int_equal(decode(), 0);
  assert_text("monotonic -9223372036854775808 999999999\nboottime 9223372036854775807 0\n");
}

static void assert_one_refused(const char *clock, int64_t seconds, uint32_t nanoseconds) {
  begin_list(1);
  put_offset(clock, seconds, nanoseconds);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
}

static void what_is_no_offset_is_refused(void **state) {
  (void)state;
  assert_one_refused("realtime", 1, 0);
  assert_one_refused("", 1, 0);
  assert_one_refused("boottime", 1, 1000000000);
  begin_list(2);
  put_offset("boottime", 1, 0);
  put_offset("boottime", 1, 0);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
  begin_list(1);
  put_tuple(&terms, 2);
  put_atom(&terms, "boottime");
  put_byte(&terms, 1);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
  begin_list(1);
  put_tuple(&terms, 3);
  put_atom(&terms, "boottime");
  put_byte(&terms, 1);
  put_integer(&terms, -1);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
  begin_list(1);
  put_tuple(&terms, 3);
  put_atom(&terms, "boottime");
  put_big(&terms, false, UINT64_MAX, 8);
  put_byte(&terms, 0);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
  begin_list(1);
  put_offset("boottime", 1, 0);
  put_atom(&terms, "tail");
  assert_int_equal(decode(), -EINVAL);
  begin(&terms);
  put_atom(&terms, "boottime");
  assert_int_equal(decode(), -EINVAL);
}

/* More elements than there are clocks have no place to be put. */
static void a_list_of_any_length_is_read_safely(void **state) {
  (void)state;
  begin_list(100);
  for (int i = 0; i < 100; i++)
    put_offset(i % 2 == 0 ? "boottime" : "monotonic", i, 0);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
  assert_int_equal(offsets.count, TIME_OFFSETS_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_clock_is_a_line_in_the_order_given),
      cmocka_unit_test(none_is_no_text),
      cmocka_unit_test(the_longest_numbers_have_room),
      cmocka_unit_test(what_is_no_offset_is_refused),
      cmocka_unit_test(a_list_of_any_length_is_read_safely),
  };
  return cmocka_run_group_tests_name("time_offsets", tests, NULL, forget);
}
