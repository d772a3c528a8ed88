#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/syscalls.h"

int fds_occupy_standard(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0)
      continue;
    /* The lowest free number is this one: those below are taken. */
    if (open("/dev/null", O_RDWR) < 0)
      return -errno;
  }
  return 0;
}

/* struct linux_dirent64 of getdents64(2), without its name. */
struct directory_entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

static int number_of(const char *name) {
  unsigned long number = 0;
  return decimal_parse(&name, &number) && *name == '\0' ? (int)number : -1;
}

static int close_listed(int first) {
  union {
    char bytes[1024];
    struct directory_entry aligned;
  } listing;
  cleanup_close int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return -errno;
  for (;;) {
    long size = sys_result(syscall(SYS_getdents64, directory, listing.bytes, sizeof listing.bytes));
    if (size <= 0)
      return (int)size;
    for (long at = 0; at < size;) {
      struct directory_entry *entry = (struct directory_entry *)(void *)(listing.bytes + at);
      int fd = number_of(entry->name);
      if (fd >= first && fd != directory)
        close(fd);
      at += entry->length;
    }
  }
}

static int close_up_to_limit(int first) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
    return -errno;
  int last = limit.rlim_max > INT_MAX ? INT_MAX : (int)limit.rlim_max;
  for (int fd = first; fd < last; fd++)
    close(fd);
  return 0;
}

int fds_close_from(int first) {
  if (sys_close_range((unsigned)first, UINT_MAX, 0) == 0)
    return 0;
  return close_listed(first) == 0 ? 0 : close_up_to_limit(first);
}

int fds_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0)
    return -errno;
  if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return -errno;
  return 0;
}
