/* SPDX-License-Identifier: MIT */
/*
 * The workload of the measurements of stdio.
 *
 *   stream pour BYTES     writes that many to stdout; without a number, until the reader has closed
 * it stream drain BYTES    reads that many from stdin, and exits stream sip            reads a
 * little from stdin every millisecond stream wait           reads nothing, and stays
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char block[65536];

static int pour(uint64_t left) {
  memset(block, 'x', sizeof block);
  while (left > 0) {
    ssize_t count = write(STDOUT_FILENO, block, left < sizeof block ? left : sizeof block);
    if (count <= 0)
      return 1;
    left -= (uint64_t)count;
  }
  return 0;
}

static int drain(uint64_t left) {
  while (left > 0) {
    ssize_t count = read(STDIN_FILENO, block, left < sizeof block ? left : sizeof block);
    if (count <= 0)
      return 1;
    left -= (uint64_t)count;
  }
  return 0;
}

static int sip(void) {
  const struct timespec pause = {.tv_nsec = 1000000};
  while (read(STDIN_FILENO, block, 4096) > 0)
    nanosleep(&pause, NULL);
  return 0;
}

int main(int argc, char *argv[]) {
  uint64_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX;
  if (argc > 1 && strcmp(argv[1], "pour") == 0)
    return pour(bytes);
  if (argc > 1 && strcmp(argv[1], "drain") == 0)
    return drain(bytes);
  if (argc > 1 && strcmp(argv[1], "sip") == 0)
    return sip();
  while (argc > 1 && strcmp(argv[1], "wait") == 0)
    pause();
  return 2;
}
