/* SPDX-License-Identifier: MIT */
/*
 * The fresh namespaces of a session (namespaces(7)): which of them clone makes, those that the
 * child makes itself, and what is to be in them before the workload is. A session that enters a
 * process's namespaces has none.
 */
#ifndef LINX_LAUNCH_OWN_NAMESPACES_H
#define LINX_LAUNCH_OWN_NAMESPACES_H

#include <stdint.h>

#include "launch/child.h"
#include "wire/command.h"
#include "wire/failure.h"

/* EPERM at the command's stage, where the session has not the namespace that its row in
 * setup/commands.def needs: as root the command would change the host's. And where it is entered
 * and the row needs a fresh one. EINVAL for an argument that names what no namespace has. */
struct failure own_namespaces_allow(const struct child_start *start, enum setup_command command,
                                    const struct argument *arguments);

/* In the agent, before clone: the same for each command of `setup` and `final`; and EINVAL at
 * :time_offsets, where the session has offsets and no fresh time namespace. */
struct failure own_namespaces_check(struct child_start *start);

/*
 * In the agent: the CLONE_NEW* bits for clone. The cgroup namespace is not among them, because its
 * root is the cgroup of the process that makes it, at that moment (cgroup_namespaces(7)), and a
 * child is often moved into its cgroup while it is parked. A time namespace with offsets is not
 * either, because they are refused once it has a member (time_namespaces(7)).
 */
uint64_t own_namespaces_of_clone(const struct child_start *start);

/* In the child: makes a time namespace with offsets and moves into it. Before id 0 is taken, after
 * which /proc/self may be root's of the host. */
struct failure own_namespaces_make_time(const struct child_start *start);

/* In the child: mounts of the host go on to appear inside, and mounts made inside do not appear on
 * the host (mount_namespaces(7)). */
struct failure own_namespaces_make_mounts_slave(const struct child_start *start);

/* In the child: makes the cgroup namespace, which takes CAP_SYS_ADMIN (unshare(2)). */
struct failure own_namespaces_make_cgroup(const struct child_start *start);

#endif
