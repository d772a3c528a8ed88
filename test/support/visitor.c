/* SPDX-License-Identifier: MIT */
/*
 * What a container's runtime does at the checkpoint: enters the mount namespace of a process and
 * gives it another root.
 *
 *   visitor pivot PID DIRECTORY FILE...
 *   visitor cover PID DIRECTORY FILE...
 *   visitor jail - DIRECTORY FILE...
 *   visitor root PID DIRECTORY
 *
 * A file system in memory is mounted over DIRECTORY and gets copies of the files. With "pivot" it
 * becomes the root (pivot_root(2)), and the old one is detached. With "jail" it becomes the
 * visitor's own root (chroot(2)) and the working directory stays outside; then the last file is
 * executed. With "root" the directory itself becomes the root, as it is, with the host's /proc on
 * its directory of that name.
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

/* With a /proc inside, because the agent needs one. */
static void jail(const char *directory, const char *program) {
  char path[512];
  const char *name = strrchr(program, '/');

  snprintf(path, sizeof(path), "%s/proc", directory);
  if (mkdir(path, 0755) < 0 || mount("/proc", path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
      chroot(directory) < 0)
    fail("chroot");
  execl(name, name, NULL);
  fail(name);
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 127;
  if (strcmp(argv[1], "jail") != 0)
    join_namespace(argv[2], "mnt", CLONE_NEWNS);
  else if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    fail("unshare");
  if (strcmp(argv[1], "root") == 0) {
    char proc[512];
    snprintf(proc, sizeof(proc), "%s/proc", argv[3]);
    if (mount(argv[3], argv[3], NULL, MS_BIND, NULL) < 0)
      fail("mount");
    if (mount("/proc", proc, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
      fail("mount proc");
    pivot(argv[3]);
    return 0;
  }
  if (mount("linx", argv[3], "tmpfs", 0, NULL) < 0)
    fail("mount");
  for (int at = 4; at < argc; at++)
    copy(argv[at], argv[3]);
  if (strcmp(argv[1], "pivot") == 0)
    pivot(argv[3]);
  else if (strcmp(argv[1], "jail") == 0)
    jail(argv[3], argv[argc - 1]);
  return 0;
}
