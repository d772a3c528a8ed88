/* SPDX-License-Identifier: MIT */
#include "setup/directory.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/syscalls.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

int directory_read_path(char path[PATH_MAX]) {
  path[0] = '\0';
  long length = sys_call(SYS_getcwd, path, PATH_MAX);
  return length < 0 ? (int)length : path[0] == '/' ? 0 : -ENOENT;
}

int directory_change(struct setup *setup, const struct argument *arguments) {
  static char wanted[PATH_MAX];
  char path[PATH_MAX];
  text_copy(wanted, &arguments[0].text);
  cleanup_close int fd = resolve_open(wanted, O_PATH | O_DIRECTORY);
  int result = fd < 0 ? fd : (int)sys_call(SYS_fchdir, fd);
  if (result == 0)
    result = directory_read_path(path);
  if (result < 0)
    return result;
  setup->directory.wanted = wanted;
  setup->directory.is_new = true;
  return 0;
}
