/* SPDX-License-Identifier: MIT */
/* A descriptor passed over a socket (unix(7), SCM_RIGHTS). */
#ifndef LINX_BASE_PASS_FD_H
#define LINX_BASE_PASS_FD_H

/* May be called in the child (launch/child.h). 0 or a negative errno; does not wait. */
int pass_fd_send(int socket, int fd);

/* The descriptor, close-on-exec and the caller's; -EPROTO for another message than pass_fd_send
 * sends; -EAGAIN when there is none; or another negative errno. Does not wait. */
int pass_fd_receive(int socket);

#endif
