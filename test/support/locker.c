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
 * cannot be locked.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "beacon.h"
#include "neighbour.h"

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

#define PAGE 4096

static int beacon = -1;
static const char *note;

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

/* proc(5): the number of the system call that a process sleeps in comes first. */
static int sleeps_in_splice(pid_t pid) {
  char path[64];
  long number = -1;
  FILE *file;

  snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
  file = fopen(path, "re");
  if (!file)
    return 0;
  if (fscanf(file, "%ld", &number) != 1)
    number = -1;
  fclose(file);
  return number == SYS_splice;
}

static void send_word(const char *word) {
  if (send(beacon, word, strlen(word), MSG_NOSIGNAL) < 0)
    fail("beacon");
}

/* A process that says when its parent sleeps with the lock. Before there is a lock it lets go of
 * the pipes, because closing one takes the lock. */
static pid_t fork_herald(void) {
  pid_t locker = getpid();
  int let_go[2];
  char byte;
  pid_t herald;

  prctl(PR_SET_PTRACER, -1L); /* for /proc/<pid>/syscall */
  if (pipe(let_go) < 0)
    fail("pipe");
  herald = fork();
  if (herald < 0)
    fail("fork");
  if (herald > 0) {
    close(let_go[1]);
    if (read(let_go[0], &byte, 1) != 0)
      fail("herald");
    close(let_go[0]);
    return herald;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int fd = 0; fd < 3; fd++)
    close(fd);
  close(let_go[1]);
  while (!sleeps_in_splice(locker))
    usleep(1000);
  send_word("locked\n");
  _exit(0);
}

static _Noreturn void lock_stdin(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  int full = make_socket(1);

  if (poll(&input, 1, -1) != 1)
    fail("poll");
  fork_herald();
  splice(0, NULL, full, NULL, 1 << 16, 0);
  wait_forever();
}

static _Noreturn void lock_output(int fd) {
  static char page[PAGE];
  int empty = make_socket(0);
  pid_t herald;

  memset(page, 'x', sizeof(page));
  herald = fork_herald();
  /* The reader wakes up for the page, and finds the lock taken. */
  if (write(fd, page, sizeof(page)) != PAGE)
    fail("write");
  splice(empty, NULL, fd, NULL, PAGE, 0);
  /* It never comes here but with something that is no pipe. */
  kill(herald, SIGKILL);
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
  wait_forever();
}
