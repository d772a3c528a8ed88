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

/*
 * Copies an array of struct sock_filter of `size` bytes and has the kernel judge it, on top of
 * those before it, in a process of its own. 0, -EINVAL for what is no filter, or the kernel's
 * refusal.
 */
int seccomp_filters_add(struct seccomp_filters *filters, const uint8_t *program, size_t size);

/* Installs all of them on the calling process. 0 or a negative errno. */
int seccomp_filters_install(const struct seccomp_filters *filters);

#endif
