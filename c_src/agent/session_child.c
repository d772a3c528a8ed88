/* SPDX-License-Identifier: MIT */
#include "agent/session_child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/descendants.h"
#include "agent/own_stdio.h"
#include "agent/terminal_inside.h"
#include "agent/workload.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/syscalls.h"

/* Milliseconds that the final frame waits for descendants which SIGKILL does not end at once. */
#define CLEARING_MS 1000

/* Milliseconds that a tracer of the workload has before the agent takes the end from /proc, and
 * between two looks at the workload meanwhile. */
#define HIDDEN_MS       500
#define HIDDEN_PAUSE_MS 10

/* Calls of relay_out_pump at the end. They read more than a terminal can hold of what was written
 * before the end (64 KiB and a line). */
#define PTY_DRAIN_ROUNDS 4

static void report_spawned(struct session *session) {
  struct frame frame;
  frame_status_value(&frame, "spawned", session->pid);
  session_emit(session, &frame);
  session->delays = true;
}

/* Opens /proc/<pid>/stat before the workload runs, because it may lower the agent's limit of
 * descriptors. With hidepid (proc(5)) an ordinary user cannot see a child that is not dumpable;
 * then it is opened after exec. */
static void open_stat(struct session *session) {
  if (session->stat < 0)
    session->stat = proc_open_stat(session->pid);
}

void session_child_cloned(struct session *session) {
  session->ending.child_pid = session->pid;
  if (session->is_intermediate)
    return;
  report_spawned(session);
  open_stat(session);
}

/* A frame from the child, which is checked as one from the BEAM is. */
struct report {
  char name[TERM_ATOM_SIZE];
  int64_t value;
  struct failure failure;
};

static int read_failure(struct term_reader *reader, int arity, struct failure *failure) {
  char stage[TERM_ATOM_SIZE];
  int64_t error = 0;
  int64_t index = -1;
  if (term_read_integer(reader, 0, 4095, &error) < 0 || term_read_atom(reader, stage) < 0)
    return -EINVAL;
  if (arity == 4 && term_read_integer(reader, 0, INT32_MAX, &index) < 0)
    return -EINVAL;
  *failure =
      (struct failure){.error = (int)error, .stage = stage_from_name(stage), .index = (int)index};
  return failure->stage == STAGE_NONE ? -EINVAL : 0;
}

/* applied | {status, name, value} | {error, errno, stage} | {error, errno, stage, index} */
static int read_report(struct report *report, const uint8_t *payload, size_t size) {
  struct term_reader reader;
  int arity = 0;
  if (term_reader_init(&reader, payload, size) < 0)
    return -EINVAL;
  if (term_is_atom(&reader))
    return term_read_atom(&reader, report->name);
  if (term_read_tuple(&reader, &arity) < 0 || arity < 3 || arity > 4 ||
      term_read_atom(&reader, report->name) < 0)
    return -EINVAL;
  if (strcmp(report->name, "error") == 0)
    return read_failure(&reader, arity, &report->failure);
  if (strcmp(report->name, "status") != 0 || term_read_atom(&reader, report->name) < 0)
    return -EINVAL;
  bool is_uid = strcmp(report->name, "own_stdio") == 0;
  return is_uid ? term_read_integer(&reader, 0, UINT32_MAX, &report->value)
                : term_read_integer(&reader, 1, INT32_MAX, &report->value);
}

/* Looks at a child and does not reap it. Returns its pid when it has ended, 0 when it lives or its
 * end is kept by a tracer, -ECHILD when it is no child of the agent, or another negative errno. */
static pid_t look_at_child(pid_t pid) {
  siginfo_t state = {.si_pid = 0};
  int result;
  do
    result = waitid(P_PID, (id_t)pid, &state, WEXITED | WNOHANG | WNOWAIT);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : state.si_pid;
}

/* Puts the workload's process, which the intermediate process has forked and which is the agent's
 * child too, into the place of the intermediate. That has nothing left to do, and is killed and
 * reaped. */
static void adopt(struct session *session, pid_t pid) {
  struct frame start;
  pid_t intermediate = session->pid;
  pid_t found = look_at_child(pid);
  if (found == -ECHILD || pid == intermediate) {
    session_fail(session, EPROTO, STAGE_MALFORMED_READY);
    return;
  }
  if (found < 0) {
    session_fail(session, -found, STAGE_WAITID);
    return;
  }
  int pidfd = sys_pidfd_open(pid);
  if (pidfd < 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    session_fail(session, -pidfd, STAGE_PIDFD_OPEN);
    return;
  }
  kill(intermediate, SIGKILL);
  waitpid(intermediate, NULL, 0);
  fd_close(&session->pidfd);
  session->pid = pid;
  session->pidfd = pidfd;
  session->ending.child_pid = pid;
  session->hidden_at = session->look_at = 0;
  session->is_intermediate = false;
  session->is_elsewhere = true;
  report_spawned(session);
  open_stat(session);
  /* A kill requested before now hit the intermediate process; it is repeated on the workload. */
  if (session->beam_is_gone || session->ending.aborted ||
      session->ending.failure.stage != STAGE_NONE) {
    session_kill(session, SCOPE_WORKLOAD);
    return;
  }
  frame_atom(&start, "proceed");
  channel_out_frame(&session->down, &start);
  session_flush_down(session);
}

static void report_ready(struct session *session, pid_t child_pid) {
  struct frame frame;
  session->ending.child_pid = child_pid;
  frame_status_value(&frame, "ready", child_pid);
  session_emit(session, &frame);
  if (session->request->proceed) {
    session_enter(session, STATE_EXECING);
    session->ending.proceeding = true;
    session->delays = true;
  } else {
    session_enter(session, STATE_PARKED);
    session->delays = false;
  }
}

static void report_applied(struct session *session) {
  struct frame frame;
  session->awaits_answer = false;
  session->applied++;
  if (!session->request->ack)
    return;
  frame_status_value(&frame, "applied", (int64_t)session->applied);
  session_emit(session, &frame);
}

static void report_waiting(struct session *session) {
  struct frame frame;
  session->waits = true;
  session->delays = false;
  if (!session->request->waits)
    return;
  frame_status(&frame, "waiting");
  session_emit(session, &frame);
}

static void take_terminal(struct session *session) {
  int result = terminal_inside_take(session);
  if (result < 0)
    session_fail(session, -result, STAGE_SETUP_terminal);
}

static void take_report(struct session *session, const struct report *report) {
  bool starting = session->state == STATE_STARTING;
  if (report->failure.stage != STAGE_NONE) {
    session->ending.failure = report->failure;
    session_kill(session, SCOPE_WORKLOAD);
  } else if (starting && session->is_intermediate && strcmp(report->name, "spawned") == 0) {
    adopt(session, (pid_t)report->value);
  } else if (starting && !session->is_intermediate && strcmp(report->name, "ready") == 0) {
    report_ready(session, (pid_t)report->value);
  } else if (!session->is_intermediate && session->state <= STATE_EXECING &&
             channel_out_pending(&session->down) == 0 && strcmp(report->name, "own_stdio") == 0) {
    own_stdio(session, (uint32_t)report->value);
  } else if (session->state == STATE_EXECING && !session->waits &&
             strcmp(report->name, "waiting") == 0) {
    report_waiting(session);
  } else if (!session->is_intermediate && session->state <= STATE_EXECING &&
             session->terminal_socket >= 0 && strcmp(report->name, "terminal") == 0) {
    take_terminal(session);
  } else if (session->awaits_answer && strcmp(report->name, "applied") == 0) {
    report_applied(session);
  } else {
    session_fail(session, EPROTO, STAGE_MALFORMED_READY);
  }
}

static void report_running(struct session *session) {
  struct frame frame;
  session_enter(session, STATE_RUNNING);
  session->ending.execed = true;
  fd_close(&session->terminal_socket);
  session->inputs[IN_PTY].is_held = false;
  fd_close(&session->stdin_pipe);
  session->delays = false;
  frame_status(&frame, "running");
  session_emit(session, &frame);
}

static bool may_have_execed(const struct session *session) {
  bool silent = session->state == STATE_STARTING && request_execs_at_once(session->request);
  return (session->state == STATE_EXECING || silent) && session->ending.failure.stage == STAGE_NONE;
}

/*
 * The child's end of the pipe is closed: by exec or by its death, and only the kernel knows. A
 * child that dies gives up its descriptors all at once, this one among them, so one that still has
 * another has exec'd. Where the kernel does not say so (kcmp(2)) /proc does.
 */
static int has_execed(struct session *session) {
  if (sys_call(SYS_kcmp, session->pid, session->pid, LINX_KCMP_FILE, 0, 0) == 0)
    return 1;
  open_stat(session);
  return session->stat < 0 ? session->stat : proc_has_execed(session->stat, session->pid);
}

static void find_out_exec(struct session *session) {
  if (!may_have_execed(session))
    return;
  int execed = has_execed(session);
  if (execed < 0)
    session_fail(session, -execed, STAGE_EXEC_OUTCOME);
  if (execed <= 0)
    return;
  if (session->state == STATE_STARTING)
    report_ready(session, (session->request->namespaces & CLONE_NEWPID) != 0 ? 1 : session->pid);
  report_running(session);
}

void session_child_frames(struct session *session) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  while (session->up.fd >= 0) {
    int found = channel_in_next(&session->up, FRAME_SIZE, &payload, &size);
    if (found == 0) {
      int result = channel_in_read(&session->up);
      if (result > 0)
        continue;
      if (result == 0 && !session->up.eof)
        return;
      fd_close(&session->up.fd);
      if (result < 0 || session->up.error != 0)
        session_fail(session, result < 0 ? -result : session->up.error, STAGE_READY_FRAME);
      find_out_exec(session);
      return;
    }
    struct report report = {.value = 0};
    if (found < 0 || read_report(&report, payload, size) < 0)
      session_fail(session, EPROTO, STAGE_MALFORMED_READY);
    else
      take_report(session, &report);
  }
}

/*
 * Relays what the terminal still holds, because output written before the end comes before the
 * final frame (pages/wire.md); with demand as much as was asked for. False when there is no memory
 * for it until the frames that wait have been written.
 */
static bool drain_terminal(struct session *session) {
  struct relay_out *pty = &session->outputs[OUT_PTY];
  int size = 1;
  for (int round = 0; round < PTY_DRAIN_ROUNDS && size > 0 && !session->out.broken; round++)
    size = relay_out_pump(pty, POLLIN, &session->out);
  if (size < 0)
    return false;
  /* The rest of its input has no reader, and poll(2) reports a master that has hung up as ready at
   * every call. */
  relay_in_close(&session->inputs[IN_PTY]);
  /* With the agent's slave closed, the master returns EIO once the workload's last one is. */
  fd_close(&session->pty_slave);
  if (!pty->by_demand)
    relay_out_close(pty);
  return true;
}

static int64_t microseconds(struct timeval time) {
  return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static void report_usage(struct session *session) {
  const struct rusage *used = &session->used;
  struct frame frame;
  const struct frame_usage usage = {
      .utime_us = microseconds(used->ru_utime),
      .stime_us = microseconds(used->ru_stime),
      .maxrss_kb = used->ru_maxrss,
      .minflt = used->ru_minflt,
      .majflt = used->ru_majflt,
      .inblock = used->ru_inblock,
      .oublock = used->ru_oublock,
      .nvcsw = used->ru_nvcsw,
      .nivcsw = used->ru_nivcsw,
      .core_dumped = WCOREDUMP(session->ending.wait_status),
  };
  frame_usage(&frame, &usage);
  session_emit(session, &frame);
}

/* Whether the last two frames can be appended. If there is no memory for them they can be once the
 * frames before have been written, because the buffer of `out` never gets smaller than both. */
static bool has_room_for_end(struct session *session) {
  return session->out.broken ||
         buffer_reserve(&session->out.buffer, (size_t)2 * FRAME_SIZE) != NULL;
}

static void report_end(struct session *session) {
  struct frame frame;
  if (session->outputs[OUT_PTY].fd >= 0 && !drain_terminal(session))
    return;
  if (!has_room_for_end(session))
    return;
  if (session->request->usage)
    report_usage(session);
  outcome_frame(&frame, &session->ending);
  session_emit(session, &frame);
  session->exit_code = outcome_exit_code(&session->ending);
  session->terminal_sent = true;
  session->delays = false;
  session->kill_at = 0;
  session->give_up_at = 0;
  session_enter(session, STATE_DRAINING);
}

static bool is_zombie(pid_t pid) {
  return look_at_child(pid) == pid;
}

static struct timeval from_ticks(unsigned long ticks) {
  unsigned long per_second = (unsigned long)sysconf(_SC_CLK_TCK);
  return (struct timeval){.tv_sec = (time_t)(ticks / per_second),
                          .tv_usec = (suseconds_t)(ticks % per_second * 1000000 / per_second)};
}

/*
 * The agent cannot wait for a traced zombie until the tracer has waited for it or ended
 * (ptrace(2)), and a hostile tracer does neither. After HIDDEN_MS the agent takes the end from
 * /proc, which shows the exit status to a caller that may trace the process. False while the tracer
 * has time.
 */
static bool take_hidden_end(struct session *session) {
  struct proc_stat stat;
  struct stat owner;
  char path[PROC_PATH_SIZE];
  int64_t now = clock_ms();
  if (session->hidden_at == 0)
    session->hidden_at = now;
  session->look_at = now + HIDDEN_PAUSE_MS;
  int result = session->stat >= 0 ? proc_read_open_stat(session->stat, &stat)
                                  : proc_read_stat(session->pid, &stat);
  bool ended = result == 0 && (stat.state == 'Z' || stat.state == 'X');
  if (!ended || now - session->hidden_at < HIDDEN_MS)
    return false;
  session->look_at = 0;
  proc_path(path, session->pid, "");
  bool is_told = geteuid() == 0 || (lstat(path, &owner) == 0 && owner.st_uid == geteuid());
  session->ending.wait_status = stat.exit_code;
  if (!is_told && session->ending.failure.stage == STAGE_NONE)
    session->ending.failure = (struct failure){.error = EPERM, .stage = STAGE_WAITID, .index = -1};
  session->used = (struct rusage){
      .ru_utime = from_ticks(stat.user_ticks),
      .ru_stime = from_ticks(stat.system_ticks),
      .ru_minflt = (long)stat.minor_faults,
      .ru_majflt = (long)stat.major_faults,
  };
  return true;
}

/* No other group can have the number while the workload is a zombie. What the group has left is
 * killed at once where the agent adopts what descends from it, and else by session_sweep. */
static void kill_group(const struct session *session) {
  bool kills = session->child_signals >= 0;
  if (kills ? !session->is_elsewhere : session->beam_is_gone && !session->request->leave)
    kill(-session->pid, SIGKILL);
}

static bool reap(struct session *session) {
  int status = 0;
  if (wait4(session->pid, &status, WNOHANG, &session->used) != session->pid)
    return false;
  session->ending.wait_status = status;
  return true;
}

void session_child_ended(struct session *session) {
  pid_t pid = session->pid;
  if (session->pidfd < 0)
    return;
  session_child_frames(session);
  /* The last frame of an intermediate process replaces session->pid (adopt); the new one has not
   * ended for all that is known. */
  if (session->pid != pid)
    return;
  bool hidden = session->wait_fails || !is_zombie(pid);
  if (hidden && !take_hidden_end(session))
    return;
  /* The frames that were sent after the last read and before the end. */
  session_child_frames(session);
  if (session->pid != pid)
    return;
  find_out_exec(session);
  kill_group(session);
  if (session_sweep(session))
    return;
  if (!hidden && !reap(session)) {
    session->wait_fails = true;
    session->look_at = clock_ms() + HIDDEN_PAUSE_MS;
    return;
  }
  /* The guard uses it as well. */
  session->group = session->pidfd;
  session->pidfd = -1;
  fd_close(&session->up.fd);
  session_cancel_openers(session);
  session->has_strays = session->is_intermediate;
  session->is_intermediate = false;
  session_enter(session, STATE_CLEARING);
  session->report_at = clock_ms() + CLEARING_MS;
  session_report_end(session);
}

void session_report_end(struct session *session) {
  if (!session_has_descendants(session) || clock_ms() >= session->report_at)
    report_end(session);
}
