/* SPDX-License-Identifier: MIT */
/*
 * The workload's fds 0, 1 and 2: what the agent opens on the host before the child exists, and how
 * the child puts it into place.
 */
#ifndef LINX_LAUNCH_STDIO_H
#define LINX_LAUNCH_STDIO_H

#include "wire/failure.h"
#include "wire/request.h"

struct stdio_plan {
  int child[3]; /* becomes fd 0, 1, 2; -1: inherited, or for stderr a copy of fd 1 */
  int agent[3]; /* the agent's non-blocking ends of pipes, -1 elsewhere */
  int null;     /* /dev/null, one open file for all of the three that are it; -1 */
  int master;   /* of the terminal, non-blocking, the agent's; -1 without one */
  /* The terminal's other end. The agent keeps it open as well: a master whose slave has no opener
   * returns EIO, and a workload may close its terminal and open it again. -1 without one. */
  int slave;
  bool stderr_to_stdout;
  unsigned fifos; /* a bit for each of 0, 1 and 2 that is being opened (launch/fifo.h) */
  int openers[3]; /* the threads that do it; 0: none */
};

/*
 * Opens everything the request asks for. All descriptors are close-on-exec and belong to the plan.
 * Gives up with ECANCELED when the BEAM's end of `control` closes while a connect waits. After a
 * failure the plan may hold descriptors still.
 */
struct failure stdio_prepare(struct stdio_plan *plan, const struct request *request, int control);

/* In the child: puts the plan's descriptors onto 0, 1 and 2. 0 or a negative errno. */
int stdio_install(const struct stdio_plan *plan);

/* In the child, before exec: whether each FIFO has been opened, and waiting until it is. 0 or a
 * negative errno. */
bool stdio_is_opened(const struct stdio_plan *plan);
int stdio_await(const struct stdio_plan *plan);

/* A bit for each of 0, 1 and 2 that is a pipe or a terminal which the plan has made. */
unsigned stdio_made(const struct stdio_plan *plan);

/* In the agent, once the child exists: closes the child's ends. */
void stdio_close_child_ends(struct stdio_plan *plan);

#endif
