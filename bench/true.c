/* SPDX-License-Identifier: MIT */
/*
 * The workload of every measurement: an ordinary static C program that does nothing. With an
 * argument it stays until it is killed, for sessions that have to be there for a while.
 */
#include <unistd.h>

int main(int argc, char *argv[]) {
  (void)argv;
  while (argc > 1)
    pause();
  return 0;
}
