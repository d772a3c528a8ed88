/* SPDX-License-Identifier: MIT */
/*
 * Names of system calls. A name is the same on every architecture (openat(2) is "open"), and calls
 * that do many things have what they do behind a dot: "prctl.PR_SET_DUMPABLE", "write.4",
 * "read.signalfd", "open./proc/N/stat". Reads the traced process and changes nothing.
 */
#ifndef LINX_FAULT_CALLS_H
#define LINX_FAULT_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "descriptors.h"

#define CALL_NAME_SIZE 64

/* The call's name, without what is behind the dot; "N" for a number that has none here. */
void call_base_name(char name[CALL_NAME_SIZE], uint64_t number);

/* The whole name. `pid` is stopped at the call's entry. */
void call_name(char name[CALL_NAME_SIZE], pid_t pid, const struct descriptors *descriptors,
               uint64_t number, const uint64_t arguments[6]);

/* Whether the kernel does what the call is for even when it returns an error (close(2)). */
bool call_is_done_anyway(const char *name);

/* Whether the name matches a pattern: a final '*' stands for any rest. */
bool call_matches(const char *name, const char *pattern);

struct error_name {
  const char *name;
  int number;
};

/* No errno: the process is killed by SIGKILL at the call's entry. */
#define ERROR_KILL 0x10000

/* The errors that are injected; ends with a NULL name. */
extern const struct error_name injected_errors[];

/* "ENOMEM", or the number for an error that is not injected; a static buffer. */
const char *error_text(int number);

#endif
