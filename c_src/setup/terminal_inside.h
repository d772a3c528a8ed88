/* SPDX-License-Identifier: MIT */
/*
 * A terminal of the devpts instance that is mounted at /dev/pts of the workload's own root, so that
 * its name leads to it there (ttyname(3)). Everything in that tree may be another's: a link, a
 * FIFO, a file system whose owner chooses what its files do. Nothing of it is trusted but a
 * descriptor that the kernel says to be of a devpts, and no path leads to the terminal's other end
 * (CVE-2025-52565).
 */
#ifndef LINX_SETUP_TERMINAL_INSIDE_H
#define LINX_SETUP_TERMINAL_INSIDE_H

#include "setup/setup.h"

/*
 * Puts such a terminal into the place of the one at fds 0, 1 and 2, with its size, its settings and
 * its owner, makes it the controlling terminal, and passes its master to the agent. Where the
 * terminal is of that instance already only the controlling terminal is set. Once; later calls
 * return 0. Nothing has changed when it fails: -ENODEV when what is there is no devpts, or another
 * negative errno.
 */
int terminal_inside_open(struct setup *setup);

/* The same, as a command. -EINVAL in a session whose terminal is the host's. */
setup_fn terminal_inside_command;

#endif
