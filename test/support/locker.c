/* SPDX-License-Identifier: MIT */
/*
 * A workload that keeps a pipe of its own locked (pipe(7)): a splice(2) waits with the lock, and so
 * long as it does, what reads, writes, closes or asks (FIONREAD) this pipe sleeps where no signal
 * reaches it.
 *
 *   locker --beacon PATH [--ignore SIGNAL] [--note FILE] [--daemon] STREAM
 *
 * STREAM is stdin, stdout or stderr. Into an output goes a page first, so that there is something
 * to be read. With --daemon a child in a session of its own does it, and the workload waits. With
 * --note the lock is a child's as well, and the workload writes "term" to FILE when SIGTERM comes,
 * and waits on. "locked" is sent to the beacon once the lock is held, or "free" when what STREAM is
 * cannot be locked. When the listener closes the beacon, the test is over and all of it ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "beacon.h"
#include "neighbour.h"

#define PAGE 4096

static int beacon = -1;
static const char *note;
static pid_t locking_thread;

/* An empty socket for what is spliced from, a full one for what is spliced to. */
static int make_socket(int full) {
  static char bytes[1 << 16];
  int ends[2];

  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
    fail("socketpair");
  while (full && send(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
  return ends[0];
}

/* proc(5): the number of the system call that a thread sleeps in comes first. */
static int sleeps_in_splice(void) {
  char path[64];
  long number = -1;
  FILE *file;

  snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", locking_thread);
  file = fopen(path, "re");
  if (!file)
    fail(path);
  if (fscanf(file, "%ld", &number) != 1)
    number = -1;
  fclose(file);
  return number == SYS_splice;
}

static void send_word(const char *word) {
  if (send(beacon, word, strlen(word), MSG_NOSIGNAL) < 0)
    _exit(96);
}

static _Noreturn void end_with_beacon(void) {
  char byte;

  while (recv(beacon, &byte, 1, 0) < 0 && errno == EINTR)
    continue;
  _exit(95);
}

/* A thread that says when the first one sleeps with the lock. */
static void *herald(void *unused) {
  (void)unused;
  while (!sleeps_in_splice())
    usleep(1000);
  send_word("locked\n");
  end_with_beacon();
}

static void start_herald(void) {
  pthread_t thread;

  locking_thread = getpid();
  if (pthread_create(&thread, NULL, herald, NULL) != 0)
    fail("pthread_create");
}

static _Noreturn void lock_stdin(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  int full = make_socket(1);

  if (poll(&input, 1, -1) != 1)
    fail("poll");
  start_herald();
  splice(0, NULL, full, NULL, 1 << 16, 0);
  wait_forever();
}

static _Noreturn void lock_output(int fd) {
  static char page[PAGE];
  int empty = make_socket(0);

  memset(page, 'x', sizeof(page));
  start_herald();
  /* The reader wakes up for the page, and finds the lock taken. */
  if (write(fd, page, sizeof(page)) != PAGE)
    fail("write");
  splice(empty, NULL, fd, NULL, PAGE, 0);
  /* It never comes here but with something that is no pipe. */
  send_word("free\n");
  wait_forever();
}

static _Noreturn void lock(const char *stream) {
  if (strcmp(stream, "stdin") == 0)
    lock_stdin();
  lock_output(strcmp(stream, "stdout") == 0 ? 1 : 2);
}

static void take_note(int signum) {
  int fd = open(note, O_WRONLY | O_CREAT | O_APPEND, 0666);

  (void)signum;
  if (fd < 0 || write(fd, "term\n", 5) != 5)
    _exit(96);
  close(fd);
}

/* A child holds the lock, and this process goes on. */
static void fork_locker(const char *stream, int as_daemon) {
  pid_t child = fork();

  if (child < 0)
    fail("fork");
  if (child > 0)
    return;
  if (as_daemon)
    setsid();
  signal(SIGTERM, SIG_IGN);
  lock(stream);
}

int main(int argc, char **argv) {
  int as_daemon = 0;

  for (argv++; argc > 1 && *argv && **argv == '-'; argv++) {
    if (strcmp(*argv, "--beacon") == 0)
      beacon = light_beacon(*++argv);
    else if (strcmp(*argv, "--ignore") == 0)
      signal(atoi(*++argv), SIG_IGN);
    else if (strcmp(*argv, "--note") == 0)
      note = *++argv;
    else if (strcmp(*argv, "--daemon") == 0)
      as_daemon = 1;
  }
  if (beacon < 0 || !*argv)
    return 127;
  if (!as_daemon && !note)
    lock(*argv);
  if (note)
    signal(SIGTERM, take_note);
  fork_locker(*argv, as_daemon);
  end_with_beacon();
}
