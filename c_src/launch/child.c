/* SPDX-License-Identifier: MIT */
#include "launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/poll_wait.h"
#include "base/syscalls.h"
#include "launch/child_ids.h"
#include "launch/child_pipe.h"
#include "launch/command_list.h"
#include "launch/execute.h"
#include "launch/id_map.h"
#include "launch/own_namespaces.h"
#include "launch/session_keyring.h"
#include "launch/working_directory.h"
#include "setup/capabilities.h"
#include "setup/identity.h"
#include "setup/mounts.h"
#include "setup/setup.h"
#include "setup/stdio_owner.h"
#include "setup/terminal_inside.h"
#include "wire/command.h"

/* Where the child's own descriptors begin. Each is moved below those of the agent, of which the
 * first pipe is the lowest. */
#define FIRST_FD 3

struct child {
  const struct child_start *start;
  const struct request *request;
  struct child_pipe pipe;
  struct setup setup;
  struct working_directory directory;
  bool has_applied; /* a command */
  struct child_ids ids;
  bool owes_ready; /* has not sent the :ready that goes before a failure; see announce_ready */
  bool is_settled; /* has all namespaces of its own; see settle_namespaces */
  size_t step;     /* of `steps` */
};

static void send_ready(const struct child *child) {
  struct frame ready;
  frame_status_value(&ready, "ready", sys_call(SYS_getpid));
  child_pipe_send(&child->pipe, &ready);
}

/* Reports the failure of a step and ends the child. */
_Noreturn static void report(const struct child *child, struct failure failure) {
  struct frame frame;
  if (child->owes_ready)
    send_ready(child);
  frame_error(&frame, failure.error, failure.stage, failure.index);
  if (child_pipe_try_send(&child->pipe, &frame) < 0)
    child_pipe_leave(-failure.error);
  sys_exit(CHILD_FAILED);
}

/* The child closes its copies of the agent's ends first, so that the pipes end when the agent
 * does. */
static struct failure close_agent_ends(struct child *child) {
  sys_close(child->start->agent_up);
  if (child->start->agent_down >= 0)
    sys_close(child->start->agent_down);
  return failure_none();
}

static struct failure die_with_agent(struct child *child) {
  if (child->request->leave)
    return failure_none();
  return failure_of(STAGE_PRCTL, sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0));
}

static struct failure set_dumpable(unsigned long dumpable) {
  return failure_of(STAGE_PRCTL, sys_prctl(PR_SET_DUMPABLE, dumpable, 0));
}

static struct failure forbid_tracing(struct child *child) {
  (void)child;
  return set_dumpable(0);
}

/* Whether something may have reset the two since the child was created: a change of credentials by
 * a command or a user namespace, or that the child was made dumpable for its maps. */
static bool may_have_changed(const struct child *child) {
  return child->has_applied || child->start->target != NULL ||
         child_has_user_namespace(child->start);
}

static struct failure forbid_tracing_again(struct child *child) {
  return may_have_changed(child) ? forbid_tracing(child) : failure_none();
}

static struct failure die_with_agent_again(struct child *child) {
  return may_have_changed(child) ? die_with_agent(child) : failure_none();
}

/* A change of credentials clears the parent-death signal (PR_SET_PDEATHSIG(2const)) and sets the
 * dumpable attribute to the value of fs.suid_dumpable (proc(5)). */
static struct failure after_change_of_ids(struct child *child) {
  struct failure failure = forbid_tracing(child);
  return failure_is(failure) ? failure : die_with_agent(child);
}

/*
 * An agent that died before the parent-death signal was set shows by the end of its pipe;
 * getppid(2) does not show it in another pid namespace, where it returns 0 for the living agent,
 * too. The poll does not wait.
 */
static struct failure leave_if_orphaned(struct child *child) {
  struct pollfd up = {.fd = child->pipe.up};
  if (poll_wait(&up, 1, 0) > 0 && (up.revents & POLLERR) != 0)
    sys_exit(CHILD_FAILED);
  return failure_none();
}

/* A signal set of the kernel's: 64 bits. */
#define SIGNAL_SET_SIZE sizeof(uint64_t)

/* All 64, because libc's sigaction would refuse the two signals that it keeps for itself. */
static struct failure reset_signals(struct child *child) {
  static const uint64_t default_action[4]; /* the kernel's struct sigaction, all zero: SIG_DFL */
  static const uint64_t none;
  (void)child;
  for (int signum = 1; signum <= 64; signum++) {
    int result = 0;
    if (signum != SIGKILL && signum != SIGSTOP) /* sigaction(2): always the default */
      result = (int)sys_call(SYS_rt_sigaction, signum, default_action, NULL, SIGNAL_SET_SIZE);
    if (result < 0)
      return failure_of(STAGE_SIGACTION, result);
  }
  return failure_of(STAGE_SIGPROCMASK,
                    (int)sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_SET_SIZE));
}

/* Moves a descriptor, if there is one, to the number *next, which is counted up. It stays open at
 * its former number as well. */
static int place(int *fd, int from, int *next, int result) {
  *fd = -1;
  if (result < 0 || from < 0)
    return result;
  result = sys_dup(from, *next, O_CLOEXEC);
  if (result >= 0)
    *fd = (*next)++;
  return result;
}

/* Installs stdio, after which its source descriptors are not needed any more; puts the pipes, the
 * socket of a terminal and /proc onto 3 and the numbers after it, in place of the control channel;
 * then closes every other descriptor, the agent's and the inherited ones. */
static struct failure arrange_fds(struct child *child) {
  const struct child_start *start = child->start;
  int next = FIRST_FD;
  int result = stdio_install(&start->plan);
  result = place(&child->pipe.up, start->up, &next, result);
  result = place(&child->pipe.commands.fd, start->down, &next, result);
  result = place(&child->setup.terminal.socket, start->terminal, &next, result);
  result = place(&child->setup.proc, start->proc, &next, result);
  if (child->pipe.up < 0)
    child->pipe.up = start->up;
  return result < 0 ? failure_of(STAGE_STDIO, result)
                    : failure_of(STAGE_CLOSE_RANGE, fds_close_from(next));
}

static struct failure lead_session(struct child *child) {
  int result = (int)sys_call(SYS_setsid);
  if (result < 0)
    return failure_of(STAGE_SETSID, result);
  /* A session has one controlling terminal, and giving up another would be its SIGHUP. */
  if (!child->request->pty || child->start->terminal >= 0)
    return failure_none();
  return failure_of(STAGE_STDIO, sys_ioctl(STDIN_FILENO, TIOCSCTTY, 0));
}

static struct failure take_ids(struct child *child) {
  bool changed = false;
  struct failure failure = child_ids_take(child->start, &child->ids, &changed);
  return failure_is(failure) || !changed ? failure : after_change_of_ids(child);
}

static struct failure check_ids(struct child *child) {
  struct failure failure = child_ids_check(child->start, &child->ids);
  bool may_have = child_has_user_namespace(child->start);
  return failure_is(failure) || !may_have ? failure : forbid_tracing(child);
}

/* The descriptors of mounts that have been opened, and of which none may be left unused: what was
 * asked for would be missing. */
static struct failure close_slots(struct child *child) {
  bool is_new = false;
  int result = slots_close(&child->setup.slots, &is_new);
  return failure_of(is_new ? STAGE_SETUP_mount_open : STAGE_SETUP_tree_open, result);
}

static struct failure close_proc(struct child *child) {
  if (child->setup.proc >= 0)
    sys_close(child->setup.proc);
  return failure_none();
}

static struct failure settle_capabilities(struct child *child) {
  return failure_of(STAGE_SETUP_cap_set_thread, capabilities_settle(&child->setup.promise));
}

/*
 * Has the agent, which has rights that the child has given up or does not have from inside its user
 * namespace, make `uid` the owner of the pipes and the terminal. -EPERM when the agent cannot do it
 * either, or takes no frames of this child.
 */
static int ask_for_stdio(struct child *child, uint32_t uid) {
  struct frame wanted;
  const uint8_t *payload = NULL;
  size_t size = 0;
  if (child->start->down < 0)
    return -EPERM;
  frame_status_value(&wanted, "own_stdio", uid);
  child_pipe_send(&child->pipe, &wanted);
  child_pipe_next(&child->pipe, &payload, &size);
  return child_pipe_is_proceed(payload, size) ? 0 : -EPERM;
}

/*
 * The pipes and the terminal are the workload's, whichever way it came to its ids. Where they have
 * its id already nothing changes. A workload that has to do without, because neither the child nor
 * the agent may change owners, has them open all the same; that is no failure.
 */
static struct failure settle_stdio(struct child *child) {
  const struct setup *setup = &child->setup;
  bool may_differ = child->ids.are_set || child_has_user_namespace(child->start);
  if (setup->stdio.made == 0 || setup->stdio.is_given || !may_differ)
    return failure_none();
  uint32_t uid = (uint32_t)sys_call(SYS_geteuid);
  if (stdio_owner_set(setup, uid) == -EPERM)
    ask_for_stdio(child, uid);
  return failure_none();
}

/* The list of ids of the command that is applied; one command is applied at a time. */
static uint32_t argument_ids[ARGUMENT_IDS_MAX];

/* Makes the namespaces that come after the checkpoint, once. */
static struct failure settle_namespaces(struct child *child) {
  if (child->is_settled)
    return failure_none();
  child->is_settled = true;
  return own_namespaces_make_cgroup(child->start);
}

/* Whether a command can only come after these, or shows them. */
static bool needs_settled(unsigned changes, const struct argument *arguments) {
  return (changes & (CHANGES_IDS | CHANGES_CAPABILITIES)) != 0 ||
         ((changes & OPENS_FILE_SYSTEM) != 0 && mounts_opens_cgroups(arguments));
}

static struct failure prepare_for(struct child *child, unsigned changes,
                                  const struct argument *arguments) {
  struct failure failure = take_ids(child);
  if (!failure_is(failure) && needs_settled(changes, arguments))
    failure = settle_namespaces(child);
  if (failure_is(failure))
    return failure;
  child->has_applied = true;
  child->ids.are_set = child->ids.are_set || (changes & CHANGES_IDS) != 0;
  int result = (changes & CHANGES_NO_NEW_PRIVS) != 0 ? identity_set_no_new_privs() : 0;
  return failure_of(STAGE_SECCOMP_NO_NEW_PRIVS, result);
}

static struct failure apply(struct child *child, enum setup_command command,
                            const struct argument *arguments) {
  const struct setup_row *row = &setup_rows[command];
  struct failure failure = own_namespaces_allow(child->start, command, arguments);
  if (!failure_is(failure))
    failure = prepare_for(child, row->changes, arguments);
  if (failure_is(failure))
    return failure;
  int result = row->apply(&child->setup, arguments);
  if (result == -EPERM && (row->changes & ASKS_AGENT) != 0)
    result = ask_for_stdio(child, arguments->id);
  failure = failure_of(setup_command_stage(command), result);
  if (failure_is(failure) || (row->changes & CHANGES_IDS) == 0)
    return failure;
  return after_change_of_ids(child);
}

static struct failure apply_of_list(void *child, enum setup_command command,
                                    const struct argument *arguments, int index) {
  (void)index;
  return apply(child, command, arguments);
}

static struct failure apply_setup(struct child *child) {
  return command_list_each(child->request->setup, argument_ids, apply_of_list, child);
}

static struct failure apply_final(struct child *child) {
  return command_list_each(child->request->final, argument_ids, apply_of_list, child);
}

/* The checkpoint: applies commands and replies to each, until :proceed comes. */
static struct failure park(struct child *child) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  const uint8_t *payload = NULL;
  size_t size = 0;
  struct frame applied;
  frame_atom(&applied, "applied");
  while (!child->request->proceed) {
    child_pipe_next(&child->pipe, &payload, &size);
    if (child_pipe_is_proceed(payload, size))
      break;
    if (setup_command_decode_frame(&command, arguments, argument_ids, payload, size) < 0)
      return failure_of(STAGE_MALFORMED_COMMAND, -EINVAL);
    struct failure failure = apply(child, command, arguments);
    if (failure_is(failure))
      return failure;
    child_pipe_send(&child->pipe, &applied);
  }
  return failure_none();
}

/*
 * The terminal of a child that looks for one in its own root, whose mounts are complete now. Where
 * there is none the host's is used, unless one inside was asked for. The frame tells the agent to
 * take the master, before the workload can write.
 */
static struct failure settle_terminal(struct child *child) {
  struct frame opened;
  if (child->start->terminal < 0)
    return failure_none();
  int result = terminal_inside_open(&child->setup);
  if (result < 0 && child->request->terminal.place == TERMINAL_INSIDE)
    return failure_of(STAGE_SETUP_terminal, result);
  if (result < 0)
    result = sys_ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  sys_close(child->setup.terminal.socket);
  if (child->setup.terminal.is_passed) {
    frame_status_value(&opened, "terminal", 1);
    child_pipe_send(&child->pipe, &opened);
  }
  return failure_of(STAGE_STDIO, result);
}

static struct failure settle_keyring(struct child *child) {
  return session_keyring_settle(child->start,
                                child->ids.are_set || child->setup.filters.first != NULL);
}

static bool has_other_mounts(const struct child_start *start) {
  uint64_t flags = start->target != NULL ? start->target->flags : start->request->namespaces;
  return (flags & CLONE_NEWNS) != 0;
}

/* The first try is made with the rights of root inside, the second with those of the workload. */
static struct failure enter_directory(struct child *child) {
  const char *wanted = child->setup.directory.wanted;
  child->setup.directory.is_new = false;
  child->directory =
      (struct working_directory){.wanted = wanted != NULL ? wanted : child->request->cwd,
                                 .has_other_mounts = has_other_mounts(child->start),
                                 .is_confirmed_later = child->request->final.count > 0};
  return working_directory_enter(&child->directory);
}

static struct failure confirm_directory(struct child *child) {
  if (child->setup.directory.is_new)
    working_directory_take(&child->directory, child->setup.directory.wanted);
  bool stays = child->request->final.count == 0 && child->directory.is_entered;
  return stays ? failure_none() : working_directory_confirm(&child->directory);
}

static struct failure execute(struct child *child) {
  const struct request *request = child->request;
  int installed = seccomp_filters_install(&child->setup.filters);
  if (installed < 0)
    return failure_of(STAGE_SETUP_seccomp_install, installed);
  long result = execute_program(request, child->setup.environment);
  /* The filters may deny the write of a frame or kill the process for it, so the errno is the exit
   * status. They may also make execve return any number. */
  if (child->setup.filters.first != NULL)
    child_pipe_leave(result);
  /* An inherited filter may make execve return 0 without executing. */
  return failure_of(STAGE_EXECVE, result < 0 ? (int)result : -EPERM);
}

static _Noreturn void run_steps(struct child *child, size_t first);

/* The process that is forked below, where it shares its memory with the one that forks it. */
static struct child second;
static char second_stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));

static void run_second(void) {
  run_steps(&second, second.step + 1);
}

static long fork_second(const struct child *child) {
  if (!child->start->shares)
    return sys_fork_with(CLONE_PARENT, 0, NULL);
  second = *child;
  return raw_clone(CLONE_VM | CLONE_PARENT, second_stack + sizeof second_stack, run_second, NULL);
}

/*
 * setns(2) moves only later children into a pid namespace, so the process that joined one forks the
 * workload's process. With CLONE_PARENT that is a child of the agent as well. Processes of that
 * namespace see it from its first instruction on, and may have the capability to take its
 * descriptors (pidfd_getfd(2)); by then it holds only the workload's stdio and the two pipes to the
 * agent.
 */
static struct failure fork_into_pid_namespace(struct child *child) {
  if (!child_enters_pid_namespace(child->start))
    return failure_none();
  long pid = fork_second(child);
  if (pid > 0) {
    struct frame spawned;
    frame_status_value(&spawned, "spawned", pid);
    child_pipe_send(&child->pipe, &spawned);
    sys_exit(0);
  }
  return failure_of(STAGE_FORK, (int)pid);
}

/* The second process waits for the agent's frame, so that the agent knows its pid before it sends
 * anything itself. */
static struct failure await_adoption(struct child *child) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  if (!child_enters_pid_namespace(child->start))
    return failure_none();
  struct failure failure = die_with_agent(child);
  if (!failure_is(failure))
    child_pipe_next(&child->pipe, &payload, &size);
  return failure;
}

static struct failure join_namespaces(struct child *child) {
  if (child->start->target == NULL)
    return failure_none();
  struct failure failure = enter_join(child->start->target);
  return failure_is(failure) ? failure : die_with_agent(child);
}

static struct failure make_time_namespace(struct child *child) {
  return own_namespaces_make_time(child->start);
}

static struct failure make_mounts_slave(struct child *child) {
  return own_namespaces_make_mounts_slave(child->start);
}

static struct failure allow_maps(struct child *child) {
  return child_ids_allow_maps(child->start);
}

static struct failure write_own_maps(struct child *child) {
  return id_map_is_given(child->start) ? id_map_write_own(child->start) : failure_none();
}

/* The agent kills a child whose maps it cannot write. */
static struct failure await_maps(struct child *child) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  if (id_map_is_agents(child->start))
    child_pipe_next(&child->pipe, &payload, &size);
  return id_map_is_given(child->start) ? take_ids(child) : failure_none();
}

/* A FIFO among the workload's stdio that has no other side yet. What the client asks for meanwhile
 * the agent does, because it takes the child for one that is about to exec. */
static struct failure await_stdio(struct child *child) {
  const struct stdio_plan *plan = &child->start->plan;
  struct frame waiting;
  if (plan->fifos == 0)
    return failure_none();
  if (!stdio_is_opened(plan)) {
    if (child->owes_ready)
      send_ready(child);
    child->owes_ready = false;
    frame_atom(&waiting, "waiting");
    child_pipe_send(&child->pipe, &waiting);
  }
  return failure_of(STAGE_FILE_OPEN, stdio_await(plan));
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

bool child_enters_pid_namespace(const struct child_start *start) {
  return start->target != NULL && (start->target->flags & CLONE_NEWPID) != 0;
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
    await_adoption,
    allow_maps,
    make_time_namespace, /* while the child's files in /proc are its user's */
    write_own_maps,
    lead_session,
    reset_signals,
    make_mounts_slave, /* before a command can mount */
    set_no_new_privs,
    await_maps, /* what comes before needs no ids */
    apply_setup,
    announce_ready,
    park,
    take_ids,
    settle_terminal,   /* with the rights of root inside */
    settle_namespaces, /* the BEAM has put it into its cgroup */
    forbid_tracing_again,
    settle_keyring, /* with the rights from before `final` */
    enter_directory,
    apply_final,
    close_slots, /* a descriptor of the host's tree leads to it */
    close_proc,
    confirm_directory,
    check_ids, /* after the last command that may set them */
    settle_stdio,
    settle_capabilities,
    die_with_agent_again, /* after the last change of ids, which clears it */
    await_stdio,
    leave_if_orphaned,
    execute, /* installs the filters: nothing may come between them and execve */
};

static _Noreturn void run_steps(struct child *child, size_t first) {
  struct failure failure = failure_none();
  for (child->step = first; child->step < sizeof steps / sizeof steps[0]; child->step++) {
    failure = steps[child->step](child);
    if (failure_is(failure))
      break;
  }
  report(child, failure);
}

void child_run(const struct child_start *start) {
  static uint8_t command_bytes[256];
  struct child child = {
      .start = start,
      .request = start->request,
      .pipe = {.up = start->up,
               .commands = {.fd = start->down,
                            .buffer = {.bytes = command_bytes, .size = sizeof command_bytes}}},
      .setup = {.has_terminal = start->request->pty,
                .environment = start->request->env != NULL ? start->request->env : environ,
                .stdio = {.made = stdio_made(&start->plan),
                          .may_leave_group = child_has_user_namespace(start)}},
  };
  run_steps(&child, 0);
}
