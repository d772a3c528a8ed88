/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t now_ms(void) {
  return now_us() / 1000;
}

int pidfd_open(pid_t pid) {
  return (int)syscall(SYS_pidfd_open, pid, 0);
}

int pidfd_signal(int pidfd, int signum) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0);
}

_Noreturn void die(const char *what) {
  fprintf(stderr, "session_fuzz: %s: %s\n", what, strerror(errno));
  exit(2);
}

int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  ssize_t count = write(fd, text, strlen(text));
  int result = count < 0 ? -errno : 0;
  close(fd);
  return result;
}

static void make_file(const char *directory, const char *name, mode_t mode, size_t size) {
  char path[PATH_SIZE * 2];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || fchmod(fd, mode) < 0 || ftruncate(fd, (off_t)size) < 0)
    die(path);
  if (strcmp(name, "script") == 0 && write(fd, "#!/missing/interpreter\n", 23) != 23)
    die(path);
  close(fd);
}

static void copy(const char *from, const char *to) {
  char block[65536];
  ssize_t count;
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  if (in < 0)
    die(from);
  if (out < 0)
    die(to);
  while ((count = read(in, block, sizeof block)) > 0)
    if (write(out, block, (size_t)count) != count)
      die(to);
  if (count < 0 || fchmod(out, 0755) < 0)
    die(to);
  close(in);
  close(out);
}

static void make_directory(char path[PATH_SIZE], mode_t mode) {
  if ((mkdir(path, mode) < 0 && errno != EEXIST) || chmod(path, mode) < 0)
    die(path);
}

void machine_prepare(struct machine *machine, const char *agent, const char *self) {
  const char *base = getenv("TMPDIR");
  char top[PATH_SIZE - 32];
  *machine = (struct machine){.privileged = geteuid() == 0};
  snprintf(top, sizeof top, "%s/linx-sessions.XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(top) == NULL || chmod(top, 0755) < 0)
    die(top);
  snprintf(machine->directory, PATH_SIZE, "%s", top);
  snprintf(machine->agent, PATH_SIZE, "%s/linx_process", top);
  snprintf(machine->program, PATH_SIZE, "%s/workload", top);
  snprintf(machine->empty, PATH_SIZE, "%s/programs", top);
  copy(agent, machine->agent);
  copy(self, machine->program);
  make_directory(machine->empty, 0755);
  make_file(machine->empty, "script", 0755, 0);
  make_file(machine->empty, "not-executable", 0644, 0);
  make_file(machine->empty, "empty", 0755, 0);
}

int machine_listen(const struct machine *machine, const char *name, int backlog) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  /* A path that is too long is cut, and then it is not there. */
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/%.16s", machine->directory, name);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      chmod(address.sun_path, 0777) < 0 || listen(fd, backlog) < 0)
    die(address.sun_path);
  return fd;
}

/* A listener that never accepts, and whose backlog is full. */
static void listen_in_vain(const struct machine *machine) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/full", machine->directory);
  machine_listen(machine, "full", 0);
  for (int i = 0; i < 3; i++) {
    int to = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    connect(to, (struct sockaddr *)&address, sizeof address);
  }
}

void machine_prepare_worker(struct machine *machine, int number) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%.230s/worker%d", machine->directory, number);
  memcpy(machine->directory, path, sizeof path);
  make_directory(machine->directory, 0777);
  make_file(machine->directory, "input", 0666, 5000);
  make_file(machine->directory, "output", 0666, 0);
  listen_in_vain(machine);
}

void machine_remove(const struct machine *machine) {
  pid_t pid = fork();
  if (pid == 0) {
    execlp("rm", "rm", "-rf", machine->directory, (char *)NULL);
    _exit(127);
  }
  waitpid(pid, NULL, 0);
}
