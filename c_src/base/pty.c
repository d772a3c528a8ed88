#include "base/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

/* ioctl_tty(2); not in musl's headers */
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int open_slave(int master, enum stage *stage) {
  const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  *stage = STAGE_PTS_OPEN;
  int slave = ioctl(master, TIOCGPTPEER, flags);
  if (slave >= 0 || (errno != EINVAL && errno != ENOTTY))
    return slave < 0 ? -errno : slave;
  /* Before Linux 4.13 the slave is opened by its name. */
  char path[32] = "/dev/pts/";
  unsigned number = 0;
  *stage = STAGE_PTSNAME;
  if (ioctl(master, TIOCGPTN, &number) < 0)
    return -errno;
  char digits[12];
  size_t count = 0;
  do
    digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  for (size_t i = 0; i < count; i++)
    path[9 + i] = digits[count - 1 - i];
  *stage = STAGE_PTS_OPEN;
  slave = open(path, flags);
  return slave < 0 ? -errno : slave;
}

int pty_open(struct pty *pty, enum stage *stage) {
  *stage = STAGE_POSIX_OPENPT;
  cleanup_close int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0)
    return -errno;
  *stage = STAGE_PTSETUP;
  int unlocked = 0;
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
    return -errno;
  int slave = open_slave(master, stage);
  if (slave < 0)
    return slave;
  pty->slave = slave;
  pty->master = fd_take(&master);
  return 0;
}

int pty_set_winsize(int fd, const struct winsize_cells *cells) {
  const struct winsize size = {cells->rows, cells->cols, cells->xpixel, cells->ypixel};
  return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
