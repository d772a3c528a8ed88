/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/mount_attach.h"
#include "setup/mount_calls.h"
#include "setup/mounts.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

static bool is_recursive(const struct argument *flags) {
  return (flags->flags.bits & FLAG_RECURSIVE) != 0;
}

/* A time of access is a value of a field, so that another one may be cleared and set at once. */
static bool contradict(uint64_t set, uint64_t clear) {
  return (set & clear) != 0;
}

int mounts_set_attributes(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  struct mount_attributes attributes = mount_attributes_of(arguments[1].mask, arguments[2].mask);
  (void)setup;
  if (contradict(arguments[1].mask, arguments[2].mask))
    return -EINVAL;
  text_copy(path, &arguments[0].text);
  cleanup_close int fd = resolve_open(path, O_PATH);
  struct mount_target target = {.fd = fd, .path = path};
  return fd < 0 ? fd
                : mount_change_attributes(fd, &target, &attributes, is_recursive(&arguments[3]));
}

int mounts_set_propagation(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  (void)setup;
  text_copy(path, &arguments[0].text);
  cleanup_close int fd = resolve_open(path, O_PATH);
  struct mount_target target = {.fd = fd, .path = path};
  return fd < 0 ? fd
                : mount_change_propagation(fd, &target, arguments[1].mask,
                                           is_recursive(&arguments[2]));
}

int mounts_unmount(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  char name[NAME_MAX + 1];
  (void)setup;
  text_copy(path, &arguments[0].text);
  cleanup_close int parent = resolve_entry(path, false, false, name);
  const struct mount_place place = {.directory = parent, .name = name};
  return parent < 0 ? parent : mount_remove(&place, (arguments[1].flags.bits & FLAG_DETACH) != 0);
}
