/* SPDX-License-Identifier: MIT */
/*
 * What the workload says of itself in a page that it shares with the fuzzer: a file that both map,
 * because nothing but fds 0 to 2 reaches a workload.
 */
#ifndef LINX_FUZZ_ACCOUNT_H
#define LINX_FUZZ_ACCOUNT_H

#include <stdatomic.h>

struct account {
  atomic_int started; /* how often main was reached */
  atomic_int ended;   /* the exit status plus one, right before exit */
  atomic_long written[3];
  atomic_long read;
  atomic_int input_ended;   /* fd 0 was read to its end */
  atomic_int wrong_input;   /* a byte was not the pattern's */
  atomic_int output_failed; /* a write failed */
};

/* Of both directions: the byte at an offset of a stream. */
static inline unsigned char account_pattern(long offset) {
  return (unsigned char)('a' + offset % 23);
}

/* The most that the workload writes at once, and so may have written without having counted it. */
#define ACCOUNT_BLOCK 8192L

#endif
