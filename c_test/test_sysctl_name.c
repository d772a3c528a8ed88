/* SPDX-License-Identifier: MIT */
/* Which kernel parameters belong to a namespace, and where each is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setup/setup.h"
#include "setup/sysctl_name.h"

static char path[SYSCTL_PATH_SIZE];

/* In memory of exactly its size, so that a byte behind it is found out. */
static int find(const char *name, size_t size) {
  char *bytes = malloc(size > 0 ? size : 1);
  assert_non_null(bytes);
  memcpy(bytes, name, size);
  const struct argument_text text = {.bytes = bytes, .size = size};
  int result = sysctl_path(path, &text);
  free(bytes);
  return result;
}

static int needs(const char *name) {
  return find(name, strlen(name));
}

static void each_belongs_to_its_namespace(void **state) {
  static const struct {
    const char *name, *path;
    int needs;
  } rows[] = {
      {"net.ipv4.ip_forward", "sys/net/ipv4/ip_forward", NEEDS_NET},
      {"net/ipv4/ip_forward", "sys/net/ipv4/ip_forward", NEEDS_NET},
      {"net.ipv4.conf.eth0/1.forwarding", "sys/net/ipv4/conf/eth0.1/forwarding", NEEDS_NET},
      {"net/ipv4/conf/eth0.1/forwarding", "sys/net/ipv4/conf/eth0.1/forwarding", NEEDS_NET},
      {"user.max_user_namespaces", "sys/user/max_user_namespaces", NEEDS_USER},
      {"fs.mqueue.msg_max", "sys/fs/mqueue/msg_max", NEEDS_IPC},
      {"kernel.shmmax", "sys/kernel/shmmax", NEEDS_IPC},
      {"kernel/sem", "sys/kernel/sem", NEEDS_IPC},
      {"kernel.msgmax", "sys/kernel/msgmax", NEEDS_IPC},
      {"kernel.domainname", "sys/kernel/domainname", NEEDS_UTS},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(needs(rows[i].name), rows[i].needs);
    assert_string_equal(path, rows[i].path);
  }
}

static void those_of_the_host_are_refused(void **state) {
  static const char *const names[] = {"kernel.hostname",
                                      "kernel.panic",
                                      "kernel.core_pattern",
                                      "vm.swappiness",
                                      "fs.file-max",
                                      "fs.mqueue",
                                      "kernel.semaphore",
                                      "kernel.sem.x",
                                      "kernel.msgmax2",
                                      "kernel.shm",
                                      "kernel.pid_max",
                                      "kernel.domainname.x",
                                      "networking.x",
                                      "net",
                                      "user",
                                      "kernel",
                                      "kernel.modprobe",
                                      "kernel.msg_max"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_int_equal(needs(names[i]), -EINVAL);
}

/* No name leads to another parameter than the one that was looked at. */
static void what_is_no_name_is_refused(void **state) {
  static const char *const names[] = {
      "",       ".",       "/",        "net.",       "net/",     "net..x",
      "net//x", ".net.x",  "/net/x",   "net/x/",     "net.x.",   "net/../kernel/panic",
      "net/..", "net/./x", "net.//.x", "net/x/../y", "../net/x", "net.ipv4.//.x"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_int_equal(needs(names[i]), -EINVAL);
}

static void a_name_has_a_bound(void **state) {
  char name[SYSCTL_PATH_SIZE + 1] = "net/";
  size_t most = SYSCTL_PATH_SIZE - sizeof "sys/";
  (void)state;
  memset(name + 4, 'x', sizeof name - 4);
  assert_int_equal(find(name, most), NEEDS_NET);
  assert_int_equal(strlen(path), SYSCTL_PATH_SIZE - 1);
  for (size_t size = most + 1; size <= sizeof name; size++)
    assert_int_equal(find(name, size), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_belongs_to_its_namespace),
      cmocka_unit_test(those_of_the_host_are_refused),
      cmocka_unit_test(what_is_no_name_is_refused),
      cmocka_unit_test(a_name_has_a_bound),
  };
  return cmocka_run_group_tests_name("sysctl_name", tests, NULL, NULL);
}
