/* SPDX-License-Identifier: MIT */
/* Keeping the agent's descriptors off 0, 1 and 2, and closing those that were inherited. */
#ifndef LINX_BASE_FDS_H
#define LINX_BASE_FDS_H

/* Occupies whichever of 0, 1, 2 are closed with /dev/null, so that nothing the agent opens lands
 * there. 0 or a negative errno. */
int fds_occupy_standard(void);

/* Closes every descriptor from `first` on: close_range(2), or what /proc/self/fd lists, or one by
 * one up to RLIMIT_NOFILE. Allocates nothing. 0 or a negative errno. */
int fds_close_from(int first);

/* 0 or a negative errno. */
int fds_set_nonblocking(int fd);

#endif
