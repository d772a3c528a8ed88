/* SPDX-License-Identifier: MIT */
/* The other end of AgentTest.Beacon. */
#ifndef LINX_TEST_BEACON_H
#define LINX_TEST_BEACON_H

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A connection to a listener's path that is never closed: the listener sees its end when the last
 * process of this workload that was forked from here is dead.
 */
static inline int light_beacon(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
    _exit(97);
  return fd;
}

#endif
