/* SPDX-License-Identifier: MIT */
/*
 * What a process has, a line a fact, as /proc shows it: ids, capabilities, filters, signals,
 * namespaces, descriptors, directories, terminal. Numbers that differ from run to run are left out,
 * so that two runs of one session have the same text.
 */
#ifndef LINX_FAULT_FACTS_H
#define LINX_FAULT_FACTS_H

#include <stddef.h>
#include <sys/types.h>

#define NAMESPACES 8

/* The namespaces of a process, by their inodes; 0 for a kind that the kernel lacks. */
struct namespaces {
  unsigned long inodes[NAMESPACES];
};

/* Names as in /proc/<pid>/ns, with the flags of clone(2). */
extern const struct namespace_name {
  const char *link;
  unsigned long flag;
} namespace_names[NAMESPACES];

/* Returns 0 or a negative errno. */
int namespaces_of(pid_t pid, struct namespaces *namespaces);

/* `own` are the test's namespaces, `target` (may be NULL) those that are entered. */
void facts_read(pid_t pid, const struct namespaces *own, const struct namespaces *target,
                char *facts, size_t size);

#endif
