/* SPDX-License-Identifier: MIT */
/*
 * The sessions whose system calls fail: what is asked for, what the client does on the way, and
 * what comes of it when nothing fails.
 */
#ifndef LINX_FAULT_SESSION_H
#define LINX_FAULT_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "target.h"
#include "term.h"

#define ORDINARY_ID 65534

/* Whose agent: root's, an ordinary user's, or that of the user who runs the test. */
enum owner { OWNER_ROOT, OWNER_ORDINARY, OWNER_CURRENT };

/* What the client writes into the id maps of the child. */
enum id_map { MAP_NONE, MAP_RANGE, MAP_OWN };

enum stdio { STDIO_NULL, STDIO_PTY, STDIO_PIPES, STDIO_FILES };

/* What the client does, and when. */
enum act {
  ACT_NOTHING,
  ACT_CLOSE_IN,   /* of fd 3 */
  ACT_CLOSE_BOTH, /* of fds 3 and 4, as when the BEAM dies */
  ACT_FEED,       /* data for stdin, its end, and demand for all that comes */
  ACT_TYPE,       /* a line into the terminal */
  ACT_ABORT,
  ACT_SIGNAL, /* SIGTERM to the tree; then the end of fd 3, because no frame says that it failed */
};

typedef void put_command(struct term *term);

struct session {
  const char *name;
  enum owner owner;
  enum target_kind target; /* TARGET_NONE: spawn */
  const char *const *namespaces;
  const char *workload; /* a part of workload.c */
  enum stdio stdio;
  bool demand;
  bool parks;
  put_command *const *commands; /* at the checkpoint, one after the other; NULL-terminated */
  put_command *const *setup;
  put_command *const *seal;
  enum id_map map;
  int oom_score;  /* 0: not in the request */
  bool gives_map; /* a range, in the request */
  bool no_new_privs;
  int boottime; /* seconds that its clock is ahead; 0: no offsets */
  bool kills_descendants;
  bool usage;
  bool pooled; /* as to an agent that has waited in a pool */
  bool keeps;  /* no workload, but a sealed copy of the agent */
  const char *cwd;
  int grace_ms;
  enum act on_parked;
  enum act on_running;
  enum act on_output;   /* the first */
  const char *terminal; /* the terminal frame's atom; NULL: the client does not wait for it */
  int value;
  const char *const *facts; /* lines of the workload's facts; NULL-terminated */
};

extern const struct session sessions[];
extern const int session_count;

const struct session *session_find(const char *name);

/* Whether the user who runs the test can run it. */
bool session_is_possible(const struct session *session);

/* The namespaces that it asks for, in the kernel's flags. */
unsigned long session_namespaces(const struct session *session);

/* The client's commands. */
put_command session_proceed;
put_command session_abort;
put_command session_signal_tree;
put_command session_close_stdin;
put_command session_line;
void session_data(struct term *term, size_t size);
void session_demand(struct term *term, const char *stream, int bytes);

#endif
