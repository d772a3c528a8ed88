/* SPDX-License-Identifier: MIT */
/* The queue of bytes, and frames over a pipe that splits, floods and closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/channel.h"

#define LIMIT ((size_t)100000)

static int ends[2];
static struct channel_in in;
static struct channel_out out;
static uint8_t lent_in[64];
static uint8_t lent_out[64];

static int open_channel(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  in = (struct channel_in){.fd = ends[0], .buffer = {.bytes = lent_in, .size = sizeof lent_in}};
  out = (struct channel_out){.fd = ends[1], .buffer = {.bytes = lent_out, .size = sizeof lent_out}};
  return 0;
}

static int close_channel(void **state) {
  (void)state;
  close(ends[0]);
  close(ends[1]);
  buffer_release(&in.buffer);
  buffer_release(&out.buffer);
  return 0;
}

static void send_bytes(const void *bytes, size_t size) {
  assert_int_equal(write(ends[1], bytes, size), size);
}

static void send_header(uint32_t length) {
  const uint8_t header[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16),
                             (uint8_t)(length >> 8), (uint8_t)length};
  send_bytes(header, sizeof header);
}

static void assert_payload(const char *expected) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  assert_int_equal(channel_in_next(&in, LIMIT, &payload, &size), 1);
  assert_int_equal(size, strlen(expected));
  assert_memory_equal(payload, expected, size);
}

static void assert_nothing_yet(void) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  assert_int_equal(channel_in_next(&in, LIMIT, &payload, &size), 0);
}

static void a_frame_arrives_whole_however_it_is_cut(void **state) {
  (void)state;
  static const char bytes[] = "\0\0\0\5hello";
  for (size_t at = 0; at < 9; at++) {
    assert_nothing_yet();
    send_bytes(bytes + at, 1);
    assert_int_equal(channel_in_read(&in), 1);
  }
  assert_payload("hello");
  assert_nothing_yet();
}

static void several_frames_arrive_in_one_read(void **state) {
  (void)state;
  send_bytes("\0\0\0\3one\0\0\0\0\0\0\0\5three\0\0", 21);
  assert_int_equal(channel_in_read(&in), 1);
  assert_payload("one");
  assert_payload("");
  assert_payload("three");
  assert_nothing_yet();
  assert_int_equal(channel_in_read(&in), 0);
  assert_false(in.eof);
}

static void a_frame_may_be_larger_than_the_lent_buffer(void **state) {
  (void)state;
  static char text[60001];
  memset(text, 'x', sizeof text - 1);
  send_header(sizeof text - 1);
  send_bytes(text, sizeof text - 1);
  while (channel_in_read(&in) == 1)
    continue;
  assert_payload(text);
}

static void a_frame_of_just_the_limit_is_taken(void **state) {
  (void)state;
  const uint8_t *payload = NULL;
  size_t size = 0;
  send_header(16);
  send_bytes("0123456789abcdef", 16);
  assert_int_equal(channel_in_read(&in), 1);
  assert_int_equal(channel_in_next(&in, 16, &payload, &size), 1);
  assert_int_equal(size, 16);
}

static void a_frame_over_the_limit_is_told_once_and_thrown_away(void **state) {
  (void)state;
  static char junk[LIMIT + 1];
  const uint8_t *payload = NULL;
  size_t size = 0;
  send_header(LIMIT + 1);
  assert_int_equal(channel_in_read(&in), 1);
  assert_int_equal(channel_in_next(&in, LIMIT, &payload, &size), -EMSGSIZE);
  for (size_t sent = 0; sent < sizeof junk; sent += 50000) {
    size_t part = sizeof junk - sent < 50000 ? sizeof junk - sent : 50000;
    send_bytes(junk + sent, part);
    while (channel_in_read(&in) == 1)
      assert_nothing_yet();
  }
  assert_true(in.buffer.size <= 8192);
  send_bytes("\0\0\0\4next", 8);
  assert_int_equal(channel_in_read(&in), 1);
  assert_payload("next");
}

static void a_length_of_four_gigabytes_takes_no_memory(void **state) {
  (void)state;
  const uint8_t *payload = NULL;
  size_t size = 0;
  send_header(UINT32_MAX);
  assert_int_equal(channel_in_read(&in), 1);
  assert_int_equal(channel_in_next(&in, LIMIT, &payload, &size), -EMSGSIZE);
  send_bytes("abc", 3);
  assert_int_equal(channel_in_read(&in), 1);
  assert_true(in.buffer.size <= 8192);
}

static void the_end_of_the_pipe_is_told(void **state) {
  (void)state;
  send_bytes("\0\0\0\3on", 6);
  close(ends[1]);
  ends[1] = -1;
  assert_int_equal(channel_in_read(&in), 1);
  assert_false(in.eof);
  assert_int_equal(channel_in_read(&in), 0);
  assert_true(in.eof);
  assert_nothing_yet();
}

static void frames_wait_while_the_pipe_is_full(void **state) {
  (void)state;
  static char filling[65536];
  char read_back[256];
  struct frame frame;
  while (write(ends[1], filling, sizeof filling) > 0)
    continue;
  frame_status(&frame, "running");
  assert_int_equal(channel_out_frame(&out, &frame), 0);
  channel_out_flush(&out);
  assert_int_equal(channel_out_pending(&out), frame.length);
  assert_false(out.broken);
  while (read(ends[0], filling, sizeof filling) > 0)
    continue;
  channel_out_flush(&out);
  assert_int_equal(channel_out_pending(&out), 0);
  assert_int_equal(read(ends[0], read_back, sizeof read_back), frame.length);
  assert_memory_equal(read_back, frame.bytes, (size_t)frame.length);
}

static void frames_to_nobody_are_thrown_away(void **state) {
  (void)state;
  struct frame frame;
  close(ends[0]);
  ends[0] = -1;
  frame_status(&frame, "running");
  assert_int_equal(channel_out_frame(&out, &frame), 0);
  channel_out_flush(&out);
  assert_true(out.broken);
  assert_int_equal(channel_out_pending(&out), 0);
  assert_int_equal(channel_out_frame(&out, &frame), 0);
  assert_int_equal(channel_out_pending(&out), 0);
}

static void many_frames_outgrow_the_lent_buffer_in_order(void **state) {
  (void)state;
  struct frame frame;
  char read_back[FRAME_SIZE];
  for (int at = 0; at < 200; at++) {
    frame_status_value(&frame, "exited", at);
    assert_int_equal(channel_out_frame(&out, &frame), 0);
  }
  channel_out_flush(&out);
  for (int at = 0; at < 200; at++) {
    frame_status_value(&frame, "exited", at);
    assert_int_equal(read(ends[0], read_back, (size_t)frame.length), frame.length);
    assert_memory_equal(read_back, frame.bytes, (size_t)frame.length);
  }
}

/* Against the plainest model there is: what went in at the end comes out at the start. */
static void a_buffer_keeps_its_bytes_in_order(void **state) {
  (void)state;
  uint8_t lent[16];
  struct buffer buffer = {.bytes = lent, .size = sizeof lent};
  uint8_t next_in = 0;
  uint8_t next_out = 0;
  unsigned seed = 1;
  for (int step = 0; step < 20000; step++) {
    seed = seed * 1103515245 + 12345;
    size_t count = seed >> 16 & 0xff;
    if ((seed >> 30) % 2 == 0) {
      uint8_t bytes[256];
      for (size_t at = 0; at < count; at++)
        bytes[at] = next_in++;
      assert_int_equal(buffer_append(&buffer, bytes, count), 0);
    } else {
      if (count > buffer_length(&buffer))
        count = buffer_length(&buffer);
      for (size_t at = 0; at < count; at++)
        assert_int_equal(buffer_start(&buffer)[at], next_out++);
      buffer_consume(&buffer, count);
    }
    assert_int_equal((uint8_t)buffer_length(&buffer), (uint8_t)(next_in - next_out));
  }
  buffer_release(&buffer);
  assert_int_equal(buffer_length(&buffer), 0);
}

#define channel_test(test) cmocka_unit_test_setup_teardown(test, open_channel, close_channel)

int main(void) {
  const struct CMUnitTest tests[] = {
      channel_test(a_frame_arrives_whole_however_it_is_cut),
      channel_test(several_frames_arrive_in_one_read),
      channel_test(a_frame_may_be_larger_than_the_lent_buffer),
      channel_test(a_frame_of_just_the_limit_is_taken),
      channel_test(a_frame_over_the_limit_is_told_once_and_thrown_away),
      channel_test(a_length_of_four_gigabytes_takes_no_memory),
      channel_test(the_end_of_the_pipe_is_told),
      channel_test(frames_wait_while_the_pipe_is_full),
      channel_test(frames_to_nobody_are_thrown_away),
      channel_test(many_frames_outgrow_the_lent_buffer_in_order),
      cmocka_unit_test(a_buffer_keeps_its_bytes_in_order),
  };
  return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
