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

int pass_fd_send(int socket, int fd) {
  union control control;
  char byte = 0;
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(&control, 0, sizeof control);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  long result = sys_call(SYS_sendmsg, socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return result < 0 ? (int)result : 0;
}

int pass_fd_receive(int socket) {
  union control control;
  char byte = 0;
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message;
  int fd = -1;
  memset(&message, 0, sizeof message);
  memset(&control, 0, sizeof control);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  long result = sys_call(SYS_recvmsg, socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result < 0)
    return (int)result;
  /* There is room for one descriptor, and the kernel closes any other. */
  if (message.msg_controllen < CMSG_LEN(sizeof fd) || control.header.cmsg_level != SOL_SOCKET ||
      control.header.cmsg_type != SCM_RIGHTS || control.header.cmsg_len != CMSG_LEN(sizeof fd))
    return -EPROTO;
  memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
  return fd;
}
