/* SPDX-License-Identifier: MIT */
/* Opening a path without leaving the root: the walk and openat2(2) find the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/resolve.h"

static char directory[] = "/tmp/linx-resolve-XXXXXX";
static char path[PATH_MAX];

static const char *in(const char *name) {
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void link_to(const char *target, const char *name) {
  assert_int_equal(symlink(target, in(name)), 0);
}

static int prepare(void **state) {
  (void)state;
  assert_non_null(mkdtemp(directory));
  assert_int_equal(mkdir(in("a"), 0755), 0);
  assert_int_equal(mkdir(in("a/b"), 0755), 0);
  int fd = open(in("a/file"), O_WRONLY | O_CREAT, 0644);
  assert_true(fd >= 0);
  close(fd);
  link_to("a/file", "relative");
  link_to("relative", "twice");
  link_to("loop", "loop");
  link_to("a/b/../../a/b/.././file", "dots");
  link_to("/../../../../../../../../../..", "above");
  link_to("a/file/", "slash");
  link_to("nowhere", "dangling");
  char target[PATH_MAX];
  snprintf(target, sizeof target, "%s/a", directory);
  link_to(target, "absolute");
  return 0;
}

static int clean(void **state) {
  (void)state;
  char command[PATH_MAX];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  return system(command);
}

static void assert_found(const char *name, const char *same) {
  struct stat expected, found;
  char wanted[PATH_MAX];
  strcpy(wanted, in(same));
  assert_int_equal(stat(wanted, &expected), 0);
  for (int walks = 0; walks < 2; walks++) {
    const char *which = name[0] == '/' ? name : in(name);
    int fd = walks ? resolve_walk(which, O_RDONLY) : resolve_open(which, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &found), 0);
    assert_true(found.st_ino == expected.st_ino && found.st_dev == expected.st_dev);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
  }
}

static void assert_refused(const char *name, int error) {
  const char *which = name[0] == '/' ? name : in(name);
  assert_int_equal(resolve_open(which, O_RDONLY), -error);
  assert_int_equal(resolve_walk(which, O_RDONLY), -error);
}

static void links_are_followed(void **state) {
  (void)state;
  assert_found("a/file", "a/file");
  assert_found("twice", "a/file");
  assert_found("dots", "a/file");
  assert_found("absolute/file", "a/file");
  assert_found("absolute/./b/..//file", "a/file");
  assert_found("a", "a");
  assert_found("a/b/..", "a");
}

static void above_the_root_is_the_root(void **state) {
  (void)state;
  char outside[PATH_MAX];
  snprintf(outside, sizeof outside, "/../..%s/a/file", directory);
  assert_found(outside, "a/file");
  snprintf(outside, sizeof outside, "%s/above%s/a/file", directory, directory);
  assert_found(outside, "a/file");
}

static void what_leads_nowhere_is_refused(void **state) {
  (void)state;
  assert_refused("loop", ELOOP);
  assert_refused("nothing", ENOENT);
  assert_refused("dangling", ENOENT);
  assert_refused("a/file/more", ENOTDIR);
  assert_refused("slash", ENOTDIR);
}

static void descriptors_are_not_left_behind(void **state) {
  (void)state;
  int before = dup(0);
  close(before);
  what_leads_nowhere_is_refused(state);
  int after = dup(0);
  close(after);
  assert_int_equal(before, after);
}

static void a_link_of_proc_to_another_root_is_not_followed(void **state) {
  (void)state;
  int fd = resolve_open("/proc/1/root/etc/passwd", O_RDONLY);
  assert_true(fd < 0);
  fd = resolve_open("/proc/self/root/etc/passwd", O_RDONLY);
  assert_int_equal(fd, -ELOOP);
}

static void directories_may_be_nested_up_to_a_bound(void **state) {
  (void)state;
  char deep[PATH_MAX] = "/";
  for (int i = 0; i < 100; i++)
    strcat(deep, "tmp/../");
  strcat(deep, directory + 1);
  strcat(deep, "/a/file");
  assert_found(deep, "a/file");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(links_are_followed),
      cmocka_unit_test(above_the_root_is_the_root),
      cmocka_unit_test(what_leads_nowhere_is_refused),
      cmocka_unit_test(descriptors_are_not_left_behind),
      cmocka_unit_test(a_link_of_proc_to_another_root_is_not_followed),
      cmocka_unit_test(directories_may_be_nested_up_to_a_bound),
  };
  return cmocka_run_group_tests(tests, prepare, clean);
}
