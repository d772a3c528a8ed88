/* SPDX-License-Identifier: MIT */
/* The frames that a workload's output comes in. A pipe stands in for the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/relay.h"

#define PIPE_BYTES (256 << 10)

static int ends[2];
static struct relay_out relay;
static struct channel_out out;
static uint8_t lent[64];
static uint8_t text[PIPE_BYTES];

static void open_relay(enum stream_id stream, const char *frame_name) {
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
  relay = (struct relay_out){.fd = ends[0], .stream = stream, .frame_name = frame_name};
  out = (struct channel_out){.fd = -1, .buffer = {.bytes = lent, .size = sizeof lent}};
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i % 251);
}

static int open_terminal(void **state) {
  (void)state;
  open_relay(STREAM_PTY, "pty_out");
  return 0;
}

static int open_stdout(void **state) {
  (void)state;
  open_relay(STREAM_STDOUT, "stdout");
  return 0;
}

static int close_relay(void **state) {
  (void)state;
  relay_out_close(&relay);
  close(ends[1]);
  buffer_release(&out.buffer);
  return 0;
}

/* Has the workload say the next `size` bytes, and the relay pass on what it takes of them. */
static size_t said;

static void say(size_t size) {
  assert_int_equal(write(ends[1], text + said, size), size);
  said += size;
}

static size_t pump(void) {
  int size = relay_out_pump(&relay, POLLIN, &out);
  assert_true(size >= 0);
  return (size_t)size;
}

/* Takes the next frame of output; how much data it has, which follows on `at` bytes before it. */
static size_t next_frame(size_t at) {
  size_t header = frame_data_header_size(relay.frame_name);
  uint8_t *bytes = buffer_start(&out.buffer);
  struct frame expected;
  assert_true(buffer_length(&out.buffer) >= header);
  size_t size =
      ((size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]) + 4 -
      header;
  frame_data_header(&expected, relay.frame_name, size);
  assert_memory_equal(bytes, expected.bytes, header);
  assert_true(buffer_length(&out.buffer) >= header + size);
  assert_memory_equal(bytes + header, text + at, size);
  buffer_consume(&out.buffer, header + size);
  return size;
}

static void a_terminals_pieces_share_a_frame(void **state) {
  (void)state;
  said = 0;
  for (int i = 0; i < 5; i++) {
    say(100);
    assert_int_equal(pump(), 100);
    assert_int_equal(out.open, said);
  }
  assert_int_equal(pump(), 0);
  assert_int_equal(next_frame(0), 500);
  assert_int_equal(channel_out_pending(&out), 0);
}

static void a_pipes_pieces_do_not(void **state) {
  (void)state;
  said = 0;
  for (int i = 0; i < 3; i++) {
    say(100);
    assert_int_equal(pump(), 100);
    assert_int_equal(out.open, 0);
  }
  for (size_t at = 0; at < said; at += 100)
    assert_int_equal(next_frame(at), 100);
}

static void another_frame_closes_the_one_before_it(void **state) {
  struct frame other;
  (void)state;
  said = 0;
  say(100);
  pump();
  frame_status(&other, "running");
  assert_int_equal(channel_out_frame(&out, &other), 0);
  say(50);
  pump();
  assert_int_equal(next_frame(0), 100);
  assert_memory_equal(buffer_start(&out.buffer), other.bytes, (size_t)other.length);
  buffer_consume(&out.buffer, (size_t)other.length);
  assert_int_equal(next_frame(100), 50);
}

static void a_frame_that_is_large_enough_is_left_alone(void **state) {
  (void)state;
  said = 0;
  say(RELAY_FRAME_ENOUGH);
  pump();
  say(10);
  pump();
  assert_int_equal(next_frame(0), RELAY_FRAME_ENOUGH);
  assert_int_equal(next_frame(RELAY_FRAME_ENOUGH), 10);
}

static void no_frame_grows_past_what_is_read_at_once(void **state) {
  size_t taken = 0;
  (void)state;
  said = 0;
  say(RELAY_FRAME_ENOUGH - 1);
  pump();
  say(200000);
  while (pump() > 0)
    ;
  while (taken < said) {
    size_t size = next_frame(taken);
    assert_true(size + frame_data_header_size(relay.frame_name) <= 65536);
    taken += size;
  }
  assert_int_equal(channel_out_pending(&out), 0);
}

static void demand_bounds_a_frame_that_is_added_to(void **state) {
  (void)state;
  said = 0;
  relay.by_demand = true;
  relay.demand = 150;
  say(100);
  assert_int_equal(pump(), 100);
  say(100);
  assert_int_equal(pump(), 50);
  assert_int_equal(relay.demand, 0);
  assert_int_equal(pump(), 0);
  assert_int_equal(next_frame(0), 150);
  assert_int_equal(channel_out_pending(&out), 0);
}

#define terminal_test(test) cmocka_unit_test_setup_teardown(test, open_terminal, close_relay)
#define pipe_test(test)     cmocka_unit_test_setup_teardown(test, open_stdout, close_relay)

int main(void) {
  const struct CMUnitTest tests[] = {
      terminal_test(a_terminals_pieces_share_a_frame),
      pipe_test(a_pipes_pieces_do_not),
      terminal_test(another_frame_closes_the_one_before_it),
      terminal_test(a_frame_that_is_large_enough_is_left_alone),
      terminal_test(no_frame_grows_past_what_is_read_at_once),
      pipe_test(no_frame_grows_past_what_is_read_at_once),
      terminal_test(demand_bounds_a_frame_that_is_added_to),
  };
  return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
