/* SPDX-License-Identifier: MIT */
#include "setup/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

/* fchmodat2(2), since Linux 6.6 */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* The largest major number of a device (makedev(3)). */
#define MAJOR_MAX 0xfffU

/* An entry, by its directory, which belongs to the caller, and its name. */
struct entry {
  int parent;
  char name[NAME_MAX + 1];
};

static int find_entry(struct entry *entry, const struct argument *path) {
  char text[PATH_MAX];
  text_copy(text, &path->text);
  entry->parent = resolve_entry(text, false, true, entry->name);
  return entry->parent < 0 ? entry->parent : 0;
}

static int open_entry(const struct entry *entry, int flags) {
  return (int)sys_call(SYS_openat, entry->parent, entry->name, flags | O_NOFOLLOW | O_CLOEXEC,
                       0600);
}

/* Before the mode is set, because a change of owner clears bits of it (chown(2)). */
static int set_owner(int fd, const struct argument *uid, const struct argument *gid) {
  return (int)sys_call(SYS_fchownat, fd, "", uid->id, gid->id, AT_EMPTY_PATH);
}

int files_make_directory(struct setup *setup, const struct argument *arguments) {
  char text[PATH_MAX];
  struct resolve_new new = {.is_directory = true, .mode = 0700};
  struct inode_kind kind;
  (void)setup;
  text_copy(text, &arguments[0].text);
  cleanup_close int fd = resolve_make(text, false, &new);
  int result = fd < 0 ? fd : inode_describe(&kind, fd);
  if (result < 0)
    return result;
  if (!new.is_made)
    return S_ISDIR(kind.mode) ? 0 : -ENOTDIR;
  result = set_owner(fd, &arguments[2], &arguments[3]);
  return result < 0 ? result : (int)sys_call(SYS_fchmod, fd, arguments[1].mode);
}

static bool has_content(const struct entry *entry, const struct argument_text *content) {
  char found[PATH_MAX];
  long size = sys_call(SYS_readlinkat, entry->parent, entry->name, found, sizeof found);
  return size >= 0 && (size_t)size == content->size &&
         memcmp(found, content->bytes, content->size) == 0;
}

int files_make_link(struct setup *setup, const struct argument *arguments) {
  char content[PATH_MAX];
  struct entry entry;
  (void)setup;
  text_copy(content, &arguments[0].text);
  int result = find_entry(&entry, &arguments[1]);
  if (result < 0)
    return result;
  result = (int)sys_call(SYS_symlinkat, content, entry.parent, entry.name);
  if (result == -EEXIST && has_content(&entry, &arguments[0].text))
    result = 0;
  sys_close(entry.parent);
  return result;
}

static int write_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    long count = sys_write(fd, bytes, size);
    if (count == -EINTR)
      continue;
    if (count <= 0)
      return count < 0 ? (int)count : -EIO;
    bytes += count;
    size -= (size_t)count;
  }
  return 0;
}

/* A file that could not be written whole is removed. */
static int write_file(const struct entry *entry, const struct argument *arguments) {
  cleanup_close int fd = open_entry(entry, O_WRONLY | O_CREAT | O_EXCL);
  if (fd < 0)
    return fd;
  int result = write_all(fd, arguments[2].binary.bytes, arguments[2].binary.size);
  if (result == 0)
    result = (int)sys_call(SYS_fchmod, fd, arguments[1].mode);
  if (result < 0)
    sys_call(SYS_unlinkat, entry->parent, entry->name, 0);
  return result;
}

int files_make_file(struct setup *setup, const struct argument *arguments) {
  struct entry entry;
  (void)setup;
  if (arguments[2].binary.size > FILES_BYTES_MAX)
    return -EFBIG;
  int result = find_entry(&entry, &arguments[0]);
  if (result < 0)
    return result;
  result = write_file(&entry, arguments);
  sys_close(entry.parent);
  return result;
}

/* The kernel's own encoding of a device's number (linux/kdev_t.h). */
static unsigned long device_number(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

static int make_node(const struct entry *entry, const struct argument *arguments) {
  unsigned long number = device_number(arguments[2].number, arguments[3].number);
  long before = sys_call(SYS_umask, 0);
  int result = (int)sys_call(SYS_mknodat, entry->parent, entry->name,
                             arguments[1].mode | arguments[4].mode, number);
  sys_call(SYS_umask, before);
  return result;
}

static bool is_wanted(const struct inode_kind *kind, const struct argument *arguments) {
  return (kind->mode & S_IFMT) == arguments[1].mode &&
         (S_ISFIFO(kind->mode) ||
          (kind->major == arguments[2].number && kind->minor == arguments[3].number));
}

/* A default ACL of the directory (acl(5)) or a change of owner may have taken bits away. The node
 * is changed by a descriptor that does not open the device. */
static int set_node_mode(int fd, uint32_t mode) {
  struct inode_kind kind;
  int result = inode_describe(&kind, fd);
  if (result < 0 || (kind.mode & 07777) == mode)
    return result;
  return (int)sys_call(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH);
}

static int make_device(const struct entry *entry, const struct argument *arguments) {
  struct inode_kind kind;
  int made = make_node(entry, arguments);
  if (made < 0 && made != -EEXIST)
    return made;
  cleanup_close int fd = open_entry(entry, O_PATH);
  int result = fd < 0 ? fd : inode_describe(&kind, fd);
  if (result < 0)
    return result;
  if (!is_wanted(&kind, arguments))
    return -EEXIST;
  if (made == -EEXIST)
    return 0;
  result = set_owner(fd, &arguments[5], &arguments[6]);
  return result == 0 ? set_node_mode(fd, arguments[4].mode) : result;
}

int files_make_device(struct setup *setup, const struct argument *arguments) {
  struct entry entry;
  (void)setup;
  if (arguments[2].number > MAJOR_MAX)
    return -EINVAL;
  int result = find_entry(&entry, &arguments[0]);
  if (result < 0)
    return result;
  result = make_device(&entry, arguments);
  sys_close(entry.parent);
  return result;
}
