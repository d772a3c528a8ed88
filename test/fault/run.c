/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leftovers.h"
#include "rules.h"

/* How long processes may outlive the agent: those that its death ends are on their way. */
#define FAREWELL_MS 2000

/* How long a session is watched that may go on for ever: longer than all that it waits for. */
#define STAY_MS 3000

/* Processor time of the agent, which needs a few milliseconds at most. */
#define SPIN_MS 200

/* A call that fails so often is repeated without a pause and without an end. */
#define SPIN_CALLS 3000

/* How often a session that takes long is looked at. */
#define LOOK_MS 200

/* How long the channel may wait, should its signal have come in a bad moment. */
#define TICK_MS 25

/* Fits into a socket's address. */
#define PATH_SIZE 96

struct run {
  const struct surroundings *around;
  const struct session *session;
  struct result *result;
  struct client client;
  struct tracer tracer;
  pid_t agent;
  int listener; /* where the workload's stderr is connected to; -1 */
  int64_t ends_at;
  int64_t looks_at;
  unsigned long switches; /* of context, of all processes, at the last look */
  int quiet_looks;        /* in a row */
};

void run_impossible(const char *what) {
  fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With supplementary groups, so that it can be seen whether they go when they have to. */
static void become_owner(enum owner owner) {
  static const gid_t groups[] = {4342, 4343};
  if (geteuid() != 0)
    return;
  if (setgroups(2, groups) < 0)
    _exit(126);
  if (owner == OWNER_ORDINARY && (setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0 ||
                                  setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0))
    _exit(126);
}

/* In the new process: fds 0 to 4 as a port has them, then the agent, once it is traced. */
_Noreturn static void become_agent(const struct run *run, int in, int out, int go) {
  char byte;
  int program = open(run->around->agent, O_RDONLY | O_CLOEXEC);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  /* Out of the way of 0 to 4 first. */
  int from[] = {fcntl(null, F_DUPFD_CLOEXEC, 10), 0, 0, fcntl(in, F_DUPFD_CLOEXEC, 10),
                fcntl(out, F_DUPFD_CLOEXEC, 10)};
  program = fcntl(program, F_DUPFD_CLOEXEC, 10);
  go = fcntl(go, F_DUPFD_CLOEXEC, 10);
  from[1] = from[2] = from[0];
  for (int fd = 0; fd < 5; fd++)
    if (dup2(from[fd], fd) < 0)
      _exit(126);
  become_owner(run->session->owner);
  signal(SIGPIPE, SIG_DFL);
  if (read(go, &byte, 1) < 0 || chdir("/") < 0)
    _exit(126);
  char *const argv[] = {"linx_process", NULL};
  fexecve(program, argv, environ);
  _exit(127);
}

static void start_agent(struct run *run) {
  int down[2];
  int up[2];
  int go[2];
  if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
    run_impossible("pipe2");
  run->agent = fork();
  if (run->agent < 0)
    run_impossible("fork");
  if (run->agent == 0) {
    close(go[1]);
    become_agent(run, down[0], up[1], go[0]);
  }
  int attached = tracer_attach(&run->tracer, run->agent);
  if (attached < 0) {
    errno = -attached;
    run_impossible("ptrace");
  }
  close(go[0]);
  close(go[1]);
  close(down[0]);
  close(up[1]);
  for (int i = 0; i < 2; i++) {
    int fd = i == 0 ? down[1] : up[0];
    if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
      run_impossible("fcntl");
  }
  run->client.in = down[1];
  run->client.out = up[0];
}

static void look_at_workload(void *context, pid_t pid) {
  struct run *run = context;
  const struct surroundings *around = run->around;
  enum target_kind target = run->session->target;
  unsigned long message = 0;
  if (run->result->execs++ > 0)
    return;
  facts_read(pid, &around->own, target == TARGET_NONE ? NULL : &around->target_namespaces[target],
             run->result->facts, FACTS_SIZE);
  /* A process that is being killed loses what it has while it is looked at. */
  if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) < 0)
    run->result->facts[0] = '\0';
}

/* The files that a session with STDIO_FILES writes to. */
static void open_files(struct run *run, char file[PATH_SIZE], char socket_path[PATH_SIZE]) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(file, PATH_SIZE, "%s/output.%d", run->around->directory, (int)getpid());
  snprintf(socket_path, PATH_SIZE, "%s/socket.%d", run->around->directory, (int)getpid());
  if (run->session->stdio != STDIO_FILES)
    return;
  strncpy(address.sun_path, socket_path, sizeof address.sun_path - 1);
  run->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (run->listener < 0 ||
      bind(run->listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
      listen(run->listener, 4) < 0)
    run_impossible("listen");
}

static void close_files(const struct run *run, const char *file, const char *socket_path) {
  if (run->listener < 0)
    return;
  close(run->listener);
  unlink(file);
  unlink(socket_path);
}

/* Set by signals: the channel has something, or a moment has passed. */
static volatile sig_atomic_t is_woken;

static void wake(int signum) {
  (void)signum;
  is_woken = 1;
}

void run_prepare(void) {
  const struct timeval tick = {.tv_usec = TICK_MS * 1000};
  const struct itimerval timer = {.it_interval = tick, .it_value = tick};
  const struct sigaction action = {.sa_handler = wake};
  sigaction(SIGIO, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Waits for the next thing to happen. A stop of a traced process comes from wait4(2), and whatever
 * else there is interrupts it: that is half the system calls of a poll for both, and most of the
 * time of a run goes into stops. False when there is no process left.
 */
static bool wait_for_something(struct run *run) {
  struct rusage usage;
  int status = 0;
  if (is_woken) {
    is_woken = 0;
    client_write(&run->client);
    client_read(&run->client);
  }
  pid_t pid = wait4(-1, &status, __WALL, &usage);
  if (pid > 0)
    tracer_take(&run->tracer, pid, status, &usage);
  return pid > 0 || errno == EINTR;
}

/* Whether two looks in a row have found that nothing can happen any more; or, where the calls
 * cannot be seen, looks for longer than a session waits for anything. */
static bool is_stuck(struct run *run) {
  unsigned long switches = 0;
  enum rest rest = leftovers_rest(&switches);
  if (rest == REST_NONE || switches != run->switches)
    run->quiet_looks = 0;
  run->switches = switches;
  return rest != REST_NONE && run->quiet_looks++ >= (rest == REST_STUCK ? 1 : STAY_MS / LOOK_MS);
}

/* False when the session is to be given up. */
static bool look_after(struct run *run) {
  if (run->tracer.injected >= SPIN_CALLS) {
    run->result->spins = true;
    return false;
  }
  int64_t now = now_ms();
  if (now < run->looks_at)
    return true;
  run->looks_at = now + LOOK_MS;
  if (!run->tracer.agent_has_ended && leftovers_cpu_ms(run->agent) > SPIN_MS)
    run->result->spins = true;
  else if (now >= run->ends_at || is_stuck(run))
    run->result->hangs = true;
  else
    return true;
  return false;
}

/* Until no process is left and the channel is drained, or the session is given up. */
static void serve(struct run *run) {
  struct result *result = run->result;
  bool farewell = false;
  while (wait_for_something(run)) {
    if (run->tracer.agent_has_ended && !farewell) {
      farewell = true;
      run->ends_at = now_ms() + FAREWELL_MS;
    }
    if (look_after(run))
      continue;
    result->leaves_processes = run->tracer.agent_has_ended;
    result->hangs = result->hangs && !result->leaves_processes;
    leftovers_describe(result->state, STATE_SIZE);
    do
      leftovers_kill();
    while (wait_for_something(run));
  }
  client_read(&run->client);
}

void run_session(const struct surroundings *around, const struct session *session,
                 const struct injection *injection, struct recording *recording,
                 struct result *result) {
  char file[PATH_SIZE];
  char socket_path[PATH_SIZE];
  bool may_stay = injection != NULL && rule_may_stay(injection);
  struct run run = {
      .around = around,
      .session = session,
      .result = result,
      .listener = -1,
      .client = {.session = session,
                 .uid =
                     session->owner == OWNER_ORDINARY && geteuid() == 0 ? ORDINARY_ID : geteuid(),
                 .gid =
                     session->owner == OWNER_ORDINARY && geteuid() == 0 ? ORDINARY_ID : getegid()},
      .tracer = {.injection = injection,
                 .recording = recording,
                 .has_intermediate = (target_namespaces(session->target) & CLONE_NEWPID) != 0,
                 .on_exec = look_at_workload,
                 .context = &run},
      .ends_at = now_ms() + (may_stay ? STAY_MS : around->limit_ms),
      .looks_at = now_ms() + LOOK_MS,
  };
  *result = (struct result){.execs = 0};
  open_files(&run, file, socket_path);
  const struct request_paths paths = {.workload = around->workload,
                                      .file = file,
                                      .socket = socket_path,
                                      .target = around->targets[session->target]};
  start_agent(&run);
  client_start(&run.client, &paths);
  client_write(&run.client);
  serve(&run);
  client_finish(&run.client);
  close_files(&run, file, socket_path);
  result->account = run.client.account;
  result->injected = run.tracer.injected;
  result->agent_status = run.tracer.agent_status;
  const struct rusage *usage = &run.tracer.agent_usage;
  result->cpu_ms = usage->ru_utime.tv_sec * 1000L + usage->ru_utime.tv_usec / 1000 +
                   usage->ru_stime.tv_sec * 1000L + usage->ru_stime.tv_usec / 1000;
  result->spins = result->spins || result->cpu_ms > SPIN_MS;
  if (session->target != TARGET_NONE && kill(around->targets[session->target], 0) < 0 &&
      errno == ESRCH)
    result->target_is_gone = true;
}
