/* SPDX-License-Identifier: MIT */
/* Which user namespace a namespace belongs to (user_namespaces(7), ioctl_ns(2), since Linux 4.9).
 */
#ifndef LINX_LAUNCH_NAMESPACE_OWNER_H
#define LINX_LAUNCH_NAMESPACE_OWNER_H

/*
 * Whether the user namespace that owns `link` is the caller's, or `user_link` or an ancestor of
 * that: 0, or -EPERM. `user_link` is -1 when no user namespace is joined. Both are open files of
 * /proc/<pid>/ns and stay the caller's. Another negative errno when the kernel does not say.
 */
int namespace_owner_check(int link, int user_link);

#endif
