/*
 * A workload that means harm: hostile PART. Says "ready" on fd 2 when it has come to the point
 * where it waits for its end.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

static const struct {
  const char *name;
  void (*play)(void);
} parts[] = {
    {"packets", play_packets},
};

int main(int argc, char **argv) {
  for (size_t row = 0; argc > 1 && row < sizeof(parts) / sizeof(parts[0]); row++)
    if (strcmp(parts[row].name, argv[1]) == 0)
      parts[row].play();
  return 127;
}
