/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

enum { ANY_ROLE = ROLE_COUNT, ANY_ERROR = 0 };

struct rule {
  int role;
  const char *call;
  int error; /* negative: any but this one */
  const char *reason;
  bool once; /* not when it fails persistently */
};

static const struct rule excluded[] = {
    {ANY_ROLE, "arch_prctl", ANY_ERROR, "libc's start, before main, which it ends by a signal",
     false},
    {ANY_ROLE, "set_tid_address", ANY_ERROR, "libc's start, before main; its result is unused",
     false},
    {ANY_ROLE, "exit_group", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "exit", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "clock_nanosleep", -EINTR, "cannot fail", false},
    {ANY_ROLE, "nanosleep", -EINTR, "cannot fail", false},
    {ANY_ROLE, "getpid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "getppid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "geteuid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "getuid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "getegid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "getgid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "gettid", ANY_ERROR, "cannot fail", false},
    {ANY_ROLE, "umask", ANY_ERROR, "cannot fail", false},
};

/* These are left out when persistent. */
static const struct rule excluded_for_ever[] = {
    {ROLE_AGENT, "read.*", EAGAIN, "to take it for an end of what there is to read is right",
     false},
};

/* When persistent. */
static const struct rule may_stay[] = {
    {ROLE_AGENT, "kill.*", ANY_ERROR, "what cannot be killed", false},
    {ROLE_AGENT, "pidfd_send_signal.*", ANY_ERROR, "what cannot be killed", false},
    {ROLE_AGENT, "open./proc/*", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "open.?", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "read.proc", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "open.N/children", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "getdents64", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "pread64.*", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "pidfd_open", ANY_ERROR, "descendants that cannot be told from others", false},
    {ROLE_AGENT, "read.?", ANY_ERROR, "descendants that cannot be found", false},
    {ROLE_AGENT, "mmap", ANY_ERROR, "descendants that there is no memory to list", false},
};

static const struct rule channel[] = {
    {ROLE_AGENT, "read.3", ANY_ERROR, "the BEAM's end is as good as closed", false},
    {ROLE_AGENT, "write.4", ANY_ERROR, "the BEAM hears nothing any more", false},
    {ROLE_AGENT, "fcntl.F_GETFL.3", ANY_ERROR, "there is no fd 3", false},
    {ROLE_AGENT, "fcntl.F_SETFL.3", ANY_ERROR, "there is no fd 3 that it can use", false},
    {ROLE_AGENT, "fcntl.F_GETFL.4", ANY_ERROR, "there is no fd 4", false},
    {ROLE_AGENT, "fcntl.F_SETFL.4", ANY_ERROR, "there is no fd 4 that it can use", false},
};

static const struct rule goes_on[] = {
    {ANY_ROLE, "read.*", EINTR, "repeated", false},
    {ANY_ROLE, "read.*", EAGAIN, "polled for and repeated", false},
    {ANY_ROLE, "write.*", EINTR, "repeated", false},
    {ANY_ROLE, "write.*", EAGAIN, "polled for and repeated", false},
    {ANY_ROLE, "wait4", EINTR, "repeated", false},
    {ANY_ROLE, "waitid", EINTR, "repeated", false},
    {ROLE_AGENT, "poll", ANY_ERROR, "select(2) takes its place, or a pause (poll_wait.h)", false},
    {ROLE_CHILD, "poll", ANY_ERROR, "select(2) takes its place (poll_wait.h)", false},
    {ROLE_HELPER, "poll", ANY_ERROR, "a pause, then repeated", false},
    {ANY_ROLE, "poll", EINTR, "repeated", false},
    {ANY_ROLE, "pselect6", ANY_ERROR, "a pause, then poll(2) again", false},
    {ANY_ROLE, "clock_nanosleep", EINTR, "repeated", false},
    {ANY_ROLE, "nanosleep", EINTR, "a shorter pause", false},
    {ROLE_AGENT, "wait4", ANY_ERROR, "the end is read from /proc, as when a tracer keeps it",
     false},
    {ROLE_AGENT, "waitid", ANY_ERROR, "the end is read from /proc, as when a tracer keeps it",
     false},
    {ROLE_AGENT, "read.signalfd", ANY_ERROR, "children are looked for all the same", false},
    {ROLE_AGENT, "read.*", ANY_ERROR,
     "taken for the stream's end, where it was the end: output, exec and frames are compared",
     false},
    {ROLE_AGENT, "read.ptmx", EIO, "a terminal that no process has open", false},
    {ROLE_AGENT, "open./proc/N/task/N/children", ANY_ERROR, "listed again", false},
    {ROLE_AGENT, "open./proc/N/task", ANY_ERROR, "listed again", false},
    {ROLE_AGENT, "open.N/children", ANY_ERROR, "listed again", false},
    {ROLE_AGENT, "getdents64", ANY_ERROR, "listed again", false},
    {ROLE_AGENT, "open./proc/N/stat", ANY_ERROR, "a descendant that is signalled again", false},
    {ROLE_AGENT, "pread64.*", ANY_ERROR, "descendants that are looked for again", false},
    {ROLE_AGENT, "pidfd_open", ANY_ERROR, "a child is signalled by its number", false},
    {ROLE_AGENT, "write.*", ENOMEM, "repeated for 5 s", true},
    {ROLE_AGENT, "capget", ANY_ERROR, "taken for privileged, which forbids more", false},
    {ROLE_AGENT, "setgroups", EPERM, "not allowed, or done by the child; compared", false},
    {ROLE_AGENT, "open.?", ANY_ERROR, "the same, of a path that is not known", false},
    {ROLE_CHILD, "read.*", ANY_ERROR, "it leaves, where its end was asked for", false},
    {ROLE_CHILD, "write.*", ANY_ERROR, "the agent says :ready itself, with :running", false},
    {ROLE_CHILD, "openat2*", ENOSYS, "a walk of its own, before Linux 5.6", false},
    {ROLE_CHILD, "openat2*", EPERM, "the same, behind a filter", false},
    {ROLE_CHILD, "openat2*", EAGAIN, "the same, when a directory was moved meanwhile", false},
    {ROLE_CHILD, "openat2./etc/passwd", ENOENT, "a file that is absent has no entries", false},
    {ROLE_CHILD, "mount_setattr", ENOSYS, "mount(2), before Linux 5.12", false},
    {ROLE_CHILD, "open_tree", EINVAL, "the mount itself is attached, before Linux 6.15", false},
    {ROLE_CHILD, "fstatfs", ANY_ERROR, "taken for procfs, which covers no link", false},
    {ROLE_CHILD, "wait4", ANY_ERROR, "of the trial, whose verdict is in memory", false},
    {ANY_ROLE, "close", ANY_ERROR, "the descriptor is gone all the same (close(2))", false},
    {ANY_ROLE, "munmap", ANY_ERROR, "the memory is lost until the process ends", false},
    {ROLE_AGENT, "mmap", ANY_ERROR, "done with less memory, or later", false},
    {ROLE_AGENT, "brk", ANY_ERROR, "libc takes mmap(2)", false},
    {ANY_ROLE, "sched_yield", ANY_ERROR, "a courtesy to other processes", false},
    {ANY_ROLE, "fcntl.F_SETFD.*", ANY_ERROR, "libc's second step after O_CLOEXEC", false},
    {ROLE_AGENT, "fcntl.F_GETFD.*", ANY_ERROR, "taken for closed, and /dev/null is opened", false},
    {ANY_ROLE, "fcntl.F_SETPIPE_SZ*", ANY_ERROR, "a smaller pipe works as well", false},
    {ROLE_AGENT, "signalfd4", ENOSYS, "libc takes signalfd(2) and fcntl(2)", false},
    {ROLE_AGENT, "socket", EINVAL, "libc takes it without the flags, and fcntl(2)", true},
    {ROLE_AGENT, "connect", EINTR, "repeated", false},
    {ROLE_AGENT, "connect", EAGAIN, "repeated for two seconds", true},
    {ANY_ROLE, "pipe2", ENOSYS, "libc takes pipe(2) and fcntl(2)", false},
    {ANY_ROLE, "dup.*", ENOSYS, "libc takes dup2(2) and fcntl(2)", false},
    {ROLE_AGENT, "ioctl.FIONREAD", ANY_ERROR, "an estimate", false},
    {ROLE_AGENT, "kill.*", ANY_ERROR, "the process ends by itself, or by the next signal", false},
    {ROLE_AGENT, "pidfd_send_signal.0", EPERM, "only a process that is there can refuse", false},
    {ROLE_AGENT, "pidfd_send_signal.15", ANY_ERROR, "the process ends by the next signal", false},
    {ROLE_AGENT, "pidfd_send_signal.9", ANY_ERROR, "sent again", false},
    {ROLE_CHILD, "getcwd", ANY_ERROR, "the root takes the place of the inherited directory", false},
    {ROLE_CHILD, "chdir", ANY_ERROR, "the root takes the place of the inherited directory", true},
    {ROLE_CHILD, "stat.", ANY_ERROR, "the directory is entered once more", false},
    {ANY_ROLE, "close_range", ANY_ERROR, "descriptors are listed and closed one by one", false},
    {ANY_ROLE, "clone3", ENOSYS, "clone(2), before Linux 5.3 or behind a filter", false},
    {ANY_ROLE, "clone3", EPERM, "clone(2), behind a filter that is older than clone3", false},
    {ROLE_AGENT, "memfd_create", EINVAL, "MFD_EXEC is tried first, unknown before Linux 6.3", true},
    {ROLE_AGENT, "fcntl.F_GET_SEALS.*", EINVAL, "no memfd, as an ordinary program file", true},
    {ANY_ROLE, "setns", EINVAL, "one by one, where a pidfd cannot be joined", true},
    {ROLE_AGENT, "open./proc/sys/fs/suid_dumpable", ANY_ERROR, "the child has a copy of the memory",
     false},
    {ROLE_AGENT, "kcmp", ANY_ERROR, "/proc tells what it does not", false},
    {ROLE_CHILD, "keyctl", ENOSYS, "a kernel without keyrings", false},
    {ROLE_CHILD, "keyctl", EPERM, "a filter that keeps keyrings out of reach", false},
    {ANY_ROLE, "seccomp", ENOSYS, "prctl(2), as before Linux 3.17", false},
    {ROLE_CHILD, "prctl.PR_GET_SECUREBITS", ANY_ERROR, "taken for not set, which forbids more",
     false},
    {ROLE_CHILD, "prctl.PR_CAPBSET_READ", EINVAL, "a capability that the kernel does not know",
     false},
    {ROLE_CHILD, "prctl.PR_CAP_AMBIENT", EINVAL, "a capability that the kernel does not know",
     false},
    {ROLE_CHILD, "prctl.PR_SET_KEEPCAPS", EPERM, "locked; sets that are lost by it are refused",
     false},
    {ROLE_CHILD, "setresgid", EINVAL, "an id without a mapping; the workload's are compared",
     false},
    {ROLE_CHILD, "setresuid", EINVAL, "an id without a mapping; the workload's are compared",
     false},
    {ROLE_CHILD, "setgroups", EPERM, "denied in the namespace; the workload's are compared", false},
    {ROLE_AGENT, "ioctl.TIOCGPTPEER", EINVAL, "the slave is opened by its name", false},
    {ROLE_AGENT, "ioctl.TIOCSWINSZ", ANY_ERROR, "not reported while running", false},
    {ROLE_AGENT, "rt_sigaction", ANY_ERROR, "the workload's signals are compared", false},
};

/* Whether a rule is about the failure. */
static bool has(const struct rule *rules, size_t count, const struct injection *injection) {
  for (size_t i = 0; i < count; i++) {
    const struct rule *rule = &rules[i];
    if ((rule->role == ANY_ROLE || rule->role == (int)injection->role) &&
        (rule->error == ANY_ERROR || rule->error == injection->error ||
         (rule->error < 0 && -rule->error != injection->error)) &&
        !(rule->once && injection->persistent) && call_matches(injection->call, rule->call))
      return true;
  }
  return false;
}

#define HAS(rules, injection) has(rules, sizeof(rules) / sizeof((rules)[0]), injection)

bool rule_goes_on(const struct injection *injection) {
  return HAS(goes_on, injection);
}

bool rule_is_channel(const struct injection *injection) {
  return HAS(channel, injection);
}

bool rule_is_excluded(const struct injection *injection) {
  return HAS(excluded, injection) || (injection->persistent && HAS(excluded_for_ever, injection));
}

bool rule_may_stay(const struct injection *injection) {
  return injection->persistent && HAS(may_stay, injection);
}

bool rule_ends_with(const struct injection *injection, const char *atom, int value) {
  /* The orphan policy sends SIGKILL after the grace. */
  return injection->role == ROLE_AGENT &&
         (call_matches(injection->call, "kill.*") ||
          call_matches(injection->call, "pidfd_send_signal.*")) &&
         strcmp(atom, "signaled") == 0 && value == SIGKILL;
}
