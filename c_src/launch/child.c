/* SPDX-License-Identifier: MIT */
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

/* The end of a child that a step has failed for. */
_Noreturn static void report(const struct child *child, struct failure failure) {
  struct frame frame;
  if (child->owes_ready)
    send_ready(child);
  frame_error(&frame, failure.error, failure.stage, failure.index);
  if (try_send_frame(child, &frame) < 0)
    leave_with_errno(-failure.error);
  leave(EXIT_FAILURE_STATUS);
}

/* The outcome of a step whose last call has set errno if `result` is negative. */
static struct failure errno_of(enum stage stage, int result) {
  return failure_of(stage, result < 0 ? -errno : 0);
}

/* The pipes must end with the agent, so the copies of its ends go first. */
static struct failure close_agent_ends(struct child *child) {
  close(child->start->agent_down);
  close(child->start->agent_up);
  return failure_none();
}

static struct failure die_with_agent(struct child *child) {
  if (child->request->leave)
    return failure_none();
  return errno_of(STAGE_PRCTL, prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL));
}

static struct failure set_dumpable(unsigned long dumpable) {
  return errno_of(STAGE_PRCTL, prctl(PR_SET_DUMPABLE, dumpable, 0UL, 0UL, 0UL));
}

static struct failure forbid_tracing(struct child *child) {
  (void)child;
  return set_dumpable(0);
}

/* A change of credentials clears the parent-death signal (PR_SET_PDEATHSIG(2const)) and makes the
 * process as dumpable as fs.suid_dumpable says (proc(5)). */
static struct failure after_change_of_ids(struct child *child) {
  struct failure failure = forbid_tracing(child);
  return failure_is(failure) ? failure : die_with_agent(child);
}

/*
 * An agent that died before the signal was set has closed its end of the command pipe. In another
 * pid namespace getppid cannot tell. Nothing is waited for but what is there already; a command
 * behind :proceed is of no use any more.
 */
static struct failure leave_if_orphaned(struct child *child) {
  struct pollfd commands = {.fd = child->commands.fd, .events = POLLIN};
  char unused;
  if (poll_wait(&commands, 1, 0) > 0 &&
      ((commands.revents & POLLHUP) != 0 || read(child->commands.fd, &unused, 1) == 0))
    leave(EXIT_FAILURE_STATUS);
  return failure_none();
}

/* The kernel's struct sigaction, all zero: SIG_DFL. libc refuses the signals it keeps for itself.
 */
static struct failure reset_signals(struct child *child) {
  static const uint64_t default_action[4];
  sigset_t none;
  (void)child;
  for (int signum = 1; signum <= 64; signum++)
    if (signum != SIGKILL && signum != SIGSTOP && /* sigaction(2): always the default */
        syscall(SYS_rt_sigaction, signum, default_action, NULL, sizeof(uint64_t)) < 0)
      return failure_of(STAGE_SIGACTION, -errno);
  sigemptyset(&none);
  return errno_of(STAGE_SIGPROCMASK, sigprocmask(SIG_SETMASK, &none, NULL));
}

/* stdio first, because that frees its sources; the pipes onto 3 and 4, over the control channel;
 * then everything else goes, the agent's descriptors and the inherited ones alike. */
static struct failure arrange_fds(struct child *child) {
  int result = stdio_install(child->start->plan);
  if (result == 0 && (dup3(child->start->down, DOWN_FD, O_CLOEXEC) < 0 ||
                      dup3(child->start->up, UP_FD, O_CLOEXEC) < 0))
    result = -errno;
  if (result < 0)
    return failure_of(STAGE_STDIO, result);
  child->commands.fd = DOWN_FD;
  child->up = UP_FD;
  return failure_of(STAGE_CLOSE_RANGE, fds_close_from(UP_FD + 1));
}

static struct failure lead_session(struct child *child) {
  if (setsid() < 0)
    return failure_of(STAGE_SETSID, -errno);
  return errno_of(STAGE_STDIO, child->request->pty ? ioctl(STDIN_FILENO, TIOCSCTTY, 0) : 0);
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

/* Before each command and at :proceed, because maps may be written at any moment until then. */
static struct failure take_root(struct child *child) {
  bool changed = false;
  if (!child_has_user_namespace(child->start) || child->ids_are_set)
    return failure_none();
  struct failure failure = user_namespace_become_root(&changed);
  return failure_is(failure) || !changed ? failure : after_change_of_ids(child);
}

/*
 * Ids that the user namespace does not map are the agent's, as far as files are concerned, and the
 * namespace's owner has every capability over the process. In a namespace of its own the child of a
 * privileged agent is what id 0 stands for, unless ids were set by command, and never the agent's
 * by accident. An ordinary user's own namespace without maps gives nothing away: the ids are the
 * user's.
 */
static struct failure check_ids(struct child *child) {
  bool enters = child->start->target != NULL;
  if (!child_has_user_namespace(child->start) || (!enters && !child->start->is_privileged))
    return failure_none();
  if (!enters && !child->ids_are_set && geteuid() != 0)
    return failure_of(STAGE_SETRESUID, -EINVAL);
  if (!enters && !child->ids_are_set && getegid() != 0)
    return failure_of(STAGE_SETRESGID, -EINVAL);
  struct failure failure = user_namespace_check_mapped();
  return failure_is(failure) ? failure : forbid_tracing(child);
}

/* Room for the ids of a command, which is one at a time. */
static uint32_t argument_ids[ARGUMENT_IDS_MAX];

static struct failure prepare_for(struct child *child, unsigned changes) {
  struct failure failure = take_root(child);
  if (failure_is(failure))
    return failure;
  child->ids_are_set = child->ids_are_set || (changes & CHANGES_IDS) != 0;
  int result = (changes & CHANGES_NO_NEW_PRIVS) != 0 ? identity_set_no_new_privs() : 0;
  return failure_of(STAGE_SECCOMP_NO_NEW_PRIVS, result);
}

static struct failure apply(struct child *child, enum setup_command command,
                            const struct argument *arguments) {
  const struct setup_row *row = &setup_rows[command];
  struct failure failure = prepare_for(child, row->changes);
  if (failure_is(failure))
    return failure;
  failure = failure_of(setup_command_stage(command), row->apply(&child->setup, arguments));
  if (failure_is(failure) || (row->changes & CHANGES_IDS) == 0)
    return failure;
  return after_change_of_ids(child);
}

static struct failure apply_list(struct child *child, struct command_list list) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  for (int index = 0; index < list.count; index++) {
    if (setup_command_decode(&command, arguments, argument_ids, &list.at) < 0)
      return failure_of(STAGE_MALFORMED_COMMAND, -EINVAL);
    struct failure failure = apply(child, command, arguments);
    failure.index = index;
    if (failure_is(failure))
      return failure;
  }
  return failure_none();
}

static struct failure apply_setup(struct child *child) {
  return apply_list(child, child->request->setup);
}

static struct failure apply_final(struct child *child) {
  return apply_list(child, child->request->final);
}

/* The checkpoint: applies commands, one answer each, until it is told to proceed. */
static struct failure park(struct child *child) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  const uint8_t *payload = NULL;
  size_t size = 0;
  struct frame applied;
  frame_atom(&applied, "applied");
  while (!child->request->proceed) {
    next_frame(child, &payload, &size);
    if (is_go_ahead(payload, size))
      break;
    if (setup_command_decode_frame(&command, arguments, argument_ids, payload, size) < 0)
      return failure_of(STAGE_MALFORMED_COMMAND, -EINVAL);
    struct failure failure = apply(child, command, arguments);
    if (failure_is(failure))
      return failure;
    send_frame(child, &applied);
  }
  return failure_none();
}

/* A session keyring of its own (keyctl(2)). Where there are no keyrings, or a filter that the
 * workload inherits keeps them out of reach (EPERM), there is nothing to be shared. */
static struct failure join_new_keyring(struct child *child) {
  (void)child;
  long result = sys_keyctl_join_session_keyring();
  return failure_of(STAGE_KEYCTL, result == -ENOSYS || result == -EPERM ? 0 : (int)result);
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
static struct failure settle_cwd(struct child *child) {
  char path[PATH_MAX];
  const char *wanted = child->request->cwd;
  /* First, because a path that is asked for may begin where the child is: "..", /proc/self/cwd. */
  if (has_other_mounts(child->start) && (read_cwd(path) < 0 || chdir(path) < 0) && chdir("/") < 0)
    return failure_of(STAGE_CHDIR, -errno);
  if (wanted == NULL)
    return failure_none();
  return failure_of(STAGE_CHDIR, chdir(wanted) < 0 ? -errno : read_cwd(path));
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

static struct failure execute(struct child *child) {
  const struct request *request = child->request;
  int installed = seccomp_filters_install(&child->setup.filters);
  if (installed < 0)
    return failure_of(STAGE_SETUP_seccomp_install, installed);
  long result =
      request->files != NULL ? execute_first(request) : execute_file(request, request->argv[0]);
  /* A filter may deny the write of a frame, or punish it, and make execve return anything. */
  if (child->setup.filters.first != NULL)
    leave_with_errno(result);
  /* A filter that was inherited may make execve return success. */
  return failure_of(STAGE_EXECVE, result < 0 ? (int)result : -EPERM);
}

/*
 * A pid namespace is joined for children only, so the process that joined it forks once more.
 * CLONE_PARENT makes the new one the agent's child as well. It waits for the agent's word, so that
 * the agent knows its pid before it hears from it. Others in that namespace see it from its first
 * instruction on, and may have the capability to take its descriptors (pidfd_getfd(2)): by then it
 * holds the workload's stdio and two pipes to the agent, and no more.
 */
static struct failure fork_into_pid_namespace(struct child *child) {
  const struct enter_target *target = child->start->target;
  const uint8_t *payload = NULL;
  size_t size = 0;
  if (target == NULL || (target->flags & CLONE_NEWPID) == 0)
    return failure_none();
  long pid = sys_fork_with(CLONE_PARENT, 0, NULL);
  if (pid > 0) {
    struct frame spawned;
    frame_status_value(&spawned, "spawned", pid);
    send_frame(child, &spawned);
    leave(0);
  }
  struct failure failure = failure_of(STAGE_FORK, (int)pid);
  if (!failure_is(failure))
    failure = die_with_agent(child);
  if (!failure_is(failure))
    next_frame(child, &payload, &size);
  return failure;
}

static struct failure join_namespaces(struct child *child) {
  if (child->start->target == NULL)
    return failure_none();
  struct failure failure = enter_join(child->start->target);
  return failure_is(failure) ? failure : die_with_agent(child);
}

/* Only the way from the host is left open: nothing mounted inside travels back
 * (mount_namespaces(7)). */
static struct failure make_mounts_slave(struct child *child) {
  if (child->start->target != NULL || (child->request->namespaces & CLONE_NEWNS) == 0)
    return failure_none();
  return errno_of(STAGE_MOUNT_SLAVE, mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL));
}

/*
 * A process that is not root can write the id maps of a child only while that is dumpable:
 * otherwise the files under /proc/<pid> are root's (proc(5)). A child of root's is never dumpable,
 * because until it takes the namespace's id 0 it has root's ids, and whoever comes into its user
 * namespace could trace it there. The agent's id decides: in the new namespace none is mapped yet.
 */
static struct failure allow_maps(struct child *child) {
  const struct request *request = child->request;
  bool is_mapped_by_user = request->mode == MODE_SPAWN &&
                           (request->namespaces & CLONE_NEWUSER) != 0 && !child->start->is_root;
  return is_mapped_by_user ? set_dumpable(1) : failure_none();
}

static struct failure set_no_new_privs(struct child *child) {
  return failure_of(STAGE_PRCTL, child->request->no_new_privs ? identity_set_no_new_privs() : 0);
}

static struct failure announce_ready(struct child *child) {
  child->owes_ready = request_execs_at_once(child->request);
  if (!child->owes_ready)
    send_ready(child);
  return failure_none();
}

bool child_has_user_namespace(const struct child_start *start) {
  uint64_t flags = start->target != NULL ? start->target->flags : start->request->namespaces;
  return (flags & CLONE_NEWUSER) != 0;
}

/* From clone to exec, in this order. */
static struct failure (*const steps[])(struct child *child) = {
    close_agent_ends,
    die_with_agent,
    join_namespaces,
    arrange_fds,             /* before others in a pid namespace can see the process */
    fork_into_pid_namespace, /* from here on it is the workload's process */
    allow_maps,
    lead_session,
    reset_signals,
    make_mounts_slave, /* before a command can mount */
    set_no_new_privs,
    apply_setup,
    announce_ready,
    park,
    take_root,
    forbid_tracing,
    join_new_keyring,
    settle_cwd,
    apply_final,
    check_ids,      /* after the last command that may set them */
    die_with_agent, /* after the last change of ids, which clears it */
    leave_if_orphaned,
    execute, /* installs the filters: nothing may come between them and execve */
};

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
  struct failure failure = failure_none();
  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !failure_is(failure); i++)
    failure = steps[i](&child);
  report(&child, failure);
}
