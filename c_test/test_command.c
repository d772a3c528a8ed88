/* SPDX-License-Identifier: MIT */
/* The traffic of a session: every row of the table, its arities, its moments, its wrong values. */
#include "terms.h"

#include <errno.h>
#include <stdio.h>

#include "wire/command.h"

static struct terms terms;
static struct command command;
static unsigned moment = WHEN_RUNNING;
static uint8_t *frame;

static int forget(void **state) {
  (void)state;
  free(frame);
  frame = NULL;
  return 0;
}

static int decode_cut(size_t size) {
  forget(NULL);
  frame = exactly(&terms, size);
  return command_decode_frame(&command, frame, size, moment);
}

/* {name, ...}, whose arguments follow. */
static void begin_command(const char *name, unsigned arguments) {
  begin(&terms);
  put_tuple(&terms, arguments + 1);
  put_atom(&terms, name);
}

/* Taken as it is, and refused cut short at any byte or with one behind it. */
static void assert_taken(enum command_id id) {
  for (size_t size = 0; size < terms.size; size++)
    assert_int_equal(decode_cut(size), -EINVAL);
  put_nil(&terms);
  assert_int_equal(decode_cut(terms.size), -EINVAL);
  assert_int_equal(decode_cut(--terms.size), 0);
  assert_int_equal(command.id, id);
}

static void assert_refused(void) {
  assert_int_equal(decode_cut(terms.size), -EINVAL);
}

static void put_size(unsigned arity, int32_t rows) {
  put_tuple(&terms, arity);
  put_integer(&terms, rows);
  for (unsigned at = 1; at < arity; at++)
    put_integer(&terms, (int32_t)at * 100);
}

static int while_parked(void **state) {
  (void)state;
  moment = WHEN_PARKED;
  return 0;
}

static int while_running(void **state) {
  moment = WHEN_RUNNING;
  return forget(state);
}

static void proceed_and_abort_are_atoms(void **state) {
  (void)state;
  begin(&terms);
  put_atom(&terms, "proceed");
  assert_taken(COMMAND_PROCEED);
  begin(&terms);
  put_atom(&terms, "abort");
  assert_taken(COMMAND_ABORT);
  begin_command("proceed", 0);
  assert_refused();
  begin_command("abort", 1);
  put_nil(&terms);
  assert_refused();
  begin(&terms);
  put_binary(&terms, "proceed");
  assert_refused();
}

static void data_is_a_binary(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum command_id id;
  } rows[] = {{"pty_in", COMMAND_PTY_IN}, {"stdin", COMMAND_STDIN}};
  for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
    begin_command(rows[row].name, 1);
    put_data(&terms, "a\0b", 3);
    assert_taken(rows[row].id);
    assert_int_equal(command.data.size, 3);
    assert_memory_equal(command.data.bytes, "a\0b", 3);
    begin_command(rows[row].name, 1);
    put_binary(&terms, "");
    assert_taken(rows[row].id);
    assert_int_equal(command.data.size, 0);
    begin_command(rows[row].name, 1);
    put_string(&terms, "charlist");
    assert_refused();
    begin_command(rows[row].name, 1);
    put_atom(&terms, "atom");
    assert_refused();
    begin_command(rows[row].name, 2);
    put_binary(&terms, "a");
    put_binary(&terms, "b");
    assert_refused();
    begin(&terms);
    put_atom(&terms, rows[row].name);
    assert_refused();
  }
}

static void a_window_size_is_four_numbers_of_16_bits(void **state) {
  (void)state;
  begin_command("pty_winsize", 1);
  put_size(4, 65535);
  assert_taken(COMMAND_PTY_WINSIZE);
  assert_int_equal(command.winsize.cells.rows, 65535);
  assert_int_equal(command.winsize.cells.cols, 100);
  assert_int_equal(command.winsize.cells.xpixel, 200);
  assert_int_equal(command.winsize.cells.ypixel, 300);
  begin_command("pty_winsize", 1);
  put_size(4, 0);
  assert_taken(COMMAND_PTY_WINSIZE);
  assert_int_equal(command.winsize.cells.rows, 0);
  static const struct {
    unsigned arity;
    int32_t rows;
  } bad[] = {{4, 65536}, {4, -1}, {3, 1}, {5, 1}, {2, 1}};
  for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
    begin_command("pty_winsize", 1);
    put_size(bad[at].arity, bad[at].rows);
    assert_refused();
  }
  begin_command("pty_winsize", 4);
  for (int at = 0; at < 4; at++)
    put_byte(&terms, 1);
  assert_refused();
}

static void signals_are_numbered_1_to_64(void **state) {
  (void)state;
  static const int32_t bad[] = {0, 65, -9, INT32_MAX};
  for (int number = 1; number <= 64; number++) {
    begin_command("signal", 1);
    put_byte(&terms, (unsigned)number);
    assert_taken(COMMAND_SIGNAL);
    assert_int_equal(command.signal.number, number);
    assert_int_equal(command.signal.scope, SCOPE_WORKLOAD);
  }
  for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
    begin_command("signal", 1);
    put_integer(&terms, bad[at]);
    assert_refused();
  }
  begin_command("signal", 1);
  put_atom(&terms, "sigterm");
  assert_refused();
  begin_command("signal", 0);
  assert_refused();
}

static void a_signal_may_name_its_scope(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum signal_scope scope;
  } scopes[] = {{"workload", SCOPE_WORKLOAD}, {"group", SCOPE_GROUP}, {"tree", SCOPE_TREE}};
  for (size_t at = 0; at < 3; at++) {
    begin_command("signal", 2);
    put_byte(&terms, 15);
    put_atom(&terms, scopes[at].name);
    assert_taken(COMMAND_SIGNAL);
    assert_int_equal(command.signal.scope, scopes[at].scope);
  }
  begin_command("signal", 2);
  put_byte(&terms, 15);
  put_atom(&terms, "session");
  assert_refused();
  begin_command("signal", 2);
  put_byte(&terms, 15);
  put_binary(&terms, "tree");
  assert_refused();
  begin_command("signal", 3);
  put_byte(&terms, 15);
  put_atom(&terms, "tree");
  put_atom(&terms, "tree");
  assert_refused();
}

static void streams_are_closed_and_asked_for_by_name(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum stream_id id;
  } streams[] = {{"stdin", STREAM_STDIN},
                 {"stdout", STREAM_STDOUT},
                 {"stderr", STREAM_STDERR},
                 {"pty", STREAM_PTY}};
  for (size_t at = 0; at < 4; at++) {
    begin_command("close", 1);
    put_atom(&terms, streams[at].name);
    assert_taken(COMMAND_CLOSE);
    assert_int_equal(command.stream.id, streams[at].id);
    assert_string_equal(stream_name(streams[at].id), streams[at].name);
    begin_command("demand", 2);
    put_atom(&terms, streams[at].name);
    put_big(&terms, false, UINT64_MAX, 8);
    assert_taken(COMMAND_DEMAND);
    assert_int_equal(command.stream.id, streams[at].id);
    assert_true(command.stream.bytes == UINT64_MAX);
  }
  begin_command("close", 1);
  put_atom(&terms, "stdlog");
  assert_refused();
  begin_command("close", 1);
  put_byte(&terms, 1);
  assert_refused();
  begin_command("close", 2);
  put_atom(&terms, "stdout");
  put_byte(&terms, 1);
  assert_refused();
  begin_command("demand", 2);
  put_atom(&terms, "stdout");
  put_integer(&terms, -1);
  assert_refused();
  begin_command("demand", 1);
  put_atom(&terms, "stdout");
  assert_refused();
}

static void what_is_no_command_is_refused(void **state) {
  (void)state;
  static const char *const names[] = {"", "Proceed", "proceed!", "signal2", "cap_drop"};
  for (size_t at = 0; at < sizeof names / sizeof names[0]; at++) {
    begin(&terms);
    put_atom(&terms, names[at]);
    assert_refused();
    begin_command(names[at], 1);
    put_byte(&terms, 1);
    assert_refused();
  }
  begin(&terms);
  put_tuple(&terms, 0);
  assert_refused();
  begin(&terms);
  put_tuple(&terms, 2);
  put_binary(&terms, "signal");
  put_byte(&terms, 9);
  assert_refused();
  begin(&terms);
  put_byte(&terms, 9);
  assert_refused();
  begin(&terms);
  put_nil(&terms);
  assert_refused();
}

static void put_valid(enum command_id id) {
  switch (id) {
  case COMMAND_PROCEED:
  case COMMAND_ABORT:
    begin(&terms);
    put_atom(&terms, id == COMMAND_PROCEED ? "proceed" : "abort");
    return;
  case COMMAND_PTY_WINSIZE:
    begin_command("pty_winsize", 1);
    put_size(4, 24);
    return;
  case COMMAND_SIGNAL:
    begin_command("signal", 1);
    put_byte(&terms, 9);
    return;
  case COMMAND_PTY_IN:
  case COMMAND_STDIN:
    begin_command(id == COMMAND_STDIN ? "stdin" : "pty_in", 1);
    put_binary(&terms, "x");
    return;
  case COMMAND_CLOSE:
  case COMMAND_DEMAND:
    begin_command(id == COMMAND_CLOSE ? "close" : "demand", id == COMMAND_CLOSE ? 1 : 2);
    put_atom(&terms, "stdout");
    put_byte(&terms, 1);
    terms.size -= id == COMMAND_CLOSE ? 2 : 0;
    return;
  case COMMAND_SETUP:
  case COMMAND_COUNT:
    break;
  }
  fail();
}

static void each_command_has_its_moments(void **state) {
  (void)state;
  static const struct {
    enum command_id id;
    bool parked, running, starting;
  } rows[] = {
      {COMMAND_PROCEED, true, false, false},     {COMMAND_ABORT, true, false, false},
      {COMMAND_PTY_WINSIZE, false, true, false}, {COMMAND_SIGNAL, false, true, false},
      {COMMAND_PTY_IN, false, true, false},      {COMMAND_STDIN, true, true, true},
      {COMMAND_CLOSE, true, true, true},         {COMMAND_DEMAND, true, true, true},
  };
  assert_int_equal(sizeof rows / sizeof rows[0] + 1, COMMAND_COUNT);
  for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++) {
    const bool valid[] = {rows[at].starting, rows[at].parked, rows[at].running};
    for (unsigned when = 0; when <= WHEN_RUNNING; when++) {
      put_valid(rows[at].id);
      moment = when;
      int result = decode_cut(terms.size);
      bool taken = result == 0 && command.id == rows[at].id;
      assert_int_equal(taken, valid[when]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(proceed_and_abort_are_atoms, while_parked, while_running),
      cmocka_unit_test(data_is_a_binary),
      cmocka_unit_test(a_window_size_is_four_numbers_of_16_bits),
      cmocka_unit_test(signals_are_numbered_1_to_64),
      cmocka_unit_test(a_signal_may_name_its_scope),
      cmocka_unit_test(streams_are_closed_and_asked_for_by_name),
      cmocka_unit_test(what_is_no_command_is_refused),
      cmocka_unit_test_setup_teardown(each_command_has_its_moments, while_parked, while_running),
  };
  return cmocka_run_group_tests_name("command", tests, NULL, forget);
}
