/* SPDX-License-Identifier: MIT */
#include "setup/network.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/syscalls.h"

/* rtnetlink(7), netlink(7): linux/rtnetlink.h and linux/netlink.h, which musl-gcc does not see. */
#define NETLINK_ROUTE   0
#define MESSAGE_ERROR   2
#define RTM_NEWLINK     16
#define NLM_F_REQUEST   1
#define NLM_F_ACK       4
#define LOOPBACK_NUMBER 1 /* the first interface of a net namespace, always */

struct header { /* struct nlmsghdr */
  uint32_t length;
  uint16_t type, flags;
  uint32_t sequence, port;
};

struct link_request {
  struct header header;
  struct { /* struct ifinfomsg */
    uint8_t family, padding;
    uint16_t type;
    int32_t number;
    uint32_t flags, change;
  } link;
};

struct link_reply {
  struct header header;
  int32_t error;
  struct header request;
  uint8_t rest[64];
};

/* By ioctl(2), netdevice(7). */
static int raise_by_ioctl(void) {
  struct ifreq interface = {.ifr_name = "lo"};
  cleanup_close int fd = (int)sys_call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int result = fd < 0 ? fd : sys_ioctl(fd, SIOCGIFFLAGS, &interface);
  interface.ifr_flags = (short)(interface.ifr_flags | IFF_UP);
  return result < 0 ? result : sys_ioctl(fd, SIOCSIFFLAGS, &interface);
}

/* The kernel replies before sendto(2) returns. */
static int exchange(int fd, const struct link_request *request) {
  struct link_reply reply = {.error = -EIO};
  long count = sys_call(SYS_sendto, fd, request, sizeof *request, 0, NULL, 0);
  if (count >= 0)
    count = sys_call(SYS_recvfrom, fd, &reply, sizeof reply, MSG_DONTWAIT, NULL, NULL);
  if (count < 0)
    return (int)count;
  return reply.header.type == MESSAGE_ERROR ? reply.error : -EIO;
}

static int raise_by_netlink(void) {
  static const struct link_request request = {
      .header = {.length = sizeof request,
                 .type = RTM_NEWLINK,
                 .flags = NLM_F_REQUEST | NLM_F_ACK,
                 .sequence = 1},
      .link = {.family = AF_UNSPEC, .number = LOOPBACK_NUMBER, .flags = IFF_UP, .change = IFF_UP},
  };
  cleanup_close int fd =
      (int)sys_call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return fd < 0 ? fd : exchange(fd, &request);
}

int network_raise_loopback(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  (void)arguments;
  int result = raise_by_ioctl();
  return result == -EAFNOSUPPORT ? raise_by_netlink() : result;
}
