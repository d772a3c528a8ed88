/* SPDX-License-Identifier: MIT */
#include "setup/terminal.h"

#include <errno.h>
#include <unistd.h>

#include "base/pty.h"

int terminal_set_winsize(struct setup *setup, const struct argument *arguments) {
  if (!setup->has_terminal)
    return -ENOTTY;
  return pty_set_winsize(STDIN_FILENO, arguments->cells.rows, arguments->cells.cols,
                         arguments->cells.xpixel, arguments->cells.ypixel);
}
