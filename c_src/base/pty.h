/* A pseudoterminal pair, made on the host (pty(7)). Functions return 0 or a negative errno. */
#ifndef LINX_BASE_PTY_H
#define LINX_BASE_PTY_H

#include "wire/command.h"
#include "wire/stage.h"

struct pty {
  int master; /* non-blocking, the agent's */
  /* The agent keeps the slave open as well: a master whose slave has no opener answers EIO, and a
   * workload may close its terminal and open it again. */
  int slave;
};

/* Both descriptors are close-on-exec and belong to the caller. On failure *stage names the step. */
int pty_open(struct pty *pty, enum stage *stage);

int pty_set_winsize(int fd, const struct winsize_cells *cells);

#endif
