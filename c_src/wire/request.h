/* SPDX-License-Identifier: MIT */
/*
 * The first frame of a session, decoded. Pure.
 */
#ifndef LINX_WIRE_REQUEST_H
#define LINX_WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "wire/command.h"
#include "wire/etf.h"
#include "wire/id_map.h"
#include "wire/request_stdio.h"
#include "wire/request_terminal.h"
#include "wire/time_offsets.h"

/* The largest request: exec takes 6 MiB of argv and environment at most (execve(2)), which is twice
 * that as a list of small integers. */
#define REQUEST_MAX ((size_t)16 << 20)

/* KILL, TERMINAL and KEEP start nothing: agent/kill.h, agent/lend_tty.h, launch/keep.h. */
enum request_mode { MODE_SPAWN, MODE_ENTER, MODE_KILL, MODE_TERMINAL, MODE_KEEP };

/* Commands inside a request: `count` terms from `at` on, each of which setup_command_decode
 * accepts. */
struct command_list {
  struct term_reader at; /* reads the request's frame, which must outlive the request */
  int count;
};

/* Of an agent that was started before its request: what has changed since then. */
struct pooled {
  bool given;       /* the request has it, and wants a frame as soon as the agent has taken it */
  const char *dir;  /* the client's working directory, or NULL; in the arena */
  char **set;       /* "KEY=VALUE", NULL-terminated in the arena, or NULL: none */
  char **unset;     /* "KEY", the same */
  const char *file; /* the path that the agent was started from, or NULL; in the arena */
  int64_t device;   /* what stat(2) said of it then, as the VM writes it */
  int64_t inode;
  int64_t size;
  int64_t mtime;
};

/* The session keyring (keyrings(7)): launch/session_keyring.h. */
enum keyring { KEYRING_BY_CONFINEMENT, KEYRING_INHERIT, KEYRING_NEW };

/* /proc/<pid>/setgroups (user_namespaces(7)) */
enum setgroups { SETGROUPS_DEFAULT, SETGROUPS_ALLOW, SETGROUPS_DENY };

struct request {
  struct pooled pooled;
  char **files;   /* what is executed, the first that is there; NULL-terminated, or NULL: argv[0] */
  char **argv;    /* NULL-terminated, argv[0] present; in the arena, with room for argv[-1] */
  char *arg0;     /* in the arena, or NULL */
  char **env;     /* NULL-terminated in the arena, or NULL: the agent's own */
  char **env_set; /* changes to that: "KEY=VALUE" and "KEY", each NULL-terminated in the arena, */
  char **env_unset;    /* or NULL: none */
  const char *cwd;     /* in the arena, or NULL: inherited */
  uint64_t namespaces; /* CLONE_NEW* bits */
  struct time_offsets time_offsets;
  struct id_map uid_map, gid_map;
  struct terminal_request terminal;
  struct stdio_directive stdio[3];
  int64_t grace_ms;
  uint64_t demands[STREAM_COUNT]; /* what is asked for from the start, with flow: demand */
  struct command_list setup;
  struct command_list final; /* applied after :proceed */
  enum request_mode mode;
  enum keyring keyring;
  enum setgroups setgroups;
  int oom_score;    /* -1000 to 1000 (proc(5)) */
  pid_t target;     /* enter and kill only */
  pid_t agent;      /* kill only: the target's parent, 0: not given */
  bool search_path; /* argv[0] is looked for along PATH, and may be a script without "#!" */
  bool namespaces_given;
  bool has_oom_score;
  bool pty; /* stdio is a terminal; then `stdio` is not looked at */
  bool no_new_privs;
  bool leave; /* the orphan policy; otherwise {kill, grace_ms} */
  bool proceed;
  bool ack;
  bool usage;
  bool waits;  /* a frame when exec waits for the other side of a FIFO */
  bool demand; /* flow: demand */
  bool kill_descendants;
  bool filters;         /* setup installs one */
  bool sets_parameters; /* setup or final has a sysctl */
  bool hold;            /* stay after the final frame until fd 3 ends */
};

/* Whether the child of the request looks for a terminal of its own root: where that was asked for,
 * or it has other mounts than the agent, because `namespaces` (CLONE_NEW*) are its own. */
bool request_looks_inside(const struct request *request, uint64_t namespaces);

/*
 * Whether nothing but exec is left to do for a child that has applied `setup`: it does not park,
 * and no filter or command may change its outcome. Such a child sends no :ready, because the agent
 * knows the pid that the child sees, and a wake-up is a large part of the cost of a short session;
 * the agent reports :ready together with the outcome of exec.
 */
bool request_execs_at_once(const struct request *request);

/*
 * Decodes the frame bytes[0..size). Strings go into `arena`, which term_arena_size sizes.
 * 0, -EINVAL for anything malformed, -ENOMEM.
 */
int request_decode(struct request *request, const uint8_t *bytes, size_t size, struct arena *arena);

#endif
