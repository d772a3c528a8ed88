/* SPDX-License-Identifier: MIT */
/*
 * One session, from the clone of its child to the agent's exit. session.c has the poll loop,
 * session_state.c the order of the states, session_commands.c the frames from the BEAM,
 * session_child.c the frames, the exec and the end of the child, workload.c what is done to the
 * child, descendants.c the agent's other children, pacing.c when frames are written.
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
  STATE_STARTING, /* cloned; it has sent no :ready, and its exec is not known */
  STATE_PARKED,   /* at the checkpoint */
  STATE_EXECING,  /* past the checkpoint; whether it execs is not known yet */
  STATE_RUNNING,
  STATE_CLEARING, /* reaped; its descendants are killed before the final frame */
  STATE_DRAINING, /* the final frame is appended; frames, streams or descendants are left */
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
  int openers[3];      /* threads that may be opening a FIFO (launch/fifo.h); 0: none */
  int stdin_pipe;      /* see own_stdio_keep; -1 */
  int pty_slave;       /* kept open, see struct stdio_plan; -1 */
  int terminal_socket; /* from which the master of a terminal inside comes; -1 */
  int child_signals;   /* signalfd for SIGCHLD when descendants are killed; -1 */
  int children;        /* the agent's own /proc/<pid>/task/<tid>/children; -1: not open */

  pid_t pid;            /* the child, in the agent's pid namespace */
  int pidfd;            /* of the child; -1 once it is reaped */
  int group;            /* its pidfd once it is reaped, for what is left of its group; -1 */
  int stat;             /* its /proc/<pid>/stat; -1: not open */
  bool is_intermediate; /* `pid` only forks the workload's process, whose pid is not known yet */
  bool is_elsewhere;    /* the workload is in a pid namespace that it has entered */
  size_t stdin_left;    /* of a large {stdin, _} frame: data that is passed on as it comes */
  bool waits;           /* the child waits for the other side of a FIFO before it execs */
  bool awaits_answer;   /* the child has not replied to the last checkpoint command */
  bool is_guarded;      /* guard.h */
  bool guard_fails;     /* the guard could not be started */
  bool wait_fails;      /* wait4(2) has not reaped the child: its end is taken from /proc */
  bool owes_reaping;    /* there may be more adopted children that have ended */
  bool signals_fail;    /* child_signals cannot be read, and is not polled any more */
  bool has_strays;      /* the intermediate has ended, and may have forked a process */
  bool beam_is_gone;    /* its end is closed, and session_beam_gone was called */
  bool terminal_sent;
  bool stream_lost; /* a stream failed after the final frame */
  uint64_t applied; /* checkpoint commands */
  struct ending ending;

  struct busy_poll busy;
  bool gathers;       /* a frame of the terminal waits for more of its output */
  int terminal_burst; /* frames of the terminal that have left without a pause */
  bool delays;        /* frames wait up to DELAY_MS for the next, to share its write */

  /* Moments of clock_ms; 0: none. */
  int64_t terminal_at; /* when the terminal's next frame may go, if it is a small one */
  int64_t kill_at;     /* when the orphan policy's grace ends */
  int64_t insist_at;   /* when a child that is still there is sent SIGKILL again */
  int64_t give_up_at;  /* when commands that a closed BEAM has left are dropped */
  int64_t report_at;   /* when the end is reported even if descendants are alive */
  int64_t sweep_until; /* when a workload is reaped even if processes of its session are alive */
  int64_t hidden_at;   /* since when a tracer keeps the agent from reaping the child */
  int64_t look_at;     /* when the child's end is looked at again */
  int64_t starved_at;  /* since when the kernel has had no memory for a write */
  int64_t retry_at;    /* when such a write is tried again */
  int64_t leave_at;    /* when frames are dropped that a client has not read */

  struct rusage used; /* by the workload */
  int exit_code;
};

/* Runs the session to its end. Returns the agent's exit code. The descriptors and buffers in the
 * session belong to it. */
int session_run(struct session *session);

/* The only place that changes the state. Ends the agent by a trap if `state` may not follow the
 * present one. */
void session_enter(struct session *session, enum session_state state);

#endif
