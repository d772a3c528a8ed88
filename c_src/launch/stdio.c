/* SPDX-License-Identifier: MIT */
#include "launch/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/poll_wait.h"
#include "base/pty.h"
#include "base/pty_modes.h"
#include "base/syscalls.h"
#include "launch/fifo.h"

/* A listener with a full backlog is waited for CONNECT_TRIES times CONNECT_PAUSE_MS
 * milliseconds. */
#define CONNECT_PAUSE_MS 20
#define CONNECT_TRIES    100

/* How often a path is opened that leads to another kind of file each time. */
#define FILE_TRIES 100

static int clear_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static bool peer_is_gone(int control) {
  struct pollfd poll_control = {.fd = control};
  return poll_wait(&poll_control, 1, CONNECT_PAUSE_MS) > 0 &&
         (poll_control.revents & (POLLHUP | POLLERR)) != 0;
}

/* A connect to a full backlog fails with EAGAIN on a non-blocking socket (unix(7)). No event says
 * when there is room, so the connect is repeated while the BEAM's end is open. */
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

static bool is_fifo(const char *path) {
  struct stat file;
  return stat(path, &file) == 0 && S_ISFIFO(file.st_mode);
}

static int open_fifo(struct stdio_plan *plan, int fd, const char *path, int flags) {
  int socket = fifo_begin(fd, path, flags & (O_ACCMODE | O_APPEND), &plan->openers[fd]);
  if (socket >= 0)
    plan->fifos |= 1U << fd;
  return socket == -ENOTTY ? -ESTALE : socket;
}

/* Non-blocking while it opens, because a FIFO would wait for the other side (fifo(7)). A FIFO
 * without a reader fails with ENXIO then; one without a writer does not, and is asked for before.
 * Returns -ESTALE when a FIFO has taken the place of another file meanwhile, or the other way
 * round. */
static int try_file(struct stdio_plan *plan, int fd, const char *path, int flags) {
  struct stat file;
  if (flags == O_RDONLY && is_fifo(path))
    return open_fifo(plan, fd, path, flags);
  cleanup_close int opened = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  if (opened < 0 && errno == ENXIO && is_fifo(path))
    return open_fifo(plan, fd, path, flags);
  if (opened < 0 || fstat(opened, &file) < 0)
    return -errno;
  /* A directory's descriptor leads to all that is below it, whatever the workload's root is. */
  if (S_ISDIR(file.st_mode))
    return -EISDIR;
  if (S_ISFIFO(file.st_mode) && flags == O_RDONLY)
    return -ESTALE;
  int result = clear_nonblocking(opened);
  return result < 0 ? result : fd_take(&opened);
}

static int open_file(struct stdio_plan *plan, int fd, const char *path, int flags) {
  int result = -ESTALE;
  for (int tries = 0; result == -ESTALE && tries < FILE_TRIES; tries++)
    result = try_file(plan, fd, path, flags);
  return result;
}

static int open_pipe(struct stdio_plan *plan, int fd) {
  int ends[2] = {-1, -1};
  int result = (int)sys_call(SYS_pipe2, ends, O_CLOEXEC);
  if (result < 0)
    return result;
  plan->agent[fd] = fd == 0 ? ends[1] : ends[0];
  plan->child[fd] = fd == 0 ? ends[0] : ends[1];
  /* The workload's end blocks. A new pipe has no other flags that this would clear. */
  return (int)sys_call(SYS_fcntl, plan->agent[fd], F_SETFL, O_NONBLOCK);
}

static int open_null(struct stdio_plan *plan) {
  if (plan->null < 0)
    plan->null = sys_open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return plan->null;
}

static struct failure open_directive(struct stdio_plan *plan,
                                     const struct stdio_directive *directive, int fd, int control) {
  int *child = &plan->child[fd];
  switch (directive->kind) {
  case STDIO_INHERIT:
    return failure_none();
  case STDIO_TO_STDOUT:
    plan->stderr_to_stdout = true;
    return failure_none();
  case STDIO_PIPE:
    return failure_of(STAGE_PIPE2, open_pipe(plan, fd));
  case STDIO_DEVNULL:
    return failure_of(STAGE_DEVNULL_OPEN, *child = open_null(plan));
  case STDIO_CONNECT_UNIX:
    return failure_of(STAGE_CONNECT_UNIX, *child = connect_unix(directive->path, control));
  case STDIO_FILE_READ:
    return failure_of(STAGE_FILE_OPEN, *child = open_file(plan, fd, directive->path, O_RDONLY));
  case STDIO_FILE_WRITE:
    return failure_of(STAGE_FILE_OPEN,
                      *child = open_file(plan, fd, directive->path, O_WRONLY | O_CREAT | O_TRUNC));
  case STDIO_FILE_APPEND:
    return failure_of(STAGE_FILE_OPEN,
                      *child = open_file(plan, fd, directive->path, O_WRONLY | O_CREAT | O_APPEND));
  }
  return failure_none();
}

static struct failure open_slave(struct stdio_plan *plan) {
  unsigned number = 0;
  plan->slave = pty_open_peer(plan->master);
  if (plan->slave != -EINVAL && plan->slave != -ENOTTY)
    return failure_of(STAGE_PTS_OPEN, plan->slave);
  int result = pty_number(plan->master, &number);
  if (result < 0)
    return failure_of(STAGE_PTSNAME, result);
  plan->slave = pty_open_numbered(number);
  return failure_of(STAGE_PTS_OPEN, plan->slave);
}

/* Set on the terminal before there is a process that could read it or read from it. */
static int set_terminal(const struct stdio_plan *plan, const struct terminal_request *terminal) {
  int result = pty_set_modes(plan->slave, &terminal->modes);
  if (result < 0 || !terminal->has_size)
    return result;
  return pty_set_winsize(plan->slave, terminal->size.cells.rows, terminal->size.cells.cols,
                         terminal->size.cells.xpixel, terminal->size.cells.ypixel);
}

static struct failure open_terminal(struct stdio_plan *plan,
                                    const struct terminal_request *terminal) {
  plan->master = pty_open_master();
  if (plan->master < 0)
    return failure_of(STAGE_POSIX_OPENPT, plan->master);
  int result = pty_unlock(plan->master);
  if (result < 0)
    return failure_of(STAGE_PTSETUP, result);
  struct failure failure = open_slave(plan);
  if (!failure_is(failure))
    failure = failure_of(STAGE_SETUP_terminal, set_terminal(plan, terminal));
  for (int fd = 0; fd < 3; fd++)
    plan->child[fd] = plan->slave;
  return failure;
}

struct failure stdio_prepare(struct stdio_plan *plan, const struct request *request, int control) {
  *plan = (struct stdio_plan){
      .child = {-1, -1, -1}, .agent = {-1, -1, -1}, .null = -1, .master = -1, .slave = -1};
  if (request->pty)
    return open_terminal(plan, &request->terminal);
  struct failure failure = failure_none();
  for (int fd = 0; fd < 3 && !failure_is(failure); fd++)
    failure = open_directive(plan, &request->stdio[fd], fd, control);
  return failure;
}

void stdio_close_child_ends(struct stdio_plan *plan) {
  for (int fd = 0; fd < 3; fd++) {
    /* The terminal's stays open: struct stdio_plan says why. */
    if (plan->child[fd] != plan->slave && plan->child[fd] != plan->null)
      fd_close(&plan->child[fd]);
    plan->child[fd] = -1;
  }
  fd_close(&plan->null);
}
