/* SPDX-License-Identifier: MIT */
/*
 * One session from the agent's start to the end of every process of it, with at most one injection.
 */
#ifndef LINX_FAULT_RUN_H
#define LINX_FAULT_RUN_H

#include <stdbool.h>

#include "client.h"
#include "facts.h"
#include "session.h"
#include "tracer.h"

/* What all runs have in common. */
struct surroundings {
  const char *agent; /* paths */
  const char *workload;
  const char *directory; /* for files and sockets; every user may write there */
  struct namespaces own;
  pid_t targets[TARGET_COUNT];
  struct namespaces target_namespaces[TARGET_COUNT];
  int limit_ms; /* a run that takes longer hangs */
};

#define FACTS_SIZE 4096
#define STATE_SIZE 2048

struct result {
  struct account account;
  char facts[FACTS_SIZE]; /* of the workload, right after its exec; empty without one */
  int execs;
  unsigned injected;
  int agent_status; /* of wait(2) */
  long cpu_ms;      /* the agent's */
  bool hangs;
  bool spins;
  bool leaves_processes;
  bool target_is_gone;
  char state[STATE_SIZE]; /* of the processes of a session that hangs or leaves some */
};

/* The test could not be run at all: prints why and ends the process. */
_Noreturn void run_impossible(const char *what);

/* Sets up the signals of a process that runs sessions; once. */
void run_prepare(void);

/* `injection` and `recording` may be NULL. The caller is a child subreaper, alone with the session:
 * it has no other children. */
void run_session(const struct surroundings *around, const struct session *session,
                 const struct injection *injection, struct recording *recording,
                 struct result *result);

#endif
