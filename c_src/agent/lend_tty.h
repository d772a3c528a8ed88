/* SPDX-License-Identifier: MIT */
/*
 * A person's terminal, lent to a session: {terminal, map} as the request puts the terminal at fd 0
 * into raw mode, reports its size whenever that changes, and restores its settings when a frame
 * asks for it, when fd 3 ends or on a signal that ends a program. So they are restored even when
 * the BEAM is killed.
 */
#ifndef LINX_AGENT_LEND_TTY_H
#define LINX_AGENT_LEND_TTY_H

#include "wire/channel.h"
#include "wire/failure.h"

/*
 * Runs until the settings are restored. {settings, <<struct termios>>} goes to `out` first: the
 * settings before. Frames {winsize, {rows, cols, xpixel, ypixel}} follow, the first once the
 * terminal is raw. A frame {restore, <<struct termios>>} sets those settings and is the end; they
 * may be those that another agent has sent, which was killed before it could restore them.
 */
struct failure terminal_lend(struct channel_in *in, struct channel_out *out);

#endif
