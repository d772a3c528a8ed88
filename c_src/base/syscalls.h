/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls that libc does not wrap everywhere, and the kernel constants that go with them.
 * musl-gcc does not see <linux/...>, so the numbers stand here, each with the page that defines it.
 * Every wrapper returns a value >= 0 or a negative errno.
 */
#ifndef LINX_BASE_SYSCALLS_H
#define LINX_BASE_SYSCALLS_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The generic table's numbers: the same on every architecture that has these calls. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* clone(2), namespaces(7) */
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLONE_PARENT
#define CLONE_PARENT 0x00008000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* waitid(2), since Linux 5.4 */
#define LINX_P_PIDFD 3

/* pidfd_send_signal(2), since Linux 6.9 */
#define LINX_PIDFD_SIGNAL_PROCESS_GROUP 4U

/* ioctl_ns(2), linux/nsfs.h */
#define LINX_NS_GET_USERNS    0xb701UL
#define LINX_NS_GET_PARENT    0xb702UL
#define LINX_NS_GET_OWNER_UID 0xb704UL

/* keyctl(2) */
#define LINX_KEYCTL_JOIN_SESSION_KEYRING 1

/* seccomp(2) */
#define LINX_SECCOMP_SET_MODE_FILTER 1
#define LINX_SECCOMP_MODE_FILTER     2

/* memfd_create(2), fcntl(2) */
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 0x0001U
#endif
#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 0x0002U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* struct clone_args as clone(2) has it, in its first published size (64 bytes, Linux 5.3). */
struct linx_clone_args {
  uint64_t flags;
  uint64_t pidfd;
  uint64_t child_tid;
  uint64_t parent_tid;
  uint64_t exit_signal;
  uint64_t stack;
  uint64_t stack_size;
  uint64_t tls;
};

static inline long sys_result(long value) {
  return value < 0 ? -(long)errno : value;
}

static inline int sys_pidfd_open(pid_t pid) {
  return (int)sys_result(syscall(SYS_pidfd_open, pid, 0U));
}

static inline int sys_pidfd_send_signal(int pidfd, int signum) {
  return (int)sys_result(syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0U));
}

/*
 * Signals the process group that the process leads, and the process alone if it leads none. Since
 * Linux 6.9 the pidfd stands for the group; before, the number has to, which may be another's if
 * the process was reaped meanwhile.
 */
static inline int sys_pidfd_signal_group(int pidfd, pid_t pid, int signum) {
  int result = (int)sys_result(
      syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, LINX_PIDFD_SIGNAL_PROCESS_GROUP));
  if (result == -EINVAL && sys_pidfd_send_signal(pidfd, 0) == 0)
    result = (int)sys_result(kill(-pid, signum));
  return result == -ESRCH ? sys_pidfd_send_signal(pidfd, signum) : result;
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)sys_result(syscall(SYS_close_range, first, last, flags));
}

static inline long sys_keyctl_join_session_keyring(void) {
  return sys_result(syscall(SYS_keyctl, LINX_KEYCTL_JOIN_SESSION_KEYRING, NULL, 0L, 0L, 0L));
}

static inline int sys_memfd_create(const char *name, unsigned flags) {
  return (int)sys_result(syscall(SYS_memfd_create, name, flags));
}

static inline int sys_execveat(int fd, const char *path, char *const argv[], char *const envp[],
                               int flags) {
  return (int)sys_result(syscall(SYS_execveat, fd, path, argv, envp, flags));
}

/*
 * Forks without sharing memory: returns twice, 0 in the child. `pidfd` (may be NULL) receives a
 * close-on-exec descriptor in the caller. Uses clone3; where that is missing or hidden by a filter
 * (ENOSYS), clone(2), which has no bit for a time namespace and so still returns ENOSYS for one.
 * With CLONE_PARENT the child takes over the caller's exit signal, and `exit_signal` must be 0.
 */
long sys_fork_with(uint64_t flags, int exit_signal, int *pidfd);

#endif
