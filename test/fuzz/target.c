/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned long flags_of[TARGET_COUNT] = {
    [TARGET_NO_USER] = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET,
    [TARGET_PID_MOUNT] = CLONE_NEWPID | CLONE_NEWNS,
    [TARGET_USER_MAPPED] = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
    [TARGET_USER_NOBODY] = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
    [TARGET_USER_UNMAPPED] = CLONE_NEWUSER,
};

static int write_map(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  return write_file(path, text);
}

int target_write_maps(pid_t pid, bool ordinary_user, bool privileged) {
  char users[64];
  char groups[64];
  if (ordinary_user) {
    /* An ordinary user maps its own id, and loses setgroups(2) for it (user_namespaces(7)). */
    snprintf(users, sizeof users, "0 %d 1", privileged ? NOBODY : (int)getuid());
    snprintf(groups, sizeof groups, "0 %d 1", privileged ? NOBODY : (int)getgid());
    write_map(pid, "setgroups", "deny");
  } else {
    snprintf(users, sizeof users, "0 %d 65536", MAPPED_BASE);
    snprintf(groups, sizeof groups, "0 %d 65536", MAPPED_BASE);
  }
  int result = write_map(pid, "uid_map", users);
  int second = write_map(pid, "gid_map", groups);
  return result < 0 ? result : second;
}

/* Like fork; with CLONE_PARENT of a helper, the child is the worker's all the same. */
static pid_t clone_like_fork(unsigned long flags) {
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

_Noreturn static void be_target(int ready) {
  struct rlimit limit;
  prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
  prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
  signal(SIGCHLD, SIG_IGN); /* children that fall to it are reaped by the kernel */
  setsid();
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 0; fd < 256; fd++)
    if (fd != ready)
      close(fd);
  close(ready);
  for (;;)
    pause();
}

/* The namespace's owner is who clones, so an ordinary user has to do it. */
static pid_t clone_as_nobody(unsigned long flags, int ready) {
  pid_t made = -1;
  int link[2];
  if (pipe(link) < 0)
    die("pipe");
  pid_t helper = fork();
  if (helper == 0) {
    if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
      _exit(1);
    prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
    made = clone_like_fork(flags | CLONE_PARENT);
    if (made == 0) {
      close(link[0]);
      close(link[1]);
      be_target(ready);
    }
    _exit(write(link[1], &made, sizeof made) != sizeof made);
  }
  waitpid(helper, NULL, 0);
  close(link[1]);
  if (read(link[0], &made, sizeof made) != sizeof made)
    made = -1;
  close(link[0]);
  return made;
}

static pid_t make_live(struct targets *targets, enum target_kind kind) {
  bool helper = kind == TARGET_USER_NOBODY && targets->machine->privileged;
  int ready[2];
  char byte;
  if (pipe(ready) < 0)
    die("pipe");
  pid_t pid = helper ? clone_as_nobody(flags_of[kind], ready[1]) : clone_like_fork(flags_of[kind]);
  if (pid == 0)
    be_target(ready[1]);
  if (pid < 0)
    die("a process to be entered");
  close(ready[1]);
  ssize_t count;
  do
    count = read(ready[0], &byte, 1);
  while (count < 0 && errno == EINTR);
  close(ready[0]);
  if (kind == TARGET_USER_MAPPED || kind == TARGET_USER_NOBODY) {
    int result = target_write_maps(pid, kind == TARGET_USER_NOBODY, targets->machine->privileged);
    errno = -result;
    if (result < 0)
      die("the id maps of a process to be entered");
  }
  return pid;
}

static pid_t make_ended(bool reap) {
  siginfo_t ended;
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  waitid(P_PID, (id_t)pid, &ended, reap ? WEXITED : WEXITED | WNOWAIT);
  return pid;
}

pid_t target_get(struct targets *targets, enum target_kind kind) {
  siginfo_t state = {.si_pid = 0};
  pid_t pid = targets->pids[kind];
  if (kind == TARGET_DEAD)
    return make_ended(true);
  if (pid != 0 && kind != TARGET_ZOMBIE &&
      waitid(P_PID, (id_t)pid, &state, WEXITED | WNOHANG) == 0 && state.si_pid == 0)
    return pid;
  if (pid == 0 || kind != TARGET_ZOMBIE)
    targets->pids[kind] = kind == TARGET_ZOMBIE ? make_ended(false) : make_live(targets, kind);
  return targets->pids[kind];
}

bool target_is_one(const struct targets *targets, pid_t pid) {
  for (int kind = 0; kind < TARGET_COUNT; kind++)
    if (targets->pids[kind] == pid)
      return true;
  return false;
}

void target_end(struct targets *targets, enum target_kind kind) {
  pid_t pid = targets->pids[kind];
  if (pid == 0)
    return;
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  targets->pids[kind] = 0;
}

void targets_end(struct targets *targets) {
  for (int kind = 0; kind < TARGET_COUNT; kind++)
    target_end(targets, (enum target_kind)kind);
}
