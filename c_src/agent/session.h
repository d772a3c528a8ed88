/* SPDX-License-Identifier: MIT */
/*
 * One session from clone to its final frame: one poll loop, one explicit state. Session.c is the
 * loop; session_commands.c what the BEAM says; session_child.c what becomes of the child.
 */
#ifndef LINX_AGENT_SESSION_H
#define LINX_AGENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "agent/busy_poll.h"
#include "agent/outcome.h"
#include "agent/relay.h"
#include "wire/channel.h"
#include "wire/request.h"

enum session_state {
  STATE_STARTING, /* cloned; not heard of yet */
  STATE_PARKED,   /* at the checkpoint */
  STATE_EXECING,  /* let go; whether it execs is not known yet */
  STATE_RUNNING,
  STATE_CLEARING, /* reaped; what it left behind is being killed before its end is reported */
  STATE_DRAINING, /* reported; its streams or descendants are still there */
  STATE_DONE,
};

enum { OUT_STDOUT, OUT_STDERR, OUT_PTY, OUT_COUNT };
enum { IN_STDIN, IN_PTY, IN_COUNT };

struct session {
  const struct request *request;
  enum session_state state;

  struct channel_in in;    /* fd 3 */
  struct channel_out out;  /* fd 4 */
  struct channel_in up;    /* frames from the child; fd -1 once it has closed */
  struct channel_out down; /* commands to the child */
  struct relay_out outputs[OUT_COUNT];
  struct relay_in inputs[IN_COUNT];
  int pty_slave;     /* kept open, see struct pty; -1 */
  int child_signals; /* signalfd for SIGCHLD when descendants are killed; -1 */
  int children;      /* the agent's own /proc/<pid>/task/<tid>/children; -1: not open */

  pid_t pid;            /* the child, in the agent's pid namespace */
  int pidfd;            /* of the child; -1 once it is reaped */
  int stat;             /* its /proc/<pid>/stat; -1: not open */
  bool is_intermediate; /* that child only forks the workload's process, which is yet to come */
  size_t stdin_left;    /* of a large {stdin, _} frame: data that is passed on as it comes */
  bool awaits_answer;   /* a checkpoint command is with the child */
  bool is_guarded;      /* guard.h */
  bool guard_fails;     /* it could not be started */
  bool wait_fails;      /* the child cannot be reaped: its end is had as a hidden zombie's is */
  bool signals_fail;    /* child_signals cannot be read, and is not polled any more */
  bool has_strays;      /* the intermediate is gone, and what it may have forked is not known */
  bool beam_is_gone;    /* and what follows from it has been done */
  bool terminal_sent;
  bool stream_lost; /* after that, and no frame can say so */
  uint64_t applied; /* checkpoint commands */
  struct ending ending;

  struct busy_poll busy;
  bool gathers;       /* a terminal's frame waits for more of the same */
  int terminal_burst; /* frames of the terminal that have left without a pause */
  bool delays;        /* frames wait up to DELAY_MS for the next, to share its write */

  /* Moments of clock_ms; 0: none. */
  int64_t terminal_at; /* when the terminal's next frame may go, if it is a small one */
  int64_t kill_at;     /* when the orphan policy's grace ends */
  int64_t insist_at;   /* when a child that is still there is sent SIGKILL again */
  int64_t give_up_at;  /* when commands left by a closed BEAM no longer matter */
  int64_t report_at;   /* when the end is reported even if descendants cling to life */
  int64_t hidden_at;   /* since when a tracer keeps the child, a zombie, to itself */
  int64_t look_at;     /* when an end that could not be had is looked at again */
  int64_t starved_at;  /* since when the kernel has had no memory for a write */
  int64_t retry_at;    /* when such a write is tried again */
  int64_t leave_at;    /* when the agent leaves what has not been taken of it */

  struct rusage used; /* by the workload */
  int exit_code;
};

/* Runs to the end. The agent's exit code. Everything in the session belongs to it. */
int session_run(struct session *session);

/* The only place that changes the state; ends the agent if it may not follow the present one. */
void session_enter(struct session *session, enum session_state state);

#endif
