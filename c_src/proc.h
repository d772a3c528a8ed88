/* What /proc says of a child. The parsers are pure. */
#ifndef LINX_PROC_H
#define LINX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* "/proc/<pid>" and `rest`, in `path`, which is PROC_PATH_SIZE long. `rest` is short. */
#define PROC_PATH_SIZE 64
void proc_path(char path[PROC_PATH_SIZE], pid_t pid, const char *rest);

struct proc_stat {
  pid_t pid;
  pid_t parent;
  unsigned long flags;
};

/* Parses the text of /proc/<pid>/stat (proc(5)), NUL-terminated. 0 or -EINVAL. */
int proc_parse_stat(const char *text, struct proc_stat *stat);

/*
 * Whether a child of the caller, which may be a zombie but is not reaped, has exec'd: the kernel
 * clears PF_FORKNOEXEC when it has. 1, 0 or a negative errno.
 */
int proc_has_execed(pid_t child);

/* Sends `signum` to every child of the caller. */
void proc_signal_own_children(int signum);

/* Sends `signum` to every child of `pid`, to theirs, and so on, as far as they are to be seen. */
void proc_signal_descendants(pid_t pid, int signum);

#endif
