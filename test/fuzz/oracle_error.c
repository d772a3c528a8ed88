/* SPDX-License-Identifier: MIT */
/* Which errors and signals a session may end with. Pure. */
#include <errno.h>
#include <string.h>

#include "oracle.h"

static bool has_directive(const struct plan *plan, enum directive directive) {
  for (int fd = 0; fd < 3 && !plan->pty && !plan->devnull; fd++)
    if (plan->stdio[fd] == directive)
      return true;
  return false;
}

static bool is_bad_request(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan_is_malformed(plan) || plan_is_damaged(plan);
}

static bool is_too_big(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->mutation == MUTATION_TOO_BIG;
}

static bool is_bad_command(const struct plan *plan, const struct facts *facts) {
  (void)plan;
  return facts->invalid_sent || facts->misled;
}

static bool is_no_terminal(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->kind == KIND_TERMINAL && plan->standard[0] != STANDARD_TERMINAL;
}

static bool is_kill(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->kind == KIND_KILL;
}

static bool is_bad_file(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return has_directive(plan, DIRECTIVE_FILE_MISSING) ||
         has_directive(plan, DIRECTIVE_FILE_DIRECTORY);
}

static bool is_bad_socket(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return has_directive(plan, DIRECTIVE_CONNECT_MISSING) ||
         has_directive(plan, DIRECTIVE_CONNECT_FULL);
}

static bool is_bad_target(const struct plan *plan, const struct facts *facts) {
  bool gone = plan->target == TARGET_DEAD || plan->target == TARGET_ZOMBIE || facts->target_killed;
  return plan->kind == KIND_ENTER && (gone || plan->as_nobody || plan->hides_proc);
}

static bool is_bad_mount(const struct plan *plan, const struct facts *facts) {
  return plan_enters_foreign_mounts(plan) || is_bad_target(plan, facts);
}

static bool is_refused_clone(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->as_nobody && plan->namespaces != 0 && (plan->namespaces & NAMESPACE_USER) == 0;
}

static bool is_refused_cgroup(const struct plan *plan, const struct facts *facts) {
  return is_refused_clone(plan, facts) && (plan->namespaces & NAMESPACE_CGROUP) != 0;
}

static bool is_bad_cwd(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->cwd == CWD_MISSING || plan->cwd == CWD_FILE || plan_sends(plan, MESSAGE_ALLOWANCE);
}

static bool is_unmapped(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan_has_user_namespace(plan);
}

static bool is_bad_program(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  bool good = plan->program == PROGRAM_WORKLOAD || plan->program == PROGRAM_BY_FILES;
  return !good || plan_sends(plan, MESSAGE_SECCOMP);
}

static bool is_blind(const struct plan *plan, const struct facts *facts) {
  (void)facts;
  return plan->hides_proc;
}

/* An id that a namespace does not map is refused by the step that takes id 0. */
static bool is_set_thread(const struct plan *plan, const struct facts *facts) {
  return plan_sends(plan, MESSAGE_SET_THREAD) || is_unmapped(plan, facts);
}

#define SENDS(name, message)                                                                       \
  static bool name(const struct plan *plan, const struct facts *facts) {                           \
    (void)facts;                                                                                   \
    return plan_sends(plan, message);                                                              \
  }
SENDS(is_drop_bounding, MESSAGE_DROP_BOUNDING)
SENDS(is_set_ambient, MESSAGE_SET_AMBIENT)
SENDS(is_credentials, MESSAGE_CREDENTIALS)
SENDS(is_seccomp, MESSAGE_SECCOMP)
SENDS(is_winsize, MESSAGE_WINSIZE)
SENDS(is_nice, MESSAGE_NICE)
SENDS(is_loopback, MESSAGE_LOOPBACK)
SENDS(is_allowance, MESSAGE_ALLOWANCE)
SENDS(is_hostname, MESSAGE_HOSTNAME)
SENDS(is_mount, MESSAGE_MOUNT)

static bool is_bad_clock(const struct plan *plan, const struct facts *facts) {
  return plan_lacks_time(plan) || plan->offsets == OFFSETS_BEYOND ||
         (plan->offsets != OFFSETS_NONE && is_refused_clone(plan, facts));
}

/* A stage that is not here fails for no reason that a session of the fuzzer gives. */
static const struct {
  const char *stage; /* its name, or what it begins with when that ends in an underscore */
  bool (*explained)(const struct plan *plan, const struct facts *facts);
} reasons[] = {
    {"malformed_request", is_bad_request},
    {"request_too_big", is_too_big},
    {"malformed_command", is_bad_command},
    {"command_too_big", is_bad_command},
    {"tcgetattr", is_no_terminal},
    {"kill", is_kill},
    {"memfd", is_blind},
    {"exec_outcome", is_blind},
    {"file_open", is_bad_file},
    {"connect_unix", is_bad_socket},
    {"pidfd_open", is_bad_target},
    {"open_ns_mount", is_bad_mount},
    {"open_ns_", is_bad_target},
    {"setns", is_bad_target},
    {"setns_", is_bad_target},
    {"fork", is_bad_target},
    {"clone", is_refused_clone},
    {"unshare_cgroup", is_refused_cgroup},
    {"chdir", is_bad_cwd},
    {"setgroups", is_unmapped},
    {"setresgid", is_unmapped},
    {"setresuid", is_unmapped},
    {"execve", is_bad_program},
    {"seccomp_no_new_privs", is_seccomp},
    {"seccomp_install", is_seccomp},
    {"cap_drop_bounding", is_drop_bounding},
    {"cap_set_thread", is_set_thread},
    {"cap_set_ambient", is_set_ambient},
    {"set_credentials", is_credentials},
    {"set_user", is_credentials},
    {"nice", is_nice},
    {"rlimit", is_allowance},
    {"scheduler", is_allowance},
    {"cpu_affinity", is_allowance},
    {"io_priority", is_allowance},
    {"personality", is_allowance},
    {"securebits", is_allowance},
    {"keep_capabilities", is_allowance},
    {"no_new_privs", is_allowance},
    {"hostname", is_hostname},
    {"sysctl", is_hostname},
    {"mount_open", is_mount},
    {"attach", is_mount},
    {"mkdir", is_mount},
    {"symlink", is_mount},
    {"file", is_mount},
    {"device", is_mount},
    {"mount_attr", is_mount},
    {"propagation", is_mount},
    {"unmount", is_mount},
    {"readonly", is_mount},
    {"pty_winsize", is_winsize},
    {"loopback", is_loopback},
    {"time_offsets", is_bad_clock},
};

static bool is_stage(const char *row, const char *stage) {
  size_t length = strlen(row);
  return row[length - 1] == '_' ? strncmp(row, stage, length) == 0 : strcmp(row, stage) == 0;
}

bool oracle_explains_error(const struct plan *plan, const struct facts *facts,
                           const struct frame *frame) {
  if (frame->number < 1 || frame->number > 4095)
    return false;
  if (plan_is_damaged(plan))
    return true;
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
    if (is_stage(reasons[i].stage, frame->stage))
      return reasons[i].explained(plan, facts);
  return false;
}

const char *oracle_impossible(const struct plan *plan) {
  bool good = plan->program == PROGRAM_WORKLOAD || plan->program == PROGRAM_BY_FILES;
  if (!good)
    return "its program is none";
  bool changes = plan_sends(plan, MESSAGE_ALLOWANCE); /* maybe to a directory */
  if (!changes && (plan->cwd == CWD_MISSING || plan->cwd == CWD_FILE))
    return "its cwd is no directory";
  if (has_directive(plan, DIRECTIVE_FILE_MISSING))
    return "its file is missing";
  if (has_directive(plan, DIRECTIVE_FILE_DIRECTORY))
    return "its file is a directory";
  if (has_directive(plan, DIRECTIVE_CONNECT_MISSING) || has_directive(plan, DIRECTIVE_CONNECT_FULL))
    return "its socket does not listen";
  if (plan->kind == KIND_ENTER && plan->target == TARGET_DEAD)
    return "its target is dead";
  if (plan_lacks_time(plan) || plan->offsets == OFFSETS_BEYOND)
    return "its clocks cannot be set";
  if (plan_lacks_net(plan))
    return "its loopback is the host's";
  if (plan_enters_foreign_mounts(plan))
    return "its mounts are another user namespace's";
  return NULL;
}

bool oracle_explains_signal(const struct plan *plan, const struct facts *facts, int64_t signum) {
  bool over = facts->in_closed || facts->out_closed || facts->agent_killed;
  if (signum < 1 || signum > 64)
    return false;
  if (signum < 64 && (facts->signals >> signum & 1) != 0)
    return true;
  if (signum == 64)
    return (facts->signals & 1) != 0;
  for (int i = 0; i < plan->work_count; i++)
    if (plan->work[i].work == WORK_DIE && plan->work[i].number == signum)
      return true;
  switch (signum) {
  case 9:
    return over || facts->target_killed;
  case 15:
    return over;
  case 13: /* SIGPIPE */
    return plan_works(plan, WORK_OUT) || plan_works(plan, WORK_ERR) || plan_works(plan, WORK_FLOOD);
  case 1: /* SIGHUP, and what characters of a terminal send */
  case 2:
  case 3:
    return plan->pty;
  case 31: /* SIGSYS */
    return plan_sends(plan, MESSAGE_SECCOMP);
  default:
    return false;
  }
}
