/* SPDX-License-Identifier: MIT */
/*
 * A workload that means harm: hostile PART. Says "ready" on fd 2 when it has come to the point
 * where it waits for its end.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void wait_for_the_end(void) {
  if (write(2, "ready\n", 6) != 6)
    exit(1);
  for (;;)
    pause();
}

static void write_all(char byte, size_t size) {
  static char bytes[1 << 16];

  memset(bytes, byte, size);
  if (write(1, bytes, size) != (ssize_t)size)
    exit(1);
}

/* Packets in its pipe (O_DIRECT, pipe(2)): a read that is too short for one throws its rest away.
 * What comes before, a page less than a reader's 64 KiB, makes the read too short. */
static void play_packets(void) {
  write_all('a', 15 * 4096);
  if (fcntl(1, F_SETFL, O_WRONLY | O_DIRECT) < 0)
    exit(1);
  write_all('b', 4096);
  wait_for_the_end();
}

/* A splice that waits for a full socket keeps its pipe locked: what writes to this program's
 * stdin waits too, and no signal reaches it. */
static void play_lock(void) {
  static char bytes[1 << 16];
  int ends[2];
  struct pollfd input = {.fd = 0, .events = POLLIN};

  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
    exit(1);
  while (send(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
  if (poll(&input, 1, -1) != 1)
    exit(1);
  splice(0, NULL, ends[0], NULL, sizeof(bytes), 0);
}

/* A process that forks and ends at once, for five seconds: no process of it lives long enough to be
 * found and killed. Says "over" when it has not been ended before. */
static void play_chain(void) {
  struct timespec start;
  struct timespec now;
  pid_t pid = fork();

  if (pid != 0)
    exit(pid < 0);
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    if (fork() > 0)
      _exit(0);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec - start.tv_sec < 5);
  exit(write(1, "over\n", 5) != 5);
}

static const struct {
  const char *name;
  void (*play)(void);
} parts[] = {
    {"packets", play_packets},
    {"lock", play_lock},
    {"chain", play_chain},
};

int main(int argc, char **argv) {
  for (size_t row = 0; argc > 1 && row < sizeof(parts) / sizeof(parts[0]); row++)
    if (strcmp(parts[row].name, argv[1]) == 0)
      parts[row].play();
  return 127;
}
