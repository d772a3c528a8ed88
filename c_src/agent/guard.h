/* SPDX-License-Identifier: MIT */
/*
 * A second thread of the agent, which ends the session when the BEAM is gone and the agent is
 * blocked where no signal reaches it.
 *
 * A workload can keep a pipe of its own locked for as long as it likes: a splice(2) into the pipe
 * from a socket that is empty, or out of it into one that is full, sleeps with the pipe's mutex
 * held. Every read(2), write(2), close(2) and FIONREAD of that pipe by another process then sleeps
 * uninterruptibly, and no system call shows beforehand that it will. Sockets have no such lock, but
 * a workload cannot open /dev/stdout, which shell scripts do, where that is a socket. So the
 * workload can block the agent, and the guard touches no pipe of the workload.
 */
#ifndef LINX_AGENT_GUARD_H
#define LINX_AGENT_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct guard {
  int control;      /* fd 3, whose hang-up is the end of the BEAM */
  pid_t pid;        /* of the workload, a child of the agent */
  int pidfd;        /* of the same; stays open */
  int children;     /* the list of the agent's children, if they belong to the session; -1 */
  int64_t grace_ms; /* of the orphan policy */
  const volatile bool *noticed; /* the agent applies the orphan policy itself */
};

/*
 * Starts the thread, which ends with the process. After a hang-up it applies the orphan policy
 * unless the agent does so within half a second, and after the grace it kills what is left for as
 * long as the agent is there. Called once only. 0 or a negative errno.
 */
int guard_start(const struct guard *wanted);

#endif
