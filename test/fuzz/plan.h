/* SPDX-License-Identifier: MIT */
/*
 * What a seed stands for: how the agent is started, the request, the workload's part, and the steps
 * that are played against it. Pure; nothing in it depends on the machine or the clock.
 */
#ifndef LINX_FUZZ_PLAN_H
#define LINX_FUZZ_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "random.h"

enum session_kind { KIND_SPAWN, KIND_ENTER, KIND_KILL, KIND_TERMINAL, KIND_COUNT };

enum wiring {
  WIRING_PIPES,
  WIRING_TWO_SOCKETS,
  WIRING_ONE_SOCKET, /* fds 3 and 4 are the same socket */
  WIRING_PIPE_AND_SOCKET,
  WIRING_COUNT,
};

enum standard_fd { STANDARD_NULL, STANDARD_CLOSED, STANDARD_FILE, STANDARD_TERMINAL };

enum program {
  PROGRAM_WORKLOAD,
  PROGRAM_BY_FILES, /* the workload, second in :files */
  PROGRAM_MISSING,
  PROGRAM_DIRECTORY,
  PROGRAM_NO_INTERPRETER,
  PROGRAM_NOT_EXECUTABLE,
  PROGRAM_EMPTY,
  PROGRAM_COUNT,
};

enum directory { CWD_ABSENT, CWD_GOOD, CWD_MISSING, CWD_FILE };

enum directive {
  DIRECTIVE_ABSENT,
  DIRECTIVE_INHERIT,
  DIRECTIVE_DEVNULL,
  DIRECTIVE_PIPE,
  DIRECTIVE_FILE_READ,
  DIRECTIVE_FILE_WRITE,
  DIRECTIVE_FILE_APPEND,
  DIRECTIVE_CONNECT,
  DIRECTIVE_TO_STDOUT,
  DIRECTIVE_FILE_MISSING,
  DIRECTIVE_FILE_DIRECTORY,
  DIRECTIVE_CONNECT_MISSING,
  DIRECTIVE_CONNECT_FULL,
};

enum target_kind {
  TARGET_PLAIN,
  TARGET_NO_USER,       /* uts, ipc and net */
  TARGET_PID_MOUNT,     /* pid and mount */
  TARGET_USER_MAPPED,   /* user, pid and mount; ids from MAPPED_BASE on */
  TARGET_USER_NOBODY,   /* an ordinary user's: its own id is 0, groups denied; user, pid, mount */
  TARGET_USER_UNMAPPED, /* user, no maps */
  TARGET_ZOMBIE,
  TARGET_DEAD,
  TARGET_COUNT,
};

#define MAPPED_BASE 100000
#define NOBODY      65534

enum stream { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_PTY, STREAM_COUNT };
enum scope { SCOPE_ABSENT, SCOPE_WORKLOAD, SCOPE_GROUP, SCOPE_TREE };

/* A command; `variant` chooses among its arguments. */
enum message {
  MESSAGE_PROCEED,
  MESSAGE_ABORT,
  MESSAGE_DROP_BOUNDING,
  MESSAGE_SET_THREAD,
  MESSAGE_SET_AMBIENT,
  MESSAGE_CREDENTIALS, /* set_credentials, or set_user with an odd variant */
  MESSAGE_SECCOMP,
  MESSAGE_WINSIZE,
  MESSAGE_SIGNAL,
  MESSAGE_STDIN,
  MESSAGE_PTY_IN,
  MESSAGE_CLOSE,
  MESSAGE_DEMAND,
  MESSAGE_LOOPBACK, /* in lists alone */
  MESSAGE_UMASK,
  MESSAGE_NICE,
  MESSAGE_ALLOWANCE, /* rlimit, scheduler and others, by the variant */
  MESSAGE_HOSTNAME,  /* in lists alone, as loopback */
  MESSAGE_MOUNT,     /* likewise: one of MOUNT_STEPS kinds of commands on mounts and files */
  MESSAGE_MALFORMED,
  MESSAGE_COUNT,
};

/* A file system is opened, attached, gets a file, and is changed: the variant, modulo this. */
#define MOUNT_STEPS 4

enum filter {
  FILTER_ALLOW,
  FILTER_KILL_EXEC,
  FILTER_ERRNO_EXEC,
  FILTER_ZERO_EXEC, /* execve returns 0 and does nothing */
  FILTER_DENY_WRITE,
  FILTER_ODD_SIZE,
  FILTER_INVALID,
  FILTER_COUNT,
};

enum malformed {
  MALFORMED_ATOM,
  MALFORMED_ARITY,
  MALFORMED_SIGNAL,
  MALFORMED_STREAM,
  MALFORMED_EMPTY,
  MALFORMED_VERSION,
  MALFORMED_NOISE,
  MALFORMED_NESTED,
  MALFORMED_TRAILING,
  MALFORMED_TOO_BIG,
  MALFORMED_COUNT,
};

struct command {
  enum message message;
  unsigned variant;
  enum stream stream;
  enum scope scope;
  int number;      /* a signal */
  uint64_t amount; /* bytes */
};

enum trigger {
  TRIGGER_NOW,
  TRIGGER_FRAME, /* the next frame */
  TRIGGER_SPAWNED,
  TRIGGER_READY,
  TRIGGER_RUNNING,
  TRIGGER_STARTED, /* the workload has reached main */
  TRIGGER_TERMINAL,
  TRIGGER_BYTES,        /* so many more bytes on fd 4 */
  TRIGGER_MICROSECONDS, /* so much time */
};

enum action {
  ACTION_SEND,
  ACTION_SEND_HALF, /* the beginning of the commands' frames */
  ACTION_MAPS,      /* the id maps of the child's user namespace */
  ACTION_CLOSE_IN,
  ACTION_CLOSE_OUT,
  ACTION_SHUTDOWN_IN,
  ACTION_READ_NOT, /* for `milliseconds` */
  ACTION_PAUSE_AGENT,
  ACTION_SIGNAL_AGENT,
  ACTION_SIGNAL_CHILD,
  ACTION_SIGNAL_INTERMEDIATE,
  ACTION_SIGNAL_TARGET,
  ACTION_IDLE,
};

#define STEP_COMMANDS_MAX 5

struct step {
  enum trigger trigger;
  unsigned amount; /* of the trigger */
  enum action action;
  int number; /* a signal */
  int milliseconds;
  int pieces; /* in which the bytes are written */
  int command_count;
  struct command commands[STEP_COMMANDS_MAX];
};

enum work {
  WORK_OUT,
  WORK_ERR,
  WORK_FLOOD,
  WORK_IN,
  WORK_IN_ALL,
  WORK_SLEEP,
  WORK_SPIN,
  WORK_IGNORE,
  WORK_TRAP,
  WORK_CLOSE,
  WORK_CHILD,
  WORK_STUBBORN_CHILD,
  WORK_DAEMON,
  WORK_DAEMON_DEAF,
  WORK_BROOD,
  WORK_ZOMBIE,
  WORK_RAW,
  WORK_REOPEN,
  WORK_PACKETS,
  WORK_STOP,
  WORK_PAUSE,
  WORK_DIE,
  WORK_EXIT,
  WORK_COUNT,
};

/* Of the clocks of a time namespace. */
enum clock_offsets { OFFSETS_NONE, OFFSETS_AHEAD, OFFSETS_BACK, OFFSETS_BEYOND, OFFSETS_COUNT };

enum keyring { KEYRING_ABSENT, KEYRING_NEW, KEYRING_INHERIT };

struct work_item {
  enum work work;
  long number;
};

enum mutation {
  MUTATION_NONE,
  MUTATION_TRUNCATED,
  MUTATION_FLIPPED, /* the outcome may still be a request, as with MUTATION_GARBAGE */
  MUTATION_TWICE,   /* a key is given twice */
  MUTATION_WRONG_TYPE,
  MUTATION_NO_ARGV,
  MUTATION_NO_TARGET,
  MUTATION_GARBAGE,
  MUTATION_TOO_BIG,
};

/* What is done about a session that has not ended by the end of the steps. */
enum ending {
  ENDING_NATURAL, /* its input ends, its output is asked for */
  ENDING_KILL,    /* abort and signal 9 */
  ENDING_CLOSE_IN,
  ENDING_CLOSE_OUT,
  ENDING_CLOSE_BOTH,
  ENDING_NO_READER, /* fd 3 closed, fd 4 open and not read */
  ENDING_KILL_AGENT,
  ENDING_TERM_AGENT,
  ENDING_COUNT,
};

enum namespace {
  NAMESPACE_USER = 1,
  NAMESPACE_MOUNT = 2,
  NAMESPACE_UTS = 4,
  NAMESPACE_IPC = 8,
  NAMESPACE_CGROUP = 16,
  NAMESPACE_NET = 32,
  NAMESPACE_TIME = 64,
  NAMESPACE_PID = 128,
};

extern const char *const namespace_names[8];

#define WORK_MAX     8
#define COMMANDS_MAX 4
#define STEPS_MAX    24

struct plan {
  uint64_t seed;

  /* the start */
  bool as_nobody; /* as an ordinary user, whichever that is */
  enum wiring wiring;
  int send_buffer; /* bytes of fd 4's socket; 0: as it is */
  enum standard_fd standard[3];
  bool ignores_signals;
  bool blocks_signals;
  bool hides_proc;
  bool has_groups;
  int extra_fds;

  /* the request */
  enum session_kind kind;
  enum mutation mutation;
  unsigned mutation_at; /* per mille of its bytes, or the key */
  unsigned namespaces;
  bool gives_namespaces;
  enum clock_offsets offsets;
  enum keyring keyring;
  enum target_kind target;
  enum program program;
  enum directory cwd;
  bool pty;
  bool describes_pty; /* with its size, settings and type */
  bool devnull;       /* all three, as one atom */
  enum directive stdio[3];
  bool proceed, ack, usage, demand, hold, kill_descendants, no_new_privs, linger, unknown_keys;
  bool gives_grace, gives_env, changes_env, searches, gives_arg0, charlists;
  int grace_ms;
  uint64_t demanded[STREAM_COUNT]; /* with the request */
  int setup_count, seal_count;
  struct command setup[COMMANDS_MAX], seal[COMMANDS_MAX];
  int request_pieces;

  int work_count;
  struct work_item work[WORK_MAX];

  int step_count;
  struct step steps[STEPS_MAX];
  enum ending ending;
  enum scope ending_scope;
  bool idles;             /* before and after the terminal frame, for the agent to do nothing */
  bool serves_to_the_end; /* its streams are read to their end, when there is nothing to hold */
};

/* `privileged`: whether the fuzzer is root, and so what it can do. */
void plan_make(struct plan *plan, uint64_t seed, bool privileged);

/* plan_request.c, plan_command.c, plan_steps.c */
void plan_request(struct plan *plan);
void plan_work(struct plan *plan);
void plan_steps(struct plan *plan);
struct command plan_setup_command(struct random *random, const struct plan *plan);
struct command plan_stream_command(struct random *random, const struct plan *plan);
struct command plan_any_command(struct random *random, const struct plan *plan);

/* Whether the request is none. A damaged one may be one still, and another than was meant. */
bool plan_is_malformed(const struct plan *plan);
bool plan_is_damaged(const struct plan *plan);
/* Whether the child gets, or enters, a user namespace. */
bool plan_has_user_namespace(const struct plan *plan);
/* Whether the workload's process is the child of an intermediate one. */
bool plan_enters_pid_namespace(const struct plan *plan);
/* Whether it asks for the mount namespace of another user namespace, and not for that: refused. */
/* Whether it has clocks or a loopback to set that are not its own. */
bool plan_lacks_time(const struct plan *plan);
bool plan_lacks_net(const struct plan *plan);

bool plan_enters_foreign_mounts(const struct plan *plan);

/* Whether the workload is the first process of a pid namespace. */
bool plan_is_init(const struct plan *plan);
bool plan_works(const struct plan *plan, enum work work);
/* Whether the workload ends when its input ends and its output is taken. */
bool plan_ends_by_itself(const struct plan *plan);
/* Whether fd 1, 2 of the workload, or its terminal, is a stream of the agent's. */
bool plan_relays(const struct plan *plan, enum stream stream);
/* The setup and seal lists and the steps together. */
bool plan_sends(const struct plan *plan, enum message message);

#endif
