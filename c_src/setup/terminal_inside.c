/* SPDX-License-Identifier: MIT */
#include "setup/terminal_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "base/openat2.h"
#include "base/pass_fd.h"
#include "base/pty.h"
#include "base/pty_modes.h"
#include "base/syscalls.h"

/* linux/magic.h; Documentation/admin-guide/devices.txt */
#define DEVPTS_MAGIC 0x1cd1
#define PTMX_MAJOR   5
#define PTMX_MINOR   2

#define DIRECTORY    (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool is_devpts(int fd) {
  struct statfs system = {.f_type = 0};
  return sys_call(SYS_fstatfs, fd, &system) == 0 && system.f_type == DEVPTS_MAGIC;
}

/* Each directory by itself, because only the last of a path is kept from being a link. */
static int open_directory(void) {
  static const char *const names[] = {"dev", "pts"};
  int fd = sys_open("/", DIRECTORY);
  for (int i = 0; i < 2 && fd >= 0; i++) {
    int inner = (int)sys_call(SYS_openat, fd, names[i], DIRECTORY, 0);
    sys_close(fd);
    fd = inner;
  }
  if (fd >= 0 && !is_devpts(fd)) {
    sys_close(fd);
    return -ENODEV;
  }
  return fd;
}

static int check_ptmx(int fd) {
  struct device device;
  int result = device_find(&device, fd);
  if (result < 0)
    return result;
  bool is_ptmx = S_ISCHR(device.mode) && device.major == PTMX_MAJOR && device.minor == PTMX_MINOR;
  return is_ptmx && is_devpts(fd) ? 0 : -ENODEV;
}

/* A devpts has no files but its own, and another may be mounted upon one of them. It is looked at
 * before it is opened, which would wait for a FIFO, and again because it may have been exchanged.
 */
static int open_ptmx(int directory, int flags) {
  long fd = sys_openat2(directory, "ptmx", flags,
                        RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (fd == -ENOSYS)
    fd = sys_call(SYS_openat, directory, "ptmx", flags | O_NOFOLLOW, 0);
  if (fd < 0)
    return (int)fd;
  int result = check_ptmx((int)fd);
  if (result < 0)
    sys_close((int)fd);
  return result < 0 ? result : (int)fd;
}

static int open_master(int directory) {
  cleanup_close int seen = open_ptmx(directory, O_PATH | O_CLOEXEC);
  return seen < 0 ? seen : open_ptmx(directory, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* 1, 0 or a negative errno. */
static int is_of(int terminal, int directory) {
  struct inode here;
  struct inode there;
  int result = inode_find(&here, terminal, "");
  if (result == 0)
    result = inode_find(&there, directory, "");
  return result != 0 ? result : here.major == there.major && here.minor == there.minor;
}

/* That the command own_stdio has given the terminal to. Without it the terminal is the process's
 * own, or follows its ids (setup/stdio_owner.h). */
static int copy_owner(const struct setup *setup, int peer) {
  struct device device;
  if (!setup->stdio.is_given)
    return 0;
  int result = device_find(&device, STDIN_FILENO);
  return result < 0 ? result : (int)sys_call(SYS_fchown, peer, device.uid, UINT32_MAX);
}

static int copy_settings(const struct setup *setup, int peer) {
  int result = pty_copy_modes(STDIN_FILENO, peer);
  if (result == 0)
    result = pty_copy_winsize(STDIN_FILENO, peer);
  return result == 0 ? copy_owner(setup, peer) : result;
}

static int replace(const struct setup *setup, int directory) {
  cleanup_close int master = open_master(directory);
  if (master < 0)
    return master;
  int result = pty_unlock(master);
  if (result < 0)
    return result;
  cleanup_close int peer = pty_open_peer(master);
  if (peer < 0)
    return peer;
  result = copy_settings(setup, peer);
  if (result == 0)
    result = sys_ioctl(peer, TIOCSCTTY, 0);
  if (result == 0)
    result = pass_fd_send(setup->terminal.socket, master);
  for (int fd = 0; fd < 3 && result >= 0; fd++)
    result = sys_dup(peer, fd, 0);
  return result < 0 ? result : 0;
}

int terminal_inside_open(struct setup *setup) {
  if (setup->terminal.is_settled)
    return 0;
  cleanup_close int directory = open_directory();
  if (directory < 0)
    return directory;
  int same = is_of(STDIN_FILENO, directory);
  if (same < 0)
    return same;
  int result = same ? sys_ioctl(STDIN_FILENO, TIOCSCTTY, 0) : replace(setup, directory);
  setup->terminal.is_settled = result == 0;
  setup->terminal.is_passed = result == 0 && !same;
  return result;
}

int terminal_inside_command(struct setup *setup, const struct argument *arguments) {
  (void)arguments;
  return setup->terminal.socket < 0 ? -EINVAL : terminal_inside_open(setup);
}
