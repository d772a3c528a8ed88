/* SPDX-License-Identifier: MIT */
/*
 * What a container's runtime does at the checkpoint: enters the mount namespace of a process and
 * gives it another root.
 *
 *   visitor pivot PID DIRECTORY FILE...
 *   visitor cover PID DIRECTORY FILE...
 *
 * A file system in memory is mounted over DIRECTORY and gets copies of the files. With "pivot" it
 * becomes the root (pivot_root(2)), and the old one is detached.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "neighbour.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* Opens a file under its old name and its copy under its last name in `directory`. */
static void copy(const char *from_path, const char *directory) {
  char path[512];
  const char *name = strrchr(from_path, '/');
  struct stat file;
  int from = open(from_path, O_RDONLY);
  int to;

  snprintf(path, sizeof(path), "%s/%s", directory, name ? name + 1 : from_path);
  to = open(path, O_WRONLY | O_CREAT, 0755);
  if (from < 0 || to < 0 || fstat(from, &file) < 0 ||
      sendfile(to, from, NULL, (size_t)file.st_size) != file.st_size)
    fail(from_path);
  close(from);
  close(to);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root is on top of the new one, and is detached. */
static void pivot(const char *directory) {
  if (chdir(directory) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
    fail("pivot_root");
  if (umount2(".", MNT_DETACH) < 0)
    fail("umount");
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 127;
  join_namespace(argv[2], "mnt", CLONE_NEWNS);
  if (mount("linx", argv[3], "tmpfs", 0, NULL) < 0)
    fail("mount");
  for (int at = 4; at < argc; at++)
    copy(argv[at], argv[3]);
  if (strcmp(argv[1], "pivot") == 0)
    pivot(argv[3]);
  return 0;
}
