/* SPDX-License-Identifier: MIT */
/*
 * Mounts (mount_namespaces(7)), in a mount namespace of the session's own. A target is resolved in
 * the calling process's root, out of which no link leads (setup/resolve.h), to a descriptor that is
 * mounted on: nothing is looked up twice.
 *
 * Before Linux 5.12 a single mount gets its attributes once it is attached, and what is recursive
 * fails with ENOSYS. Each function's first line has the letters of its arguments.
 */
#ifndef LINX_SETUP_MOUNTS_H
#define LINX_SETUP_MOUNTS_H

#include "setup/setup.h"

/*
 * KPt: a slot, a path, and of :recursive :nofollow :optional. Opens a copy of the tree at the path,
 * which is private: nothing that is mounted in it shows elsewhere. With :optional a path that does
 * not exist leaves the slot out, and then what attaches it.
 */
setup_fn mounts_open_tree;

/*
 * KLLO: a slot, a type of file system, a source, and the file system's own options. Opens a new
 * one. Options of the mount, such as "ro", are attributes and refused: EINVAL.
 */
setup_fn mounts_open_new;

/* Whether the arguments of that are about a file system that shows cgroups as the process's cgroup
 * namespace has them. */
bool mounts_opens_cgroups(const struct argument *arguments);

/*
 * kPaf: a slot, a target, attributes, and of :nofollow :recursive :keep {:mode, m}. Mounts what the
 * slot holds, and with :keep a copy of it. A target that does not exist is made: a directory with
 * mode 0755 for a directory, else an empty file with mode 0444; {:mode, m} says another mode. The
 * last name of the target is not followed with :nofollow (ELOOP), and neither for procfs and sysfs,
 * because with a link there another directory would show the kernel's files (CVE-2019-19921).
 * ENOTDIR: a directory on something else. EISDIR: the other way round. EINVAL: on the root.
 */
setup_fn mounts_attach;

/* PaaR: a target, attributes to set and to clear, and :recursive. EINVAL: the target is not the
 * root of a mount, or an attribute is in both lists. EPERM: one to clear is locked
 * (mount_namespaces(7)).
 */
setup_fn mounts_set_attributes;

/* PpR: a target, a propagation type, and :recursive. EINVAL as above. */
setup_fn mounts_set_propagation;

/* PD: a target whose last name is not followed, and :detach (umount2(2), MNT_DETACH). */
setup_fn mounts_unmount;

/* P: makes what is at the path, and all that is mounted in it, read-only, by a copy that covers it.
 * A path that does not exist is no failure. EINVAL: the root. */
setup_fn mounts_make_readonly;

/*
 * Pcc: hides what is at the path: a directory below a copy of the second slot, an empty tmpfs, and
 * anything else below one of the first, the null device; both are read-only there. A path that does
 * not exist is no failure. EINVAL: the root, or slots that hold something else or were opened after
 * the root was changed, because an image chooses what that opens (CVE-2025-31133).
 */
setup_fn mounts_mask;

/* -EINVAL for a descriptor of the root: what is mounted there is seen by no path. */
int mounts_check_not_root(int target);

#endif
