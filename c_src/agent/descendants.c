/* SPDX-License-Identifier: MIT */
#include "agent/descendants.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/proc_session.h"

/* Children that are killed and reaped before other events are handled again: a workload may make
 * new ones as fast. */
#define REAP_MAX 4096

/* Milliseconds that the sweep takes at most, and between two looks of it. */
#define SWEEP_MS       1000
#define SWEEP_PAUSE_MS 2

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
  session->owes_reaping = false;
  for (int reaped = 0; reaped < REAP_MAX; reaped++) {
    siginfo_t state = {.si_pid = 0};
    if (waitid(P_ALL, 0, &state, WEXITED | WNOHANG | WNOWAIT) < 0 || state.si_pid == 0)
      return;
    if (session->pidfd >= 0 && state.si_pid == session->pid)
      return; /* the pidfd reports that end; the children behind it are reaped after it */
    if (waitpid(state.si_pid, NULL, 0) < 0 && errno != EINTR)
      return;
  }
  session->owes_reaping = true;
}

bool session_owns_descendants(const struct session *session) {
  return session->child_signals >= 0 || session->has_strays;
}

bool session_has_descendants(struct session *session) {
  if (!session_owns_descendants(session))
    return false;
  proc_kill_own_children(session->children, REAP_MAX);
  session_reap_adopted(session);
  siginfo_t state;
  return waitid(P_ALL, 0, &state, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What a process leaves in a pid namespace that it has entered becomes a child of that namespace's
 * PID 1, whatever subreaper there is outside (find_new_reaper, kernel/exit.c). */
bool session_sweep(struct session *session) {
  if (!session->is_elsewhere || session->child_signals < 0)
    return false;
  int64_t now = clock_ms();
  if (session->sweep_until == 0)
    session->sweep_until = now + SWEEP_MS;
  if (!proc_kill_session(session->pid, session->sweep_until) || now >= session->sweep_until)
    return false;
  session->look_at = clock_ms() + SWEEP_PAUSE_MS;
  return true;
}
