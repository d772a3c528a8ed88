/* SPDX-License-Identifier: MIT */
/* The first frame: every key, every wrong value, every truncation. */
#include "terms.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "base/syscalls.h"
#include "wire/request.h"

static struct terms terms;
static struct request request;

/* What a decoded request points into. */
static uint8_t *frame;
static char *memory;

static int forget(void **state) {
  (void)state;
  free(frame);
  free(memory);
  frame = NULL;
  memory = NULL;
  return 0;
}

/* Decodes the first `size` bytes, with the arena that is said to suffice and no byte more. */
static int decode_cut(size_t size) {
  forget(NULL);
  frame = exactly(&terms, size);
  struct arena arena = {.size = term_arena_size(size)};
  arena.base = memory = malloc(arena.size);
  assert_non_null(memory);
  return request_decode(&request, frame, size, &arena);
}

static int decode(void) {
  return decode_cut(terms.size);
}

/* {mode, #{argv => ["/bin/true"], ...}} with `pairs` more to come. */
static void begin_request(const char *mode, uint32_t pairs) {
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, mode);
  put_map(&terms, pairs + 1);
  put_atom(&terms, "argv");
  put_list(&terms, 1);
  put_binary(&terms, "/bin/true");
  put_nil(&terms);
}

/* A spawn with one more key, whose value follows. */
static void begin_key(const char *key) {
  begin_request("spawn", 1);
  put_atom(&terms, key);
}

static void assert_taken(void) {
  assert_int_equal(decode(), 0);
}

static void assert_refused(void) {
  assert_int_equal(decode(), -EINVAL);
}

static void assert_atom_refused(const char *key, const char *value) {
  begin_key(key);
  put_atom(&terms, value);
  assert_refused();
}

static void assert_byte_refused(const char *key) {
  begin_key(key);
  put_byte(&terms, 1);
  assert_refused();
}

static void a_bare_spawn_has_the_documented_defaults(void **state) {
  (void)state;
  begin_request("spawn", 0);
  assert_taken();
  assert_int_equal(request.mode, MODE_SPAWN);
  assert_string_equal(request.argv[0], "/bin/true");
  assert_null(request.argv[1]);
  assert_null(request.env);
  assert_null(request.cwd);
  assert_true(request.namespaces == 0);
  assert_false(request.namespaces_given);
  assert_false(request.pty);
  for (int fd = 0; fd < 3; fd++)
    assert_int_equal(request.stdio[fd].kind, STDIO_INHERIT);
  assert_false(request.no_new_privs);
  assert_false(request.leave);
  assert_int_equal(request.grace_ms, 5000);
  assert_false(request.proceed || request.ack || request.usage || request.demand);
  assert_false(request.kill_descendants || request.hold);
  assert_int_equal(request.setup.count, 0);
  assert_int_equal(request.final.count, 0);
}

static void a_request_is_a_pair_of_a_mode_and_a_map(void **state) {
  (void)state;
  begin_request("respawn", 0);
  assert_refused();
  begin(&terms);
  put_atom(&terms, "spawn");
  assert_refused();
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "spawn");
  put_nil(&terms);
  assert_refused();
  begin(&terms);
  put_tuple(&terms, 3);
  put_atom(&terms, "spawn");
  put_map(&terms, 1);
  put_atom(&terms, "argv");
  put_list(&terms, 1);
  put_binary(&terms, "/bin/true");
  put_nil(&terms);
  put_nil(&terms);
  assert_refused();
  begin(&terms);
  put_tuple(&terms, 2);
  put_binary(&terms, "spawn");
  put_map(&terms, 0);
  assert_refused();
}

static void argv_takes_strings_of_every_form(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "spawn");
  put_map(&terms, 1);
  put_atom(&terms, "argv");
  put_list(&terms, 4);
  put_binary(&terms, "/bin/echo");
  put_string(&terms, "charlist");
  put_list(&terms, 1);
  put_byte(&terms, 0xff);
  put_nil(&terms);
  put_nil(&terms);
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.argv[1], "charlist");
  assert_string_equal(request.argv[2], "\xff");
  assert_string_equal(request.argv[3], "");
  assert_null(request.argv[4]);
}

static void begin_argv_value(void) {
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "spawn");
  put_map(&terms, 1);
  put_atom(&terms, "argv");
}

static void argv_that_is_no_list_of_strings_is_refused(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "spawn");
  put_map(&terms, 0);
  assert_refused();
  begin_argv_value();
  put_nil(&terms);
  assert_refused();
  begin_argv_value();
  put_binary(&terms, "/bin/true");
  assert_refused();
  begin_argv_value();
  put_string(&terms, "/bin/true");
  assert_refused();
  begin_argv_value();
  put_list(&terms, 1);
  put_atom(&terms, "true");
  put_nil(&terms);
  assert_refused();
  begin_argv_value();
  put_list(&terms, 1);
  put_data(&terms, "a\0b", 3);
  put_nil(&terms);
  assert_refused();
  begin_argv_value();
  put_list(&terms, 1);
  put_binary(&terms, "/bin/true");
  put_binary(&terms, "tail");
  assert_refused();
}

static void arg0_is_what_the_workload_sees_and_not_what_is_executed(void **state) {
  (void)state;
  begin_request("spawn", 0);
  assert_taken();
  assert_null(request.arg0);
  assert_null(request.files);
  begin_key("arg0");
  put_string(&terms, "-sh");
  assert_taken();
  assert_string_equal(request.argv[0], "/bin/true");
  assert_string_equal(request.arg0, "-sh");
  assert_null(request.argv[1]);
  begin_key("arg0");
  put_data(&terms, "a\0b", 3);
  assert_refused();
  assert_atom_refused("arg0", "sh");
  assert_byte_refused("arg0");
}

static void files_are_tried_in_order(void **state) {
  (void)state;
  begin_key("files");
  put_list(&terms, 2);
  put_binary(&terms, "/usr/bin/true");
  put_string(&terms, "/bin/true");
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.files[0], "/usr/bin/true");
  assert_string_equal(request.files[1], "/bin/true");
  assert_null(request.files[2]);
  begin_key("files");
  put_nil(&terms);
  assert_refused();
  begin_key("files");
  put_list(&terms, 1);
  put_data(&terms, "a\0b", 3);
  put_nil(&terms);
  assert_refused();
  assert_atom_refused("files", "path");
  assert_byte_refused("files");
}

static void a_terminal_needs_no_argv(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "terminal");
  put_map(&terms, 0);
  assert_taken();
  assert_int_equal(request.mode, MODE_TERMINAL);
}

static void a_copy_is_kept_without_argv(void **state) {
  (void)state;
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "keep");
  put_map(&terms, 0);
  assert_taken();
  assert_int_equal(request.mode, MODE_KEEP);
}

static void an_argument_may_be_long(void **state) {
  (void)state;
  static char text[50000];
  memset(text, 'x', sizeof text - 1);
  begin_argv_value();
  put_list(&terms, 1);
  put_binary(&terms, text);
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.argv[0], text);
}

static void many_short_arguments_fit(void **state) {
  (void)state;
  begin_argv_value();
  put_list(&terms, 60000);
  for (int at = 0; at < 60000; at++)
    put_nil(&terms); /* the empty string takes the least of a frame and the most of the arena */
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.argv[59999], "");
  assert_null(request.argv[60000]);
}

static void a_search_excludes_files(void **state) {
  (void)state;
  begin_key("search_path");
  put_atom(&terms, "true");
  assert_taken();
  assert_true(request.search_path);
  for (int reversed = 0; reversed < 2; reversed++) {
    begin_request("spawn", 2);
    for (int i = 0; i < 2; i++) {
      put_atom(&terms, i == reversed ? "search_path" : "files");
      if (i == reversed) {
        put_atom(&terms, "true");
      } else {
        put_list(&terms, 1);
        put_binary(&terms, "/bin/true");
        put_nil(&terms);
      }
    }
    assert_refused();
  }
  assert_byte_refused("search_path");
}

static void env_replaces_the_environment(void **state) {
  (void)state;
  begin_key("env");
  put_list(&terms, 2);
  put_binary(&terms, "A=b=c");
  put_binary(&terms, "EMPTY=");
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.env[0], "A=b=c");
  assert_string_equal(request.env[1], "EMPTY=");
  assert_null(request.env[2]);
  begin_key("env");
  put_nil(&terms);
  assert_taken();
  assert_non_null(request.env);
  assert_null(request.env[0]);
}

static void env_without_a_name_is_refused(void **state) {
  (void)state;
  static const char *const entries[] = {"NAME", "=value", "", "="};
  for (size_t at = 0; at < sizeof entries / sizeof entries[0]; at++) {
    begin_key("env");
    put_list(&terms, 1);
    put_binary(&terms, entries[at]);
    put_nil(&terms);
    assert_refused();
  }
  assert_byte_refused("env");
}

static void changes_to_the_environment_are_variables_and_names(void **state) {
  (void)state;
  begin_key("env_set");
  put_list(&terms, 2);
  put_binary(&terms, "A=b=c");
  put_string(&terms, "A=");
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.env_set[0], "A=b=c");
  assert_string_equal(request.env_set[1], "A=");
  assert_null(request.env_set[2]);
  assert_null(request.env);
  begin_key("env_unset");
  put_list(&terms, 1);
  put_binary(&terms, "A\xff");
  put_nil(&terms);
  assert_taken();
  assert_string_equal(request.env_unset[0], "A\xff");
  assert_null(request.env_unset[1]);
  assert_null(request.env_set);
}

static void changes_to_the_environment_without_a_name_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *key, *entry;
  } bad[] = {
      {"env_set", "A"}, {"env_set", "=A"}, {"env_set", ""}, {"env_unset", ""}, {"env_unset", "A=B"},
  };
  for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
    begin_key(bad[at].key);
    put_list(&terms, 1);
    put_binary(&terms, bad[at].entry);
    put_nil(&terms);
    assert_refused();
  }
  assert_byte_refused("env_set");
  assert_byte_refused("env_unset");
}

static void cwd_is_a_string(void **state) {
  (void)state;
  begin_key("cwd");
  put_binary(&terms, "/tmp");
  assert_taken();
  assert_string_equal(request.cwd, "/tmp");
  begin_key("cwd");
  put_data(&terms, "/\0", 2);
  assert_refused();
  assert_byte_refused("cwd");
  assert_atom_refused("cwd", "nil");
}

static void begin_kill(uint32_t pairs) {
  begin(&terms);
  put_tuple(&terms, 2);
  put_atom(&terms, "kill");
  put_map(&terms, pairs);
}

static void a_kill_needs_a_target_and_no_argv(void **state) {
  (void)state;
  begin_kill(0);
  assert_refused();
  begin_kill(1);
  put_atom(&terms, "target");
  put_integer(&terms, 4711);
  assert_taken();
  assert_int_equal(request.mode, MODE_KILL);
  assert_int_equal(request.target, 4711);
  static const int32_t bad[] = {0, -1, -4711};
  for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
    begin_kill(1);
    put_atom(&terms, "target");
    put_integer(&terms, bad[at]);
    assert_refused();
  }
}

static void enter_needs_a_target(void **state) {
  (void)state;
  begin_request("enter", 0);
  assert_refused();
  begin_request("enter", 1);
  put_atom(&terms, "target");
  put_integer(&terms, 4711);
  assert_taken();
  assert_int_equal(request.mode, MODE_ENTER);
  assert_int_equal(request.target, 4711);
  static const int32_t bad[] = {0, -1, INT32_MIN};
  for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
    begin_request("enter", 1);
    put_atom(&terms, "target");
    put_integer(&terms, bad[at]);
    assert_refused();
  }
  begin_request("enter", 1);
  put_atom(&terms, "target");
  put_big(&terms, false, ((uint64_t)1 << 32) + 1, 8); /* must not wrap around to pid 1 */
  assert_refused();
  begin_request("enter", 1);
  put_atom(&terms, "target");
  put_binary(&terms, "1");
  assert_refused();
}

static void namespaces_are_named(void **state) {
  (void)state;
  static const struct {
    const char *name;
    uint64_t flag;
  } kinds[] = {
      {"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS},      {"uts", CLONE_NEWUTS},
      {"ipc", CLONE_NEWIPC},   {"cgroup", CLONE_NEWCGROUP}, {"net", CLONE_NEWNET},
      {"time", CLONE_NEWTIME}, {"pid", CLONE_NEWPID},
  };
  uint64_t all = 0;
  for (size_t at = 0; at < 8; at++) {
    begin_key("namespaces");
    put_list(&terms, 1);
    put_atom(&terms, kinds[at].name);
    put_nil(&terms);
    assert_taken();
    assert_true(request.namespaces == kinds[at].flag);
    all |= kinds[at].flag;
  }
  begin_key("namespaces");
  put_list(&terms, 8);
  for (size_t at = 0; at < 8; at++)
    put_atom(&terms, kinds[at].name);
  put_nil(&terms);
  assert_taken();
  assert_true(request.namespaces == all);
  begin_key("namespaces");
  put_nil(&terms);
  assert_taken();
  assert_true(request.namespaces_given);
}

static void unknown_namespaces_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"mnt", "network", "", "User"};
  for (size_t at = 0; at < sizeof names / sizeof names[0]; at++) {
    begin_key("namespaces");
    put_list(&terms, 1);
    put_atom(&terms, names[at]);
    put_nil(&terms);
    assert_refused();
  }
  begin_key("namespaces");
  put_string(&terms, "pid");
  assert_refused();
  assert_atom_refused("namespaces", "pid");
}

static void stdio_is_a_word_for_all_three(void **state) {
  (void)state;
  begin_key("stdio");
  put_atom(&terms, "inherit");
  assert_taken();
  begin_key("stdio");
  put_atom(&terms, "devnull");
  assert_taken();
  for (int fd = 0; fd < 3; fd++)
    assert_int_equal(request.stdio[fd].kind, STDIO_DEVNULL);
  begin_key("stdio");
  put_atom(&terms, "pty");
  assert_taken();
  assert_true(request.pty);
  assert_atom_refused("stdio", "pipe");
  assert_byte_refused("stdio");
}

static void put_size(unsigned rows, unsigned cols, unsigned xpixel, int ypixel) {
  put_tuple(&terms, 4);
  put_byte(&terms, rows);
  put_byte(&terms, cols);
  put_byte(&terms, xpixel);
  put_integer(&terms, ypixel);
}

static void a_terminal_may_have_a_size(void **state) {
  (void)state;
  begin_key("stdio");
  put_atom(&terms, "pty");
  assert_taken();
  assert_false(request.terminal.has_size);
  begin_key("stdio");
  put_tuple(&terms, 2);
  put_atom(&terms, "pty");
  put_size(24, 80, 1, 65535);
  assert_taken();
  assert_true(request.pty);
  assert_true(request.terminal.has_size);
  assert_int_equal(request.terminal.size.cells.rows, 24);
  assert_int_equal(request.terminal.size.cells.cols, 80);
  assert_int_equal(request.terminal.size.cells.xpixel, 1);
  assert_int_equal(request.terminal.size.cells.ypixel, 65535);
  begin_key("stdio");
  put_tuple(&terms, 2);
  put_atom(&terms, "tty");
  put_size(24, 80, 0, 0);
  assert_refused();
  begin_key("stdio");
  put_tuple(&terms, 2);
  put_atom(&terms, "pty");
  put_size(24, 80, 0, 65536);
  assert_refused();
  begin_key("stdio");
  put_tuple(&terms, 1);
  put_atom(&terms, "pty");
  assert_refused();
}

static void begin_place(const char *place) {
  begin_key("stdio");
  put_tuple(&terms, 3);
  put_atom(&terms, "pty");
  put_size(24, 80, 0, 0);
  put_atom(&terms, place);
}

static void a_terminal_may_have_a_place(void **state) {
  (void)state;
  begin_key("stdio");
  put_tuple(&terms, 2);
  put_atom(&terms, "pty");
  put_size(24, 80, 0, 0);
  assert_taken();
  assert_int_equal(request.terminal.place, TERMINAL_HOST);
  assert_false(request_looks_inside(&request, CLONE_NEWNS));
  begin_place("inside");
  assert_taken();
  assert_int_equal(request.terminal.place, TERMINAL_INSIDE);
  assert_true(request_looks_inside(&request, 0));
  begin_place("auto");
  assert_taken();
  assert_int_equal(request.terminal.place, TERMINAL_AUTO);
  assert_false(request_looks_inside(&request, CLONE_NEWPID));
  assert_true(request_looks_inside(&request, CLONE_NEWPID | CLONE_NEWNS));
  begin_place("outside");
  assert_refused();
  begin_key("stdio");
  put_tuple(&terms, 3);
  put_atom(&terms, "pty");
  put_size(24, 80, 0, 0);
  put_byte(&terms, 1);
  assert_refused();
}

static void begin_modes(uint32_t pairs) {
  begin_key("termios");
  put_map(&terms, pairs);
}

static void put_pair(const char *name, const char *value) {
  put_atom(&terms, name);
  put_atom(&terms, value);
}

static void settings_of_a_terminal_are_given_one_by_one(void **state) {
  (void)state;
  struct termios like = {.c_cc = {3, 28}};
  begin_modes(0);
  assert_taken();
  assert_false(request.terminal.modes.has_like || request.terminal.modes.raw);
  assert_int_equal(request.terminal.modes.echo, PTY_FLAG_KEEP);
  assert_int_equal(request.terminal.modes.iutf8, PTY_FLAG_KEEP);
  begin_modes(4);
  put_pair("echo", "false");
  put_atom(&terms, "like");
  put_data(&terms, &like, sizeof like);
  put_pair("iutf8", "true");
  put_pair("raw", "true");
  assert_taken();
  assert_true(request.terminal.modes.has_like && request.terminal.modes.raw);
  assert_int_equal(request.terminal.modes.like.c_cc[1], 28);
  assert_int_equal(request.terminal.modes.echo, PTY_FLAG_OFF);
  assert_int_equal(request.terminal.modes.iutf8, PTY_FLAG_ON);
}

static void wrong_settings_of_a_terminal_are_refused(void **state) {
  (void)state;
  struct termios like = {0};
  assert_atom_refused("termios", "raw");
  begin_modes(1);
  put_pair("echo", "on");
  assert_refused();
  begin_modes(1);
  put_pair("icanon", "true");
  assert_refused();
  begin_modes(2);
  put_pair("raw", "true");
  put_pair("raw", "false");
  assert_refused();
  begin_modes(1);
  put_atom(&terms, "like");
  put_data(&terms, &like, sizeof like - 1);
  assert_refused();
  begin_modes(1);
  put_atom(&terms, "like");
  put_atom(&terms, "nil");
  assert_refused();
}

static void the_type_of_a_terminal_is_a_string(void **state) {
  (void)state;
  begin_request("spawn", 0);
  assert_taken();
  assert_null(request.terminal.type);
  begin_key("term");
  put_string(&terms, "vt220");
  assert_taken();
  assert_string_equal(request.terminal.type, "vt220");
  assert_atom_refused("term", "vt220");
}

static void begin_stream(const char *stream) {
  begin_key("stdio");
  put_list(&terms, 1);
  put_tuple(&terms, 2);
  put_atom(&terms, stream);
}

static void put_file(const char *path, const char *how) {
  put_tuple(&terms, 3);
  put_atom(&terms, "file");
  put_binary(&terms, path);
  put_atom(&terms, how);
}

static void stdio_is_a_directive_a_stream(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum stdio_kind kind;
  } modes[] = {
      {"read", STDIO_FILE_READ}, {"write", STDIO_FILE_WRITE}, {"append", STDIO_FILE_APPEND}};
  begin_key("stdio");
  put_list(&terms, 3);
  put_tuple(&terms, 2);
  put_atom(&terms, "stderr");
  put_atom(&terms, "stdout");
  put_tuple(&terms, 2);
  put_atom(&terms, "stdin");
  put_atom(&terms, "pipe");
  put_tuple(&terms, 2);
  put_atom(&terms, "stdout");
  put_tuple(&terms, 2);
  put_atom(&terms, "connect_unix");
  put_string(&terms, "/run/socket");
  put_nil(&terms);
  assert_taken();
  assert_int_equal(request.stdio[0].kind, STDIO_PIPE);
  assert_int_equal(request.stdio[1].kind, STDIO_CONNECT_UNIX);
  assert_string_equal(request.stdio[1].path, "/run/socket");
  assert_int_equal(request.stdio[2].kind, STDIO_TO_STDOUT);
  for (size_t at = 0; at < 3; at++) {
    begin_stream("stdout");
    put_file("/tmp/out", modes[at].name);
    put_nil(&terms);
    assert_taken();
    assert_int_equal(request.stdio[0].kind, STDIO_INHERIT);
    assert_int_equal(request.stdio[1].kind, modes[at].kind);
    assert_string_equal(request.stdio[1].path, "/tmp/out");
  }
}

static void wrong_directives_are_refused(void **state) {
  (void)state;
  begin_stream("stdout");
  put_atom(&terms, "stdout"); /* only stderr may be a copy */
  put_nil(&terms);
  assert_refused();
  begin_stream("stdin");
  put_atom(&terms, "pty");
  put_nil(&terms);
  assert_refused();
  begin_stream("stdlog");
  put_atom(&terms, "pipe");
  put_nil(&terms);
  assert_refused();
  begin_stream("stdout");
  put_file("/tmp/out", "truncate");
  put_nil(&terms);
  assert_refused();
  begin_stream("stdout");
  put_tuple(&terms, 2);
  put_atom(&terms, "file");
  put_binary(&terms, "/tmp/out");
  put_nil(&terms);
  assert_refused();
  begin_stream("stdout");
  put_tuple(&terms, 2);
  put_atom(&terms, "connect_unix");
  put_data(&terms, "a\0", 2);
  put_nil(&terms);
  assert_refused();
  begin_stream("stdout");
  put_tuple(&terms, 3);
  put_atom(&terms, "connect_unix");
  put_binary(&terms, "path");
  put_atom(&terms, "read");
  put_nil(&terms);
  assert_refused();
  begin_stream("stdout");
  put_tuple(&terms, 0);
  put_nil(&terms);
  assert_refused();
  begin_key("stdio");
  put_list(&terms, 1);
  put_atom(&terms, "stdin");
  put_nil(&terms);
  assert_refused();
}

static void a_stream_given_twice_is_refused(void **state) {
  (void)state;
  begin_key("stdio");
  put_list(&terms, 2);
  for (int at = 0; at < 2; at++) {
    put_tuple(&terms, 2);
    put_atom(&terms, "stdin");
    put_atom(&terms, "pipe");
  }
  put_nil(&terms);
  assert_refused();
}

static void flags_are_booleans(void **state) {
  (void)state;
  static const struct {
    const char *key;
    const bool *field;
  } flags[] = {
      {"no_new_privs", &request.no_new_privs},
      {"proceed", &request.proceed},
      {"ack", &request.ack},
      {"usage", &request.usage},
      {"hold", &request.hold},
  };
  for (size_t at = 0; at < sizeof flags / sizeof flags[0]; at++) {
    begin_key(flags[at].key);
    put_atom(&terms, "true");
    assert_taken();
    assert_true(*flags[at].field);
    begin_key(flags[at].key);
    put_atom(&terms, "false");
    assert_taken();
    assert_false(*flags[at].field);
    assert_atom_refused(flags[at].key, "yes");
    assert_byte_refused(flags[at].key);
  }
}

static void the_keyring_is_one_of_two_words(void **state) {
  (void)state;
  begin_request("spawn", 0);
  assert_taken();
  assert_int_equal(request.keyring, KEYRING_BY_CONFINEMENT);
  begin_key("keyring");
  put_atom(&terms, "inherit");
  assert_taken();
  assert_int_equal(request.keyring, KEYRING_INHERIT);
  begin_key("keyring");
  put_atom(&terms, "new");
  assert_taken();
  assert_int_equal(request.keyring, KEYRING_NEW);
  assert_atom_refused("keyring", "true");
  assert_byte_refused("keyring");
}

static void flow_and_descendants_are_words(void **state) {
  (void)state;
  begin_key("flow");
  put_atom(&terms, "demand");
  assert_taken();
  assert_true(request.demand);
  assert_atom_refused("flow", "true");
  assert_byte_refused("flow");
  begin_key("descendants");
  put_atom(&terms, "kill");
  assert_taken();
  assert_true(request.kill_descendants);
  begin_key("descendants");
  put_atom(&terms, "leave");
  assert_taken();
  assert_false(request.kill_descendants);
  assert_atom_refused("descendants", "true");
  assert_byte_refused("descendants");
}

static void begin_demand(const char *stream) {
  begin_key("demand");
  put_list(&terms, 1);
  put_tuple(&terms, 2);
  put_atom(&terms, stream);
}

static void the_first_demand_is_bytes_by_stream(void **state) {
  (void)state;
  begin_key("demand");
  put_list(&terms, 2);
  put_tuple(&terms, 2);
  put_atom(&terms, "stderr");
  put_big(&terms, false, UINT64_MAX, 8);
  put_tuple(&terms, 2);
  put_atom(&terms, "pty");
  put_byte(&terms, 1);
  put_nil(&terms);
  assert_taken();
  assert_true(request.demands[STREAM_STDERR] == UINT64_MAX);
  assert_int_equal(request.demands[STREAM_PTY], 1);
  assert_int_equal(request.demands[STREAM_STDOUT], 0);
  begin_key("demand");
  put_nil(&terms);
  assert_taken();
  begin_demand("stdlog");
  put_byte(&terms, 1);
  put_nil(&terms);
  assert_refused();
  begin_demand("stdout");
  put_integer(&terms, -1);
  put_nil(&terms);
  assert_refused();
  begin_demand("stdout");
  put_atom(&terms, "all");
  put_nil(&terms);
  assert_refused();
  assert_atom_refused("demand", "stdout");
  assert_byte_refused("demand");
}

static void begin_kill_policy(void) {
  begin_key("orphan_policy");
  put_tuple(&terms, 2);
  put_atom(&terms, "kill");
}

static void the_orphan_policy_is_linger_or_kill(void **state) {
  (void)state;
  begin_key("orphan_policy");
  put_atom(&terms, "linger");
  assert_taken();
  assert_true(request.leave);
  begin_kill_policy();
  put_integer(&terms, 250);
  assert_taken();
  assert_int_equal(request.grace_ms, 250);
  begin_kill_policy();
  put_byte(&terms, 0);
  assert_taken();
  assert_int_equal(request.grace_ms, 0);
  begin_kill_policy();
  put_big(&terms, false, INT64_MAX, 8);
  assert_taken();
  begin_kill_policy();
  put_integer(&terms, -1);
  assert_refused();
  begin_kill_policy();
  put_big(&terms, false, UINT64_MAX, 8);
  assert_refused();
  begin_kill_policy();
  put_atom(&terms, "infinity");
  assert_refused();
  begin_key("orphan_policy");
  put_tuple(&terms, 1);
  put_atom(&terms, "kill");
  assert_refused();
  assert_atom_refused("orphan_policy", "kill");
  assert_byte_refused("orphan_policy");
}

static void lists_of_commands_hold_commands_for_the_child(void **state) {
  (void)state;
  static const char *const keys[] = {"setup", "final", "seal"};
  for (size_t at = 0; at < 3; at++) {
    const struct command_list *list = at == 0 ? &request.setup : &request.final;
    begin_key(keys[at]);
    put_list(&terms, 2);
    put_tuple(&terms, 2);
    put_atom(&terms, "cap_drop_bounding");
    put_byte(&terms, 1);
    put_tuple(&terms, 2);
    put_atom(&terms, "seccomp_install");
    put_binary(&terms, "12345678");
    put_nil(&terms);
    assert_taken();
    assert_int_equal(list->count, 2);
    begin_key(keys[at]);
    put_nil(&terms);
    assert_taken();
    assert_int_equal(list->count, 0);
    begin_key(keys[at]);
    put_list(&terms, 1);
    put_atom(&terms, "proceed"); /* nothing for the child to apply */
    put_nil(&terms);
    assert_refused();
    begin_key(keys[at]);
    put_list(&terms, 1);
    put_tuple(&terms, 2);
    put_atom(&terms, "signal");
    put_byte(&terms, 9);
    put_nil(&terms);
    assert_refused();
    begin_key(keys[at]);
    put_list(&terms, 1);
    put_tuple(&terms, 2);
    put_atom(&terms, "cap_drop_bounding");
    put_atom(&terms, "all");
    put_nil(&terms);
    assert_refused();
    assert_atom_refused(keys[at], "proceed");
  }
}

static void unknown_keys_are_skipped_whatever_their_value(void **state) {
  (void)state;
  begin_request("spawn", 5);
  put_atom(&terms, "unheard_of");
  put_tuple(&terms, 2);
  put_list(&terms, 1);
  put_map(&terms, 1);
  put_nil(&terms);
  put_binary(&terms, "deep");
  put_nil(&terms);
  put_big(&terms, true, 3, 200);
  put_binary(&terms, "argv"); /* no atom, so no key of ours */
  put_nil(&terms);
  put_byte(&terms, 1);
  put_byte(&terms, 2);
  put_list(&terms, 1);
  put_nil(&terms);
  put_nil(&terms);
  put8(&terms, NEW_FLOAT);
  put_zeros(&terms, 8);
  put_atom(&terms, "target"); /* enter's alone */
  put_atom(&terms, "nonsense");
  assert_taken();
  assert_string_equal(request.argv[0], "/bin/true");
}

static void a_key_given_twice_is_refused(void **state) {
  (void)state;
  begin_key("argv");
  put_list(&terms, 1);
  put_binary(&terms, "/bin/false");
  put_nil(&terms);
  assert_refused();
}

static void a_request_cut_short_anywhere_is_refused(void **state) {
  (void)state;
  begin_request("enter", 4);
  put_atom(&terms, "target");
  put_integer(&terms, 1);
  put_atom(&terms, "env");
  put_list(&terms, 1);
  put_string(&terms, "A=b");
  put_nil(&terms);
  put_atom(&terms, "setup");
  put_list(&terms, 1);
  put_tuple(&terms, 4);
  put_atom(&terms, "cap_set_thread");
  put_byte(&terms, 1);
  put_integer(&terms, 2);
  put_big(&terms, false, 3, 8);
  put_nil(&terms);
  put_atom(&terms, "unknown");
  put_tuple(&terms, 1);
  put_binary(&terms, "value");
  assert_taken();
  size_t whole = terms.size;
  for (size_t size = 0; size < whole; size++)
    assert_int_equal(decode_cut(size), -EINVAL);
  put8(&terms, 0);
  assert_refused();
}

/* {pooled, #{...}, {spawn, #{argv => ["/bin/true"]}}} with `pairs` to come in the first map. */
static void begin_pooled(uint32_t pairs) {
  begin(&terms);
  put_tuple(&terms, 3);
  put_atom(&terms, "pooled");
  put_map(&terms, pairs);
}

static void put_bare_request(void) {
  put_tuple(&terms, 2);
  put_atom(&terms, "spawn");
  put_map(&terms, 1);
  put_atom(&terms, "argv");
  put_list(&terms, 1);
  put_binary(&terms, "/bin/true");
  put_nil(&terms);
}

static void what_has_changed_comes_with_a_request(void **state) {
  (void)state;
  begin_pooled(4);
  put_atom(&terms, "dir");
  put_binary(&terms, "/tmp");
  put_atom(&terms, "set");
  put_list(&terms, 1);
  put_binary(&terms, "A=1");
  put_nil(&terms);
  put_atom(&terms, "unset");
  put_list(&terms, 1);
  put_binary(&terms, "B");
  put_nil(&terms);
  put_atom(&terms, "file");
  put_tuple(&terms, 5);
  put_binary(&terms, "/agent");
  for (uint8_t number = 1; number <= 4; number++)
    put_integer(&terms, number);
  put_bare_request();
  assert_int_equal(decode(), 0);
  assert_true(request.pooled.given);
  assert_string_equal(request.pooled.dir, "/tmp");
  assert_string_equal(request.pooled.set[0], "A=1");
  assert_null(request.pooled.set[1]);
  assert_string_equal(request.pooled.unset[0], "B");
  assert_string_equal(request.pooled.file, "/agent");
  assert_int_equal(request.pooled.device, 1);
  assert_int_equal(request.pooled.mtime, 4);
  assert_string_equal(request.argv[0], "/bin/true");
  assert_null(request.cwd);
  for (size_t size = 0; size < terms.size; size++)
    assert_int_equal(decode_cut(size), -EINVAL);
}

static void nothing_may_have_changed(void **state) {
  (void)state;
  begin_pooled(0);
  put_bare_request();
  assert_int_equal(decode(), 0);
  assert_true(request.pooled.given);
  assert_null(request.pooled.dir);
  assert_null(request.pooled.set);
}

static void what_has_changed_is_no_other_request_nor_a_key_of_one(void **state) {
  (void)state;
  begin_pooled(1);
  put_atom(&terms, "set");
  put_list(&terms, 1);
  put_binary(&terms, "=1");
  put_nil(&terms);
  put_bare_request();
  assert_int_equal(decode(), -EINVAL);
  begin_pooled(0);
  put_tuple(&terms, 3);
  put_atom(&terms, "pooled");
  put_map(&terms, 0);
  put_bare_request();
  assert_int_equal(decode(), -EINVAL);
  begin_key("dir");
  put_binary(&terms, "/tmp");
  assert_int_equal(decode(), 0);
  assert_false(request.pooled.given);
  assert_null(request.pooled.dir);
}

static void what_is_no_name_of_a_variable_cannot_be_unset(void **state) {
  static const char *const names[] = {"", "A=B", "="};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    begin_pooled(1);
    put_atom(&terms, "unset");
    put_list(&terms, 1);
    put_binary(&terms, names[i]);
    put_nil(&terms);
    put_bare_request();
    assert_int_equal(decode(), -EINVAL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_name_of_a_variable_cannot_be_unset),
      cmocka_unit_test(what_has_changed_comes_with_a_request),
      cmocka_unit_test(nothing_may_have_changed),
      cmocka_unit_test(what_has_changed_is_no_other_request_nor_a_key_of_one),
      cmocka_unit_test(a_bare_spawn_has_the_documented_defaults),
      cmocka_unit_test(a_request_is_a_pair_of_a_mode_and_a_map),
      cmocka_unit_test(argv_takes_strings_of_every_form),
      cmocka_unit_test(argv_that_is_no_list_of_strings_is_refused),
      cmocka_unit_test(arg0_is_what_the_workload_sees_and_not_what_is_executed),
      cmocka_unit_test(files_are_tried_in_order),
      cmocka_unit_test(a_terminal_needs_no_argv),
      cmocka_unit_test(a_copy_is_kept_without_argv),
      cmocka_unit_test(an_argument_may_be_long),
      cmocka_unit_test(many_short_arguments_fit),
      cmocka_unit_test(a_search_excludes_files),
      cmocka_unit_test(env_replaces_the_environment),
      cmocka_unit_test(env_without_a_name_is_refused),
      cmocka_unit_test(changes_to_the_environment_are_variables_and_names),
      cmocka_unit_test(changes_to_the_environment_without_a_name_are_refused),
      cmocka_unit_test(cwd_is_a_string),
      cmocka_unit_test(a_kill_needs_a_target_and_no_argv),
      cmocka_unit_test(enter_needs_a_target),
      cmocka_unit_test(namespaces_are_named),
      cmocka_unit_test(unknown_namespaces_are_refused),
      cmocka_unit_test(stdio_is_a_word_for_all_three),
      cmocka_unit_test(a_terminal_may_have_a_size),
      cmocka_unit_test(a_terminal_may_have_a_place),
      cmocka_unit_test(settings_of_a_terminal_are_given_one_by_one),
      cmocka_unit_test(wrong_settings_of_a_terminal_are_refused),
      cmocka_unit_test(the_type_of_a_terminal_is_a_string),
      cmocka_unit_test(stdio_is_a_directive_a_stream),
      cmocka_unit_test(wrong_directives_are_refused),
      cmocka_unit_test(a_stream_given_twice_is_refused),
      cmocka_unit_test(flags_are_booleans),
      cmocka_unit_test(the_keyring_is_one_of_two_words),
      cmocka_unit_test(flow_and_descendants_are_words),
      cmocka_unit_test(the_first_demand_is_bytes_by_stream),
      cmocka_unit_test(the_orphan_policy_is_linger_or_kill),
      cmocka_unit_test(lists_of_commands_hold_commands_for_the_child),
      cmocka_unit_test(unknown_keys_are_skipped_whatever_their_value),
      cmocka_unit_test(a_key_given_twice_is_refused),
      cmocka_unit_test(a_request_cut_short_anywhere_is_refused),
  };
  return cmocka_run_group_tests_name("request", tests, NULL, forget);
}
