/* SPDX-License-Identifier: MIT */
/*
 * Prints a seccomp filter, an array of struct sock_filter as libseccomp writes it:
 *
 *   filter [--default ACTION] [ACTION NAME,NAME...]... [--pad-to INSTRUCTIONS]
 *
 * ACTION is --allow, --kill, --kill-thread, --trap, --log or --errno=NUMBER (without the dashes
 * after
 * --default, which is allow unless given). --pad-to fills the program up with jumps to the next
 * instruction, which change nothing; 4096 is the most that the kernel takes (seccomp(2)).
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_INSTRUCTIONS 4096

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void fail(const char *format, ...) {
  va_list values;

  va_start(values, format);
  fputs("filter: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(64);
}

static const struct {
  const char *name;
  uint32_t action;
} actions[] = {
    {"allow", SCMP_ACT_ALLOW},
    {"kill", SCMP_ACT_KILL_PROCESS},
    {"kill-thread", SCMP_ACT_KILL_THREAD},
    {"trap", SCMP_ACT_TRAP},
    {"log", SCMP_ACT_LOG},
};

static uint32_t action_named(const char *name) {
  for (size_t at = 0; at < sizeof(actions) / sizeof(actions[0]); at++)
    if (strcmp(name, actions[at].name) == 0)
      return actions[at].action;
  if (strncmp(name, "errno=", strlen("errno=")) == 0)
    return SCMP_ACT_ERRNO((uint32_t)atoi(name + strlen("errno=")));
  fail("no action %s", name);
}

static void add_rules(scmp_filter_ctx filter, uint32_t action, char *names) {
  for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
    int number = seccomp_syscall_resolve_name(name);
    int error = number == __NR_SCMP_ERROR ? -ENOSYS : seccomp_rule_add(filter, action, number, 0);

    if (error < 0)
      fail("%s: %s", name, strerror(-error));
  }
}

static size_t export(scmp_filter_ctx filter, struct sock_filter *program) {
  FILE *file = tmpfile();
  size_t count;

  if (file == NULL || seccomp_export_bpf(filter, fileno(file)) < 0)
    fail("the filter cannot be written");
  rewind(file);
  count = fread(program, sizeof(*program), MOST_INSTRUCTIONS, file);
  fclose(file);
  return count;
}

int main(int argc, char **argv) {
  static struct sock_filter program[MOST_INSTRUCTIONS];
  const struct sock_filter step = BPF_STMT(BPF_JMP | BPF_JA, 0);
  uint32_t otherwise = SCMP_ACT_ALLOW;
  size_t count, length = 0;
  scmp_filter_ctx filter;

  if (argc % 2 == 0)
    fail("every option takes a value");
  if (argc > 1 && strcmp(argv[1], "--default") == 0)
    otherwise = action_named(argv[2]);
  filter = seccomp_init(otherwise);
  for (int at = 1; at + 1 < argc; at += 2) {
    if (strcmp(argv[at], "--pad-to") == 0)
      length = strtoul(argv[at + 1], NULL, 10);
    else if (strncmp(argv[at], "--", 2) != 0)
      fail("no option %s", argv[at]);
    else if (strcmp(argv[at], "--default") != 0)
      add_rules(filter, action_named(argv[at] + 2), argv[at + 1]);
  }
  count = export(filter, program);
  if (length > MOST_INSTRUCTIONS || (length > 0 && length < count))
    fail("cannot pad %zu instructions to %zu", count, length);
  for (; length > count; length--)
    fwrite(&step, sizeof(step), 1, stdout);
  fwrite(program, sizeof(*program), count, stdout);
  return fflush(stdout) == 0 ? 0 : 74;
}
