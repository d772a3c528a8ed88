/* SPDX-License-Identifier: MIT */
#include "agent/terminal_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/inode.h"
#include "base/pass_fd.h"
#include "base/pty.h"

/* Only the master of a terminal has a number (ioctl_tty(2), TIOCGPTN). */
static int check_master(int fd) {
  struct device device;
  unsigned number = 0;
  int result = device_find(&device, fd);
  if (result == 0 && !S_ISCHR(device.mode))
    result = -EPROTO;
  return result < 0 ? result : pty_number(fd, &number);
}

int terminal_inside_take(struct session *session) {
  struct relay_out *output = &session->outputs[OUT_PTY];
  cleanup_close int master = pass_fd_receive(session->terminal_socket);
  fd_close(&session->terminal_socket);
  int result = master < 0 ? master : check_master(master);
  if (result == 0)
    result = fds_set_nonblocking(master);
  if (result < 0)
    return result;
  int slave = pty_open_peer(master);
  if (slave < 0)
    return slave;
  fd_close(&session->pty_slave);
  session->pty_slave = slave;
  /* The client may have closed the terminal before. */
  if (output->fd < 0)
    return 0;
  pty_copy_winsize(output->fd, master); /* set since the child has copied it */
  fd_close(&output->fd);
  output->fd = fd_take(&master);
  if (session->inputs[IN_PTY].fd >= 0)
    session->inputs[IN_PTY].fd = output->fd;
  return 0;
}
