/* SPDX-License-Identifier: MIT */
/* The bounds-checking pass and the readers on top of it. */
#include "terms.h"

#include <errno.h>
#include <stdio.h>

#include "wire/etf.h"

static struct terms terms;

static int check(const struct terms *from, size_t size) {
  uint8_t *copy = exactly(from, size);
  int result = term_check(copy, size);
  free(copy);
  return result;
}

/* The term is taken whole, and refused cut short at any byte or with a byte behind it. */
static void assert_exact(struct terms *from) {
  assert_int_equal(check(from, from->size), 0);
  for (size_t size = 0; size < from->size; size++)
    assert_int_equal(check(from, size), -EINVAL);
  put8(from, NIL);
  assert_int_equal(check(from, from->size), -EINVAL);
}

static void assert_refused(const struct terms *from) {
  assert_int_equal(check(from, from->size), -EINVAL);
}

/* A reader on the term in `terms`, which stays in place. */
static struct term_reader reader(void) {
  struct term_reader reader;
  assert_int_equal(term_reader_init(&reader, terms.bytes, terms.size), 0);
  return reader;
}

static void integers_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  begin(&terms);
  put_byte(&terms, 200);
  assert_exact(&terms);
  begin(&terms);
  put_integer(&terms, -5);
  assert_exact(&terms);
  begin(&terms);
  put_big(&terms, true, UINT64_MAX, 8);
  assert_exact(&terms);
  begin(&terms);
  put_big(&terms, false, 1, 255);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, LARGE_BIG);
  put32(&terms, 300);
  put_zeros(&terms, 1 + 300);
  assert_exact(&terms);
}

static void floats_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  begin(&terms);
  put8(&terms, NEW_FLOAT);
  put_zeros(&terms, 8);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, FLOAT);
  put_zeros(&terms, 31);
  assert_exact(&terms);
}

static void atoms_of_every_encoding_are_taken(void **state) {
  (void)state;
  static const struct {
    enum tag tag;
    int width;
  } kinds[] = {{ATOM, 2}, {ATOM_UTF8, 2}, {SMALL_ATOM, 1}, {SMALL_ATOM_UTF8, 1}};
  for (size_t at = 0; at < sizeof kinds / sizeof kinds[0]; at++) {
    begin(&terms);
    put8(&terms, kinds[at].tag);
    put_zeros(&terms, (size_t)kinds[at].width - 1);
    put8(&terms, 4);
    put_bytes(&terms, "argv", 4);
    assert_exact(&terms);
  }
}

static void an_atom_longer_than_any_is_refused(void **state) {
  (void)state;
  begin(&terms);
  put8(&terms, ATOM_UTF8);
  put16(&terms, 255 * 4 + 1); /* 255 characters of UTF-8, and one byte */
  put_zeros(&terms, 255 * 4 + 1);
  assert_refused(&terms);
}

static void an_atom_longer_than_those_that_are_looked_for_has_no_name(void **state) {
  char name[TERM_ATOM_SIZE] = "before";
  struct term_reader reader;
  (void)state;
  begin(&terms);
  put8(&terms, ATOM_UTF8);
  put16(&terms, TERM_ATOM_SIZE);
  for (int i = 0; i < TERM_ATOM_SIZE; i++)
    put8(&terms, 'a');
  assert_int_equal(term_reader_init(&reader, terms.bytes, terms.size), 0);
  assert_int_equal(term_read_atom(&reader, name), 0);
  assert_string_equal(name, "");
  assert_int_equal((size_t)reader.index, terms.size);
}

static void strings_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  begin(&terms);
  put_binary(&terms, "some bytes");
  assert_exact(&terms);
  begin(&terms);
  put_string(&terms, "some bytes");
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, BIT_BINARY);
  put32(&terms, 2);
  put8(&terms, 3);
  put_zeros(&terms, 2);
  assert_exact(&terms);
}

static void identifiers_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  static const struct {
    enum tag tag;
    int words; /* -1: no such field */
    size_t rest;
  } kinds[] = {
      {PID, -1, 9},
      {NEW_PID, -1, 12},
      {PORT, -1, 5},
      {NEW_PORT, -1, 8},
      {V4_PORT, -1, 12},
      {NEW_REFERENCE, 3, 1 + 12},
      {NEWER_REFERENCE, 5, 4 + 20},
  };
  for (size_t at = 0; at < sizeof kinds / sizeof kinds[0]; at++) {
    begin(&terms);
    put8(&terms, kinds[at].tag);
    if (kinds[at].words >= 0)
      put16(&terms, (unsigned)kinds[at].words);
    put_atom(&terms, "node@host");
    put_zeros(&terms, kinds[at].rest);
    assert_exact(&terms);
  }
  begin(&terms);
  put8(&terms, PID);
  put_byte(&terms, 1); /* no node's name */
  put_zeros(&terms, 20);
  assert_refused(&terms);
}

static void funs_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  begin(&terms);
  put8(&terms, NEW_FUN);
  put32(&terms, 4 + 40);
  put_zeros(&terms, 40);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, NEW_FUN);
  put32(&terms, 4);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, EXPORT);
  put_atom(&terms, "lists");
  put_atom(&terms, "map");
  put_byte(&terms, 2);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, NEW_FUN);
  put32(&terms, 3); /* less than its own field */
  put_zeros(&terms, 8);
  assert_refused(&terms);
}

static void containers_are_taken_whole_or_not_at_all(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 3);
  put_tuple(&terms, 0);
  put_map(&terms, 2);
  put_atom(&terms, "key");
  put_nil(&terms);
  put_binary(&terms, "other");
  put_map(&terms, 0);
  put_list(&terms, 2);
  put_byte(&terms, 1);
  put_list(&terms, 1);
  put_byte(&terms, 2);
  put_nil(&terms);
  put_nil(&terms);
  assert_exact(&terms);
  begin(&terms);
  put8(&terms, LARGE_TUPLE);
  put32(&terms, 2);
  put_nil(&terms);
  put_nil(&terms);
  assert_exact(&terms);
}

static void an_arity_beyond_the_frame_is_refused(void **state) {
  (void)state;
  static const enum tag tags[] = {LARGE_TUPLE, LIST, MAP};
  static const uint32_t arities[] = {100, 0x7fffffff, 0x80000000, 0xffffffff};
  for (size_t tag = 0; tag < 3; tag++)
    for (size_t at = 0; at < sizeof arities / sizeof arities[0]; at++) {
      begin(&terms);
      put8(&terms, tags[tag]);
      put32(&terms, arities[at]);
      put_nil(&terms);
      assert_refused(&terms);
    }
}

static void a_length_beyond_the_frame_is_refused(void **state) {
  (void)state;
  static const enum tag tags[] = {BINARY, BIT_BINARY, LARGE_BIG, NEW_FUN};
  static const uint32_t lengths[] = {64, 0x7fffffff, 0x80000000, 0xfffffffb, 0xffffffff};
  for (size_t tag = 0; tag < 4; tag++)
    for (size_t at = 0; at < sizeof lengths / sizeof lengths[0]; at++) {
      begin(&terms);
      put8(&terms, tags[tag]);
      put32(&terms, lengths[at]);
      put_zeros(&terms, 8);
      assert_refused(&terms);
    }
}

static void an_improper_tail_is_refused(void **state) {
  (void)state;
  begin(&terms);
  put_list(&terms, 1);
  put_byte(&terms, 1);
  put_byte(&terms, 2);
  assert_refused(&terms);
  begin(&terms);
  put_list(&terms, 1);
  put_byte(&terms, 1);
  put_list(&terms, 1); /* a list may stand there in the format, but no encoder writes it */
  put_byte(&terms, 2);
  put_nil(&terms);
  assert_refused(&terms);
}

static void a_list_without_elements_is_refused(void **state) {
  (void)state;
  begin(&terms);
  put_list(&terms, 0);
  put_nil(&terms);
  assert_refused(&terms);
}

static void nesting_is_bounded(void **state) {
  (void)state;
  for (int depth = TERM_MAX_DEPTH - 2; depth <= 10000;
       depth = depth == TERM_MAX_DEPTH ? 10000 : depth + 1) {
    begin(&terms);
    for (int at = 0; at < depth; at++)
      put_tuple(&terms, 1);
    put_nil(&terms);
    assert_int_equal(check(&terms, terms.size), depth < TERM_MAX_DEPTH ? 0 : -EINVAL);
  }
}

static void tags_that_no_current_encoder_writes_are_refused(void **state) {
  (void)state;
  for (unsigned tag = 0; tag < 256; tag++) {
    if (tag == NEW_FLOAT || tag == BIT_BINARY || (tag >= NEW_PID && tag <= NEWER_REFERENCE) ||
        (tag >= SMALL_INTEGER && tag <= ATOM) || (tag >= PORT && tag <= MAP) ||
        (tag >= ATOM_UTF8 && tag <= V4_PORT))
      continue;
    begin(&terms);
    put8(&terms, tag);
    put_zeros(&terms, 64);
    assert_refused(&terms);
  }
}

static void a_frame_of_another_version_is_refused(void **state) {
  (void)state;
  begin(&terms);
  put_nil(&terms);
  terms.bytes[0] = 130;
  assert_refused(&terms);
}

static void skipping_ends_where_the_next_term_begins(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 3);
  put_map(&terms, 1);
  put_binary(&terms, "key");
  put_list(&terms, 2);
  put_tuple(&terms, 0);
  put_big(&terms, false, 7, 9);
  put_nil(&terms);
  put8(&terms, NEW_FUN);
  put32(&terms, 4 + 3);
  put_zeros(&terms, 3);
  put_byte(&terms, 42);
  struct term_reader at = reader();
  int arity = 0;
  int64_t value = 0;
  assert_int_equal(term_read_tuple(&at, &arity), 0);
  assert_int_equal(arity, 3);
  term_skip(&at);
  term_skip(&at);
  assert_int_equal(term_read_integer(&at, 0, 100, &value), 0);
  assert_int_equal(value, 42);
}

static void integers_are_read_within_their_limits(void **state) {
  (void)state;
  int64_t value = 0;
  begin(&terms);
  put_big(&terms, true, (uint64_t)1 << 63, 8);
  struct term_reader at = reader();
  assert_int_equal(term_read_integer(&at, INT64_MIN, INT64_MAX, &value), 0);
  assert_true(value == INT64_MIN);
  begin(&terms);
  put_big(&terms, false, (uint64_t)1 << 63, 8);
  at = reader();
  assert_int_equal(term_read_integer(&at, INT64_MIN, INT64_MAX, &value), -EINVAL);
  begin(&terms);
  put_integer(&terms, 65536);
  at = reader();
  assert_int_equal(term_read_integer(&at, 0, 65535, &value), -EINVAL);
  assert_int_equal(term_read_integer(&at, 65537, INT64_MAX, &value), -EINVAL);
  assert_int_equal(term_read_integer(&at, 65536, 65536, &value), 0);
  begin(&terms);
  put_binary(&terms, "1");
  at = reader();
  assert_int_equal(term_read_integer(&at, 0, 9, &value), -EINVAL);
}

static void masks_are_64_bits_and_not_negative(void **state) {
  (void)state;
  static const struct {
    bool negative;
    uint64_t value;
    unsigned size;
    int result;
  } cases[] = {
      {false, UINT64_MAX, 8, 0}, {false, 5, 9, 0},      {false, 5, 255, 0},
      {true, 1, 8, -EINVAL},     {true, 1, 1, -EINVAL},
  };
  for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
    uint64_t mask = 0;
    begin(&terms);
    put_big(&terms, cases[at].negative, cases[at].value, cases[at].size);
    struct term_reader from = reader();
    assert_int_equal(term_read_mask(&from, &mask), cases[at].result);
    if (cases[at].result == 0)
      assert_true(mask == cases[at].value);
  }
  uint64_t mask = 0;
  begin(&terms);
  put_integer(&terms, -1);
  struct term_reader from = reader();
  assert_int_equal(term_read_mask(&from, &mask), -EINVAL);
  begin(&terms);
  put8(&terms, SMALL_BIG);
  put8(&terms, 9);
  put8(&terms, 0);
  put_zeros(&terms, 8);
  put8(&terms, 1); /* 2^64 */
  from = reader();
  assert_int_equal(term_read_mask(&from, &mask), -EINVAL);
}

static void booleans_are_two_atoms(void **state) {
  (void)state;
  bool value = false;
  static const struct {
    const char *name;
    int result;
    bool value;
  } cases[] = {
      {"true", 0, true},          {"false", 0, false},  {"True", -EINVAL, false},
      {"truely", -EINVAL, false}, {"", -EINVAL, false}, {"nil", -EINVAL, false},
  };
  for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
    begin(&terms);
    put_atom(&terms, cases[at].name);
    struct term_reader from = reader();
    assert_int_equal(term_read_boolean(&from, &value), cases[at].result);
    if (cases[at].result == 0)
      assert_int_equal(value, cases[at].value);
  }
}

/* Reads the string in `terms` into an arena of just the size that is said to suffice. */
static int read_string(char *to, size_t size) {
  char memory[8192];
  struct arena arena = {.base = memory, .size = term_arena_size(terms.size)};
  char *string = NULL;
  assert_true(arena.size <= sizeof memory);
  struct term_reader from = reader();
  int result = term_read_string(&from, &arena, &string);
  if (result == 0) {
    assert_int_equal((size_t)from.index, terms.size);
    snprintf(to, size, "%s", string);
  }
  return result;
}

static void put_integer_list(const uint8_t *values, uint32_t count) {
  begin(&terms);
  put_list(&terms, count);
  for (uint32_t at = 0; at < count; at++)
    put_byte(&terms, values[at]);
  put_nil(&terms);
}

static void a_string_is_a_binary_or_a_charlist(void **state) {
  (void)state;
  char text[64];
  begin(&terms);
  put_binary(&terms, "/bin/\xc3\xa4");
  assert_int_equal(read_string(text, sizeof text), 0);
  assert_string_equal(text, "/bin/\xc3\xa4");
  begin(&terms);
  put_string(&terms, "/bin/\xe4");
  assert_int_equal(read_string(text, sizeof text), 0);
  assert_string_equal(text, "/bin/\xe4");
  put_integer_list((const uint8_t *)"/bin\xff", 5);
  assert_int_equal(read_string(text, sizeof text), 0);
  assert_string_equal(text, "/bin\xff");
  begin(&terms);
  put_nil(&terms);
  assert_int_equal(read_string(text, sizeof text), 0);
  assert_string_equal(text, "");
  begin(&terms);
  put_binary(&terms, "");
  assert_int_equal(read_string(text, sizeof text), 0);
  assert_string_equal(text, "");
}

static void a_string_with_a_nul_is_refused(void **state) {
  (void)state;
  char text[64];
  begin(&terms);
  put_data(&terms, "a\0b", 3);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put_data(&terms, "", 1);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  put_integer_list((const uint8_t *)"a\0b", 3);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put8(&terms, STRING);
  put16(&terms, 3);
  put_bytes(&terms, "a\0b", 3);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
}

static void what_is_no_string_is_refused(void **state) {
  (void)state;
  char text[64];
  begin(&terms);
  put_list(&terms, 1);
  put_integer(&terms, 256);
  put_nil(&terms);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put_list(&terms, 1);
  put_binary(&terms, "iodata");
  put_nil(&terms);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put_atom(&terms, "atom");
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put_byte(&terms, 1);
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
  begin(&terms);
  put8(&terms, BIT_BINARY);
  put32(&terms, 1);
  put8(&terms, 7);
  put8(&terms, 'a');
  assert_int_equal(read_string(text, sizeof text), -EINVAL);
}

static void lists_of_numbers_come_in_two_encodings(void **state) {
  (void)state;
  uint32_t values[2] = {0, 0};
  int count = 0;
  begin(&terms);
  put_string(&terms, "\x01\x02\x03");
  struct term_reader at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 3, values, 2, &count), 0);
  assert_int_equal(count, 3);
  assert_int_equal(values[1], 2);
  assert_int_equal((size_t)at.index, terms.size);
  at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 2, values, 2, &count), -EINVAL);
  begin(&terms);
  put_string(&terms, "\x09\x02");
  at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 8, values, 2, &count), -EINVAL);
  begin(&terms);
  put_list(&terms, 2);
  put_byte(&terms, 1);
  put_big(&terms, false, 0xfffffffe, 4);
  put_nil(&terms);
  at = reader();
  assert_int_equal(term_read_unsigned_list(&at, UINT32_MAX - 1, values, 2, &count), 0);
  assert_int_equal(values[1], 0xfffffffe);
  at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 255, values, 2, &count), -EINVAL);
  begin(&terms);
  put_nil(&terms);
  at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 255, NULL, 0, &count), 0);
  assert_int_equal(count, 0);
}

static void a_list_longer_than_its_reader_has_room_for_is_counted(void **state) {
  (void)state;
  uint32_t values[3] = {0, 0, 77};
  int count = 0;
  begin(&terms);
  put_list(&terms, 3);
  for (int at = 0; at < 3; at++)
    put_integer(&terms, 1000 + at);
  put_nil(&terms);
  struct term_reader at = reader();
  assert_int_equal(term_read_unsigned_list(&at, 2000, values, 2, &count), 0);
  assert_int_equal(count, 3);
  assert_int_equal(values[1], 1001);
  assert_int_equal(values[2], 77);
}

/* An atom with a NUL in its name must not pass for the one that ends there. */
static void an_atom_with_a_nul_is_not_the_shorter_one(void **state) {
  (void)state;
  char name[TERM_ATOM_SIZE] = "";
  bool value = false;
  begin(&terms);
  put8(&terms, SMALL_ATOM_UTF8);
  put8(&terms, 6);
  put_bytes(&terms, "true\0x", 6);
  struct term_reader at = reader();
  assert_int_equal(term_read_boolean(&at, &value), -EINVAL);
  assert_true(term_read_atom(&at, name) < 0 || strcmp(name, "true") != 0);
}

/* ei is not instrumented, so that AddressSanitizer does not see where it writes. */
static void an_atom_never_leaves_its_buffer(void **state) {
  (void)state;
  for (unsigned ascii = 0; ascii < TERM_ATOM_SIZE + 4; ascii++)
    for (unsigned wide = 0; wide < TERM_ATOM_SIZE; wide++) {
      struct {
        char name[TERM_ATOM_SIZE];
        char behind[8];
      } at = {.behind = "UNTOUCH"};
      begin(&terms);
      put8(&terms, ATOM); /* Latin-1, of which each byte from 128 on is two of UTF-8 */
      put16(&terms, ascii + wide);
      for (unsigned byte = 0; byte < ascii + wide; byte++)
        put8(&terms, byte < ascii ? 'a' : 0xe4);
      struct term_reader from = reader();
      if (term_read_atom(&from, at.name) == 0) {
        assert_int_equal((size_t)from.index, terms.size);
        assert_non_null(memchr(at.name, '\0', sizeof at.name));
      }
      assert_string_equal(at.behind, "UNTOUCH");
    }
}

static void a_reader_that_fails_stays_where_it_was(void **state) {
  (void)state;
  int count = 0;
  int64_t value = 0;
  uint64_t mask = 0;
  bool boolean = false;
  char name[TERM_ATOM_SIZE];
  const uint8_t *bytes = NULL;
  size_t size = 0;
  begin(&terms);
  put8(&terms, NEW_FLOAT);
  put_zeros(&terms, 8);
  struct term_reader at = reader();
  assert_int_equal(term_read_tuple(&at, &count), -EINVAL);
  assert_int_equal(term_read_map(&at, &count), -EINVAL);
  assert_int_equal(term_read_list(&at, &count), -EINVAL);
  assert_int_equal(term_read_atom(&at, name), -EINVAL);
  assert_int_equal(term_read_boolean(&at, &boolean), -EINVAL);
  assert_int_equal(term_read_integer(&at, INT64_MIN, INT64_MAX, &value), -EINVAL);
  assert_int_equal(term_read_mask(&at, &mask), -EINVAL);
  assert_int_equal(term_read_binary(&at, &bytes, &size), -EINVAL);
  assert_int_equal(term_read_unsigned_list(&at, 255, NULL, 0, &count), -EINVAL);
  assert_false(term_is_atom(&at));
  assert_int_equal(at.index, 1);
}

static void an_arena_hands_out_no_more_than_it_has(void **state) {
  (void)state;
  _Alignas(void *) char memory[64];
  struct arena arena = {.base = memory, .size = sizeof memory};
  assert_ptr_equal(arena_alloc(&arena, 1), memory);
  assert_ptr_equal(arena_alloc(&arena, 1), memory + sizeof(void *));
  assert_null(arena_alloc(&arena, sizeof memory));
  assert_null(arena_alloc(&arena, SIZE_MAX));
  assert_non_null(arena_alloc(&arena, sizeof memory - 2 * sizeof(void *)));
  assert_null(arena_alloc(&arena, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_are_taken_whole_or_not_at_all),
      cmocka_unit_test(floats_are_taken_whole_or_not_at_all),
      cmocka_unit_test(atoms_of_every_encoding_are_taken),
      cmocka_unit_test(an_atom_longer_than_any_is_refused),
      cmocka_unit_test(an_atom_longer_than_those_that_are_looked_for_has_no_name),
      cmocka_unit_test(strings_are_taken_whole_or_not_at_all),
      cmocka_unit_test(identifiers_are_taken_whole_or_not_at_all),
      cmocka_unit_test(funs_are_taken_whole_or_not_at_all),
      cmocka_unit_test(containers_are_taken_whole_or_not_at_all),
      cmocka_unit_test(an_arity_beyond_the_frame_is_refused),
      cmocka_unit_test(a_length_beyond_the_frame_is_refused),
      cmocka_unit_test(an_improper_tail_is_refused),
      cmocka_unit_test(a_list_without_elements_is_refused),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(tags_that_no_current_encoder_writes_are_refused),
      cmocka_unit_test(a_frame_of_another_version_is_refused),
      cmocka_unit_test(skipping_ends_where_the_next_term_begins),
      cmocka_unit_test(integers_are_read_within_their_limits),
      cmocka_unit_test(masks_are_64_bits_and_not_negative),
      cmocka_unit_test(booleans_are_two_atoms),
      cmocka_unit_test(a_string_is_a_binary_or_a_charlist),
      cmocka_unit_test(a_string_with_a_nul_is_refused),
      cmocka_unit_test(what_is_no_string_is_refused),
      cmocka_unit_test(lists_of_numbers_come_in_two_encodings),
      cmocka_unit_test(a_list_longer_than_its_reader_has_room_for_is_counted),
      cmocka_unit_test(an_atom_with_a_nul_is_not_the_shorter_one),
      cmocka_unit_test(an_atom_never_leaves_its_buffer),
      cmocka_unit_test(a_reader_that_fails_stays_where_it_was),
      cmocka_unit_test(an_arena_hands_out_no_more_than_it_has),
  };
  return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
