/* SPDX-License-Identifier: MIT */
/* Where a request has the workload's standard streams lead. Pure. */
#ifndef LINX_WIRE_REQUEST_STDIO_H
#define LINX_WIRE_REQUEST_STDIO_H

#include "base/arena.h"
#include "wire/etf.h"

enum stdio_kind {
  STDIO_INHERIT,
  STDIO_DEVNULL,
  STDIO_CONNECT_UNIX,
  STDIO_PIPE,
  STDIO_FILE_READ,
  STDIO_FILE_WRITE,
  STDIO_FILE_APPEND,
  STDIO_TO_STDOUT, /* stderr only: the open file description of fd 1 */
};

struct stdio_directive {
  enum stdio_kind kind;
  const char *path; /* CONNECT_UNIX and FILE_*; in the arena */
};

/* Decodes the list that the reader stands on, of directives for some of stdin, stdout and stderr:
 * 0, -EINVAL, or -ENOMEM. */
int stdio_directives_decode(struct stdio_directive directives[3], struct term_reader *reader,
                            struct arena *arena);

#endif
