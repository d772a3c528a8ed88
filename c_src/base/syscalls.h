/* SPDX-License-Identifier: MIT */
/*
 * System calls without errno, and the kernel constants that go with them. Each function returns a
 * value >= 0 or a negative errno, and touches nothing but what it is given: the child shares the
 * agent's memory until it execs, and libc's errno with it, so that none of libc's wrappers may be
 * used there. musl-gcc does not see <linux/...>, so the numbers stand here, each with the page that
 * defines it.
 */
#ifndef LINX_BASE_SYSCALLS_H
#define LINX_BASE_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/raw_syscall.h"

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

/* The kernel's struct timespec of 64-bit time; 32-bit architectures have calls of their own for it.
 */
struct kernel_timespec {
  int64_t seconds, nanoseconds;
};
#ifdef SYS_clock_nanosleep_time64
#define LINX_SYS_CLOCK_NANOSLEEP SYS_clock_nanosleep_time64
#define LINX_SYS_PSELECT         SYS_pselect6_time64
#else
#define LINX_SYS_CLOCK_NANOSLEEP SYS_clock_nanosleep
#define LINX_SYS_PSELECT         SYS_pselect6
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

/* kcmp(2), with CONFIG_KCMP: compares two descriptors, and fails with EBADF where there is none */
#define LINX_KCMP_FILE 0

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

/* A system call with up to six arguments, integers or pointers. */
#define SYS_ARGUMENT(value) ((long)(uintptr_t)(value))
#define SYS_PADDED(number, a, b, c, d, e, f, ...)                                                  \
  raw_syscall((long)(number), SYS_ARGUMENT(a), SYS_ARGUMENT(b), SYS_ARGUMENT(c), SYS_ARGUMENT(d),  \
              SYS_ARGUMENT(e), SYS_ARGUMENT(f))
#define sys_call(...) SYS_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static inline int sys_pidfd_open(pid_t pid) {
  return (int)sys_call(SYS_pidfd_open, pid, 0U);
}

static inline int sys_pidfd_send_signal(int pidfd, int signum) {
  return (int)sys_call(SYS_pidfd_send_signal, pidfd, signum, NULL, 0U);
}

/*
 * Signals the process group that the process leads, and the process alone if it leads none. Since
 * Linux 6.9 the pidfd stands for the group; before, the number has to, which may be another's if
 * the process was reaped meanwhile.
 */
static inline int sys_pidfd_signal_group(int pidfd, pid_t pid, int signum) {
  int result =
      (int)sys_call(SYS_pidfd_send_signal, pidfd, signum, NULL, LINX_PIDFD_SIGNAL_PROCESS_GROUP);
  if (result == -EINVAL && sys_pidfd_send_signal(pidfd, 0) == 0)
    result = (int)sys_call(SYS_kill, -pid, signum);
  return result == -ESRCH ? sys_pidfd_send_signal(pidfd, signum) : result;
}

static inline int sys_close(int fd) {
  return (int)sys_call(SYS_close, fd);
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)sys_call(SYS_close_range, first, last, flags);
}

static inline int sys_dup(int fd, int onto, int flags) {
  return (int)sys_call(SYS_dup3, fd, onto, flags);
}

static inline int sys_open(const char *path, int flags) {
  return (int)sys_call(SYS_openat, AT_FDCWD, path, flags, 0666);
}

static inline long sys_read(int fd, void *bytes, size_t size) {
  return sys_call(SYS_read, fd, bytes, size);
}

static inline long sys_write(int fd, const void *bytes, size_t size) {
  return sys_call(SYS_write, fd, bytes, size);
}

static inline int sys_ioctl(int fd, unsigned long request, const void *argument) {
  return (int)sys_call(SYS_ioctl, fd, request, argument);
}

static inline int sys_prctl(int option, unsigned long first, unsigned long second) {
  return (int)sys_call(SYS_prctl, option, first, second, 0, 0);
}

static inline long sys_keyctl_join_session_keyring(void) {
  return sys_call(SYS_keyctl, LINX_KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

static inline int sys_memfd_create(const char *name, unsigned flags) {
  return (int)sys_call(SYS_memfd_create, name, flags);
}

static inline int sys_execveat(int fd, const char *path, char *const argv[], char *const envp[],
                               int flags) {
  return (int)sys_call(SYS_execveat, fd, path, argv, envp, flags);
}

/* Zeroed memory in whole pages, until it is released; NULL when there is none (mmap(2)). What a
 * child that shares the agent's memory has not released at exec stays the agent's, unused. */
static inline void *sys_allocate(size_t size) {
#ifdef SYS_mmap2
  long at =
      sys_call(SYS_mmap2, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#else
  long at =
      sys_call(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#endif
  void *memory = NULL;
  if (at > 0 || at < -4095)
    memcpy(&memory, &at, sizeof memory);
  return memory;
}

static inline void sys_release(void *memory, size_t size) {
  sys_call(SYS_munmap, memory, size);
}

/* Ends the process. */
_Noreturn static inline void sys_exit(int status) {
  sys_call(SYS_exit_group, status);
  sys_call(SYS_exit, status); /* a filter may deny every way out but the last */
  __builtin_trap();
}

/*
 * Forks without sharing memory: returns twice, 0 in the child. `pidfd` (may be NULL) receives a
 * close-on-exec descriptor in the caller. Uses clone3; where that is missing or a filter denies it
 * (ENOSYS, or EPERM from the filters of container hosts before clone3), clone(2), which returns
 * EPERM itself where the caller lacks a privilege. clone(2) has no bit for a time namespace, so
 * that the errno of clone3 stays for one.
 * With CLONE_PARENT the child takes over the caller's exit signal, and `exit_signal` must be 0.
 */
long sys_fork_with(uint64_t flags, int exit_signal, int *pidfd);

#endif
