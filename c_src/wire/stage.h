/*
 * The named steps of a session. A step's name is what an error frame carries, so this table is part
 * of the wire. Pure.
 */
#ifndef LINX_WIRE_STAGE_H
#define LINX_WIRE_STAGE_H

#define STAGE_TABLE(X)                                                                             \
  /* the wire */                                                                                   \
  X(MALFORMED_REQUEST, "malformed_request")                                                        \
  X(REQUEST_TOO_BIG, "request_too_big")                                                            \
  X(MALFORMED_COMMAND, "malformed_command")                                                        \
  X(COMMAND_TOO_BIG, "command_too_big")                                                            \
  /* set-up in the agent */                                                                        \
  X(STANDARD_FDS, "standard_fds")                                                                  \
  X(ALLOCATE, "allocate")                                                                          \
  X(MEMFD, "memfd")                                                                                \
  X(SIGPROCMASK, "sigprocmask")                                                                    \
  X(SIGNALFD, "signalfd")                                                                          \
  X(SUBREAPER, "subreaper")                                                                        \
  X(TCGETATTR, "tcgetattr")                                                                        \
  X(TCSETATTR, "tcsetattr")                                                                        \
  X(KILL, "kill")                                                                                  \
  X(PIPE2, "pipe2")                                                                                \
  X(POSIX_OPENPT, "posix_openpt")                                                                  \
  X(PTSETUP, "ptsetup")                                                                            \
  X(PTSNAME, "ptsname")                                                                            \
  X(PTS_OPEN, "pts_open")                                                                          \
  X(DEVNULL_OPEN, "devnull_open")                                                                  \
  X(FILE_OPEN, "file_open")                                                                        \
  X(CONNECT_UNIX, "connect_unix")                                                                  \
  X(PIDFD_OPEN, "pidfd_open")                                                                      \
  X(OPEN_NS_USER, "open_ns_user")                                                                  \
  X(OPEN_NS_MOUNT, "open_ns_mount")                                                                \
  X(OPEN_NS_UTS, "open_ns_uts")                                                                    \
  X(OPEN_NS_IPC, "open_ns_ipc")                                                                    \
  X(OPEN_NS_CGROUP, "open_ns_cgroup")                                                              \
  X(OPEN_NS_NET, "open_ns_net")                                                                    \
  X(OPEN_NS_TIME, "open_ns_time")                                                                  \
  X(OPEN_NS_PID, "open_ns_pid")                                                                    \
  X(CLONE, "clone")                                                                                \
  X(READY_FRAME, "ready_frame")                                                                    \
  X(MALFORMED_READY, "malformed_ready")                                                            \
  X(EXEC_OUTCOME, "exec_outcome")                                                                  \
  X(GUARD, "guard")                                                                                \
  X(RELAY, "relay")                                                                                \
  X(WAITID, "waitid")                                                                              \
  /* between clone and exec */                                                                     \
  X(SETNS, "setns")                                                                                \
  X(SETNS_USER, "setns_user")                                                                      \
  X(SETNS_MOUNT, "setns_mount")                                                                    \
  X(SETNS_UTS, "setns_uts")                                                                        \
  X(SETNS_IPC, "setns_ipc")                                                                        \
  X(SETNS_CGROUP, "setns_cgroup")                                                                  \
  X(SETNS_NET, "setns_net")                                                                        \
  X(SETNS_TIME, "setns_time")                                                                      \
  X(SETNS_PID, "setns_pid")                                                                        \
  X(FORK, "fork")                                                                                  \
  X(CLOSE_RANGE, "close_range")                                                                    \
  X(SIGACTION, "sigaction")                                                                        \
  X(SETSID, "setsid")                                                                              \
  X(PRCTL, "prctl")                                                                                \
  X(MOUNT_SLAVE, "mount_slave")                                                                    \
  X(STDIO, "stdio")                                                                                \
  X(CHDIR, "chdir")                                                                                \
  X(KEYCTL, "keyctl")                                                                              \
  X(SETGROUPS, "setgroups")                                                                        \
  X(SETRESGID, "setresgid")                                                                        \
  X(SETRESUID, "setresuid")                                                                        \
  X(EXECVE, "execve")                                                                              \
  X(SECCOMP_NO_NEW_PRIVS, "seccomp_no_new_privs")

enum stage {
  STAGE_NONE,
#define STAGE_ENUM(id, name) STAGE_##id,
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

/* The stage of that name, STAGE_NONE when there is none. */
enum stage stage_from_name(const char *name);

#endif
