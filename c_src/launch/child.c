#include "launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/poll_wait.h"
#include "base/syscalls.h"
#include "launch/user_namespace.h"
#include "setup/identity.h"
#include "setup/setup.h"
#include "wire/channel.h"
#include "wire/command.h"

/* Where the pipes are in the child; all of the agent's own descriptors are above these. */
#define DOWN_FD 3
#define UP_FD   4

/* What a child exits with when a frame has said more than a status can. */
#define EXIT_FAILURE_STATUS 127

struct child {
  const struct child_start *start;
  const struct request *request;
  struct channel_in commands;
  struct setup setup;
  bool ids_are_set; /* by command; id 0 is not taken then */
  bool owes_ready;  /* passed the checkpoint without a word; see announce_ready */
  int up;
};

/* 0 or -errno: EPIPE when the agent is gone, ENOMEM when the memory cgroup, which is charged for
 * the pages of a pipe, has none. */
static int try_send_frame(const struct child *child, const struct frame *frame) {
  const char *at = frame->bytes;
  int left = frame->length;
  while (left > 0) {
    ssize_t count = write(child->up, at, (size_t)left);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return count < 0 ? -errno : -EPIPE;
    at += count;
    left -= (int)count;
  }
  return 0;
}

/* Nothing is cleaned up on the way out: the process is a copy, and its descriptors go with it. A
 * filter may deny every way out but the last. */
_Noreturn static void leave(int status) {
  syscall(SYS_exit_group, status);
  syscall(SYS_exit, status);
  __builtin_trap();
}

/* The way out without a frame: the exit status of a child that has not exec'd is its errno, and the
 * agent can tell that it has not. A number that is no errno of one byte is EPERM. */
_Noreturn static void leave_with_errno(long result) {
  leave(result < 0 && result >= -UINT8_MAX ? (int)-result : EPERM);
}

/* A child that cannot say what the agent waits for leaves, because both would wait for each other.
 */
static void send_frame(const struct child *child, const struct frame *frame) {
  int result = try_send_frame(child, frame);
  if (result < 0)
    leave_with_errno(result);
}

static void send_ready(const struct child *child) {
  struct frame ready;
  frame_status_value(&ready, "ready", getpid());
  send_frame(child, &ready);
}

_Noreturn static void fail(const struct child *child, struct failure failure) {
  struct frame frame;
  if (child->owes_ready)
    send_ready(child);
  frame_error(&frame, failure.error, failure.stage, failure.index);
  if (try_send_frame(child, &frame) < 0)
    leave_with_errno(-failure.error);
  leave(EXIT_FAILURE_STATUS);
}

static void check_failure(const struct child *child, struct failure failure) {
  if (failure_is(failure))
    fail(child, failure);
}

static void check(const struct child *child, int result, enum stage stage) {
  check_failure(child, failure_of(stage, result));
}

static void check_errno(const struct child *child, int result, enum stage stage) {
  check(child, result < 0 ? -errno : 0, stage);
}

static void die_with_agent(const struct child *child) {
  if (!child->request->linger)
    check_errno(child, prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL), STAGE_PRCTL);
}

static void forbid_tracing(const struct child *child) {
  check_errno(child, prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL), STAGE_PRCTL);
}

/* A change of credentials clears the parent-death signal (PR_SET_PDEATHSIG(2const)) and makes the
 * process as dumpable as fs.suid_dumpable says (proc(5)). */
static void after_change_of_ids(const struct child *child) {
  forbid_tracing(child);
  die_with_agent(child);
}

/*
 * An agent that died before the signal was set has closed its end of the command pipe. In another
 * pid namespace getppid cannot tell. Nothing is waited for but what is there already; a command
 * behind :proceed is of no use any more.
 */
static void leave_if_orphaned(const struct child *child) {
  struct pollfd commands = {.fd = child->commands.fd, .events = POLLIN};
  char unused;
  if (poll_wait(&commands, 1, 0) > 0 &&
      ((commands.revents & POLLHUP) != 0 || read(child->commands.fd, &unused, 1) == 0))
    leave(EXIT_FAILURE_STATUS);
}

/* The kernel's struct sigaction, all zero: SIG_DFL. libc refuses the signals it keeps for itself.
 */
static void reset_signals(const struct child *child) {
  static const uint64_t default_action[4];
  sigset_t none;
  for (int signum = 1; signum <= 64; signum++)
    if (signum != SIGKILL && signum != SIGSTOP) /* sigaction(2): always the default */
      check_errno(child,
                  (int)syscall(SYS_rt_sigaction, signum, default_action, NULL, sizeof(uint64_t)),
                  STAGE_SIGACTION);
  sigemptyset(&none);
  check_errno(child, sigprocmask(SIG_SETMASK, &none, NULL), STAGE_SIGPROCMASK);
}

/* stdio first, because that frees its sources; the pipes onto 3 and 4, over the control channel;
 * then everything else goes, the agent's descriptors and the inherited ones alike. */
static void arrange_fds(struct child *child) {
  check(child, stdio_install(child->start->plan), STAGE_STDIO);
  check_errno(child, dup3(child->start->down, DOWN_FD, O_CLOEXEC), STAGE_STDIO);
  check_errno(child, dup3(child->start->up, UP_FD, O_CLOEXEC), STAGE_STDIO);
  child->commands.fd = DOWN_FD;
  child->up = UP_FD;
  check(child, fds_close_from(UP_FD + 1), STAGE_CLOSE_RANGE);
}

static void lead_session(const struct child *child) {
  check_errno(child, setsid(), STAGE_SETSID);
  if (child->request->pty)
    check_errno(child, ioctl(STDIN_FILENO, TIOCSCTTY, 0), STAGE_STDIO);
}

/* The agent is gone, or wants this process to be; or the pipe cannot be read. */
_Noreturn static void give_up_commands(const struct child *child) {
  if (child->commands.eof && child->commands.error == 0)
    leave(EXIT_FAILURE_STATUS);
  leave_with_errno(child->commands.eof ? -child->commands.error : -ENOMEM);
}

/* The next frame, which is waited for. The agent's death is the end of the pipe. */
static void next_frame(struct child *child, const uint8_t **payload, size_t *size) {
  while (channel_in_next(&child->commands, COMMAND_MAX, payload, size) == 0)
    if (channel_in_read(&child->commands) < 0 || child->commands.eof)
      give_up_commands(child);
}

/* A frame that is no set-up command is the agent's word to go on: it has checked what it passes on.
 */
static bool is_go_ahead(const uint8_t *payload, size_t size) {
  struct command command;
  return command_decode_frame(&command, payload, size, WHEN_PARKED) == 0 &&
         command.id == COMMAND_PROCEED;
}

static void take_root(const struct child *child) {
  bool changed = false;
  if (!child_has_user_namespace(child->start) || child->ids_are_set)
    return;
  check_failure(child, user_namespace_become_root(&changed));
  if (changed)
    after_change_of_ids(child);
}

/*
 * Ids that the user namespace does not map are the agent's, as far as files are concerned, and the
 * namespace's owner has every capability over the process. In a namespace of its own the child of a
 * privileged agent is what id 0 stands for, unless ids were set by command, and never the agent's
 * by accident. An ordinary user's own namespace without maps gives nothing away: the ids are the
 * user's.
 */
static void check_ids(const struct child *child) {
  bool enters = child->start->target != NULL;
  if (!child_has_user_namespace(child->start) || (!enters && !child->start->is_privileged))
    return;
  if (!enters && !child->ids_are_set) {
    check(child, geteuid() == 0 ? 0 : -EINVAL, STAGE_SETRESUID);
    check(child, getegid() == 0 ? 0 : -EINVAL, STAGE_SETRESGID);
  }
  check_failure(child, user_namespace_check_mapped());
  forbid_tracing(child);
}

/* Room for the ids of a command, which is one at a time. */
static uint32_t argument_ids[ARGUMENT_IDS_MAX];

static struct failure apply(struct child *child, enum setup_command command,
                            const struct argument *arguments) {
  const struct setup_row *row = &setup_rows[command];
  take_root(child);
  if ((row->changes & CHANGES_NO_NEW_PRIVS) != 0)
    check(child, identity_set_no_new_privs(), STAGE_SECCOMP_NO_NEW_PRIVS);
  child->ids_are_set = child->ids_are_set || (row->changes & CHANGES_IDS) != 0;
  int result = row->apply(&child->setup, arguments);
  if ((row->changes & CHANGES_IDS) != 0)
    after_change_of_ids(child);
  return failure_of(setup_command_stage(command), result);
}

static void apply_list(struct child *child, struct command_list list) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  for (int index = 0; index < list.count; index++) {
    if (setup_command_decode(&command, arguments, argument_ids, &list.at) < 0)
      check(child, -EINVAL, STAGE_MALFORMED_COMMAND);
    struct failure failure = apply(child, command, arguments);
    failure.index = index;
    check_failure(child, failure);
  }
}

/* The checkpoint: applies commands, one answer each, until it is told to proceed. */
static void park(struct child *child) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  const uint8_t *payload = NULL;
  size_t size = 0;
  struct frame applied;
  frame_atom(&applied, "applied");
  for (;;) {
    next_frame(child, &payload, &size);
    if (is_go_ahead(payload, size))
      return;
    check(child, setup_command_decode_frame(&command, arguments, argument_ids, payload, size),
          STAGE_MALFORMED_COMMAND);
    check_failure(child, apply(child, command, arguments));
    send_frame(child, &applied);
  }
}

/* A session keyring of its own (keyctl(2)). Where there are no keyrings, or a filter that the
 * workload inherits keeps them out of reach (EPERM), there is nothing to be shared. */
static void join_new_keyring(const struct child *child) {
  long result = sys_keyctl_join_session_keyring();
  if (result < 0 && result != -ENOSYS && result != -EPERM)
    check(child, (int)result, STAGE_KEYCTL);
}

/* Reads the working directory's path. 0, -ENOENT when the root does not lead to it: getcwd(2) then
 * begins with "(unreachable)". Or another negative errno. */
static int read_cwd(char path[PATH_MAX]) {
  long length = sys_result(syscall(SYS_getcwd, path, PATH_MAX));
  return length < 0 ? (int)length : path[0] == '/' ? 0 : -ENOENT;
}

static bool has_other_mounts(const struct child_start *start) {
  uint64_t flags = start->target != NULL ? start->target->flags : start->request->namespaces;
  return (flags & CLONE_NEWNS) != 0;
}

/*
 * What was mounted or pivoted at the checkpoint may have left the inherited working directory below
 * a mount, or outside the root, from where "../.." leads to the host's tree (CVE-2024-21626). So
 * its path is resolved anew; where that leads nowhere, the root takes its place. A directory that
 * was asked for has to be reachable from the root.
 */
static void settle_cwd(const struct child *child) {
  char path[PATH_MAX];
  /* First, because a path that is asked for may begin where the child is: "..", /proc/self/cwd. */
  if (has_other_mounts(child->start) && (read_cwd(path) < 0 || chdir(path) < 0))
    check_errno(child, chdir("/"), STAGE_CHDIR);
  if (child->request->cwd == NULL)
    return;
  check_errno(child, chdir(child->request->cwd), STAGE_CHDIR);
  check(child, read_cwd(path), STAGE_CHDIR);
}

static long execute_file(const struct request *request, char *file) {
  char **env = request->env != NULL ? request->env : environ;
  request->argv[0] = request->arg0 != NULL ? request->arg0 : file;
  return sys_result(syscall(SYS_execve, file, request->argv, env));
}

/* The first file that is there, as execvp(3) goes along PATH: one that may not be executed is
 * passed over, and reported if no other is found. */
static long execute_first(const struct request *request) {
  bool denied = false;
  for (char **file = request->files; *file != NULL; file++) {
    long result = execute_file(request, *file);
    if (result != -ENOENT && result != -ENOTDIR && result != -EACCES)
      return result;
    denied = denied || result == -EACCES;
  }
  return denied ? -EACCES : -ENOENT;
}

_Noreturn static void execute(struct child *child) {
  const struct request *request = child->request;
  check(child, seccomp_filters_install(&child->setup.filters), STAGE_SETUP_seccomp_install);
  long result =
      request->files != NULL ? execute_first(request) : execute_file(request, request->argv[0]);
  /* A filter may deny the write, or punish it; and it may make execve return anything. */
  if (child->setup.filters.first != NULL)
    leave_with_errno(result);
  /* Only an invented success comes this far. */
  fail(child, failure_of(STAGE_EXECVE, result < 0 ? (int)result : -EPERM));
}

/* From :proceed to exec. Nothing may come between the filters and execve. */
_Noreturn static void proceed(struct child *child) {
  take_root(child);
  forbid_tracing(child);
  join_new_keyring(child);
  settle_cwd(child);
  apply_list(child, child->request->seal);
  check_ids(child);
  die_with_agent(child);
  leave_if_orphaned(child);
  execute(child);
}

/*
 * A pid namespace is joined for children only, so the process that joined it forks once more.
 * CLONE_PARENT makes the new one the agent's child as well. It waits for the agent's word, so that
 * the agent knows its pid before it hears from it. Others in that namespace see it from its first
 * instruction on, and may have the capability to take its descriptors (pidfd_getfd(2)): by then it
 * holds the workload's stdio and two pipes to the agent, and no more.
 */
static void fork_into_pid_namespace(struct child *child) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  long pid = sys_fork_with(CLONE_PARENT, 0, NULL);
  check(child, (int)pid, STAGE_FORK);
  if (pid > 0) {
    struct frame spawned;
    frame_status_value(&spawned, "spawned", pid);
    send_frame(child, &spawned);
    leave(0);
  }
  die_with_agent(child);
  next_frame(child, &payload, &size);
}

static void join(const struct child *child) {
  check_failure(child, enter_join(child->start->target));
  die_with_agent(child);
}

/* Only the way from the host is left open: nothing mounted inside travels back
 * (mount_namespaces(7)). */
static void make_mounts_slave(const struct child *child) {
  check_errno(child, mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL), STAGE_MOUNT_SLAVE);
}

/*
 * An unprivileged process can write the id maps of a child only while that is dumpable: otherwise
 * the files under /proc/<pid> are root's (proc(5)). Nobody sees this child but its own user.
 */
static bool stays_dumpable(const struct request *request) {
  return request->mode == MODE_SPAWN && (request->namespaces & CLONE_NEWUSER) != 0 &&
         geteuid() != 0;
}

static void announce_ready(struct child *child) {
  child->owes_ready = request_execs_at_once(child->request);
  if (!child->owes_ready)
    send_ready(child);
}

bool child_has_user_namespace(const struct child_start *start) {
  uint64_t flags = start->target != NULL ? start->target->flags : start->request->namespaces;
  return (flags & CLONE_NEWUSER) != 0;
}

void child_run(const struct child_start *start) {
  static uint8_t command_bytes[256];
  struct child child = {
      .start = start,
      .request = start->request,
      .commands = {.fd = start->down,
                   .buffer = {.bytes = command_bytes, .size = sizeof command_bytes}},
      .setup = {.has_terminal = start->request->pty},
      .up = start->up,
  };
  /* The pipes must end with the agent, so the copies of its ends go first. */
  close(start->agent_down);
  close(start->agent_up);
  die_with_agent(&child);
  if (start->target != NULL)
    join(&child);
  arrange_fds(&child);
  if (start->target != NULL && (start->target->flags & CLONE_NEWPID) != 0)
    fork_into_pid_namespace(&child);
  if (stays_dumpable(child.request))
    check_errno(&child, prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL), STAGE_PRCTL);
  lead_session(&child);
  reset_signals(&child);
  if (start->target == NULL && (child.request->namespaces & CLONE_NEWNS) != 0)
    make_mounts_slave(&child);
  if (child.request->no_new_privs)
    check(&child, identity_set_no_new_privs(), STAGE_PRCTL);
  apply_list(&child, child.request->setup);
  announce_ready(&child);
  if (!child.request->proceed)
    park(&child);
  proceed(&child);
}
