/* SPDX-License-Identifier: MIT */
/* Under which stage a call's failure is reported. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "rules.h"

enum { ANY_ROLE = ROLE_COUNT };

/* For calls between processes and for waiting, which are part of no step of their own. */
#define ANY_STAGE "*"

/* Of commands that resolve a path. */
#define TREE_STAGES                                                                                \
  "tree_open root attach mkdir symlink file device unmount mask readonly mount_attr propagation "  \
  "set_user chdir sysctl"

/* Stages, separated by spaces; a final '*' stands for any rest. */
static const struct {
  int role;
  const char *call;
  const char *stages;
} reports[] = {
    {ROLE_AGENT, "open./dev/null", "devnull_open standard_fds stdio"},
    {ROLE_AGENT, "open./dev/ptmx", "posix_openpt"},
    {ROLE_AGENT, "open./dev/pts/*", "pts_open"},
    {ROLE_AGENT, "open./proc/self/exe", "memfd"},
    {ROLE_AGENT, "open./proc/self/fd/N", "memfd"},
    {ROLE_AGENT, "open./proc/N/ns/user", "open_ns_user"},
    {ROLE_AGENT, "open./proc/N/ns/cgroup", "open_ns_cgroup"},
    {ROLE_AGENT, "open./proc/N/ns/ipc", "open_ns_ipc"},
    {ROLE_AGENT, "open./proc/N/ns/uts", "open_ns_uts"},
    {ROLE_AGENT, "open./proc/N/ns/net", "open_ns_net"},
    {ROLE_AGENT, "open./proc/N/ns/time", "open_ns_time"},
    {ROLE_AGENT, "open./proc/N/ns/mnt", "open_ns_mount"},
    {ROLE_AGENT, "open./proc/N/ns/pid", "open_ns_pid"},
    {ROLE_AGENT, "open./proc/N/stat", "exec_outcome"},
    {ROLE_AGENT, "open./proc/N/uid_map", "open_ns_user uid_map"},
    {ROLE_AGENT, "open./proc/N/gid_map", "open_ns_user gid_map"},
    {ROLE_AGENT, "open./proc/N/task/N/children", "subreaper"},
    {ROLE_AGENT, "readlink./proc/self", "exec_outcome stale"},
    {ROLE_AGENT, "open./tmp/*", "file_open"},
    {ROLE_AGENT, "stat./tmp/*", "stale"},
    {ROLE_AGENT, "stat./proc/N/ns/user", "open_ns_user"},
    {ROLE_AGENT, "stat./proc/N/ns/cgroup", "open_ns_cgroup"},
    {ROLE_AGENT, "stat./proc/N/ns/ipc", "open_ns_ipc"},
    {ROLE_AGENT, "stat./proc/N/ns/uts", "open_ns_uts"},
    {ROLE_AGENT, "stat./proc/N/ns/net", "open_ns_net"},
    {ROLE_AGENT, "stat./proc/N/ns/time", "open_ns_time"},
    {ROLE_AGENT, "stat./proc/N/ns/mnt", "open_ns_mount"},
    {ROLE_AGENT, "stat./proc/N/ns/pid", "open_ns_pid"},
    {ANY_ROLE, "open.?", ANY_STAGE},
    {ANY_ROLE, "stat.?", ANY_STAGE},
    {ANY_ROLE, "readlink.?", ANY_STAGE},
    {ROLE_AGENT, "stat.", "open_ns_*"},
    {ROLE_AGENT, "fstat", "memfd open_ns_* devnull_open file_open"},
    {ROLE_AGENT, "fcntl.F_GETFL.*", "devnull_open file_open connect_unix pipe2"},
    {ROLE_AGENT, "fcntl.F_SETFL.*", "devnull_open file_open connect_unix pipe2"},
    {ROLE_AGENT, "fcntl.F_ADD_SEALS.*", "memfd"},
    {ROLE_AGENT, "fcntl.F_GET_SEALS.*", "memfd"},
    {ROLE_AGENT, "ioctl.TIOCSPTLCK", "ptsetup"},
    {ROLE_AGENT, "ioctl.TIOCGPTPEER", "pts_open"},
    {ROLE_AGENT, "ioctl.TIOCGPTN", "ptsname"},
    {ROLE_AGENT, "ioctl.TCGETS", "terminal"},
    {ROLE_AGENT, "ioctl.TCSETS", "terminal"},
    {ROLE_AGENT, "ioctl.TIOCSWINSZ", "terminal"},
    {ROLE_AGENT, "memfd_create", "memfd"},
    {ROLE_AGENT, "sendfile", "memfd"},
    {ROLE_AGENT, "lseek", "memfd"},
    {ROLE_AGENT, "execveat", "memfd"},
    {ROLE_AGENT, "read.memfd", "memfd"},
    {ROLE_AGENT, "read.proc", "exec_outcome open_ns_user oom_score_adj"},
    {ROLE_AGENT, "pwrite64", "oom_score_adj"},
    {ROLE_AGENT, "open./proc/self/oom_score_adj", "oom_score_adj"},
    {ROLE_AGENT, "pread64.*", "exec_outcome"},
    {ROLE_AGENT, "read.ptmx", ANY_STAGE},
    {ROLE_AGENT, "read.*", ANY_STAGE},
    {ROLE_AGENT, "write.memfd", "memfd"},
    {ROLE_AGENT, "write.*", ANY_STAGE},
    {ROLE_AGENT, "poll", ANY_STAGE},
    {ROLE_AGENT, "wait4", ANY_STAGE},
    {ROLE_AGENT, "waitid", ANY_STAGE},
    {ROLE_AGENT, "kill.*", ANY_STAGE},
    {ROLE_AGENT, "pidfd_send_signal.0", "pidfd_open open_ns_*"},
    {ROLE_CHILD, "read.*", ANY_STAGE},
    {ROLE_CHILD, "write.*", ANY_STAGE},
    {ROLE_INTERMEDIATE, "read.*", ANY_STAGE},
    {ROLE_INTERMEDIATE, "write.*", ANY_STAGE},
    {ROLE_CHILD, "poll", ANY_STAGE},
    {ROLE_CHILD, "rt_sigaction", "sigaction"},
    {ROLE_CHILD, "wait4", "seccomp_install"},
    {ROLE_AGENT, "prctl.PR_SET_DUMPABLE", "prctl"},
    {ROLE_AGENT, "prctl.PR_SET_NAME", "prctl"},
    {ROLE_AGENT, "prctl.PR_SET_CHILD_SUBREAPER", "subreaper"},
    {ROLE_AGENT, "rt_sigprocmask", "sigprocmask"},
    {ROLE_AGENT, "signalfd4", "signalfd"},
    {ROLE_AGENT, "socket", "connect_unix"},
    {ROLE_AGENT, "connect", "connect_unix"},
    {ROLE_AGENT, "pidfd_open", "pidfd_open"},
    {ROLE_AGENT, "pipe2", "pipe2"},
    {ROLE_AGENT, "clone3", "clone"},
    {ROLE_AGENT, "clone", "clone guard"},
    {ROLE_AGENT, "getgroups", "setgroups"},
    {ROLE_AGENT, "ioctl.NS_GET_OWNER_UID", "open_ns_user"},
    {ROLE_AGENT, "ioctl.NS_GET_USERNS", "open_ns_mount"},
    {ROLE_AGENT, "ioctl.NS_GET_PARENT", "open_ns_mount"},
    {ROLE_AGENT, "fcntl.F_DUPFD_CLOEXEC.*", "open_ns_mount"},
    {ROLE_AGENT, "stat./proc/self/ns/user", "open_ns_mount"},
    {ROLE_AGENT, "mmap", "allocate"},
    {ANY_ROLE, "prctl.PR_SET_PDEATHSIG", "prctl"},
    {ANY_ROLE, "prctl.PR_SET_DUMPABLE", "prctl"},
    {ANY_ROLE, "prctl.PR_SET_NO_NEW_PRIVS", "prctl seccomp_no_new_privs no_new_privs"},
    {ANY_ROLE, "prctl.PR_CAPBSET_READ", "cap_drop_bounding cap_set_thread cap_set_ambient"},
    {ANY_ROLE, "prctl.PR_CAPBSET_DROP", "cap_drop_bounding cap_set_thread"},
    {ANY_ROLE, "prctl.PR_CAP_AMBIENT", "cap_set_ambient cap_set_thread set_credentials set_user"},
    {ANY_ROLE, "prctl.PR_SET_SECCOMP", "seccomp_install"},
    {ANY_ROLE, "seccomp", "seccomp_install"},
    {ANY_ROLE, "dup.*", "stdio"},
    {ANY_ROLE, "setsid", "setsid"},
    {ANY_ROLE, "ioctl.TIOCSCTTY", "stdio"},
    {ANY_ROLE, "ioctl.TIOCSWINSZ", "pty_winsize"},
    {ANY_ROLE, "rt_sigprocmask", "sigprocmask"},
    {ANY_ROLE, "mount", "mount_slave root attach mask mount_attr propagation"},
    {ANY_ROLE, "unshare", "unshare_cgroup time_offsets"},
    {ROLE_CHILD, "open./proc/self/timens_offsets", "time_offsets"},
    {ROLE_CHILD, "open./proc/self/ns/time_for_children", "time_offsets"},
    {ROLE_CHILD, "openat2.sys/*", "sysctl"},
    {ROLE_AGENT, "open./proc", "sysctl"},
    {ROLE_CHILD, "open_tree", "tree_open attach mask readonly"},
    {ROLE_CHILD, "mount_setattr", "tree_open attach mask readonly mount_attr propagation"},
    {ROLE_CHILD, "move_mount", "root attach mask readonly"},
    {ROLE_CHILD, "fsopen", "mount_open"},
    {ROLE_CHILD, "fsconfig", "mount_open"},
    {ROLE_CHILD, "fsmount", "mount_open"},
    {ROLE_CHILD, "fstatfs", "attach mask mount_attr symlink file device sysctl"},
    {ROLE_CHILD, "pivot_root", "root"},
    {ROLE_CHILD, "umount2", "root unmount"},
    {ROLE_CHILD, "fchdir", "root unmount attach mask mount_attr propagation chdir"},
    {ROLE_CHILD, "openat2*", TREE_STAGES},
    {ROLE_CHILD, "readlink.*", TREE_STAGES},
    {ROLE_CHILD, "getdents64", "mask"},
    {ROLE_CHILD, "mkdirat", "attach mkdir symlink file device"},
    {ROLE_CHILD, "fchmod", "attach mkdir symlink file device"},
    {ROLE_CHILD, "fchmodat2", "device"},
    {ROLE_CHILD, "fchownat", "mkdir device"},
    {ROLE_CHILD, "symlinkat", "symlink"},
    {ROLE_CHILD, "mknodat", "device"},
    {ROLE_CHILD, "socket", "loopback"},
    {ROLE_CHILD, "ioctl.SIOCGIFFLAGS", "loopback"},
    {ROLE_CHILD, "ioctl.SIOCSIFFLAGS", "loopback"},
    {ANY_ROLE, "keyctl", "keyctl"},
    {ROLE_AGENT, "chdir", "stale chdir"},
    {ROLE_AGENT, "getcwd", "stale"},
    {ANY_ROLE, "chdir", "chdir root"},
    {ANY_ROLE, "getcwd", "chdir"},
    {ANY_ROLE, "getresuid", "setresuid"},
    {ANY_ROLE, "getresgid", "setresgid"},
    {ANY_ROLE, "prctl.PR_SET_KEEPCAPS", "setresuid set_credentials set_user keep_capabilities"},
    {ROLE_AGENT, "capget", "setgroups"},
    {ANY_ROLE, "capget", "cap_set_thread"},
    {ANY_ROLE, "capset", "cap_set_thread set_credentials set_user"},
    {ANY_ROLE, "setgroups", "setgroups set_credentials set_user"},
    {ANY_ROLE, "setresgid", "setresgid set_credentials set_user"},
    {ANY_ROLE, "setresuid", "setresuid set_credentials set_user"},
    {ROLE_CHILD, "mmap", "seccomp_install set_user"},
    {ROLE_CHILD, "read.*", "set_user"},
    {ROLE_CHILD, "getgroups", "set_user"},
    {ROLE_CHILD, "setpriority", "nice"},
    {ROLE_CHILD, "prlimit64", "rlimit"},
    {ROLE_CHILD, "sched_setattr", "scheduler"},
    {ROLE_CHILD, "getpriority", "scheduler"},
    {ROLE_CHILD, "sched_setaffinity", "cpu_affinity"},
    {ROLE_CHILD, "sched_getaffinity", "cpu_affinity"},
    {ROLE_CHILD, "ioprio_set", "io_priority"},
    {ROLE_CHILD, "personality", "personality"},
    {ROLE_CHILD, "sethostname", "hostname"},
    {ROLE_CHILD, "setdomainname", "domainname"},
    {ANY_ROLE, "prctl.PR_SET_SECUREBITS", "securebits"},
    {ROLE_CHILD, "clone*", "seccomp_install"},
    {ROLE_CHILD, "execve", "execve"},
    {ROLE_INTERMEDIATE, "clone*", "fork"},
    {ANY_ROLE, "setns", "setns setns_* time_offsets"},
    {ANY_ROLE, "open./proc/self/ns", "setns"},
    {ANY_ROLE, "stat.user", "setns_user"},
    {ANY_ROLE, "stat.cgroup", "setns_cgroup"},
    {ANY_ROLE, "stat.ipc", "setns_ipc"},
    {ANY_ROLE, "stat.uts", "setns_uts"},
    {ANY_ROLE, "stat.net", "setns_net"},
    {ANY_ROLE, "stat.time", "setns_time"},
    {ANY_ROLE, "stat.mnt", "setns_mount"},
    {ANY_ROLE, "stat.pid_for_children", "setns_pid"},
    {ROLE_CHILD, "open.*", TREE_STAGES},
    {ROLE_CHILD, "stat.*", TREE_STAGES},
};

static bool is_among(const char *stages, const char *stage) {
  char list[256];
  char *rest = NULL;
  strncpy(list, stages, sizeof list - 1);
  list[sizeof list - 1] = '\0';
  for (char *one = strtok_r(list, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest))
    if (call_matches(stage, one))
      return true;
  return false;
}

/* A parked child that cannot be killed leaves by itself, when its pipe is closed. */
static bool is_parked_end(const struct injection *injection, const char *stage) {
  return injection->role == ROLE_AGENT && call_matches(injection->call, "kill.*") &&
         strcmp(stage, "ready_frame") == 0;
}

bool rule_reports(const struct injection *injection, const char *stage, int error) {
  bool is_own_error = error == injection->error ||
                      (error == ENOMEM && call_matches(injection->call, "mmap")) ||
                      (error == ESTALE && call_matches(injection->call, "stat./tmp/*")) ||
                      (error == ETIMEDOUT && call_matches(injection->call, "connect")) ||
                      (error == EPERM && call_matches(injection->call, "capget")) ||
                      (error == ENOSYS && call_matches(injection->call, "unshare")) ||
                      (error == EINVAL && call_matches(injection->call, "prctl.PR_CAPBSET_READ"));
  if (is_parked_end(injection, stage))
    return true;
  if (!is_own_error)
    return false;
  for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
    if ((reports[i].role == ANY_ROLE || reports[i].role == (int)injection->role) &&
        call_matches(injection->call, reports[i].call))
      return is_among(reports[i].stages, stage);
  return false;
}
