/* SPDX-License-Identifier: MIT */
#include "tracer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "machine.h"

#define OPTIONS                                                                                    \
  (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |        \
   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

#define CALL_STOP     (SIGTRAP | 0x80)
#define NUMBER_CLONE3 435

/* ptrace(2) PTRACE_GET_SYSCALL_INFO, as the kernel lays it out. */
struct call_info {
  uint8_t what;
  uint8_t reserved[3];
  uint32_t arch;
  uint64_t instruction_pointer;
  uint64_t stack_pointer;
  uint64_t number;
  uint64_t arguments[6];
};

enum { WHAT_ENTRY = 1, WHAT_EXIT = 2 };

static const char *const role_names[ROLE_COUNT] = {"agent", "helper", "intermediate",
                                                   "child", "trial",  "other"};

const char *role_name(enum role role) {
  return role_names[role];
}

bool role_from_name(const char *name, enum role *role) {
  for (int i = 0; i < ROLE_COUNT; i++)
    if (strcmp(name, role_names[i]) == 0) {
      *role = (enum role)i;
      return true;
    }
  return false;
}

static struct tracee *find(struct tracer *tracer, pid_t pid) {
  for (int i = 0; i < tracer->count; i++)
    if (tracer->tracees[i].pid == pid)
      return &tracer->tracees[i];
  return NULL;
}

static struct tracee *add(struct tracer *tracer, pid_t pid) {
  if (tracer->count == TRACEES_MAX)
    return NULL;
  struct tracee *tracee = &tracer->tracees[tracer->count++];
  *tracee = (struct tracee){.pid = pid, .role = ROLE_OTHER};
  return tracee;
}

static void forget(struct tracer *tracer, struct tracee *tracee) {
  *tracee = tracer->tracees[--tracer->count];
}

static bool is_spent(const struct tracer *tracer) {
  const struct injection *injection = tracer->injection;
  if (injection == NULL || (tracer->injected > 0 && !injection->persistent))
    return true;
  bool moves_bytes =
      call_matches(injection->call, "read*") || call_matches(injection->call, "write*");
  bool is_repeated = injection->error == EINTR || (injection->error == EAGAIN && moves_bytes);
  return is_repeated && tracer->injected >= PERSISTENT_RETRIES;
}

/* Only the calls that matter are stopped at: a stop costs more than most calls. */
static bool stops_at_calls(const struct tracer *tracer, const struct tracee *tracee) {
  if (tracee->fails_with != 0 || tracer->recording != NULL)
    return true;
  return !is_spent(tracer) && tracer->injection->role == tracee->role;
}

static void resume(const struct tracer *tracer, struct tracee *tracee, int signum) {
  tracee->is_stopped = false;
  ptrace(stops_at_calls(tracer, tracee) ? PTRACE_SYSCALL : PTRACE_CONT, tracee->pid, NULL,
         (void *)(long)signum);
}

int tracer_attach(struct tracer *tracer, pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(long)OPTIONS) < 0)
    return -errno;
  struct tracee *agent = add(tracer, pid);
  agent->role = ROLE_AGENT;
  agent->is_known = true;
  return 0;
}

static void record(struct recording *recording, enum role role, const char call[CALL_NAME_SIZE]) {
  for (int i = 0; i < recording->count; i++) {
    struct recorded *known = &recording->calls[i];
    if (known->role == role && strcmp(known->call, call) == 0) {
      known->count++;
      return;
    }
  }
  if (recording->count == RECORDED_MAX)
    return;
  struct recorded *call_seen = &recording->calls[recording->count++];
  *call_seen = (struct recorded){.role = role, .count = 1};
  memcpy(call_seen->call, call, CALL_NAME_SIZE);
}

/* Whether this entry is one that fails. */
static bool is_hit(struct tracer *tracer, enum role role, const char *call) {
  const struct injection *injection = tracer->injection;
  if (is_spent(tracer) || injection->role != role || strcmp(injection->call, call) != 0)
    return false;
  tracer->seen++;
  return tracer->seen == injection->occurrence ||
         (injection->persistent && tracer->seen > injection->occurrence);
}

/* A new process whose parent is killed may never have a stop of the parent's that tells what it is.
 */
static void adopt(const struct tracer *tracer, struct tracee *tracee) {
  tracee->is_known = true;
  if (tracee->is_stopped)
    resume(tracer, tracee, 0);
}

static void adopt_unknown(struct tracer *tracer) {
  tracer->has_killed = true;
  for (int i = 0; i < tracer->count; i++)
    if (!tracer->tracees[i].is_known)
      adopt(tracer, &tracer->tracees[i]);
}

static void take_entry(struct tracer *tracer, struct tracee *tracee, const struct call_info *info) {
  char call[CALL_NAME_SIZE];
  call_name(call, tracee->pid, &tracee->descriptors, info->number, info->arguments);
  descriptors_enter(&tracee->descriptors, call, info->arguments);
  if (tracer->recording != NULL)
    record(tracer->recording, tracee->role, call);
  if (!is_hit(tracer, tracee->role, call))
    return;
  if (tracer->injection->error == ERROR_KILL) {
    tracer->injected++;
    kill(tracee->pid, SIGKILL);
    adopt_unknown(tracer);
    return;
  }
  if (!call_is_done_anyway(call) && machine_skip_call(tracee->pid) < 0)
    return;
  tracer->injected++;
  tracee->fails_with = tracer->injection->error;
}

static void take_call(struct tracer *tracer, struct tracee *tracee) {
  struct call_info info = {.what = 0};
  bool counts = tracer->agent_has_started || tracee->role != ROLE_AGENT;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, (void *)sizeof info, &info) > 0) {
    if (info.what == WHAT_ENTRY && counts) {
      take_entry(tracer, tracee, &info);
    } else if (info.what == WHAT_EXIT && tracee->fails_with != 0) {
      machine_set_result(tracee->pid, -tracee->fails_with);
      tracee->fails_with = 0;
    } else if (info.what == WHAT_EXIT) {
      descriptors_leave(&tracee->descriptors, (int64_t)info.number); /* the result, at an exit */
    }
  }
  resume(tracer, tracee, 0);
}

/* The flags of the call with which a process starts another. */
static uint64_t clone_flags(pid_t parent) {
  uint64_t number = 0;
  uint64_t flags = 0;
  if (machine_current_call(parent, &number, &flags) < 0)
    return 0;
  if (number == NUMBER_CLONE3) { /* its first argument points to a struct that begins with flags */
    errno = 0;
    flags = (uint64_t)ptrace(PTRACE_PEEKDATA, parent, (void *)(uintptr_t)flags, NULL);
    if (errno != 0)
      return 0; /* the memory of a process that is not dumpable, for an ordinary user */
  }
#ifdef SYS_vfork
  if (number == SYS_vfork)
    return CLONE_VM | CLONE_VFORK;
#endif
  return flags;
}

static enum role role_of_new(struct tracer *tracer, const struct tracee *parent) {
  uint64_t flags = clone_flags(parent->pid);
  switch (parent->role) {
  case ROLE_AGENT:
    if ((flags & CLONE_THREAD) != 0)
      return ROLE_HELPER;
    if (tracer->has_intermediate)
      return ROLE_INTERMEDIATE;
    break;
  case ROLE_INTERMEDIATE:
    if ((flags & CLONE_VFORK) != 0)
      return ROLE_TRIAL;
    break;
  case ROLE_CHILD:
    return (flags & CLONE_VFORK) != 0 ? ROLE_TRIAL : ROLE_OTHER;
  case ROLE_HELPER:
  case ROLE_TRIAL:
  case ROLE_OTHER:
  case ROLE_COUNT:
    return ROLE_OTHER;
  }
  bool is_first = !tracer->has_child;
  tracer->has_child = true;
  return is_first ? ROLE_CHILD : ROLE_OTHER;
}

static void take_fork(struct tracer *tracer, struct tracee *parent) {
  unsigned long pid = 0;
  enum role role = role_of_new(tracer, parent);
  ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid);
  struct tracee *child = find(tracer, (pid_t)pid);
  if (child == NULL)
    child = add(tracer, (pid_t)pid);
  if (child != NULL) {
    child->role = role;
    child->is_known = true;
    if (child->is_stopped)
      resume(tracer, child, 0);
  }
  resume(tracer, parent, 0);
}

static void take_exec(struct tracer *tracer, struct tracee *tracee) {
  if (tracee->role == ROLE_AGENT) {
    tracer->agent_has_started = true;
    descriptors_forget(&tracee->descriptors);
    resume(tracer, tracee, 0);
    return;
  }
  tracer->on_exec(tracer->context, tracee->pid);
  ptrace(PTRACE_DETACH, tracee->pid, NULL, NULL);
  forget(tracer, tracee);
}

static bool stops_a_group(int signum) {
  return signum == SIGSTOP || signum == SIGTSTP || signum == SIGTTIN || signum == SIGTTOU;
}

static void take_stop(struct tracer *tracer, struct tracee *tracee, int status) {
  int signum = WSTOPSIG(status);
  tracee->is_stopped = true;
  if (!tracee->is_known && tracer->has_killed)
    adopt(tracer, tracee);
  else if (!tracee->is_known)
    return; /* its parent's stop is on the way */
  if (signum == CALL_STOP) {
    take_call(tracer, tracee);
    return;
  }
  switch (status >> 16) {
  case PTRACE_EVENT_FORK:
  case PTRACE_EVENT_VFORK:
  case PTRACE_EVENT_CLONE:
    take_fork(tracer, tracee);
    return;
  case PTRACE_EVENT_EXEC:
    take_exec(tracer, tracee);
    return;
  case PTRACE_EVENT_STOP:
    if (stops_a_group(signum)) {
      tracee->is_stopped = false;
      ptrace(PTRACE_LISTEN, tracee->pid, NULL, NULL);
    } else {
      resume(tracer, tracee, 0);
    }
    return;
  default:
    resume(tracer, tracee, signum);
  }
}

bool tracer_take(struct tracer *tracer, pid_t pid, int status, const struct rusage *usage) {
  struct tracee *tracee = find(tracer, pid);
  if (WIFSTOPPED(status)) {
    if (tracee == NULL)
      tracee = add(tracer, pid);
    if (tracee == NULL)
      ptrace(PTRACE_DETACH, pid, NULL, NULL);
    else
      take_stop(tracer, tracee, status);
    return true;
  }
  if (tracee == NULL)
    return false;
  if (tracee->role == ROLE_AGENT) {
    tracer->agent_has_ended = true;
    tracer->agent_status = status;
    tracer->agent_usage = *usage;
  }
  forget(tracer, tracee);
  if (WIFSIGNALED(status))
    adopt_unknown(tracer);
  return true;
}
