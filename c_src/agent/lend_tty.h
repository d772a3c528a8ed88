/* SPDX-License-Identifier: MIT */
/*
 * A person's terminal, lent to a session: {terminal, map} as the request puts the terminal at fd 0
 * into raw mode, tells its size whenever that changes, and gives it back as it was when it is told
 * to, when fd 3 ends or when a signal asks for the end. So it is given back even when the BEAM is
 * killed.
 */
#ifndef LINX_AGENT_LEND_TTY_H
#define LINX_AGENT_LEND_TTY_H

#include "wire/channel.h"
#include "wire/failure.h"

/*
 * Runs to the end, which `in` tells. {settings, <<struct termios>>} goes to `out` first: what the
 * terminal was. Frames {winsize, {rows, cols, xpixel, ypixel}} follow, the first once it is raw. A
 * frame {restore, <<struct termios>>} sets those settings and is the end; they may be what another
 * agent has told, one that was killed before it could give the terminal back.
 */
struct failure terminal_lend(struct channel_in *in, struct channel_out *out);

#endif
