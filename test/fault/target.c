/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "idmap.h"
#include "session.h"

#define ISOLATED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)

static const unsigned long flags[TARGET_COUNT] = {
    [TARGET_CONTAINER] = CLONE_NEWPID | CLONE_NEWNET | ISOLATED,
    [TARGET_SHARED_PIDS] = ISOLATED,
    [TARGET_USER] = CLONE_NEWUSER | CLONE_NEWPID | ISOLATED,
    [TARGET_ROOTLESS] = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS,
};

unsigned long target_namespaces(enum target_kind kind) {
  return flags[kind];
}

static void wait_for_ever(void) {
  for (;;)
    pause();
}

/* The maker's last process: in all the namespaces, with a /proc of its own where it may. Its word
 * is waited for once its pid is known. */
static void live(int report, int go) {
  char byte = 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 1);
  mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
  mount("proc", "/proc", "proc", 0, NULL);
  if (read(go, &byte, 1) == 1 && write(report, &byte, 1) == 1)
    wait_for_ever();
  _exit(1);
}

/* Becomes whose target it is, joins the namespaces, waits for the maps, then reports its pid. */
static void make(enum target_kind kind, int report, int go) {
  char byte = 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (kind == TARGET_ROOTLESS && geteuid() == 0 &&
      (setgroups(0, NULL) < 0 || setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0 ||
       setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0))
    _exit(1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 1);
  if (unshare((int)flags[kind]) < 0 || write(report, &byte, 1) != 1 || read(go, &byte, 1) != 1)
    _exit(1);
  if ((flags[kind] & CLONE_NEWUSER) != 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
    _exit(1);
  if ((flags[kind] & CLONE_NEWPID) == 0) {
    pid_t self = getpid();
    if (write(report, &self, sizeof self) != sizeof self)
      _exit(1);
    live(report, go);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pid_t pid = fork();
  if (pid == 0)
    live(report, go);
  if (pid < 0 || write(report, &pid, sizeof pid) != sizeof pid)
    _exit(1);
  wait_for_ever();
}

static int write_maps(enum target_kind kind, pid_t maker) {
  if ((flags[kind] & CLONE_NEWUSER) == 0)
    return 0;
  if (kind == TARGET_USER)
    return idmap_write_range(maker);
  return geteuid() == 0 ? idmap_write_own(maker, ORDINARY_ID, ORDINARY_ID)
                        : idmap_write_own(maker, geteuid(), getegid());
}

pid_t target_make(enum target_kind kind) {
  int report[2];
  int go[2];
  char byte = 0;
  pid_t target = 0;
  if (pipe2(report, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
    return -errno;
  pid_t maker = fork();
  if (maker == 0) {
    close(report[0]);
    close(go[1]);
    make(kind, report[1], go[0]);
  }
  close(report[1]);
  close(go[0]);
  bool made = maker > 0 && read(report[0], &byte, 1) == 1 && write_maps(kind, maker) == 0 &&
              write(go[1], &byte, 1) == 1 &&
              read(report[0], &target, sizeof target) == sizeof target &&
              write(go[1], &byte, 1) == 1 && read(report[0], &byte, 1) == 1;
  close(report[0]);
  close(go[1]);
  return made ? target : -ECHILD;
}
