/* SPDX-License-Identifier: MIT */
/* The terminal at fd 0 of the calling process. */
#ifndef LINX_SETUP_TERMINAL_H
#define LINX_SETUP_TERMINAL_H

#include "setup/setup.h"

/* w: its size (ioctl_tty(2), TIOCSWINSZ). -ENOTTY in a session without a terminal. */
setup_fn terminal_set_winsize;

#endif
