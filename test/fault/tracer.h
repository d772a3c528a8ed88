/* SPDX-License-Identifier: MIT */
/*
 * Traces the processes of one session (ptrace(2)), tells them apart by their role, and makes a
 * chosen system call of a chosen role fail without being executed. A process that execs the
 * workload is let go at that moment, after a look at it.
 */
#ifndef LINX_FAULT_TRACER_H
#define LINX_FAULT_TRACER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "calls.h"
#include "descriptors.h"

enum role {
  ROLE_AGENT,
  ROLE_HELPER,       /* a second thread of the agent */
  ROLE_INTERMEDIATE, /* joins a pid namespace and forks the child */
  ROLE_CHILD,        /* becomes the workload */
  ROLE_TRIAL,        /* a process that the child waits for (CLONE_VFORK) */
  ROLE_OTHER,
  ROLE_COUNT,
};

const char *role_name(enum role role);
bool role_from_name(const char *name, enum role *role);

/*
 * Which call fails. A persistent injection makes every later one of that name fail as well; with
 * EINTR, and with EAGAIN of reads and writes, PERSISTENT_RETRIES of them, because repeating those
 * is right and a call that never got anywhere would keep a correct program busy for ever.
 */
struct injection {
  enum role role;
  char call[CALL_NAME_SIZE];
  unsigned occurrence; /* from 1, of this name in this role */
  bool persistent;
  int error;
};

#define PERSISTENT_RETRIES 64

/* What a run without injection has called, in the order of first calls. */
#define RECORDED_MAX 400

struct recording {
  struct recorded {
    enum role role;
    char call[CALL_NAME_SIZE];
    unsigned count;
  } calls[RECORDED_MAX];
  int count;
};

#define TRACEES_MAX 32

struct tracee {
  pid_t pid;
  enum role role;
  bool is_known; /* its parent's stop has told what it is */
  bool is_stopped;
  int fails_with; /* the call that it is in */
  struct descriptors descriptors;
};

struct tracer {
  const struct injection *injection; /* may be NULL */
  struct recording *recording;       /* may be NULL */
  bool has_intermediate;
  void (*on_exec)(void *context, pid_t pid); /* a workload, stopped after its exec */
  void *context;

  struct tracee tracees[TRACEES_MAX];
  int count;
  bool agent_has_started; /* its first exec is behind it */
  bool has_child;
  unsigned seen;     /* calls that the injection is about */
  unsigned injected; /* those that failed */
  bool has_killed;
  bool agent_has_ended;
  int agent_status;
  struct rusage agent_usage;
};

/* `pid` is about to exec the agent and waits. Returns 0 or a negative errno. */
int tracer_attach(struct tracer *tracer, pid_t pid);

/* What wait4(2) has returned. False when the process is none that is traced. */
bool tracer_take(struct tracer *tracer, pid_t pid, int status, const struct rusage *usage);

#endif
