/* SPDX-License-Identifier: MIT */
/* poll(2) with a spin before it: what it reports, and when it spins at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "agent/busy_poll.h"

static int ends[2];

static int open_pipe(void **state) {
  (void)state;
  return pipe(ends);
}

static int close_pipe(void **state) {
  (void)state;
  close(ends[0]);
  close(ends[1]);
  return 0;
}

static void say(void) {
  assert_int_equal(write(ends[1], "x", 1), 1);
}

static void each_answer_is_at_its_entry(void **state) {
  (void)state;
  struct busy_poll busy = {0};
  struct pollfd polled[] = {
      {.fd = -1, .revents = POLLIN},
      {.fd = ends[1], .events = POLLOUT},
      {.fd = -1},
      {.fd = ends[0], .events = POLLIN},
  };
  assert_int_equal(busy_poll(&busy, polled, 4, -1), 1);
  assert_int_equal(polled[0].revents, 0);
  assert_int_equal(polled[1].revents, POLLOUT);
  assert_int_equal(polled[3].revents, 0);
  say();
  busy.expects = true;
  assert_int_equal(busy_poll(&busy, polled, 4, -1), 2);
  assert_int_equal(polled[1].revents, POLLOUT);
  assert_int_equal(polled[3].revents, POLLIN);
}

static void an_event_that_comes_in_time_keeps_it_spinning(void **state) {
  (void)state;
  struct busy_poll busy = {.expects = true};
  struct pollfd polled = {.fd = ends[0], .events = POLLIN};
  say();
  assert_int_equal(busy_poll(&busy, &polled, 1, -1), 1);
  assert_false(busy.expects);
  assert_int_equal(busy.rest, 0);
}

static void after_a_spin_without_result_it_rests(void **state) {
  (void)state;
  struct busy_poll busy = {.expects = true};
  struct pollfd polled = {.fd = ends[0], .events = POLLIN};
  assert_int_equal(busy_poll(&busy, &polled, 1, 0), 0);
  assert_false(busy.expects);
  unsigned rest = busy.rest;
  assert_true(rest > 0);
  for (unsigned left = rest; left > 0; left--) {
    busy.expects = true;
    assert_int_equal(busy_poll(&busy, &polled, 1, 0), 0);
    assert_int_equal(busy.rest, left - 1);
  }
  busy.expects = true;
  assert_int_equal(busy_poll(&busy, &polled, 1, 0), 0);
  assert_int_equal(busy.rest, rest);
}

static void without_an_answer_it_does_not_spin(void **state) {
  (void)state;
  struct busy_poll busy = {0};
  struct pollfd polled = {.fd = ends[0], .events = POLLIN};
  assert_int_equal(busy_poll(&busy, &polled, 1, 0), 0);
  assert_int_equal(busy.rest, 0);
}

#define pipe_test(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void) {
  const struct CMUnitTest tests[] = {
      pipe_test(each_answer_is_at_its_entry),
      pipe_test(an_event_that_comes_in_time_keeps_it_spinning),
      pipe_test(after_a_spin_without_result_it_rests),
      pipe_test(without_an_answer_it_does_not_spin),
  };
  return cmocka_run_group_tests_name("busy_poll", tests, NULL, NULL);
}
