/* SPDX-License-Identifier: MIT */
#include "base/pty_modes.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/syscalls.h"

/* Local flags that say what state a terminal is in, and not what its user wants: input that is to
 * be printed again, output that is discarded, and a remote end that processes the input. */
#define STATE_FLAGS (PENDIN | FLUSHO | EXTPROC)

/* Not the line discipline, which is the terminal's own. */
static void take_over(struct termios *settings, const struct termios *like) {
  settings->c_iflag = like->c_iflag;
  settings->c_oflag = like->c_oflag;
  settings->c_cflag = like->c_cflag;
  settings->c_lflag = like->c_lflag & ~(tcflag_t)STATE_FLAGS;
  memcpy(settings->c_cc, like->c_cc, sizeof settings->c_cc);
}

static void set_flag(tcflag_t *flags, tcflag_t bit, enum pty_flag value) {
  if (value == PTY_FLAG_ON)
    *flags |= bit;
  else if (value == PTY_FLAG_OFF)
    *flags &= ~bit;
}

int pty_copy_modes(int from, int to) {
  struct termios settings = {0};
  int result = sys_ioctl(from, TCGETS, &settings);
  return result < 0 ? result : sys_ioctl(to, TCSETS, &settings);
}

/* The kernel's structure is the beginning of libc's (ioctl_tty(2)). */
int pty_set_modes(int fd, const struct pty_modes *modes) {
  if (!modes->has_like && !modes->raw && modes->echo == PTY_FLAG_KEEP &&
      modes->iutf8 == PTY_FLAG_KEEP)
    return 0;
  struct termios settings = {0};
  int result = sys_ioctl(fd, TCGETS, &settings);
  if (result < 0)
    return result;
  if (modes->has_like)
    take_over(&settings, &modes->like);
  if (modes->raw)
    cfmakeraw(&settings);
  set_flag(&settings.c_lflag, ECHO, modes->echo);
  set_flag(&settings.c_iflag, IUTF8, modes->iutf8);
  return sys_ioctl(fd, TCSETS, &settings);
}
