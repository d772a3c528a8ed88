/* SPDX-License-Identifier: MIT */
/*
 * Seccomp filters (seccomp(2)). A filter sent at the checkpoint is tried there and installed as the
 * last thing before exec. Everything here runs in the child.
 */
#ifndef LINX_SETUP_SECCOMP_H
#define LINX_SETUP_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

/* The filters accepted so far, in order; owns a mapping for each. */
struct seccomp_filters {
  struct seccomp_filter *first;
  struct seccomp_filter *last;
};

struct setup;
struct argument;

/*
 * b: copies an array of struct sock_filter and has the kernel judge it, on top of those before it,
 * in a process of its own. -EINVAL for what is no filter, or the kernel's refusal.
 */
int seccomp_add(struct setup *setup, const struct argument *arguments);

/* Installs all of them on the calling process. 0 or a negative errno. */
int seccomp_filters_install(const struct seccomp_filters *filters);

#endif
