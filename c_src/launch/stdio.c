#include "launch/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/poll_wait.h"

/* How long a listener with a full backlog is waited for: CONNECT_TRIES of CONNECT_PAUSE_MS. */
#define CONNECT_PAUSE_MS 20
#define CONNECT_TRIES    100

static int clear_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static bool peer_is_gone(int control) {
  struct pollfd poll_control = {.fd = control};
  return poll_wait(&poll_control, 1, CONNECT_PAUSE_MS) > 0 &&
         (poll_control.revents & (POLLHUP | POLLERR)) != 0;
}

/* A connect to a full backlog fails with EAGAIN on a non-blocking socket (unix(7)); nothing tells
 * when there is room, so it is tried again while the BEAM's end is open. */
static int connect_unix(const char *path, int control) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path)
    return -ENAMETOOLONG;
  memcpy(address.sun_path, path, length + 1);
  cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -errno;
  int tries = CONNECT_TRIES;
  while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
    if (errno != EAGAIN && errno != EINTR)
      return -errno;
    if (--tries == 0)
      return -ETIMEDOUT;
    if (peer_is_gone(control))
      return -ECANCELED;
  }
  int result = clear_nonblocking(fd);
  return result < 0 ? result : fd_take(&fd);
}

/* Non-blocking while it opens, because a FIFO without a peer would wait (fifo(7)). */
static int open_file(const char *path, int flags) {
  struct stat file;
  cleanup_close int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  if (fd < 0 || fstat(fd, &file) < 0)
    return -errno;
  /* A directory's descriptor leads to all that is below it, whatever the workload's root is. */
  if (S_ISDIR(file.st_mode))
    return -EISDIR;
  int result = clear_nonblocking(fd);
  return result < 0 ? result : fd_take(&fd);
}

static int open_pipe(struct stdio_plan *plan, int fd, enum stage *stage) {
  int ends[2];
  *stage = STAGE_PIPE2;
  if (pipe2(ends, O_CLOEXEC) < 0)
    return -errno;
  plan->agent[fd] = fd == 0 ? ends[1] : ends[0];
  plan->child[fd] = fd == 0 ? ends[0] : ends[1];
  return fds_set_nonblocking(plan->agent[fd]);
}

static int open_directive(struct stdio_plan *plan, const struct stdio_directive *directive, int fd,
                          int control, enum stage *stage) {
  switch (directive->kind) {
  case STDIO_INHERIT:
    return 0;
  case STDIO_TO_STDOUT:
    plan->stderr_to_stdout = true;
    return 0;
  case STDIO_DEVNULL:
    *stage = STAGE_DEVNULL_OPEN;
    plan->child[fd] = open_file("/dev/null", O_RDWR);
    break;
  case STDIO_CONNECT_UNIX:
    *stage = STAGE_CONNECT_UNIX;
    plan->child[fd] = connect_unix(directive->path, control);
    break;
  case STDIO_PIPE:
    return open_pipe(plan, fd, stage);
  case STDIO_FILE_READ:
    *stage = STAGE_FILE_OPEN;
    plan->child[fd] = open_file(directive->path, O_RDONLY);
    break;
  case STDIO_FILE_WRITE:
    *stage = STAGE_FILE_OPEN;
    plan->child[fd] = open_file(directive->path, O_WRONLY | O_CREAT | O_TRUNC);
    break;
  case STDIO_FILE_APPEND:
    *stage = STAGE_FILE_OPEN;
    plan->child[fd] = open_file(directive->path, O_WRONLY | O_CREAT | O_APPEND);
    break;
  }
  return plan->child[fd] < 0 ? plan->child[fd] : 0;
}

int stdio_prepare(struct stdio_plan *plan, const struct request *request, int control,
                  enum stage *stage) {
  *plan = (struct stdio_plan){
      .child = {-1, -1, -1}, .agent = {-1, -1, -1}, .pty = {.master = -1, .slave = -1}};
  if (request->pty) {
    int result = pty_open(&plan->pty, stage);
    if (result < 0)
      return result;
    for (int fd = 0; fd < 3; fd++)
      plan->child[fd] = plan->pty.slave;
    return 0;
  }
  for (int fd = 0; fd < 3; fd++) {
    int result = open_directive(plan, &request->stdio[fd], fd, control, stage);
    if (result < 0)
      return result;
  }
  return 0;
}

int stdio_install(const struct stdio_plan *plan) {
  for (int fd = 0; fd < 3; fd++)
    if (plan->child[fd] >= 0 && dup2(plan->child[fd], fd) < 0)
      return -errno;
  if (plan->stderr_to_stdout && dup2(1, 2) < 0)
    return -errno;
  return 0;
}

void stdio_close_child_ends(struct stdio_plan *plan) {
  for (int fd = 0; fd < 3; fd++) {
    /* The terminal's slave stays open: struct pty says why. */
    if (plan->child[fd] != plan->pty.slave)
      fd_close(&plan->child[fd]);
    plan->child[fd] = -1;
  }
}
