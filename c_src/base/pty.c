/* SPDX-License-Identifier: MIT */
#include "base/pty.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/decimal.h"
#include "base/syscalls.h"

/* ioctl_tty(2); not in musl's headers */
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

#define SLAVE_FLAGS (O_RDWR | O_NOCTTY | O_CLOEXEC)

int pty_open_master(void) {
  return sys_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

int pty_unlock(int master) {
  int unlocked = 0;
  return sys_ioctl(master, TIOCSPTLCK, &unlocked);
}

int pty_open_peer(int master) {
  return (int)sys_call(SYS_ioctl, master, TIOCGPTPEER, SLAVE_FLAGS);
}

int pty_number(int master, unsigned *number) {
  return sys_ioctl(master, TIOCGPTN, number);
}

int pty_open_numbered(unsigned number) {
  char path[9 + DECIMAL_SIZE] = "/dev/pts/";
  decimal_format(path + 9, number);
  return sys_open(path, SLAVE_FLAGS);
}

int pty_set_winsize(int fd, unsigned rows, unsigned cols, unsigned xpixel, unsigned ypixel) {
  const struct winsize size = {(unsigned short)rows, (unsigned short)cols, (unsigned short)xpixel,
                               (unsigned short)ypixel};
  return sys_ioctl(fd, TIOCSWINSZ, &size);
}

int pty_copy_winsize(int from, int to) {
  struct winsize size = {.ws_row = 0};
  int result = sys_ioctl(from, TIOCGWINSZ, &size);
  return result < 0 ? result : sys_ioctl(to, TIOCSWINSZ, &size);
}
