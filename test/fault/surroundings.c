/* SPDX-License-Identifier: MIT */
#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/linx-fault.XXXXXX";
static char agent_copy[64];
static char workload_copy[64];

/* By exit(3), which a worker does not end with. */
static void remove_all(void) {
  unlink(agent_copy);
  unlink(workload_copy);
  if (rmdir(directory) < 0)
    perror(directory);
}

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void copy_program(const char *from, char to[64], const char *name) {
  static char bytes[65536];
  snprintf(to, 64, "%s/%s", directory, name);
  int source = open(from, O_RDONLY | O_CLOEXEC);
  int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (source < 0 || copy < 0)
    fail(from);
  ssize_t count;
  while ((count = read(source, bytes, sizeof bytes)) > 0)
    if (write(copy, bytes, (size_t)count) != count)
      fail(to);
  if (fchmod(copy, 0755) < 0)
    fail(to);
  close(source);
  close(copy);
}

/* A tree of mounts that hands on what is mounted in it, as on most machines, so that a workload in
 * a mount namespace of its own has to be a slave. An ordinary user takes the tree as it is. */
static void share_mounts(void) {
  if (geteuid() == 0 &&
      (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_SHARED, NULL) < 0))
    fail("mount");
}

static void make_targets(struct surroundings *around) {
  for (int i = 0; i < session_count; i++) {
    enum target_kind kind = sessions[i].target;
    if (kind == TARGET_NONE || !session_is_possible(&sessions[i]) || around->targets[kind] > 0)
      continue;
    pid_t pid = target_make(kind);
    int result = pid < 0 ? (int)pid : namespaces_of(pid, &around->target_namespaces[kind]);
    if (result < 0) {
      errno = -result;
      fail("a process to enter");
    }
    around->targets[kind] = pid;
  }
}

void surroundings_make(struct surroundings *around, const char *agent, int limit_ms) {
  if (mkdtemp(directory) == NULL || atexit(remove_all) != 0 || chmod(directory, 0777) < 0)
    fail(directory);
  copy_program(agent, agent_copy, "agent");
  copy_program("/proc/self/exe", workload_copy, "fault");
  *around = (struct surroundings){
      .agent = agent_copy, .workload = workload_copy, .directory = directory, .limit_ms = limit_ms};
  share_mounts();
  if (namespaces_of(getpid(), &around->own) < 0)
    fail("/proc/self/ns");
  make_targets(around);
}

void *surroundings_share(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("mmap");
  return memory;
}

/* On one processor, because to wake another one for every stop costs more than the stop. */
static void stay_on_one_processor(int number) {
  cpu_set_t allowed;
  cpu_set_t one;
  int place = 0;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
    return;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && place++ == number % CPU_COUNT(&allowed))
      CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
}

pid_t worker_start(void (*function)(void *context), void *context, int number) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0)
    fail("fork");
  if (pid > 0)
    return pid;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  stay_on_one_processor(number);
  run_prepare();
  function(context);
  fflush(stdout);
  _exit(0);
}

bool worker_finish(pid_t worker) {
  int status = 0;
  while (waitpid(worker, &status, 0) < 0)
    if (errno != EINTR)
      return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
