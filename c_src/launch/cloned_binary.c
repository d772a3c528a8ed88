/* SPDX-License-Identifier: MIT */
#include "launch/cloned_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/syscalls.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int memfd(unsigned flags) {
  int fd = sys_memfd_create("linx_process", flags | MFD_EXEC);
  /* MFD_EXEC is refused before Linux 6.3, where every memfd is executable. */
  return fd == -EINVAL ? sys_memfd_create("linx_process", flags) : fd;
}

static int copy_program(int to) {
  struct stat program;
  cleanup_close int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (from < 0 || fstat(from, &program) < 0)
    return -errno;
  for (off_t left = program.st_size; left > 0;) {
    ssize_t count = sendfile(to, from, NULL, (size_t)left);
    if (count <= 0)
      return count < 0 ? -errno : -EIO;
    left -= count;
  }
  return fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

static int store(int fd, const struct buffer *bytes) {
  const uint8_t *from = buffer_start(bytes);
  for (size_t left = buffer_length(bytes); left > 0;) {
    ssize_t count = write(fd, from, left);
    if (count < 0)
      return -errno;
    from += count;
    left -= (size_t)count;
  }
  return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

int sealed_exec(const struct buffer *read_ahead) {
  char number[DECIMAL_SIZE];
  cleanup_close int program = memfd(MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (program < 0)
    return program;
  int result = copy_program(program);
  if (result < 0)
    return result;
  cleanup_close int bytes = memfd(0);
  if (bytes < 0)
    return bytes;
  result = store(bytes, read_ahead);
  if (result < 0)
    return result;
  decimal_format(number, (unsigned long)bytes);
  char *const argv[] = {"linx_process", SEALED_ARGUMENT, number, NULL};
  return sys_execveat(program, "", argv, environ, AT_EMPTY_PATH);
}

int sealed_resume(char *const argv[], struct buffer *read_ahead) {
  struct stat stored;
  const char *text = argv[2];
  unsigned long number = 0;
  if (!decimal_parse(&text, &number))
    return -EINVAL;
  cleanup_close int fd = (int)number;
  if (fstat(fd, &stored) < 0)
    return -errno;
  if (buffer_reserve(read_ahead, (size_t)stored.st_size) == NULL)
    return -ENOMEM;
  while (buffer_length(read_ahead) < (size_t)stored.st_size) {
    ssize_t count = read(fd, read_ahead->bytes + read_ahead->end,
                         (size_t)stored.st_size - buffer_length(read_ahead));
    if (count <= 0)
      return count < 0 ? -errno : -EIO;
    read_ahead->end += (size_t)count;
  }
  return 0;
}
