/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* What is behind the dot of a call's name. */
enum detail { NOTHING, DESCRIPTOR, FIRST_PATH, SECOND_PATH, SECOND_NUMBER, PRCTL, FCNTL, IOCTL };

static const struct row {
  long number;
  const char *name;
  enum detail detail;
} rows[] = {
#ifdef SYS_open
    {SYS_open, "open", FIRST_PATH},
#endif
    {SYS_openat, "open", SECOND_PATH},
#ifdef SYS_stat
    {SYS_stat, "stat", FIRST_PATH},
#endif
#ifdef SYS_newfstatat
    {SYS_newfstatat, "stat", SECOND_PATH},
#endif
#ifdef SYS_fstatat
    {SYS_fstatat, "stat", SECOND_PATH},
#endif
    {SYS_statx, "stat", SECOND_PATH},
    {SYS_fstat, "fstat", NOTHING},
#ifdef SYS_access
    {SYS_access, "access", FIRST_PATH},
#endif
    {SYS_faccessat, "access", SECOND_PATH},
#ifdef SYS_readlink
    {SYS_readlink, "readlink", FIRST_PATH},
#endif
    {SYS_readlinkat, "readlink", SECOND_PATH},
#ifdef SYS_dup2
    {SYS_dup2, "dup", SECOND_NUMBER},
#endif
    {SYS_dup3, "dup", SECOND_NUMBER},
#ifdef SYS_poll
    {SYS_poll, "poll", NOTHING},
#endif
    {SYS_ppoll, "poll", NOTHING},
#ifdef SYS_fork
    {SYS_fork, "fork", NOTHING},
#endif
#ifdef SYS_vfork
    {SYS_vfork, "vfork", NOTHING},
#endif
#ifdef SYS_arch_prctl
    {SYS_arch_prctl, "arch_prctl", NOTHING},
#endif
    {SYS_brk, "brk", NOTHING},
    {SYS_capget, "capget", NOTHING},
    {SYS_capset, "capset", NOTHING},
    {SYS_chdir, "chdir", NOTHING},
    {SYS_clock_gettime, "clock_gettime", NOTHING},
    {SYS_clock_nanosleep, "clock_nanosleep", NOTHING},
    {SYS_clone, "clone", NOTHING},
    {435, "clone3", NOTHING},
    {SYS_close, "close", NOTHING},
    {436, "close_range", NOTHING},
    {SYS_connect, "connect", NOTHING},
    {SYS_execve, "execve", NOTHING},
    {SYS_execveat, "execveat", NOTHING},
    {SYS_exit, "exit", NOTHING},
    {SYS_exit_group, "exit_group", NOTHING},
    {SYS_fchdir, "fchdir", NOTHING},
    {SYS_fchmod, "fchmod", NOTHING},
    {SYS_fchownat, "fchownat", NOTHING},
    {SYS_fstatfs, "fstatfs", NOTHING},
    {SYS_fcntl, "fcntl", FCNTL},
    {SYS_ftruncate, "ftruncate", NOTHING},
    {SYS_futex, "futex", NOTHING},
    {SYS_fstatfs, "fstatfs", NOTHING},
    {SYS_getcwd, "getcwd", NOTHING},
    {SYS_getdents64, "getdents64", NOTHING},
    {SYS_getegid, "getegid", NOTHING},
    {SYS_geteuid, "geteuid", NOTHING},
    {SYS_getgid, "getgid", NOTHING},
    {SYS_getgroups, "getgroups", NOTHING},
    {SYS_getpid, "getpid", NOTHING},
    {SYS_getppid, "getppid", NOTHING},
    {SYS_getresgid, "getresgid", NOTHING},
    {SYS_getresuid, "getresuid", NOTHING},
    {SYS_gettid, "gettid", NOTHING},
    {SYS_getuid, "getuid", NOTHING},
    {SYS_ioctl, "ioctl", IOCTL},
    {SYS_kcmp, "kcmp", NOTHING},
    {SYS_keyctl, "keyctl", NOTHING},
    {SYS_kill, "kill", SECOND_NUMBER},
    {SYS_lseek, "lseek", NOTHING},
    {SYS_memfd_create, "memfd_create", NOTHING},
    {SYS_mmap, "mmap", NOTHING},
    {SYS_mkdirat, "mkdirat", NOTHING},
    {SYS_mknodat, "mknodat", NOTHING},
    {SYS_mount, "mount", NOTHING},
    {428, "open_tree", NOTHING},
    {429, "move_mount", NOTHING},
    {430, "fsopen", NOTHING},
    {431, "fsconfig", NOTHING},
    {432, "fsmount", NOTHING},
    {442, "mount_setattr", NOTHING},
    {452, "fchmodat2", NOTHING},
    {SYS_mprotect, "mprotect", NOTHING},
    {SYS_munmap, "munmap", NOTHING},
    {SYS_nanosleep, "nanosleep", NOTHING},
    {438, "pidfd_getfd", NOTHING},
    {434, "pidfd_open", NOTHING},
    {424, "pidfd_send_signal", SECOND_NUMBER},
    {437, "openat2", SECOND_PATH},
    {SYS_pipe2, "pipe2", NOTHING},
    {SYS_pivot_root, "pivot_root", NOTHING},
    {SYS_prctl, "prctl", PRCTL},
    {SYS_pread64, "pread64", DESCRIPTOR},
    {SYS_prlimit64, "prlimit64", NOTHING},
    {SYS_pselect6, "pselect6", NOTHING},
    {SYS_pwrite64, "pwrite64", NOTHING},
    {SYS_read, "read", DESCRIPTOR},
    {SYS_recvmsg, "recvmsg", DESCRIPTOR},
    {SYS_rt_sigaction, "rt_sigaction", NOTHING},
    {SYS_rt_sigprocmask, "rt_sigprocmask", NOTHING},
    {SYS_rt_sigreturn, "rt_sigreturn", NOTHING},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", NOTHING},
    {SYS_sched_yield, "sched_yield", NOTHING},
    {SYS_seccomp, "seccomp", NOTHING},
    {SYS_sendfile, "sendfile", NOTHING},
    {SYS_sendmsg, "sendmsg", DESCRIPTOR},
    {SYS_set_tid_address, "set_tid_address", NOTHING},
    {SYS_setgroups, "setgroups", NOTHING},
    {SYS_setns, "setns", NOTHING},
    {SYS_setpriority, "setpriority", NOTHING},
    {SYS_getpriority, "getpriority", NOTHING},
    {SYS_sched_setattr, "sched_setattr", NOTHING},
    {SYS_sched_setaffinity, "sched_setaffinity", NOTHING},
    {SYS_sched_getaffinity, "sched_getaffinity", NOTHING},
    {SYS_ioprio_set, "ioprio_set", NOTHING},
    {SYS_personality, "personality", NOTHING},
    {SYS_sethostname, "sethostname", NOTHING},
    {SYS_setdomainname, "setdomainname", NOTHING},
    {SYS_setresgid, "setresgid", NOTHING},
    {SYS_setresuid, "setresuid", NOTHING},
    {SYS_setsid, "setsid", NOTHING},
    {SYS_setsockopt, "setsockopt", NOTHING},
    {SYS_signalfd4, "signalfd4", NOTHING},
    {SYS_socket, "socket", NOTHING},
    {SYS_socketpair, "socketpair", NOTHING},
    {SYS_splice, "splice", NOTHING},
    {SYS_timerfd_create, "timerfd_create", NOTHING},
    {SYS_timerfd_settime, "timerfd_settime", NOTHING},
    {SYS_symlinkat, "symlinkat", NOTHING},
    {SYS_umask, "umask", NOTHING},
    {SYS_umount2, "umount2", NOTHING},
    {SYS_unlinkat, "unlinkat", NOTHING},
    {SYS_unshare, "unshare", NOTHING},
    {SYS_wait4, "wait4", NOTHING},
    {SYS_waitid, "waitid", NOTHING},
    {SYS_write, "write", DESCRIPTOR},
    {SYS_writev, "writev", DESCRIPTOR},
};

struct constant {
  uint64_t value;
  const char *name;
};

/* prctl(2), fcntl(2), ioctl_tty(2); those that musl's headers lack by number. */
static const struct constant prctl_names[] = {
    {PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"},
    {PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG"},
    {PR_GET_DUMPABLE, "PR_GET_DUMPABLE"},
    {PR_SET_DUMPABLE, "PR_SET_DUMPABLE"},
    {PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
    {PR_SET_NAME, "PR_SET_NAME"},
    {PR_SET_SECCOMP, "PR_SET_SECCOMP"},
    {PR_CAPBSET_READ, "PR_CAPBSET_READ"},
    {PR_CAPBSET_DROP, "PR_CAPBSET_DROP"},
    {PR_GET_SECUREBITS, "PR_GET_SECUREBITS"},
    {PR_SET_SECUREBITS, "PR_SET_SECUREBITS"},
    {PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"},
    {PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
    {PR_CAP_AMBIENT, "PR_CAP_AMBIENT"},
    {0, NULL},
};

static const struct constant fcntl_names[] = {
    {F_DUPFD, "F_DUPFD"},
    {F_GETFD, "F_GETFD"},
    {F_SETFD, "F_SETFD"},
    {F_GETFL, "F_GETFL"},
    {F_SETFL, "F_SETFL"},
    {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
    {1031, "F_SETPIPE_SZ"},
    {1032, "F_GETPIPE_SZ"},
    {1033, "F_ADD_SEALS"},
    {1034, "F_GET_SEALS"},
    {0, NULL},
};

static const struct constant ioctl_names[] = {
    {TIOCSCTTY, "TIOCSCTTY"},     {TIOCSWINSZ, "TIOCSWINSZ"},
    {TIOCSPTLCK, "TIOCSPTLCK"},   {TIOCGPTN, "TIOCGPTN"},
    {TIOCGWINSZ, "TIOCGWINSZ"},   {FIONREAD, "FIONREAD"},
    {0x5441, "TIOCGPTPEER"},      {0x5412, "TIOCSTI"},
    {0x5401, "TCGETS"},           {TCSETS, "TCSETS"},
    {0x8913, "SIOCGIFFLAGS"},     {0x8914, "SIOCSIFFLAGS"},
    {0xb701, "NS_GET_USERNS"},    {0xb702, "NS_GET_PARENT"},
    {0xb704, "NS_GET_OWNER_UID"}, {0, NULL},
};

const struct error_name injected_errors[] = {
    {"EPERM", EPERM},     {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE},
    {"EINTR", EINTR},     {"ENOSYS", ENOSYS}, {"EAGAIN", EAGAIN}, {"ENOSPC", ENOSPC},
    {"KILL", ERROR_KILL}, {NULL, 0},
};

const char *error_text(int number) {
  static char text[12];
  for (const struct error_name *error = injected_errors; error->name != NULL; error++)
    if (error->number == number)
      return error->name;
  snprintf(text, sizeof text, "%d", number);
  return text;
}

static const struct row *row_of(uint64_t number) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if ((uint64_t)rows[i].number == number)
      return &rows[i];
  return NULL;
}

void call_base_name(char name[CALL_NAME_SIZE], uint64_t number) {
  const struct row *row = row_of(number);
  if (row != NULL)
    snprintf(name, CALL_NAME_SIZE, "%s", row->name);
  else
    snprintf(name, CALL_NAME_SIZE, "%llu", (unsigned long long)number);
}

static void append(char name[CALL_NAME_SIZE], const char *text) {
  strncat(name, text, CALL_NAME_SIZE - 1 - strlen(name));
}

static void append_number(char name[CALL_NAME_SIZE], uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, ".%lld", (long long)(int)number);
  append(name, text);
}

static void append_constant(char name[CALL_NAME_SIZE], const struct constant *constants,
                            uint64_t value) {
  for (const struct constant *constant = constants; constant->name != NULL; constant++)
    if (constant->value == value) {
      append(name, ".");
      append(name, constant->name);
      return;
    }
  append_number(name, value);
}

/* Numbers in a path become N: pids and descriptors differ from run to run. "?" stands for a path
 * that cannot be read: an ordinary user's process is out of its reach once it is not dumpable. */
static void append_path(char name[CALL_NAME_SIZE], pid_t pid, uint64_t address) {
  size_t at = strlen(name);
  bool in_number = false;
  union {
    long word;
    uint8_t bytes[sizeof(long)];
  } data = {0};
  if (at < CALL_NAME_SIZE - 1)
    name[at++] = '.';
  for (size_t i = 0; at < CALL_NAME_SIZE - 1; i++) {
    errno = 0;
    if (i % sizeof data == 0)
      data.word = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)(address + i), NULL);
    if (errno != 0) {
      name[at++] = '?';
      break;
    }
    uint8_t byte = data.bytes[i % sizeof data];
    bool digit = byte >= '0' && byte <= '9';
    if (byte == '\0')
      break;
    if (!digit || !in_number)
      name[at++] = (char)(digit ? 'N' : byte == ' ' ? '_' : byte);
    in_number = digit;
  }
  name[at] = '\0';
}

/* What is read or written: its kind where that is known and tells more than a number. */
static void append_descriptor(char name[CALL_NAME_SIZE], const struct descriptors *descriptors,
                              uint64_t fd) {
  const char *kind = descriptors_kind(descriptors, (int)fd);
  if (kind == NULL) {
    append_number(name, fd);
    return;
  }
  append(name, ".");
  append(name, kind);
}

bool call_is_done_anyway(const char *name) {
  return strcmp(name, "close") == 0;
}

void call_name(char name[CALL_NAME_SIZE], pid_t pid, const struct descriptors *descriptors,
               uint64_t number, const uint64_t arguments[6]) {
  const struct row *row = row_of(number);
  call_base_name(name, number);
  if (row == NULL)
    return;
  switch (row->detail) {
  case NOTHING:
    return;
  case DESCRIPTOR:
    append_descriptor(name, descriptors, arguments[0]);
    return;
  case SECOND_NUMBER:
    append_number(name, arguments[1]);
    return;
  case FIRST_PATH:
    append_path(name, pid, arguments[0]);
    return;
  case SECOND_PATH:
    append_path(name, pid, arguments[1]);
    return;
  case PRCTL:
    append_constant(name, prctl_names, arguments[0]);
    return;
  case FCNTL:
    append_constant(name, fcntl_names, arguments[1]);
    append_number(name, arguments[0]);
    return;
  case IOCTL:
    append_constant(name, ioctl_names, arguments[1]);
    return;
  }
}

bool call_matches(const char *name, const char *pattern) {
  size_t length = strlen(pattern);
  if (length > 0 && pattern[length - 1] == '*')
    return strncmp(name, pattern, length - 1) == 0;
  return strcmp(name, pattern) == 0;
}
