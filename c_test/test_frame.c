/* SPDX-License-Identifier: MIT */
/* The frames that are sent, byte for byte, and the tables of names behind them. */
#include "terms.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "agent/outcome.h"
#include "base/syscalls.h"
#include "wire/etf.h"
#include "wire/frame.h"
#include "wire/namespace.h"

static struct terms expected;
static struct frame frame;

/* The frame is a length of 4 bytes and the expected term, which stands the bounds-checking pass. */
static void assert_frame(size_t data) {
  const uint8_t *bytes = (const uint8_t *)frame.bytes;
  uint32_t length =
      (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  assert_int_equal(frame.length, 4 + expected.size);
  assert_int_equal(length, expected.size + data);
  assert_memory_equal(frame.bytes + 4, expected.bytes, expected.size);
  if (data == 0)
    assert_int_equal(term_check(expected.bytes, expected.size), 0);
}

static void begin_expected(unsigned arity, const char *name) {
  begin(&expected);
  put_tuple(&expected, arity);
  put_atom(&expected, name);
}

static void a_status_has_a_name_and_maybe_a_value(void **state) {
  (void)state;
  frame_status(&frame, "running");
  begin_expected(2, "status");
  put_atom(&expected, "running");
  assert_frame(0);
  frame_status_value(&frame, "exited", 255);
  begin_expected(3, "status");
  put_atom(&expected, "exited");
  put_byte(&expected, 255);
  assert_frame(0);
  frame_status_value(&frame, "spawned", 4194304);
  begin_expected(3, "status");
  put_atom(&expected, "spawned");
  put_integer(&expected, 4194304);
  assert_frame(0);
}

static void an_error_names_its_stage_and_maybe_an_element(void **state) {
  (void)state;
  frame_error(&frame, ENOENT, STAGE_EXECVE, -1);
  begin_expected(3, "error");
  put_byte(&expected, ENOENT);
  put_atom(&expected, "execve");
  assert_frame(0);
  frame_error(&frame, EPERM, STAGE_SETUP_cap_set_thread, 0);
  begin_expected(4, "error");
  put_byte(&expected, EPERM);
  put_atom(&expected, "cap_set_thread");
  put_byte(&expected, 0);
  assert_frame(0);
}

static void a_stream_frame_has_a_name_and_maybe_a_count(void **state) {
  (void)state;
  frame_stream(&frame, "eof", "stderr");
  begin_expected(2, "eof");
  put_atom(&expected, "stderr");
  assert_frame(0);
  frame_stream_value(&frame, "written", "stdin", 1 << 20);
  begin_expected(3, "written");
  put_atom(&expected, "stdin");
  put_integer(&expected, 1 << 20);
  assert_frame(0);
}

static void a_data_header_announces_the_data(void **state) {
  (void)state;
  static const char *const names[] = {"pty_out", "stdout", "stderr"};
  for (size_t at = 0; at < sizeof names / sizeof names[0]; at++) {
    frame_data_header(&frame, names[at], 1 << 17);
    begin_expected(2, names[at]);
    put8(&expected, BINARY);
    put32(&expected, 1 << 17);
    assert_frame(1 << 17);
    assert_int_equal(frame_data_header_size(names[at]), frame.length);
  }
}

static void usage_is_a_map_of_ten(void **state) {
  (void)state;
  struct frame_usage usage = {.utime_us = 1,
                              .stime_us = 2,
                              .maxrss_kb = 3,
                              .minflt = 4,
                              .majflt = 5,
                              .inblock = 6,
                              .oublock = 7,
                              .nvcsw = 8,
                              .nivcsw = 9,
                              .core_dumped = true};
  static const char *const names[] = {"utime_us", "stime_us", "maxrss_kb", "minflt", "majflt",
                                      "inblock",  "oublock",  "nvcsw",     "nivcsw"};
  frame_usage(&frame, &usage);
  begin_expected(2, "usage");
  put_map(&expected, 10);
  for (unsigned at = 0; at < 9; at++) {
    put_atom(&expected, names[at]);
    put_byte(&expected, at + 1);
  }
  put_atom(&expected, "core_dumped");
  size_t last = expected.size;
  put_atom(&expected, "true");
  assert_frame(0);
  usage.core_dumped = false;
  frame_usage(&frame, &usage);
  expected.size = last;
  put_atom(&expected, "false");
  assert_frame(0);
}

static void the_largest_usage_fits_its_frame(void **state) {
  (void)state;
  static const struct frame_usage usage = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                                           INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, false};
  frame_usage(&frame, &usage);
  assert_true(frame.length <= FRAME_SIZE);
}

static void a_bare_atom_is_a_frame(void **state) {
  (void)state;
  frame_atom(&frame, "proceed");
  begin(&expected);
  put_atom(&expected, "proceed");
  assert_frame(0);
}

static void stages_have_names_of_their_own(void **state) {
  (void)state;
  for (int one = STAGE_NONE + 1; one < STAGE_COUNT; one++) {
    const char *name = stage_name((enum stage)one);
    assert_non_null(name);
    assert_int_equal(stage_from_name(name), one);
    assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name));
  }
  assert_int_equal(stage_from_name("none"), STAGE_NONE);
  assert_int_equal(stage_from_name("no_such_stage"), STAGE_NONE);
  assert_int_equal(stage_from_name(""), STAGE_NONE);
}

static void every_kind_of_namespace_is_told_apart(void **state) {
  (void)state;
  uint64_t all = 0;
  for (int at = 0; at < NAMESPACE_COUNT; at++) {
    const struct namespace_kind *kind = &namespace_kinds[at];
    char stage[64] = "open_ns_";
    assert_true((all & kind->flag) == 0);
    all |= kind->flag;
    assert_true(namespace_flag(kind->name) == kind->flag);
    strncat(stage, kind->name, 32);
    assert_string_equal(stage_name(kind->open_stage), stage);
    memcpy(stage, "setns_", 7);
    strncat(stage, kind->name, 32);
    assert_string_equal(stage_name(kind->setns_stage), stage);
  }
  assert_true(all == (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP |
                      CLONE_NEWNET | CLONE_NEWTIME | CLONE_NEWPID));
  assert_true(namespace_flag("mnt") == 0);
}

static const struct ending alive = {.failure = {.index = -1}, .child_pid = 7};

/* A status as wait4(2) gives it. */
static int left_with(int code) {
  return code << 8;
}

static void assert_outcome(const struct ending *ending, int exit_code) {
  outcome_frame(&frame, ending);
  assert_frame(0);
  assert_int_equal(outcome_exit_code(ending), exit_code);
}

static void an_end_after_exec_is_the_workloads_own(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.proceeding = ending.execed = true;
  ending.wait_status = left_with(42);
  begin_expected(3, "status");
  put_atom(&expected, "exited");
  put_byte(&expected, 42);
  assert_outcome(&ending, 0);
  ending.wait_status = SIGKILL;
  begin_expected(3, "status");
  put_atom(&expected, "signaled");
  put_byte(&expected, SIGKILL);
  assert_outcome(&ending, 0);
}

static void a_child_killed_while_parked_is_signaled(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.wait_status = SIGSYS;
  begin_expected(3, "status");
  put_atom(&expected, "signaled");
  put_byte(&expected, SIGSYS);
  assert_outcome(&ending, 0);
}

static void an_abort_is_an_abort_however_the_child_died(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.aborted = true;
  ending.wait_status = SIGKILL;
  begin_expected(3, "status");
  put_atom(&expected, "aborted");
  put_byte(&expected, 7);
  assert_outcome(&ending, 0);
}

static void a_reported_failure_is_the_outcome(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.wait_status = left_with(1);
  ending.failure =
      (struct failure){.error = EPERM, .stage = STAGE_SETUP_cap_set_ambient, .index = 2};
  begin_expected(4, "error");
  put_byte(&expected, EPERM);
  put_atom(&expected, "cap_set_ambient");
  put_byte(&expected, 2);
  assert_outcome(&ending, 0);
}

static void a_child_that_could_not_be_created_is_exit_code_3(void **state) {
  (void)state;
  static const enum stage stages[] = {STAGE_SETNS, STAGE_SETNS_PID, STAGE_FORK, STAGE_PIDFD_OPEN};
  for (size_t at = 0; at < sizeof stages / sizeof stages[0]; at++) {
    struct ending ending = alive;
    ending.failure = (struct failure){.error = EPERM, .stage = stages[at], .index = -1};
    assert_int_equal(outcome_exit_code(&ending), 3);
  }
}

static void exec_that_failed_in_silence_gives_its_errno(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.proceeding = true;
  ending.wait_status = left_with(ENOEXEC);
  begin_expected(3, "error");
  put_byte(&expected, ENOEXEC);
  put_atom(&expected, "execve");
  assert_outcome(&ending, 0);
  ending.wait_status = left_with(EPERM);
  begin_expected(3, "error");
  put_byte(&expected, EPERM);
  put_atom(&expected, "execve");
  assert_outcome(&ending, 0);
}

static void a_child_that_leaves_without_a_word_broke_the_protocol(void **state) {
  (void)state;
  struct ending ending = alive;
  ending.wait_status = left_with(0);
  begin_expected(3, "error");
  put_byte(&expected, EPROTO);
  put_atom(&expected, "ready_frame");
  assert_outcome(&ending, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_status_has_a_name_and_maybe_a_value),
      cmocka_unit_test(an_error_names_its_stage_and_maybe_an_element),
      cmocka_unit_test(a_stream_frame_has_a_name_and_maybe_a_count),
      cmocka_unit_test(a_data_header_announces_the_data),
      cmocka_unit_test(usage_is_a_map_of_ten),
      cmocka_unit_test(the_largest_usage_fits_its_frame),
      cmocka_unit_test(a_bare_atom_is_a_frame),
      cmocka_unit_test(stages_have_names_of_their_own),
      cmocka_unit_test(every_kind_of_namespace_is_told_apart),
      cmocka_unit_test(an_end_after_exec_is_the_workloads_own),
      cmocka_unit_test(a_child_killed_while_parked_is_signaled),
      cmocka_unit_test(an_abort_is_an_abort_however_the_child_died),
      cmocka_unit_test(a_reported_failure_is_the_outcome),
      cmocka_unit_test(a_child_that_could_not_be_created_is_exit_code_3),
      cmocka_unit_test(exec_that_failed_in_silence_gives_its_errno),
      cmocka_unit_test(a_child_that_leaves_without_a_word_broke_the_protocol),
  };
  return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
