/*
 * Kills a child of an agent at a moment that is chosen to the microsecond.
 *
 *   killer
 *
 * Says "ready". Order: "PID MICROSECONDS" waits for the first child of PID, and that much longer,
 * and sends it SIGKILL. Says "killed CHILD" or "late" when the agent was gone before.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "neighbour.h"

static int64_t microseconds(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The oldest child of a process (proc(5), children), 0 without one, -1 when the process is gone. */
static int first_child(int pid) {
  char path[64];
  char text[32] = "";
  ssize_t count;
  int fd;

  snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  count = read(fd, text, sizeof(text) - 1);
  close(fd);
  return count < 0 ? -1 : atoi(text);
}

static void kill_child(int agent, long delay) {
  int child = 0;
  int64_t end;

  while (child == 0)
    child = first_child(agent);
  end = microseconds() + delay;
  while (child > 0 && microseconds() < end)
    continue;
  if (child > 0 && kill(child, SIGKILL) == 0)
    say("killed %d\n", child);
  else
    say("late\n");
}

int main(void) {
  char order[64];

  say("ready\n");
  for (;;)
    if (next_order(order, sizeof(order), -1)) {
      char *delay = strchr(order, ' ');

      if (!delay)
        return 127;
      kill_child(atoi(order), atol(delay));
    }
}
