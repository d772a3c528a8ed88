/*
 * A person's terminal, lent to a session: {terminal, map} as the request puts the terminal at fd 0
 * into raw mode, tells its size whenever that changes, and gives it back as it was when fd 3 ends
 * or a signal asks for the end. So it is given back even when the BEAM is killed.
 */
#ifndef LINX_TERMINAL_H
#define LINX_TERMINAL_H

#include "channel.h"

/* Runs to the end, which `in` tells. Frames {winsize, {rows, cols, xpixel, ypixel}} go to `out`,
 * the first once the terminal is raw. 0 or a negative errno with *stage: nothing has been changed
 * then. */
int terminal_lend(struct channel_in *in, struct channel_out *out, enum stage *stage);

#endif
