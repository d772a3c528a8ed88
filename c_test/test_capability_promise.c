/* SPDX-License-Identifier: MIT */
/* What commands have promised of the program's capabilities, and whether exec keeps it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "setup/capability_promise.h"

enum { A = 1, B = 2, C = 4 };
static const uint64_t last = UINT64_C(1) << 63;

static const struct capability_thread none = {.is_root = false};

static struct capability_promise sets(uint64_t effective, uint64_t permitted,
                                      uint64_t inheritable) {
  return (struct capability_promise){
      .has_sets = true, .effective = effective, .permitted = permitted, .inheritable = inheritable};
}

static struct capability_promise with_ambient(struct capability_promise promise, uint64_t ambient) {
  promise.has_ambient = true;
  promise.ambient = ambient;
  return promise;
}

static struct capability_thread root(uint64_t bounding, uint64_t ambient) {
  return (struct capability_thread){.is_root = true, .bounding = bounding, .ambient = ambient};
}

static void assert_check(struct capability_promise promise, struct capability_thread thread,
                         int expected) {
  assert_int_equal(capability_promise_check(&promise, &thread), expected);
}

static void without_sets_nothing_is_promised(void **state) {
  (void)state;
  const struct capability_promise ids = {.has_ids = true};
  assert_check(ids, none, 0);
  assert_check(ids, root(A | B, A), 0);
  assert_check(with_ambient(ids, A), root(A | B, A), 0);
}

static void another_user_has_the_ambient_set(void **state) {
  (void)state;
  assert_check(with_ambient(sets(A, A, A), A), (struct capability_thread){.ambient = A}, 0);
  assert_check(with_ambient(sets(A | B, A | B, A), A), (struct capability_thread){.ambient = A}, 0);
  assert_check(with_ambient(sets(0, A, A), A), (struct capability_thread){.ambient = A}, 0);
  assert_check(with_ambient(sets(A, A, A), 0), none, 0);
  assert_check(sets(0, 0, A), none, 0);
}

static void permitted_without_an_ambient_set_has_to_be_had(void **state) {
  (void)state;
  const struct capability_thread inherited = {.bounding = A | B, .ambient = A};
  assert_check(sets(0, A, A), none, -EINVAL);
  assert_check(sets(last, last, last), none, -EINVAL);
  assert_check(sets(A, A, A), inherited, 0);
  assert_check(sets(A | B, A | B, A), inherited, -EINVAL);
  assert_check(sets(0, A, A), inherited, -EINVAL); /* and is more than the effective set */
}

static void root_has_its_bounding_and_inheritable_sets(void **state) {
  (void)state;
  assert_check(sets(A, A, 0), root(A, 0), 0);
  assert_check(sets(A | B, A | B, B), root(A, 0), 0);
  assert_check(sets(0, 0, 0), root(0, 0), 0);
  assert_check(sets(0, 0, 0), root(last, 0), -EINVAL);
  assert_check(sets(A, A, 0), root(A | B, 0), -EINVAL);
  assert_check(sets(A, A, B), root(A, 0), -EINVAL);
  assert_check(sets(A, A | B, 0), root(A | B, 0), -EINVAL);
  assert_check(sets(A | B, A | B, 0), root(A, 0), -EINVAL);
}

static void an_ambient_set_says_what_root_keeps_at_least(void **state) {
  (void)state;
  assert_check(with_ambient(sets(A | B, A | B, A), A), root(A, A), 0);
  assert_check(with_ambient(sets(0, A, A), A), root(A, A), 0);
  assert_check(with_ambient(sets(0, A | B, A), A), root(A | B, A), -EINVAL);
}

static void a_promised_ambient_set_stays(void **state) {
  (void)state;
  const struct capability_promise nothing = {.has_ids = true};
  const struct capability_promise ambient = with_ambient(nothing, A | C);
  assert_int_equal(capability_promise_allows(&nothing, 0, 0), 0);
  assert_int_equal(capability_promise_allows(&ambient, A | C, A | B | C), 0);
  assert_int_equal(capability_promise_allows(&ambient, A | B | C, A), -EINVAL);
  assert_int_equal(capability_promise_allows(&ambient, C, A | B | C), -EINVAL);
  assert_int_equal(capability_promise_allows(&ambient, 0, 0), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_sets_nothing_is_promised),
      cmocka_unit_test(another_user_has_the_ambient_set),
      cmocka_unit_test(permitted_without_an_ambient_set_has_to_be_had),
      cmocka_unit_test(root_has_its_bounding_and_inheritable_sets),
      cmocka_unit_test(an_ambient_set_says_what_root_keeps_at_least),
      cmocka_unit_test(a_promised_ambient_set_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
