/* SPDX-License-Identifier: MIT */
/* A pseudoterminal pair, made on the host (pty(7)), step by step. Functions return a descriptor
 * that is close-on-exec and the caller's, or 0, or a negative errno. */
#ifndef LINX_BASE_PTY_H
#define LINX_BASE_PTY_H

/* The master, non-blocking. */
int pty_open_master(void);
int pty_unlock(int master);

/* The other end: without a name (TIOCGPTPEER), -EINVAL or -ENOTTY before Linux 4.13; or by its
 * name, for which the number is asked first. */
int pty_open_peer(int master);
int pty_number(int master, unsigned *number);
int pty_open_numbered(unsigned number);

int pty_set_winsize(int fd, unsigned rows, unsigned cols, unsigned xpixel, unsigned ypixel);
int pty_copy_winsize(int from, int to);

#endif
