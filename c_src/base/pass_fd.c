/* SPDX-License-Identifier: MIT */
#include "base/pass_fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/syscalls.h"

/* Aligned as the kernel writes it. */
union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

/* A message of one byte, with room for a descriptor. */
struct passed {
  struct msghdr message;
  struct iovec data;
  char byte;
  union control control;
};

static void prepare(struct passed *passed) {
  memset(passed, 0, sizeof *passed);
  passed->data = (struct iovec){.iov_base = &passed->byte, .iov_len = 1};
  passed->message.msg_iov = &passed->data;
  passed->message.msg_iovlen = 1;
  passed->message.msg_control = &passed->control;
  passed->message.msg_controllen = sizeof passed->control;
}

int pass_fd_send(int socket, int fd) {
  struct passed passed;
  struct cmsghdr *header = &passed.control.header;
  prepare(&passed);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  long result = sys_call(SYS_sendmsg, socket, &passed.message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return result < 0 ? (int)result : 0;
}

int pass_fd_receive(int socket) {
  struct passed passed;
  const struct cmsghdr *header = &passed.control.header;
  int fd = -1;
  prepare(&passed);
  long result = sys_call(SYS_recvmsg, socket, &passed.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result < 0)
    return (int)result;
  /* There is room for one descriptor, and the kernel closes any other. */
  if (passed.message.msg_controllen < CMSG_LEN(sizeof fd) || header->cmsg_level != SOL_SOCKET ||
      header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof fd))
    return -EPROTO;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}
