/* SPDX-License-Identifier: MIT */
/* The id maps of a request: what is taken, and the text that the kernel gets. */
#include "terms.h"

#include <errno.h>

#include "wire/argument.h"
#include "wire/id_map.h"

static struct terms terms;
static char memory[ID_MAP_ROWS_MAX * sizeof(struct id_map_row) + 64];
static struct id_map map;

static void put_row(uint64_t inside, uint64_t outside, uint64_t count) {
  put_tuple(&terms, 3);
  put_big(&terms, false, inside, 8);
  put_big(&terms, false, outside, 8);
  put_big(&terms, false, count, 8);
}

static int decode(void) {
  struct arena arena = {.base = memory, .size = sizeof memory};
  struct term_reader reader;
  uint8_t *frame = exactly(&terms, terms.size);
  int result = term_reader_init(&reader, frame, terms.size);
  if (result == 0)
    result = id_map_decode(&map, &reader, &arena);
  free(frame);
  return result;
}

static int decode_row_of(uint64_t inside, uint64_t outside, uint64_t count) {
  begin(&terms);
  put_list(&terms, 1);
  put_row(inside, outside, count);
  put_nil(&terms);
  return decode();
}

static void assert_format(const char *expected) {
  static char text[ID_MAP_TEXT_SIZE];
  assert_int_equal(id_map_format(text, &map), strlen(expected));
  assert_string_equal(text, expected);
}

static void rows_are_lines(void **state) {
  (void)state;
  begin(&terms);
  put_list(&terms, 2);
  put_row(5, 100000, 1);
  put_row(0, 1000, 65536);
  put_nil(&terms);
  assert_int_equal(decode(), 0);
  assert_int_equal(map.count, 2);
  assert_format("5 100000 1\n0 1000 65536\n");
  assert_int_equal(id_map_first(&map), 0);
  assert_false(id_map_is_own(&map, 1000));
}

static void the_first_id_is_0_or_that_of_the_first_row(void **state) {
  (void)state;
  assert_int_equal(decode_row_of(7, 1000, 1), 0);
  assert_int_equal(id_map_first(&map), 7);
  assert_true(id_map_is_own(&map, 1000));
  assert_false(id_map_is_own(&map, 7));
  assert_int_equal(decode_row_of(0, 1000, 2), 0);
  assert_false(id_map_is_own(&map, 1000));
}

static void no_row_goes_beyond_the_greatest_id(void **state) {
  uint64_t most = ARGUMENT_ID_MAX;
  (void)state;
  assert_int_equal(decode_row_of(most, most, 1), 0);
  assert_format("4294967294 4294967294 1\n");
  assert_int_equal(decode_row_of(0, 0, most), 0);
  assert_int_equal(decode_row_of(1, 0, most), 0);
  assert_int_equal(decode_row_of(2, 0, most), -EINVAL);
  assert_int_equal(decode_row_of(0, 2, most), -EINVAL);
  assert_int_equal(decode_row_of(most, 0, 2), -EINVAL);
  assert_int_equal(decode_row_of(0, most, 2), -EINVAL);
  assert_int_equal(decode_row_of(most + 1, 0, 1), -EINVAL);
  assert_int_equal(decode_row_of(0, most + 1, 1), -EINVAL);
  assert_int_equal(decode_row_of(0, 0, most + 1), -EINVAL);
  assert_int_equal(decode_row_of(0, 0, 0), -EINVAL);
}

static void there_are_as_many_rows_as_the_kernel_takes(void **state) {
  (void)state;
  for (unsigned count = ID_MAP_ROWS_MAX; count <= ID_MAP_ROWS_MAX + 1; count++) {
    begin(&terms);
    put_list(&terms, count);
    for (unsigned i = 0; i < count; i++)
      put_row(ARGUMENT_ID_MAX, ARGUMENT_ID_MAX, 1);
    put_nil(&terms);
    assert_int_equal(decode(), count <= ID_MAP_ROWS_MAX ? 0 : -EINVAL);
  }
  begin(&terms);
  put_nil(&terms);
  assert_int_equal(decode(), -EINVAL);
}

static void the_longest_text_has_room(void **state) {
  static char text[ID_MAP_TEXT_SIZE];
  static struct id_map_row rows[ID_MAP_ROWS_MAX];
  (void)state;
  for (int i = 0; i < ID_MAP_ROWS_MAX; i++)
    rows[i] = (struct id_map_row){UINT32_MAX, UINT32_MAX, UINT32_MAX};
  map = (struct id_map){.rows = rows, .count = ID_MAP_ROWS_MAX};
  assert_true(id_map_format(text, &map) < sizeof text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_lines),
      cmocka_unit_test(the_first_id_is_0_or_that_of_the_first_row),
      cmocka_unit_test(no_row_goes_beyond_the_greatest_id),
      cmocka_unit_test(there_are_as_many_rows_as_the_kernel_takes),
      cmocka_unit_test(the_longest_text_has_room),
  };
  return cmocka_run_group_tests_name("id_map", tests, NULL, NULL);
}
