/* SPDX-License-Identifier: MIT */
/* Changes to an environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/environment_change.h"

#define LIST(...) ((char *const[]){__VA_ARGS__, NULL})
#define NONE      ((char *const[]){NULL})

static void assert_change(char *const *from, char *const *set, char *const *unset,
                          char *const *expected) {
  char **changed = NULL;
  size_t count = 0;
  assert_int_equal(environment_change(&changed, from, set, unset), 0);
  for (; changed[count] != NULL && expected[count] != NULL; count++)
    assert_string_equal(changed[count], expected[count]);
  assert_null(changed[count]);
  assert_null(expected[count]);
  free(changed);
}

static void without_changes_an_environment_stays_in_its_order(void **state) {
  (void)state;
  assert_change(LIST("B=1", "A=2", "B=3"), NULL, NULL, LIST("B=1", "A=2", "B=3"));
  assert_change(NONE, NONE, NONE, NONE);
}

static void a_variable_is_set_removed_and_added(void **state) {
  (void)state;
  assert_change(LIST("A=1", "B=2", "C=3"), LIST("D=4", "B=x=y"), LIST("A"),
                LIST("C=3", "B=x=y", "D=4"));
  assert_change(NONE, LIST("A="), LIST("B"), LIST("A="));
}

static void every_variable_of_a_name_goes(void **state) {
  (void)state;
  assert_change(LIST("A=1", "B=1", "A=2", "A=3"), NULL, LIST("A"), LIST("B=1"));
  assert_change(LIST("A=1", "B=1", "A=2"), LIST("A=3"), NULL, LIST("B=1", "A=3"));
}

static void the_last_change_of_a_name_counts_and_setting_comes_after_removing(void **state) {
  (void)state;
  assert_change(NONE, LIST("A=1", "A=2", "B=", "A=3"), NULL, LIST("A=3", "B="));
  assert_change(LIST("A=0"), LIST("A=1"), LIST("A", "A"), LIST("A=1"));
}

static void a_name_is_compared_whole_and_by_its_bytes(void **state) {
  (void)state;
  assert_change(LIST("AB=1", "A=2", "\xff=3", "\xc3\xa4=4"), NULL, LIST("A", "\xff"),
                LIST("AB=1", "\xc3\xa4=4"));
  assert_change(LIST("A=2"), NULL, LIST("AB"), LIST("A=2"));
  assert_change(LIST("AB=2"), LIST("A=1"), NULL, LIST("AB=2", "A=1"));
}

static void entries_that_are_no_variables_stay(void **state) {
  (void)state;
  assert_change(LIST("A", "=A=1", "", "A=1"), NULL, LIST("A"), LIST("A", "=A=1", ""));
}

static void a_hundred_thousand_changes_take_no_time_worth_counting(void **state) {
  enum { COUNT = 100000 };
  (void)state;
  char(*names)[12] = calloc(COUNT, sizeof *names);
  char **from = calloc(COUNT + 1, sizeof *from);
  char **changed = NULL;
  assert_true(names != NULL && from != NULL);
  for (int i = 0; i < COUNT; i++) {
    snprintf(names[i], sizeof names[i], "V%08d=", i * 7919 % COUNT);
    from[i] = names[i];
  }
  assert_int_equal(environment_change(&changed, from, from, NULL), 0);
  assert_string_equal(changed[0], "V00000000=");
  assert_string_equal(changed[COUNT - 1], "V00099999=");
  assert_null(changed[COUNT]);
  free(changed);
  free(from);
  free(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_changes_an_environment_stays_in_its_order),
      cmocka_unit_test(a_variable_is_set_removed_and_added),
      cmocka_unit_test(every_variable_of_a_name_goes),
      cmocka_unit_test(the_last_change_of_a_name_counts_and_setting_comes_after_removing),
      cmocka_unit_test(a_name_is_compared_whole_and_by_its_bytes),
      cmocka_unit_test(entries_that_are_no_variables_stay),
      cmocka_unit_test(a_hundred_thousand_changes_take_no_time_worth_counting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
