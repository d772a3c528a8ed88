/* SPDX-License-Identifier: MIT */
#include "setup/user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/environment.h"
#include "base/inode.h"
#include "base/syscalls.h"
#include "setup/capabilities.h"
#include "setup/identity.h"
#include "setup/passwd.h"
#include "setup/resolve.h"

#define FILE_MAX  ((uint64_t)16 << 20)

#define UNCHANGED UINT32_MAX /* an id that is left as it is (setresuid(2)) */

/* What a command asks for, and what the files have said of it. One is applied at a time. */
static struct wanted {
  struct argument_text user, group; /* empty: not given */
  struct argument texts;            /* further groups */
  bool is_named;                    /* the user is no number */
  bool has_entry;                   /* in /etc/passwd: `entry` and `name` */
  bool found_group;
  bool found[ARGUMENT_TEXTS_MAX]; /* further groups, by their places */
  uint32_t uid, gid;
  struct argument_text name; /* of the entry, in `name_bytes` */
  char name_bytes[PASSWD_PIECE];
} wanted;

struct groups {
  size_t count;
  uint32_t ids[ARGUMENT_IDS_MAX];
};

/* Allocated for a command alone, because the agent has less memory than they take where its address
 * space is limited (RLIMIT_AS, getrlimit(2)). */
static struct {
  struct groups asked;  /* the further groups */
  struct groups joined; /* those that list the user */
  struct groups own;    /* those of the process */
} * lists;

static const char home_name[] = "HOME=";
static char home[sizeof home_name + PASSWD_PIECE];

/* What is done with each line of a file: 0, 1 when the rest need not be read, or a negative errno.
 */
typedef int line_fn(struct argument_text line);

/* Before it is opened, because opening a device may do something (open(2)). A file whose size is 0
 * is not read at all: such are those of /proc, which may keep a reader waiting. */
static int check_file(int fd, uint64_t *size) {
  struct inode_kind kind;
  int result = inode_describe(&kind, fd);
  if (result < 0)
    return result;
  *size = kind.size;
  return !S_ISREG(kind.mode) ? -EINVAL : kind.size > FILE_MAX ? -EFBIG : 0;
}

/* A descriptor that reads the file, 0 bytes of which are left when there is none. */
static int open_file(const char *path, uint64_t *size) {
  *size = 0;
  cleanup_close int found = resolve_open(path, O_PATH);
  int result = found < 0 ? found : check_file(found, size);
  if (result < 0)
    return result;
  int fd = resolve_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  result = fd < 0 ? fd : check_file(fd, size); /* it may be another one by now */
  if (result < 0 && fd >= 0)
    sys_close(fd);
  return result < 0 ? result : fd;
}

static int each_line_of(int fd, uint64_t size, line_fn *use) {
  struct passwd_lines lines = {.start = 0};
  struct argument_text line;
  int result = 0;
  bool ended = false;
  while (result == 0 && !ended) {
    size_t room = 0;
    char *at = passwd_lines_room(&lines, &room);
    long count = sys_read(fd, at, room < size ? room : (size_t)size);
    if (count == -EINTR)
      continue;
    if (count < 0)
      return (int)count;
    size -= (uint64_t)count;
    ended = count == 0;
    passwd_lines_add(&lines, (size_t)count);
    while (result == 0 && passwd_lines_next(&lines, ended, &line))
      result = use(line);
  }
  return result < 0 ? result : 0;
}

static int each_line(const char *path, line_fn *use) {
  uint64_t size = 0;
  cleanup_close int fd = open_file(path, &size);
  if (fd == -ENOENT || fd == -ENOTDIR)
    return 0;
  return fd < 0 ? fd : each_line_of(fd, size, use);
}

/* Writes HOME=`directory`, which is a field of a line. */
static void write_home(struct argument_text directory) {
  if (directory.size == 0)
    directory = (struct argument_text){.bytes = "/", .size = 1};
  memcpy(home, home_name, sizeof home_name - 1);
  memcpy(home + sizeof home_name - 1, directory.bytes, directory.size);
  home[sizeof home_name - 1 + directory.size] = '\0';
}

static int find_user(struct argument_text line) {
  struct passwd_user user;
  if (!passwd_read_user(line, &user) ||
      !(wanted.is_named ? passwd_is_same(user.name, wanted.user) : user.uid == wanted.uid))
    return 0;
  wanted.has_entry = true;
  wanted.uid = user.uid;
  wanted.gid = user.gid;
  memcpy(wanted.name_bytes, user.name.bytes, user.name.size);
  wanted.name = (struct argument_text){.bytes = wanted.name_bytes, .size = user.name.size};
  write_home(user.home);
  return 1;
}

static int add_group(struct groups *groups, uint32_t gid) {
  if (groups->count == ARGUMENT_IDS_MAX)
    return -EINVAL;
  groups->ids[groups->count++] = gid;
  return 0;
}

static int find_groups(struct argument_text line) {
  struct passwd_group group;
  struct argument texts = wanted.texts;
  struct argument_text text;
  if (!passwd_read_group(line, &group))
    return 0;
  bool is_member = wanted.group.size == 0 && passwd_has_member(&group, wanted.name);
  int result = is_member ? add_group(&lists->joined, group.gid) : 0;
  if (!wanted.found_group && passwd_is_same(group.name, wanted.group)) {
    wanted.found_group = true;
    wanted.gid = group.gid;
  }
  for (int i = 0; result == 0 && argument_next_text(&texts, &text); i++)
    if (!wanted.found[i] && passwd_is_same(group.name, text)) {
      wanted.found[i] = true;
      result = add_group(&lists->asked, group.gid);
    }
  return result;
}

/* Takes an id, or leaves a name to be found. */
static int take_group_ids(void) {
  struct argument texts = wanted.texts;
  struct argument_text text;
  int result = 0;
  if (passwd_is_number(wanted.group)) {
    wanted.found_group = true;
    result = passwd_read_id(wanted.group, &wanted.gid) ? 0 : -EINVAL;
  }
  for (int i = 0; result == 0 && argument_next_text(&texts, &text); i++) {
    uint32_t gid = 0;
    wanted.found[i] = passwd_is_number(text);
    if (wanted.found[i])
      result = passwd_read_id(text, &gid) ? add_group(&lists->asked, gid) : -EINVAL;
    else if (text.size == 0)
      result = -EINVAL;
  }
  return result;
}

static bool misses_a_group(void) {
  bool misses = wanted.group.size > 0 && !wanted.found_group;
  for (int i = 0; i < wanted.texts.texts.left; i++)
    misses = misses || !wanted.found[i];
  return misses;
}

static int look_up_groups(void) {
  int result = take_group_ids();
  bool by_member = wanted.group.size == 0 && wanted.has_entry;
  if (result == 0 && (by_member || misses_a_group()))
    result = each_line("/etc/group", find_groups);
  if (result < 0)
    return result;
  return misses_a_group() ? -ENOENT : 0;
}

static bool lacks_home(const struct setup *setup) {
  const char *own = environment_get(setup->environment, "HOME");
  return setup->gave_home || own == NULL || own[0] == '\0';
}

/* A number needs an entry only for what else that says. */
static int look_up_user(const struct setup *setup) {
  if (wanted.user.size == 0)
    return 0;
  write_home((struct argument_text){.bytes = "", .size = 0});
  wanted.is_named = !passwd_is_number(wanted.user);
  if (!wanted.is_named && !passwd_read_id(wanted.user, &wanted.uid))
    return -EINVAL;
  wanted.gid = 0;
  if (!wanted.is_named && wanted.group.size > 0 && !lacks_home(setup))
    return 0;
  int result = each_line("/etc/passwd", find_user);
  return result == 0 && wanted.is_named && !wanted.has_entry ? -ENOENT : result;
}

/* "user[:group]"; a colon with no group behind it is an error. */
static int split(struct argument_text text) {
  const char *colon = memchr(text.bytes, ':', text.size);
  wanted.user = text;
  wanted.group = (struct argument_text){.bytes = "", .size = 0};
  if (colon == NULL)
    return 0;
  wanted.user.size = (size_t)(colon - text.bytes);
  wanted.group =
      (struct argument_text){.bytes = colon + 1, .size = text.size - wanted.user.size - 1};
  return wanted.group.size > 0 ? 0 : -EINVAL;
}

/* capabilities(7) */
#define CAP_SETGID_MASK (1U << 6)

/* Whether the calling process may keep its supplementary groups when it cannot set them. With the
 * capability to do so it is the user namespace that denies it. */
static bool may_keep_groups(void) {
  struct capability_data own[2];
  bool stays = (wanted.uid == UNCHANGED || wanted.uid == sys_call(SYS_geteuid)) &&
               (wanted.gid == UNCHANGED || wanted.gid == sys_call(SYS_getegid));
  return stays || (capabilities_get(own) == 0 && (own[0].effective & CAP_SETGID_MASK) != 0);
}

static bool has_group(const struct groups *groups, uint32_t gid) {
  for (size_t i = 0; i < groups->count; i++)
    if (groups->ids[i] == gid)
      return true;
  return gid == wanted.gid;
}

static int keep_groups(void) {
  const struct groups *asked = &lists->asked;
  long count = sys_call(SYS_getgroups, ARGUMENT_IDS_MAX, lists->own.ids);
  if (count < 0 || !may_keep_groups())
    return count < 0 ? (int)count : -EPERM;
  lists->own.count = (size_t)count;
  for (size_t i = 0; i < asked->count; i++)
    if (!has_group(&lists->own, asked->ids[i]))
      return -EPERM;
  return 0;
}

static int set_groups(void) {
  struct groups *all = &lists->asked;
  size_t asked = all->count; /* keep_groups looks at these alone */
  int result = 0;
  for (size_t i = 0; result == 0 && i < lists->joined.count; i++)
    result = add_group(all, lists->joined.ids[i]);
  if (result == 0)
    result = identity_set_groups(all->count, all->ids);
  all->count = asked;
  return result == -EPERM ? keep_groups() : result;
}

/* The environment in which HOME is `home`. What it takes stays the agent's after exec. */
static int give_home(struct setup *setup) {
  size_t count = 0;
  size_t kept = 0;
  if (setup->gave_home || !lacks_home(setup))
    return 0;
  while (setup->environment[count] != NULL)
    count++;
  char **with = sys_allocate((count + 2) * sizeof *with);
  if (with == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < count; i++)
    if (strncmp(setup->environment[i], home_name, sizeof home_name - 1) != 0)
      with[kept++] = setup->environment[i];
  with[kept] = home;
  setup->environment = with;
  setup->gave_home = true;
  return 0;
}

static void begin(void) {
  static const struct argument none;
  wanted.texts = none;
  wanted.has_entry = wanted.found_group = wanted.is_named = false;
  wanted.uid = wanted.gid = UNCHANGED;
  wanted.name.size = 0;
}

static int change(struct setup *setup) {
  int result = look_up_user(setup);
  if (result == 0)
    result = look_up_groups();
  if (result == 0)
    result = set_groups();
  if (result == 0)
    result = identity_change(setup, wanted.uid, wanted.gid);
  return result < 0 || wanted.user.size == 0 ? result : give_home(setup);
}

int user_set(struct setup *setup, const struct argument *arguments) {
  begin();
  wanted.texts = arguments[1];
  int result = split(arguments[0].text);
  if (result < 0)
    return result;
  lists = sys_allocate(sizeof *lists);
  if (lists == NULL)
    return -ENOMEM;
  result = change(setup);
  sys_release(lists, sizeof *lists);
  return result;
}

int user_set_home(struct setup *setup, const struct argument *arguments) {
  if (!lacks_home(setup))
    return 0;
  begin();
  wanted.uid = arguments[0].id;
  write_home((struct argument_text){.bytes = "", .size = 0});
  int result = each_line("/etc/passwd", find_user);
  return result < 0 ? result : give_home(setup);
}
