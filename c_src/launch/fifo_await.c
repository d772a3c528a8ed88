/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/poll_wait.h"
#include "base/syscalls.h"
#include "launch/fifo.h"

int fifo_is_opened(int fd) {
  struct pollfd socket = {.fd = fd, .events = POLLIN};
  return poll_wait(&socket, 1, 0) > 0;
}

/* The descriptor that came with the message, or a negative errno: EMFILE when there was no room for
 * it (recvmsg(2)). */
static int descriptor_of(struct msghdr *message) {
  int opened = -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS)
    return -EMFILE;
  memcpy(&opened, CMSG_DATA(header), sizeof opened);
  return opened;
}

static int receive(int socket) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  int result = 0;
  struct iovec data = {.iov_base = &result, .iov_len = sizeof result};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  long count;
  memset(&control, 0, sizeof control);
  do
    count = sys_call(SYS_recvmsg, socket, &message, MSG_CMSG_CLOEXEC);
  while (count == -EINTR);
  if (count < 0)
    return (int)count;
  if (count != sizeof result)
    return -EPIPE;
  return result < 0 ? result : descriptor_of(&message);
}

int fifo_await(int fd) {
  cleanup_close int opened = receive(fd);
  return opened < 0 ? opened : sys_dup(opened, fd, 0);
}
