/* SPDX-License-Identifier: MIT */
/*
 * Prints what a workload inherits, one "key value" line a fact, bytes outside printable ASCII as
 * \xNN:
 *
 *   probe [--pause | --until-eof] [section...]
 *
 * Without sections it prints them all. A fact that only /proc can tell is "-" where there is none;
 * everything else comes from system calls, so that it also holds in a root without /proc. With
 * --pause it lives on until it is killed, with --until-eof until its standard input ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define SIGNALS                  64
#define CAPABILITIES             64
#define KEYCTL_GET_KEYRING_ID    0
#define KEY_SPEC_SESSION_KEYRING (-3)
#define CAPABILITY_VERSION_3     0x20080522
#define KERNEL_SA_RESTORER       0x04000000
#define LAST_RLIMIT              16

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT        47
#define PR_CAP_AMBIENT_IS_SET 1
#endif

extern char **environ;

static FILE *report;
static char **arguments;

static void put_escaped(const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++)
    if (*at < ' ' || *at > '~' || *at == '\\')
      fprintf(report, "\\x%02x", *at);
    else
      fputc(*at, report);
}

static void fact(const char *key, const char *value) {
  fprintf(report, "%s ", key);
  put_escaped(value);
  fputc('\n', report);
}

static void fact_number(const char *key, long long value) {
  fprintf(report, "%s %lld\n", key, value);
}

static void fact_mask(const char *key, uint64_t mask) {
  fprintf(report, "%s %016llx\n", key, (unsigned long long)mask);
}

static void fact_ids(const char *key, unsigned first, unsigned second, unsigned third) {
  fprintf(report, "%s %u %u %u\n", key, first, second, third);
}

static void fact_link(const char *key, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof(target) - 1);

  target[length < 0 ? 0 : length] = '\0';
  fact(key, length < 0 ? "-" : target);
}

/* The value of a "name: value" line of /proc/self/status, or the first line of a file. */
static void fact_line(const char *key, const char *path, const char *prefix) {
  char line[1024];
  size_t skip = strlen(prefix);
  FILE *file = fopen(path, "re");

  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    if (strncmp(line, prefix, skip) != 0)
      continue;
    line[strcspn(line, "\n")] = '\0';
    fact(key, line + skip + strspn(line + skip, " \t"));
    fclose(file);
    return;
  }
  if (file != NULL)
    fclose(file);
  fact(key, "-");
}

static void show_fd(int fd) {
  char key[32], path[64];

  snprintf(key, sizeof(key), "fd.%d", fd);
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  fact_link(key, path);
}

/* The limit on descriptors may be lower than one that is open; /proc shows those too. */
static void show_fds(void) {
  DIR *listing = opendir("/proc/self/fd");
  struct dirent *entry;

  if (listing == NULL) {
    for (int fd = 0; fd < 65536; fd++)
      if (fcntl(fd, F_GETFD) >= 0)
        show_fd(fd);
    return;
  }
  while ((entry = readdir(listing)) != NULL) {
    char *end;
    long fd = strtol(entry->d_name, &end, 10);

    if (*end == '\0' && end != entry->d_name && fd != dirfd(listing))
      show_fd((int)fd);
  }
  closedir(listing);
}

struct kernel_sigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

/* The raw calls: libc hides the signals it uses itself. */
static void show_signals(void) {
  uint64_t blocked = 0, pending = 0, ignored = 0, caught = 0;

  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
  syscall(SYS_rt_sigpending, &pending, sizeof(pending));
  for (int number = 1; number <= SIGNALS; number++) {
    struct kernel_sigaction action = {0};

    syscall(SYS_rt_sigaction, number, NULL, &action, sizeof(action.mask));
    if (action.handler == SIG_IGN)
      ignored |= UINT64_C(1) << (number - 1);
    else if (action.handler != SIG_DFL)
      caught |= UINT64_C(1) << (number - 1);
  }
  fact_mask("signals.blocked", blocked);
  fact_mask("signals.pending", pending);
  fact_mask("signals.ignored", ignored);
  fact_mask("signals.caught", caught);
}

static void show_ids(void) {
  uid_t uid[3];
  gid_t gid[3];
  gid_t groups[1024];
  int count = getgroups(1024, groups);

  getresuid(&uid[0], &uid[1], &uid[2]);
  getresgid(&gid[0], &gid[1], &gid[2]);
  fact_ids("uid", uid[0], uid[1], uid[2]);
  fact_ids("gid", gid[0], gid[1], gid[2]);
  fprintf(report, "groups");
  for (int at = 0; at < count; at++)
    fprintf(report, " %u", groups[at]);
  fprintf(report, "%s\n", count > 0 ? "" : " ");
  fact_line("uid_map", "/proc/self/uid_map", "");
  fact_line("gid_map", "/proc/self/gid_map", "");
  fact_line("setgroups", "/proc/self/setgroups", "");
}

static void show_process(void) {
  fact_number("pid", getpid());
  fact_number("ppid", getppid());
  fact_number("pgid", getpgid(0));
  fact_number("sid", getsid(0));
  fact_link("exe", "/proc/self/exe");
}

struct capability_words {
  uint32_t effective, permitted, inheritable;
};

static uint64_t both_words(uint32_t low, uint32_t high) {
  return (uint64_t)high << 32 | low;
}

static void show_capabilities(void) {
  struct {
    uint32_t version;
    int pid;
  } header = {.version = CAPABILITY_VERSION_3};
  struct capability_words words[2] = {0};
  uint64_t bounding = 0, ambient = 0;

  syscall(SYS_capget, &header, words);
  for (unsigned long number = 0; number < CAPABILITIES; number++) {
    if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1)
      bounding |= UINT64_C(1) << number;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1)
      ambient |= UINT64_C(1) << number;
  }
  fact_mask("cap.effective", both_words(words[0].effective, words[1].effective));
  fact_mask("cap.permitted", both_words(words[0].permitted, words[1].permitted));
  fact_mask("cap.inheritable", both_words(words[0].inheritable, words[1].inheritable));
  fact_mask("cap.bounding", bounding);
  fact_mask("cap.ambient", ambient);
  fact_number("securebits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void show_security(void) {
  long keyring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

  fact_number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  fact_number("seccomp.mode", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
  fact_line("seccomp.filters", "/proc/self/status", "Seccomp_filters:");
  fact_number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  fact_number("secure_exec", (long long)getauxval(AT_SECURE));
  fact_number("keyring", keyring);
}

static void show_namespaces(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  struct utsname host;

  for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
    char key[32], path[64];

    snprintf(key, sizeof(key), "ns.%s", names[at]);
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[at]);
    fact_link(key, path);
  }
  uname(&host);
  fact("hostname", host.nodename);
  fact("domainname", host.domainname);
}

/* Where mounts made here would travel to: the optional fields of the root's line, proc(5). */
static void show_propagation(void) {
  char line[4096], found[256] = "-";
  FILE *file = fopen("/proc/self/mountinfo", "re");

  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    char at[2048];
    int fields;
    char *end = strstr(line, " - ");

    if (end == NULL || sscanf(line, "%*s %*s %*s %*s %2047s %*s%n", at, &fields) != 1)
      continue;
    *end = '\0';
    if (strcmp(at, "/") == 0)
      snprintf(found, sizeof(found), "%s", end > line + fields ? line + fields + 1 : "private");
  }
  if (file != NULL)
    fclose(file);
  fact("propagation", found);
}

static void show_files(void) {
  char directory[4096];
  mode_t mask = umask(0);

  umask(mask);
  fprintf(report, "umask %04o\n", (unsigned)mask);
  fact("cwd", getcwd(directory, sizeof(directory)) != NULL ? directory : "-");
  fact_link("root", "/proc/self/root");
  show_propagation();
}

static const struct {
  const char *name;
  int number;
} limits[] = {
    {"cpu", RLIMIT_CPU},           {"fsize", RLIMIT_FSIZE},
    {"data", RLIMIT_DATA},         {"stack", RLIMIT_STACK},
    {"core", RLIMIT_CORE},         {"rss", RLIMIT_RSS},
    {"nproc", RLIMIT_NPROC},       {"nofile", RLIMIT_NOFILE},
    {"memlock", RLIMIT_MEMLOCK},   {"as", RLIMIT_AS},
    {"locks", RLIMIT_LOCKS},       {"sigpending", RLIMIT_SIGPENDING},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"rtprio", RLIMIT_RTPRIO},     {"rttime", RLIMIT_RTTIME},
};

static void put_limit(rlim_t limit) {
  if (limit == RLIM_INFINITY)
    fputs(" unlimited", report);
  else
    fprintf(report, " %llu", (unsigned long long)limit);
}

static void show_limits(void) {
  for (size_t at = 0; at < sizeof(limits) / sizeof(limits[0]); at++) {
    struct rlimit limit;

    if (getrlimit(limits[at].number, &limit) != 0)
      continue;
    fprintf(report, "rlimit.%s", limits[at].name);
    put_limit(limit.rlim_cur);
    put_limit(limit.rlim_max);
    fputc('\n', report);
  }
}

static void show_scheduling(void) {
  cpu_set_t cpus;

  errno = 0;
  fact_number("nice", getpriority(PRIO_PROCESS, 0));
  fact_number("scheduler", syscall(SYS_sched_getscheduler, 0));
  CPU_ZERO(&cpus);
  fact_number("io_priority", syscall(SYS_ioprio_get, 1, 0));
  fact_number("cpus", sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : -1);
  fact_line("oom_score_adj", "/proc/self/oom_score_adj", "");
  fprintf(report, "personality %08x\n", (unsigned)personality(0xffffffff));
}

static void show_ties(void) {
  int death_signal = -1, subreaper = -1;

  prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
  fact_number("parent_death_signal", death_signal);
  fact_number("subreaper", subreaper);
}

static void show_terminal(void) {
  struct winsize size = {0};
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

  fprintf(report, "terminal.fds %d %d %d\n", isatty(0), isatty(1), isatty(2));
  fact_number("terminal.controlling", tty >= 0);
  fact_number("terminal.sid", tty >= 0 ? tcgetsid(tty) : -1);
  fact_number("terminal.foreground", tty >= 0 ? tcgetpgrp(tty) : -1);
  if (tty >= 0 && ioctl(tty, TIOCGWINSZ, &size) == 0)
    fprintf(report, "terminal.size %u %u %u %u\n", size.ws_row, size.ws_col, size.ws_xpixel,
            size.ws_ypixel);
  else
    fact("terminal.size", "-");
  if (tty >= 0)
    close(tty);
}

static void show_list(const char *name, char **list) {
  char key[32];
  int count = 0;

  for (; list[count] != NULL; count++) {
    snprintf(key, sizeof(key), "%s.%d", name, count);
    fact(key, list[count]);
  }
  snprintf(key, sizeof(key), "%s.count", name);
  fact_number(key, count);
}

static void show_arguments(void) {
  show_list("argv", arguments);
}

static void show_environment(void) {
  show_list("env", environ);
}

static const struct section {
  const char *name;
  void (*show)(void);
} sections[] = {
    {"fds", show_fds},
    {"signals", show_signals},
    {"process", show_process},
    {"ids", show_ids},
    {"capabilities", show_capabilities},
    {"security", show_security},
    {"namespaces", show_namespaces},
    {"files", show_files},
    {"limits", show_limits},
    {"scheduling", show_scheduling},
    {"ties", show_ties},
    {"terminal", show_terminal},
    {"argv", show_arguments},
    {"env", show_environment},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void show_section(const char *name) {
  for (size_t at = 0; at < SECTIONS; at++) {
    if (name != NULL && strcmp(name, sections[at].name) != 0)
      continue;
    sections[at].show();
    if (name != NULL)
      return;
  }
  if (name != NULL) {
    fprintf(stderr, "probe: no section %s\n", name);
    exit(64);
  }
}

/* The report leaves in as few writes as its reader allows, without stdio's own descriptor. */
static int write_all(const char *text, size_t left) {
  while (left > 0) {
    ssize_t count = write(STDOUT_FILENO, text, left);

    if (count < 0 && errno != EINTR)
      return -errno;
    if (count > 0) {
      text += count;
      left -= (size_t)count;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  int at = 1, pausing = 0, until_eof = 0;
  char *text, scrap[4096];
  size_t size;

  arguments = argv;
  if (at < argc && strcmp(argv[at], "--pause") == 0)
    pausing = at++;
  else if (at < argc && strcmp(argv[at], "--until-eof") == 0)
    until_eof = at++;
  report = open_memstream(&text, &size);
  if (report == NULL)
    return 70;
  if (at == argc)
    show_section(NULL);
  while (at < argc)
    show_section(argv[at++]);
  fclose(report);
  if (write_all(text, size) < 0)
    return 74;
  while (pausing)
    pause();
  while (until_eof && read(STDIN_FILENO, scrap, sizeof(scrap)) > 0)
    continue;
  return 0;
}
