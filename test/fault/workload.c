/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(int fd, const char *text) {
  size_t size = strlen(text);
  return write(fd, text, size) == (ssize_t)size ? WORKLOAD_STATUS : 1;
}

static int play_exit(void) {
  return WORKLOAD_STATUS;
}

_Noreturn static int play_pause(void) {
  for (;;)
    pause();
}

/* Everything from fd 0 to fd 1, and how much it was on fd 2. */
static int play_copy(void) {
  static char block[65536];
  char account[32];
  long total = 0;
  ssize_t got;
  while ((got = read(0, block, sizeof block)) > 0) {
    for (ssize_t done = 0; done < got;) {
      ssize_t written = write(1, block + done, (size_t)(got - done));
      if (written < 0)
        return 1;
      done += written;
    }
    total += got;
  }
  snprintf(account, sizeof account, "copied %ld\n", total);
  return say(2, account);
}

/* A word, a line read, a word. */
static int play_talk(void) {
  char line[64];
  say(1, "name?\n");
  ssize_t got = read(0, line, sizeof line - 1);
  if (got <= 0)
    return 1;
  line[got] = '\0';
  return say(1, line);
}

/* Ends by SIGKILL alone, and says when it has come so far. */
static int play_stubborn(void) {
  signal(SIGTERM, SIG_IGN);
  say(1, "ready\n");
  return play_pause();
}

/* Leaves a daemon behind, by the book, that ends by SIGKILL alone. */
static int play_daemon(void) {
  pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0)
      _exit(0);
    for (int fd = 0; fd < 3; fd++)
      close(fd);
    for (int signum = 1; signum < 32; signum++)
      signal(signum, SIG_IGN);
    play_pause();
  }
  waitpid(child, NULL, 0);
  return WORKLOAD_STATUS;
}

static int play_words(void) {
  return say(1, "out\n") == WORKLOAD_STATUS ? say(2, "err\n") : 1;
}

static const struct {
  const char *name;
  int (*play)(void);
} parts[] = {
    {"copy", play_copy},         {"daemon", play_daemon}, {"exit", play_exit},
    {"pause", play_pause},       {"talk", play_talk},     {"words", play_words},
    {"stubborn", play_stubborn},
};

int workload_main(const char *part) {
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  if (death_signal != SIGKILL)
    return WORKLOAD_UNGUARDED;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strcmp(parts[i].name, part) == 0)
      return parts[i].play();
  return 2;
}
