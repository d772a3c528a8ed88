/* SPDX-License-Identifier: MIT */
/*
 * The named steps of a session. A step's name is what an error frame carries, so this table is part
 * of the wire. Pure.
 */
#ifndef LINX_WIRE_STAGE_H
#define LINX_WIRE_STAGE_H

#include <stdbool.h>

/* The agent's exit codes. */
enum exit_code {
  EXIT_REPORTED = 0, /* the session was reported on */
  EXIT_CHANNEL = 1,  /* the control channel failed */
  EXIT_REQUEST = 2,
  EXIT_CREATION = 3, /* the child could not be created */
  EXIT_INTERNAL = 4,
};

/*
 * X(id, name, before, after): what the agent exits with after a failure of that step before the
 * child exists, and after that.
 */
#define STAGE_TABLE(X)                                                                             \
  /* the wire */                                                                                   \
  X(MALFORMED_REQUEST, "malformed_request", EXIT_REQUEST, EXIT_REPORTED)                           \
  X(REQUEST_TOO_BIG, "request_too_big", EXIT_REQUEST, EXIT_REPORTED)                               \
  X(MALFORMED_COMMAND, "malformed_command", EXIT_CREATION, EXIT_REPORTED)                          \
  X(COMMAND_TOO_BIG, "command_too_big", EXIT_CREATION, EXIT_REPORTED)                              \
  /* set-up in the agent */                                                                        \
  X(STANDARD_FDS, "standard_fds", EXIT_INTERNAL, EXIT_REPORTED)                                    \
  X(ALLOCATE, "allocate", EXIT_INTERNAL, EXIT_REPORTED)                                            \
  X(MEMFD, "memfd", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(SIGPROCMASK, "sigprocmask", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(SIGNALFD, "signalfd", EXIT_CREATION, EXIT_REPORTED)                                            \
  X(SUBREAPER, "subreaper", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(TCGETATTR, "tcgetattr", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(TCSETATTR, "tcsetattr", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(KILL, "kill", EXIT_CREATION, EXIT_REPORTED)                                                    \
  X(STALE, "stale", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(PIPE2, "pipe2", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(POSIX_OPENPT, "posix_openpt", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(PTSETUP, "ptsetup", EXIT_CREATION, EXIT_REPORTED)                                              \
  X(PTSNAME, "ptsname", EXIT_CREATION, EXIT_REPORTED)                                              \
  X(PTS_OPEN, "pts_open", EXIT_CREATION, EXIT_REPORTED)                                            \
  X(DEVNULL_OPEN, "devnull_open", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(FILE_OPEN, "file_open", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(CONNECT_UNIX, "connect_unix", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(PIDFD_OPEN, "pidfd_open", EXIT_CREATION, EXIT_CREATION)                                        \
  X(OPEN_NS_USER, "open_ns_user", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(OPEN_NS_MOUNT, "open_ns_mount", EXIT_CREATION, EXIT_REPORTED)                                  \
  X(OPEN_NS_UTS, "open_ns_uts", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(OPEN_NS_IPC, "open_ns_ipc", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(OPEN_NS_CGROUP, "open_ns_cgroup", EXIT_CREATION, EXIT_REPORTED)                                \
  X(OPEN_NS_NET, "open_ns_net", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(OPEN_NS_TIME, "open_ns_time", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(OPEN_NS_PID, "open_ns_pid", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(CLONE, "clone", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(READY_FRAME, "ready_frame", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(MALFORMED_READY, "malformed_ready", EXIT_CREATION, EXIT_REPORTED)                              \
  X(EXEC_OUTCOME, "exec_outcome", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(GUARD, "guard", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(RELAY, "relay", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(WAITID, "waitid", EXIT_CREATION, EXIT_REPORTED)                                                \
  /* between clone and exec */                                                                     \
  X(SETNS, "setns", EXIT_CREATION, EXIT_CREATION)                                                  \
  X(SETNS_USER, "setns_user", EXIT_CREATION, EXIT_CREATION)                                        \
  X(SETNS_MOUNT, "setns_mount", EXIT_CREATION, EXIT_CREATION)                                      \
  X(SETNS_UTS, "setns_uts", EXIT_CREATION, EXIT_CREATION)                                          \
  X(SETNS_IPC, "setns_ipc", EXIT_CREATION, EXIT_CREATION)                                          \
  X(SETNS_CGROUP, "setns_cgroup", EXIT_CREATION, EXIT_CREATION)                                    \
  X(SETNS_NET, "setns_net", EXIT_CREATION, EXIT_CREATION)                                          \
  X(SETNS_TIME, "setns_time", EXIT_CREATION, EXIT_CREATION)                                        \
  X(SETNS_PID, "setns_pid", EXIT_CREATION, EXIT_CREATION)                                          \
  X(FORK, "fork", EXIT_CREATION, EXIT_CREATION)                                                    \
  X(CLOSE_RANGE, "close_range", EXIT_INTERNAL, EXIT_REPORTED)                                      \
  X(SIGACTION, "sigaction", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(SETSID, "setsid", EXIT_CREATION, EXIT_REPORTED)                                                \
  X(PRCTL, "prctl", EXIT_INTERNAL, EXIT_REPORTED)                                                  \
  X(MOUNT_SLAVE, "mount_slave", EXIT_CREATION, EXIT_REPORTED)                                      \
  X(UID_MAP, "uid_map", EXIT_CREATION, EXIT_REPORTED)                                              \
  X(GID_MAP, "gid_map", EXIT_CREATION, EXIT_REPORTED)                                              \
  X(NEWUIDMAP, "newuidmap", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(NEWGIDMAP, "newgidmap", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(OOM_SCORE_ADJ, "oom_score_adj", EXIT_CREATION, EXIT_REPORTED)                                  \
  X(TIME_OFFSETS, "time_offsets", EXIT_CREATION, EXIT_REPORTED)                                    \
  X(UNSHARE_CGROUP, "unshare_cgroup", EXIT_CREATION, EXIT_REPORTED)                                \
  X(STDIO, "stdio", EXIT_CREATION, EXIT_REPORTED)                                                  \
  X(KEYCTL, "keyctl", EXIT_CREATION, EXIT_REPORTED)                                                \
  X(SETGROUPS, "setgroups", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(SETRESGID, "setresgid", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(SETRESUID, "setresuid", EXIT_CREATION, EXIT_REPORTED)                                          \
  X(EXECVE, "execve", EXIT_CREATION, EXIT_REPORTED)                                                \
  X(SECCOMP_NO_NEW_PRIVS, "seccomp_no_new_privs", EXIT_CREATION, EXIT_REPORTED)

enum stage {
  STAGE_NONE,
#define STAGE_ENUM(id, name, before, after) STAGE_##id,
  STAGE_TABLE(STAGE_ENUM)
#undef STAGE_ENUM
/* A set-up command is a stage of its own name. */
#define SETUP(name, arguments, by, changes, function) STAGE_SETUP_##name,
#include "setup/commands.def"
#undef SETUP
      STAGE_COUNT
};

/* The stage's name; a static string. `stage` must be a real stage, not STAGE_NONE. */
const char *stage_name(enum stage stage);

/* The agent's exit code for a failure there. */
enum exit_code stage_exit_code(enum stage stage, bool has_child);

/* The stage of that name, STAGE_NONE when there is none. */
enum stage stage_from_name(const char *name);

#endif
