/* SPDX-License-Identifier: MIT */
#include "agent/descendants.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

void session_reap_adopted(struct session *session) {
  struct signalfd_siginfo signals[8];
  ssize_t count = session->child_signals >= 0;
  while (count > 0)
    count = read(session->child_signals, signals, sizeof signals);
  if (count < 0 && errno != EAGAIN && errno != EINTR)
    session->signals_fail = true;
  /* The workload's process is not known yet, and must not be taken for one of its descendants. */
  if (session->is_intermediate)
    return;
  for (;;) {
    siginfo_t state = {.si_pid = 0};
    if (waitid(P_ALL, 0, &state, WEXITED | WNOHANG | WNOWAIT) < 0 || state.si_pid == 0)
      return;
    if (session->pidfd >= 0 && state.si_pid == session->pid)
      return; /* the pidfd reports that end; the children behind it are reaped after it */
    if (waitpid(state.si_pid, NULL, 0) < 0 && errno != EINTR)
      return;
  }
}

bool session_owns_descendants(const struct session *session) {
  return session->child_signals >= 0 || session->has_strays;
}

bool session_has_descendants(struct session *session) {
  if (!session_owns_descendants(session))
    return false;
  proc_signal_own_children(session->children, SIGKILL);
  session_reap_adopted(session);
  siginfo_t state;
  return waitid(P_ALL, 0, &state, WEXITED | WNOHANG | WNOWAIT) == 0;
}
