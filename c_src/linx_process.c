/* SPDX-License-Identifier: MIT */
/*
 * linx_process: one session, run as an Erlang port on fds 3 and 4. main calls the steps of the
 * session in their order; each step has a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include "agent/kill.h"
#include "agent/lend_tty.h"
#include "agent/pacing.h"
#include "agent/session.h"
#include "agent/workload.h"
#include "base/cleanup.h"
#include "base/environment_change.h"
#include "base/fds.h"
#include "base/poll_wait.h"
#include "base/proc.h"
#include "base/syscalls.h"
#include "launch/cloned_binary.h"
#include "launch/enter.h"
#include "launch/keep.h"
#include "launch/launch.h"
#include "launch/pooled.h"
#include "launch/stdio.h"
#include "launch/terminal_type.h"

enum { CONTROL_IN = 3, CONTROL_OUT = 4 };

#define IN_BYTES    4096
#define OUT_BYTES   1024
#define ARENA_BYTES 16384

static uint8_t in_bytes[IN_BYTES];
static uint8_t out_bytes[OUT_BYTES];
static uint8_t up_bytes[FRAME_SIZE];
static uint8_t down_bytes[64];
static char arena_bytes[ARENA_BYTES];

static struct request request;
static struct stdio_plan plan;
static struct enter_target target;
static struct session session;

/* Waits until everything is written or the reader has closed fd 4, and for a kernel without memory
 * for the write no longer than LEAVE_MS: only before there is a child. */
static void flush_all(struct channel_out *out) {
  int pauses = 0;
  for (channel_out_flush(out); channel_out_pending(out) > 0; channel_out_flush(out)) {
    struct pollfd writable = {.fd = out->fd, .events = POLLOUT};
    if (out->starved && ++pauses * POLL_WAIT_PAUSE_MS > LEAVE_MS)
      _exit(EXIT_CHANNEL);
    if (out->starved)
      poll_wait(NULL, 0, POLL_WAIT_PAUSE_MS);
    else if (poll_wait(&writable, 1, -1) > 0 && (writable.revents & (POLLERR | POLLHUP)) != 0)
      return;
  }
}

/* An Erlang port that is written to after its program has ended loses what it has not read yet. So
 * with `hold` the agent stays until the client closes fd 3 or fd 4. */
static void wait_for_end(struct channel_in *in, const struct channel_out *out) {
  while (!in->eof) {
    struct pollfd polled[] = {{.fd = in->fd, .events = POLLIN}, {.fd = out->fd}};
    if (poll_wait(polled, 2, -1) <= 0)
      continue;
    if (polled[1].revents != 0)
      return;
    if (channel_in_read(in) < 0)
      return;
    buffer_consume(&in->buffer, buffer_length(&in->buffer));
  }
}

_Noreturn static void give_up_at(struct failure failure) {
  struct frame frame;
  frame_error(&frame, failure.error, failure.stage, failure.index);
  session_emit(&session, &frame);
  session_cancel_openers(&session);
  flush_all(&session.out);
  if (request.hold && !session.out.broken)
    wait_for_end(&session.in, &session.out);
  _exit(session.out.broken ? (int)EXIT_CHANNEL : (int)stage_exit_code(failure.stage, false));
}

_Noreturn static void give_up(int result, enum stage stage) {
  give_up_at(failure_of(stage, result));
}

/* {status, name, value} of a request that starts nothing. */
static void report(const char *name, int value) {
  struct frame frame;
  frame_status_value(&frame, name, value);
  session_emit(&session, &frame);
  flush_all(&session.out);
}

static void check(int result, enum stage stage) {
  if (result < 0)
    give_up(result, stage);
}

static void check_failure(struct failure failure) {
  if (failure_is(failure))
    give_up_at(failure);
}

static void check_errno(int result, enum stage stage) {
  if (result < 0)
    give_up(-errno, stage);
}

/* While SIGCHLD is ignored, the exit statuses of children are lost (wait(2)). With SIGPIPE and
 * SIGXFSZ ignored, a write without a reader, and one of the sealed copy beyond RLIMIT_FSIZE
 * (getrlimit(2)), fail with an errno instead of ending the agent. */
static void prepare_signals(void) {
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

static bool is_copy(char *const argv[]) {
  return argv[0] != NULL && argv[1] != NULL && argv[2] != NULL &&
         strcmp(argv[1], SEALED_ARGUMENT) == 0;
}

static void open_channel(char *const argv[]) {
  session.in =
      (struct channel_in){.fd = CONTROL_IN, .buffer = {.bytes = in_bytes, .size = IN_BYTES}};
  session.out =
      (struct channel_out){.fd = CONTROL_OUT, .buffer = {.bytes = out_bytes, .size = OUT_BYTES}};
  check(fds_occupy_standard(), STAGE_STANDARD_FDS);
  if (fds_set_nonblocking(CONTROL_IN) < 0 || fds_set_nonblocking(CONTROL_OUT) < 0) {
    static const char help[] =
        "linx_process is started by Linx, as an Erlang port on fds 3 and 4\n";
    ssize_t ignored = write(STDERR_FILENO, help, sizeof help - 1);
    (void)ignored;
    _exit(EXIT_CHANNEL);
  }
  if (is_copy(argv))
    check(sealed_resume(argv, &session.in.buffer), STAGE_MEMFD);
  /* Here and not only in the child, because in a namespace that is entered /proc may be another
   * that lists no descriptors of this process. */
  check(fds_close_from(CONTROL_OUT + 1), STAGE_CLOSE_RANGE);
}

/* The first frame, in place. Bytes that were read behind it stay in session.in. */
static void read_request(const uint8_t **bytes, size_t *size) {
  for (;;) {
    struct pollfd readable = {.fd = CONTROL_IN, .events = POLLIN};
    int found = channel_in_next(&session.in, REQUEST_MAX, bytes, size);
    check(found, STAGE_REQUEST_TOO_BIG);
    if (found > 0)
      return;
    int result = channel_in_read(&session.in);
    check(result, STAGE_ALLOCATE);
    if (session.in.eof)
      _exit(EXIT_CHANNEL);
    if (result == 0)
      poll_wait(&readable, 1, -1);
  }
}

static struct arena make_arena(size_t frame_size) {
  struct arena arena = {.base = arena_bytes, .size = sizeof arena_bytes};
  size_t size = term_arena_size(frame_size);
  if (size <= sizeof arena_bytes)
    return arena;
  arena.base =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (arena.base == MAP_FAILED)
    give_up(-ENOMEM, STAGE_ALLOCATE);
  arena.size = size;
  return arena;
}

/* The child reads the commands of a request in its frame, and frames that come later would take its
 * place. */
static void keep_frame(void) {
  struct buffer rest = {.size = 0};
  const struct buffer *read_ahead = &session.in.buffer;
  check(buffer_append(&rest, buffer_start(read_ahead), buffer_length(read_ahead)), STAGE_ALLOCATE);
  session.in.buffer = rest;
}

static void decode_request(const uint8_t *bytes, size_t size) {
  struct arena arena = make_arena(size);
  int result = request_decode(&request, bytes, size, &arena);
  check(result, result == -ENOMEM ? STAGE_ALLOCATE : STAGE_MALFORMED_REQUEST);
}

/*
 * Whether a process in a namespace other than the agent's can open the child's program file
 * (/proc/<pid>/exe): a process of a namespace that the child enters; a process that enters the
 * child's own namespaces while it is parked; or the workload, when the file to execute is a script
 * of its own tree that begins with #!/proc/self/exe.
 */
static bool is_seen_from_elsewhere(void) {
  return request.mode == MODE_ENTER ||
         (request.namespaces & (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER)) != 0;
}

/* What comes before anything else that the request leads to: relative paths of it are those of the
 * VM's working directory. The frame tells the client that the request is not lost with this agent
 * any more, so what does not depend on the request fails before it: a program file that cannot be
 * read any more, because its mode was changed while the agent waited. A sealed copy has all of it
 * from the agent that has executed it. */
static void take_over(char *const argv[]) {
  struct frame accepted;
  if (!request.pooled.given || is_copy(argv))
    return;
  if (is_seen_from_elsewhere())
    check(sealed_check(), STAGE_MEMFD);
  check_failure(pooled_take_over(&request.pooled));
  frame_status(&accepted, "accepted");
  session_emit(&session, &accepted);
  flush_all(&session.out);
}

/* Executes a sealed copy of this program for such a child, which must not lead to the program's
 * file; returns in the copy, or when the agent was started from one. The copy gets the bytes that
 * were read so far, from the request's frame on. */
static void run_sealed(char *const argv[], const uint8_t *frame, size_t size) {
  struct buffer read_ahead = session.in.buffer;
  if (!is_seen_from_elsewhere())
    return;
  read_ahead.start = (size_t)(frame - 4 - read_ahead.bytes);
  if (read_ahead.end < read_ahead.start + 4 + size)
    read_ahead.end = read_ahead.start + 4 + size;
  check(sealed_exec(&read_ahead, is_copy(argv)), STAGE_MEMFD);
}

/* After the copy was executed, which has the environment that this agent has and decodes the
 * request once more. */
static void change_environment(void) {
  const char *type = request.pty && request.env == NULL ? request.terminal.type : NULL;
  check(type != NULL ? terminal_type_set(type) : 0, STAGE_ALLOCATE);
  char *const *from = request.env != NULL ? request.env : environ;
  if (request.env_set != NULL || request.env_unset != NULL)
    check(environment_change(&request.env, from, request.env_set, request.env_unset),
          STAGE_ALLOCATE);
}

/*
 * With descendants: kill, processes that the workload leaves behind become the agent's children,
 * and SIGCHLD reports their ends. An entry may leave the agent a child as well, when the
 * intermediate process ends before the agent knows the pid of the process it has forked. The list
 * of the agent's children is opened now, because the workload may lower the agent's limit of
 * descriptors (prlimit(2)).
 */
static void become_subreaper(void) {
  sigset_t child;
  if (!request.kill_descendants && request.mode != MODE_ENTER)
    return;
  session.children = proc_open_own_children();
  check(session.children, STAGE_SUBREAPER);
  if (!request.kill_descendants)
    return;
  check_errno(prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL), STAGE_SUBREAPER);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  check_errno(sigprocmask(SIG_BLOCK, &child, NULL), STAGE_SIGPROCMASK);
  session.child_signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  check_errno(session.child_signals, STAGE_SIGNALFD);
}

/* The child has done what needs no ids when the frame comes. Where the kernel refuses the maps the
 * child is killed, and what it says is the session's failure. */
static void map_ids(const struct launched *launched) {
  struct frame go;
  if (!launched->awaits_maps)
    return;
  struct failure failure = launch_map_ids(launched);
  frame_atom(&go, "proceed");
  if (failure_is(failure))
    session_fail(&session, failure.error, failure.stage);
  else if (channel_out_frame(&session.down, &go) < 0)
    session_fail(&session, ENOMEM, STAGE_ALLOCATE);
  else
    session_flush_down(&session);
}

static void create_child(void) {
  struct launched launched;
  check_failure(launch(&launched, &request, &plan, request.mode == MODE_ENTER ? &target : NULL));
  session.pid = launched.pid;
  session.pidfd = launched.pidfd;
  session.is_intermediate = launched.is_intermediate;
  session.terminal_socket = launched.terminal;
  session.down = (struct channel_out){.fd = launched.down,
                                      .buffer = {.bytes = down_bytes, .size = sizeof down_bytes}};
  session.up = (struct channel_in){.fd = launched.up,
                                   .buffer = {.bytes = up_bytes, .size = sizeof up_bytes}};
  map_ids(&launched);
}

static struct relay_out output(int fd, enum stream_id stream) {
  bool is_pty = stream == STREAM_PTY;
  return (struct relay_out){
      .fd = fd,
      .stream = stream,
      .frame_name = is_pty ? "pty_out" : stream_name(stream),
      .by_demand = request.demand,
      .demand = request.demands[stream],
      .announce_eof = !is_pty || request.demand,
  };
}

static struct relay_in input(int fd, enum stream_id stream) {
  return (struct relay_in){
      .fd = fd, .stream = stream, .acknowledge = stream != STREAM_PTY || request.demand};
}

static void connect_relays(void) {
  session.outputs[OUT_STDOUT] = output(plan.agent[1], STREAM_STDOUT);
  session.outputs[OUT_STDERR] = output(plan.agent[2], STREAM_STDERR);
  session.outputs[OUT_PTY] = output(plan.master, STREAM_PTY);
  session.inputs[IN_STDIN] = input(plan.agent[0], STREAM_STDIN);
  session.inputs[IN_PTY] = input(plan.master, STREAM_PTY);
  session.inputs[IN_PTY].is_held = session.terminal_socket >= 0;
  session.pty_slave = plan.slave;
}

static void open_stdio(void) {
  struct failure failure = stdio_prepare(&plan, &request, CONTROL_IN);
  for (int fd = 0; fd < 3; fd++)
    session.openers[fd] = plan.openers[fd];
  check_failure(failure);
}

int main(int argc, char *argv[]) {
  const uint8_t *frame = NULL;
  size_t size = 0;
  (void)argc;
  /* First, because neither a process of the same user nor one with capabilities in its user
   * namespace is to trace the agent or read its memory and descriptors (ptrace(2)). exec has made
   * it dumpable again. */
  int undumpable = prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
  session = (struct session){.request = &request,
                             .pty_slave = -1,
                             .terminal_socket = -1,
                             .stdin_pipe = -1,
                             .child_signals = -1,
                             .children = -1,
                             .pidfd = -1,
                             .group = -1,
                             .stat = -1};
  int named = kill_name_agent();
  prepare_signals();
  open_channel(argv);
  check(undumpable, STAGE_PRCTL);
  check(named, STAGE_PRCTL);
  read_request(&frame, &size);
  decode_request(frame, size);
  take_over(argv);
  if (request.mode == MODE_KILL) {
    check_failure(kill_target(&request));
    report("exited", 0);
    return 0;
  }
  if (request.mode == MODE_TERMINAL) {
    check_failure(terminal_lend(&session.in, &session.out));
    return 0;
  }
  if (request.mode == MODE_KEEP) {
    int copy = -1;
    check_failure(keep_prepare(&copy));
    report("kept", copy);
    if (session.out.broken)
      return EXIT_CHANNEL;
    wait_for_end(&session.in, &session.out);
    return 0;
  }
  run_sealed(argv, frame, size);
  change_environment();
  if (request.setup.count > 0 || request.final.count > 0)
    keep_frame();
  open_stdio();
  if (request.mode == MODE_ENTER)
    check_failure(enter_prepare(&target, &request));
  /* Without the procfs of its own pid namespace the agent cannot prove an exec, and it would find
   * that out only after the workload has run. */
  check(proc_check_own(), STAGE_EXEC_OUTCOME);
  become_subreaper();
  create_child();
  connect_relays();
  return session_run(&session);
}
