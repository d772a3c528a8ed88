/* SPDX-License-Identifier: MIT */
/* The settings of a terminal (termios(3)), set before a program uses it. */
#ifndef LINX_BASE_PTY_MODES_H
#define LINX_BASE_PTY_MODES_H

#include <stdbool.h>
#include <termios.h>

enum pty_flag { PTY_FLAG_KEEP, PTY_FLAG_OFF, PTY_FLAG_ON };

/* What is given is set in the order of the members; what is not given stays as it is. */
struct pty_modes {
  bool has_like;
  struct termios like; /* another terminal's: its flags and control characters */
  bool raw;            /* as cfmakeraw(3) */
  enum pty_flag echo;
  enum pty_flag iutf8;
};

/* 0 or a negative errno. May be called in the child (launch/child.h). */
int pty_set_modes(int fd, const struct pty_modes *modes);

/* Gives the terminal `to` the settings of `from`. The same. */
int pty_copy_modes(int from, int to);

#endif
