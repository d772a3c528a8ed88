/* SPDX-License-Identifier: MIT */
/* What /proc says of a child. The parsers are pure. */
#ifndef LINX_BASE_PROC_H
#define LINX_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* "/proc/<pid>" and `rest`, in `path`, which is PROC_PATH_SIZE long. `rest` is short. */
#define PROC_PATH_SIZE 64
void proc_path(char path[PROC_PATH_SIZE], pid_t pid, const char *rest);

/* "/proc/<pid>/task/<pid>/children" */
void proc_children_path(char path[PROC_PATH_SIZE], pid_t pid);

/* Fields of /proc/<pid>/stat (proc(5)). */
struct proc_stat {
  pid_t pid;
  char name[16]; /* what the process calls itself, NUL-terminated (PR_SET_NAME(2const)) */
  char state;    /* 'Z' for a zombie */
  pid_t parent, group, session;
  unsigned long flags;
  unsigned long minor_faults, major_faults;
  unsigned long user_ticks, system_ticks; /* of sysconf(_SC_CLK_TCK) a second */
  int exit_code; /* as wait4(2) has it; 0 for a caller that may not trace the process */
};

/* Parses the text of /proc/<pid>/stat (proc(5)), NUL-terminated. 0 or -EINVAL. */
int proc_parse_stat(const char *text, struct proc_stat *stat);

/* Opens /proc/<pid>/stat. The descriptor stays readable and stays that process's when the pid is
 * given to another process. It belongs to the caller. Or a negative errno. */
int proc_open_stat(pid_t pid);

/* Reads and parses it, again from its beginning. 0 or a negative errno. */
int proc_read_open_stat(int fd, struct proc_stat *stat);
int proc_read_stat(pid_t pid, struct proc_stat *stat);

/*
 * Parses the text of /proc/<pid>/uid_map or gid_map (user_namespaces(7)), NUL-terminated: the id
 * outside that `inside` stands for. -ENOENT when the map has no such id, -EINVAL.
 */
int64_t proc_parse_id_map(const char *text, uint32_t inside);

/* The same of such a file; outside is the caller's user namespace. Another negative errno when it
 * cannot be read. */
int64_t proc_id_map_outside(const char *path, uint32_t inside);

/*
 * Whether /proc is the procfs of the caller's own pid namespace. In another a pid stands for
 * another process. 0, -ESRCH or another negative errno.
 */
int proc_check_own(void);

/*
 * Whether a child of the caller, which may be a zombie but is not reaped, has exec'd: the kernel
 * clears PF_FORKNOEXEC when it has. `fd` is its proc_open_stat. 1, 0 or a negative errno.
 */
int proc_has_execed(int fd, pid_t child);

/* Opens the list of the caller's children, for the functions below. The descriptor belongs to the
 * caller. Or a negative errno. */
int proc_open_own_children(void);

/* Kills the `most` oldest children of the caller, also when no descriptor can be opened any more;
 * and the process groups of those that have ended, but for the caller's own, because what forks and
 * ends at once may never be found alive. */
void proc_kill_own_children(int fd, size_t most);

/* Sends `signum` to every child of the caller, their children and so on, as far as they can be
 * seen. */
void proc_signal_own_descendants(int fd, int signum);

/* Whether a child of the caller is alive, and not a zombie. True when there is no memory to find
 * out. */
bool proc_has_living_children(int fd);

/* Sends `signum` to every child of `pid`, their children and so on, as far as they can be seen. A
 * process that has got the number of one of them since is not signalled. */
void proc_signal_descendants(pid_t pid, int signum);

#endif
