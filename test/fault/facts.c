/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

const struct namespace_name namespace_names[NAMESPACES] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},        {"uts", CLONE_NEWUTS},
    {"ipc", CLONE_NEWIPC},   {"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID},
    {"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP},
};

struct text {
  char *bytes;
  size_t size;
  size_t room;
};

static void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *text, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int count = vsnprintf(text->bytes + text->size, text->room - text->size, format, values);
  va_end(values);
  text->size += (size_t)count;
  if (text->size >= text->room)
    text->size = text->room - 1;
}

static void path_of(char path[64], pid_t pid, const char *name) {
  snprintf(path, 64, "/proc/%d/%s", (int)pid, name);
}

int namespaces_of(pid_t pid, struct namespaces *namespaces) {
  for (int i = 0; i < NAMESPACES; i++) {
    char path[64];
    char name[24];
    struct stat link;
    snprintf(name, sizeof name, "ns/%s", namespace_names[i].link);
    path_of(path, pid, name);
    if (stat(path, &link) < 0 && errno != ENOENT)
      return -errno;
    namespaces->inodes[i] = errno == ENOENT ? 0 : (unsigned long)link.st_ino;
  }
  return 0;
}

static void show_namespaces(struct text *text, pid_t pid, const struct namespaces *own,
                            const struct namespaces *target) {
  struct namespaces here = {{0}};
  int result = namespaces_of(pid, &here);
  if (result < 0) {
    say(text, "namespaces unknown %d\n", -result);
    return;
  }
  for (int i = 0; i < NAMESPACES; i++) {
    bool is_own = here.inodes[i] == own->inodes[i];
    bool is_target = target != NULL && here.inodes[i] == target->inodes[i];
    say(text, "ns.%s %s\n", namespace_names[i].link, is_own ? "own" : is_target ? "target" : "new");
  }
}

static ssize_t read_file(pid_t pid, const char *name, char *bytes, size_t room) {
  char path[64];
  path_of(path, pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  size_t size = 0;
  ssize_t count;
  while ((count = read(fd, bytes + size, room - 1 - size)) > 0)
    size += (size_t)count;
  close(fd);
  bytes[size] = '\0';
  return (ssize_t)size;
}

/* Lines of /proc/<pid>/status (proc(5)), as they stand. */
static void show_status(struct text *text, pid_t pid) {
  static const char *const wanted[] = {
      "Umask:",  "Uid:",    "Gid:",        "Groups:",  "SigBlk:",
      "SigIgn:", "SigCgt:", "CapInh:",     "CapPrm:",  "CapEff:",
      "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:",
  };
  char status[4096];
  char *rest = NULL;
  if (read_file(pid, "status", status, sizeof status) < 0)
    return;
  for (char *line = strtok_r(status, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
      if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
        say(text, "%s\n", line);
}

/* Whether it leads its session and group, and has a terminal (proc(5), stat). */
static void show_session(struct text *text, pid_t pid) {
  char stat[1024];
  int group = 0;
  int session = 0;
  int terminal = 0;
  if (read_file(pid, "stat", stat, sizeof stat) < 0)
    return;
  const char *end = strrchr(stat, ')');
  if (end == NULL || sscanf(end, ") %*c %*d %d %d %d", &group, &session, &terminal) != 3)
    return;
  say(text, "leads session %d group %d terminal %d\n", session == pid, group == pid, terminal != 0);
}

/* The offset of CLOCK_BOOTTIME, in seconds (time_namespaces(7)). */
static void show_clock(struct text *text, pid_t pid) {
  char offsets[256];
  long seconds = 0;
  const char *at = NULL;
  if (read_file(pid, "timens_offsets", offsets, sizeof offsets) > 0)
    at = strstr(offsets, "boottime");
  if (at != NULL && sscanf(at, "boottime %ld", &seconds) == 1)
    say(text, "clock boottime %ld\n", seconds);
}

/* The kernel gives an interface its addresses when it goes up (proc(5), net/fib_trie). */
static void show_loopback(struct text *text, pid_t pid) {
  char routes[8192];
  bool is_up = read_file(pid, "net/fib_trie", routes, sizeof routes) > 0 &&
               strstr(routes, "127.0.0.1") != NULL;
  say(text, "loopback %s\n", is_up ? "up" : "down");
}

/* proc(5), personality and limits, which root may read of any process. */
static void show_allowance(struct text *text, pid_t pid) {
  char file[4096];
  unsigned long soft = 0;
  unsigned long hard = 0;
  const char *core = NULL;
  if (read_file(pid, "personality", file, sizeof file) > 0)
    say(text, "personality %.8s\n", file);
  if (read_file(pid, "limits", file, sizeof file) > 0)
    core = strstr(file, "Max core file size");
  if (core != NULL && sscanf(core, "Max core file size %lu %lu", &soft, &hard) == 2)
    say(text, "core %lu %lu\n", soft, hard);
}

static void drop_numbers(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++)
    if (*from < '0' || *from > '9')
      *to++ = *from;
  *to = '\0';
}

static void show_link(struct text *text, pid_t pid, const char *name) {
  char path[64];
  char link[256];
  path_of(path, pid, name);
  ssize_t size = readlink(path, link, sizeof link - 1);
  link[size < 0 ? 0 : size] = '\0';
  drop_numbers(link);
  say(text, "%s %s\n", name, size < 0 ? "unknown" : link);
}

static int compare(const void *left, const void *right) {
  return *(const int *)left - *(const int *)right;
}

static void show_descriptors(struct text *text, pid_t pid) {
  char path[64];
  int fds[64];
  int count = 0;
  path_of(path, pid, "fd");
  DIR *directory = opendir(path);
  if (directory == NULL) {
    say(text, "fd unknown\n");
    return;
  }
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL && count < 64;)
    if (entry->d_name[0] != '.')
      fds[count++] = atoi(entry->d_name);
  closedir(directory);
  qsort(fds, (size_t)count, sizeof fds[0], compare);
  for (int i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "fd/%d", fds[i]);
    show_link(text, pid, name);
  }
}

/* Where mounts made by it would travel to: the optional fields of the root's line. */
static void show_propagation(struct text *text, pid_t pid) {
  static char table[65536];
  char *rest = NULL;
  if (read_file(pid, "mountinfo", table, sizeof table) < 0)
    return;
  for (char *line = strtok_r(table, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    char at[512];
    int fields = 0;
    char *end = strstr(line, " - ");
    if (end == NULL || sscanf(line, "%*s %*s %*s %*s %511s %*s%n", at, &fields) != 1)
      continue;
    *end = '\0';
    if (strcmp(at, "/") == 0 && line + fields < end) {
      drop_numbers(line + fields);
      say(text, "propagation%s\n", line + fields);
      return;
    }
  }
  say(text, "propagation private\n");
}

/* What is mounted at /mnt and below it. */
static void show_mounts(struct text *text, pid_t pid) {
  static char table[65536];
  char *rest = NULL;
  if (read_file(pid, "mountinfo", table, sizeof table) < 0)
    return;
  for (char *line = strtok_r(table, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    char at[512];
    char options[256];
    if (sscanf(line, "%*s %*s %*s %*s %511s %255s", at, options) == 2 &&
        strncmp(at, "/mnt", strlen("/mnt")) == 0)
      say(text, "mount %s %s\n", at, options);
  }
}

/* Children that it did not make itself. */
static void show_children(struct text *text, pid_t pid) {
  char name[64];
  char children[64];
  snprintf(name, sizeof name, "task/%d/children", (int)pid);
  if (read_file(pid, name, children, sizeof children) >= 0)
    say(text, "has children %d\n", children[0] != '\0');
}

static void show_map(struct text *text, pid_t pid, const char *name) {
  char map[1024];
  unsigned inside = 0;
  unsigned outside = 0;
  unsigned count = 0;
  if (read_file(pid, name, map, sizeof map) < 0)
    return;
  if (sscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
    say(text, "%s %u %u %u\n", name, inside, outside, count);
  else
    say(text, "%s empty\n", name);
}

void facts_read(pid_t pid, const struct namespaces *own, const struct namespaces *target,
                char *facts, size_t size) {
  struct text text = {.bytes = facts, .room = size};
  show_status(&text, pid);
  show_session(&text, pid);
  show_children(&text, pid);
  show_namespaces(&text, pid, own, target);
  show_loopback(&text, pid);
  show_mounts(&text, pid);
  show_clock(&text, pid);
  show_allowance(&text, pid);
  show_map(&text, pid, "uid_map");
  show_map(&text, pid, "gid_map");
  show_descriptors(&text, pid);
  show_link(&text, pid, "cwd");
  show_link(&text, pid, "root");
  show_propagation(&text, pid);
}
