/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/mount_api.h"
#include "setup/mounts.h"
#include "setup/path_text.h"

/* What mount(8) has as options and the kernel as attributes of a mount. */
static const char *const attributes[] = {
    "ro",       "rw",         "suid",        "nosuid",        "dev",         "nodev",
    "exec",     "noexec",     "atime",       "noatime",       "diratime",    "nodiratime",
    "relatime", "norelatime", "strictatime", "nostrictatime", "symfollow",   "nosymfollow",
    "bind",     "rbind",      "remount",     "private",       "rprivate",    "slave",
    "rslave",   "shared",     "rshared",     "unbindable",    "runbindable",
};

static bool is_attribute(const struct argument_text *name) {
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
    if (text_is(name, attributes[i]))
      return true;
  return false;
}

static int configure(int fs, unsigned command, const char *name, const char *value) {
  return (int)sys_call(SYS_fsconfig, fs, command, name, value, 0);
}

static int set_option(int fs, const struct argument_option *option) {
  char name[PATH_MAX];
  char value[PATH_MAX];
  if (is_attribute(&option->name))
    return -EINVAL;
  text_copy(name, &option->name);
  if (!option->has_value)
    return configure(fs, FS_SET_FLAG, name, NULL);
  text_copy(value, &option->value);
  return configure(fs, FS_SET_STRING, name, value);
}

static int open_new(const struct argument *arguments, bool *has_mode) {
  char text[PATH_MAX];
  struct argument options = arguments[3];
  struct argument_option option;
  text_copy(text, &arguments[1].text);
  cleanup_close int fs = (int)sys_call(SYS_fsopen, text, FS_CLOEXEC);
  if (fs < 0)
    return fs;
  text_copy(text, &arguments[2].text);
  int result = configure(fs, FS_SET_STRING, "source", text);
  while (result == 0 && argument_next_option(&options, &option)) {
    *has_mode = *has_mode || text_is(&option.name, "mode");
    result = set_option(fs, &option);
  }
  if (result == 0)
    result = configure(fs, FS_CREATE, NULL, NULL);
  return result < 0 ? result : (int)sys_call(SYS_fsmount, fs, FS_CLOEXEC, 0);
}

/* Without the option "mode" a tmpfs has mode 1777, which a directory that it covers need not have.
 */
int mounts_open_new(struct setup *setup, const struct argument *arguments) {
  bool has_mode = false;
  int fd = open_new(arguments, &has_mode);
  bool takes_mode = text_is(&arguments[1].text, "tmpfs") && !has_mode;
  return slots_put(&setup->slots, arguments[0].slot, fd,
                   SLOT_IS_NEW | (takes_mode ? SLOT_TAKES_MODE : 0));
}

bool mounts_opens_cgroups(const struct argument *arguments) {
  return text_is(&arguments[1].text, "cgroup2") || text_is(&arguments[1].text, "cgroup");
}
