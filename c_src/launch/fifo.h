/* SPDX-License-Identifier: MIT */
/*
 * A named pipe as stdin, stdout or stderr. open(2) waits until a process has the other side open
 * (fifo(7)); the child may not have the right to open it, and the agent must not wait. So a thread
 * of the agent's opens it, with the agent's ids, and sends the descriptor to the child, which waits
 * for it before exec. Until then the child's end of a socket is in its place.
 */
#ifndef LINX_LAUNCH_FIFO_H
#define LINX_LAUNCH_FIFO_H

#include <signal.h>

/*
 * In the agent, before the child exists: begins to open the FIFO at `path`, which becomes `fd`, 0
 * to 2, with the access mode `flags`. Which file it is and whether it may be opened is found out
 * now. Returns the child's end of the socket, close-on-exec; -ENOTTY when the path is no FIFO's;
 * another negative errno. *thread is the id of the thread, which FIFO_CANCEL ends while it waits
 * (tgkill(2)): once there is no child, no process is to find another side that nothing is behind.
 */
int fifo_begin(int fd, const char *path, int flags, int *thread);

#define FIFO_CANCEL SIGURG

/* In the child: whether the FIFO has been opened, or could not be. Does not wait. */
int fifo_is_opened(int fd);

/* In the child: waits, and puts the FIFO into the place of the socket at `fd`. 0; -EPIPE when the
 * agent is gone; another negative errno, of open(2) as well. */
int fifo_await(int fd);

#endif
