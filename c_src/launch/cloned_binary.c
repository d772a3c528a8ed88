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

/* Whether the file is such a copy. Only a memfd can have these seals (fcntl(2)); other files refuse
 * the question with EINVAL. 1, 0 or a negative errno. */
static int is_sealed(int program) {
  int seals = fcntl(program, F_GET_SEALS);
  if (seals < 0)
    return errno == EINVAL ? 0 : -errno;
  return (seals & SEALS) == SEALS;
}

static int open_program(void) {
  int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  return program < 0 ? -errno : program;
}

int sealed_check(void) {
  cleanup_close int program = open_program();
  return program < 0 ? program : is_sealed(program);
}

static int copy_program(int to, int from) {
  struct stat program;
  if (fstat(from, &program) < 0)
    return -errno;
  for (off_t left = program.st_size; left > 0;) {
    ssize_t count = sendfile(to, from, NULL, (size_t)left);
    if (count <= 0)
      return count < 0 ? -errno : -EIO;
    left -= count;
  }
  return fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

/* Makes a sealed copy of the program that `from` reads: a descriptor or a negative errno. */
static int make_copy(int from) {
  int copy = memfd(MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0)
    return copy;
  int result = copy_program(copy, from);
  if (result < 0)
    close(copy);
  return result < 0 ? result : copy;
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

int sealed_exec(const struct buffer *read_ahead, bool is_resumed) {
  char number[DECIMAL_SIZE];
  cleanup_close int original = open_program();
  if (original < 0)
    return original;
  int sealed = is_sealed(original);
  if (sealed != 0)
    return sealed < 0 ? sealed : 0;
  if (is_resumed)
    return -EINVAL;
  cleanup_close int program = make_copy(original);
  if (program < 0)
    return program;
  cleanup_close int bytes = memfd(0);
  if (bytes < 0)
    return bytes;
  int result = store(bytes, read_ahead);
  if (result < 0)
    return result;
  decimal_format(number, (unsigned long)bytes);
  char *const argv[] = {"linx_process", SEALED_ARGUMENT, number, NULL};
  return sys_execveat(program, "", argv, environ, AT_EMPTY_PATH);
}

int sealed_copy(void) {
  char path[sizeof "/proc/self/fd/" + DECIMAL_SIZE] = "/proc/self/fd/";
  cleanup_close int original = open_program();
  if (original < 0)
    return original;
  cleanup_close int copy = make_copy(original);
  if (copy < 0)
    return copy;
  decimal_format(path + strlen(path), (unsigned long)copy);
  return sys_open(path, O_RDONLY | O_CLOEXEC);
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
