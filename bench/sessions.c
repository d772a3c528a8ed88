/* SPDX-License-Identifier: MIT */
/*
 * Times whole sessions without the BEAM, and what they are compared with. Every round runs each
 * subject once, in an order of its own, so that all of them see the same machine.
 *
 *   sessions ROUNDS all|one AGENT TRUE [NAME PROGRAM ARG... ';']...
 *
 * On all cores, or with everything on one: where waking an idle core is slow, as in a virtual
 * machine, that is most of what the others tell apart. Paths are absolute. The programs to compare
 * with come last; "@target" among their arguments stands for the pid of a process in fresh
 * namespaces. Prints a line a subject: its name, and the median, the tenth and the ninetieth
 * percentile in nanoseconds.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUBJECTS_MAX 24

static const char *agent;
static const char *workload;
static const char *running = "target"; /* the subject's name, for when it fails */

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* vfork and exec, the cheapest way that there is. */
static pid_t start(char *const argv[]) {
  pid_t pid = vfork();
  if (pid == 0) {
    execv(argv[0], argv);
    _exit(127);
  }
  if (pid < 0)
    die("vfork");
  return pid;
}

static void finish(pid_t pid, int expected) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != expected) {
    fprintf(stderr, "%s: ended with status %#x\n", running, (unsigned)status);
    exit(1);
  }
}

/* A request for the agent in the external term format, built by hand. */
struct request {
  uint8_t bytes[512];
  size_t size;
};

static void put(struct request *request, const void *bytes, size_t size) {
  memcpy(request->bytes + request->size, bytes, size);
  request->size += size;
}

static void put_big_endian(uint8_t bytes[4], uint32_t value) {
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

enum tag { TAG_INTEGER = 98, TAG_LIST = 108, TAG_BINARY = 109, TAG_MAP = 116 };

static void put_tagged(struct request *request, enum tag tag, uint32_t value) {
  uint8_t bytes[5] = {(uint8_t)tag};
  put_big_endian(bytes + 1, value);
  put(request, bytes, sizeof bytes);
}

static void put_atom(struct request *request, const char *name) {
  const uint8_t head[2] = {119, (uint8_t)strlen(name)};
  put(request, head, sizeof head);
  put(request, name, strlen(name));
}

static void put_argv(struct request *request, const char *argument) {
  put_atom(request, "argv");
  put_tagged(request, TAG_LIST, argument == NULL ? 1 : 2);
  put_tagged(request, TAG_BINARY, (uint32_t)strlen(workload));
  put(request, workload, strlen(workload));
  if (argument != NULL) {
    put_tagged(request, TAG_BINARY, (uint32_t)strlen(argument));
    put(request, argument, strlen(argument));
  }
  put(request, "j", 1);
}

static const char *const no_namespaces[] = {NULL};
static const char *const root_namespaces[] = {"pid", "mount", "uts", "ipc", "net", NULL};
static const char *const user_namespaces[] = {"user", "pid", "mount", "uts", "ipc", "net", NULL};

struct wish {
  const char *mode;
  pid_t target;
  const char *argument;
  const char *const *namespaces;
  bool parks;
};

static struct request make_request(const struct wish *wish) {
  static const uint8_t head[] = {131, 104, 2};
  struct request request = {.size = 4};
  uint32_t count = 0;
  while (wish->namespaces[count] != NULL)
    count++;
  put(&request, head, sizeof head);
  put_atom(&request, wish->mode);
  put_tagged(&request, TAG_MAP, 2U + (count > 0) + (wish->target > 0));
  put_argv(&request, wish->argument);
  put_atom(&request, "proceed");
  put_atom(&request, wish->parks ? "false" : "true");
  if (count > 0) {
    put_atom(&request, "namespaces");
    put_tagged(&request, TAG_LIST, count);
    for (uint32_t i = 0; i < count; i++)
      put_atom(&request, wish->namespaces[i]);
    put(&request, "j", 1);
  }
  if (wish->target > 0) {
    put_atom(&request, "target");
    put_tagged(&request, TAG_INTEGER, (uint32_t)wish->target);
  }
  put_big_endian(request.bytes, (uint32_t)request.size - 4);
  return request;
}

/* An agent and what it has said so far. */
struct session {
  pid_t pid;
  int in;
  int out;
  uint8_t frames[4096];
  size_t size;
};

static void open_session(struct session *session, const char *program,
                         const struct request *request) {
  int down[2];
  int up[2];
  if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
    die("pipe2");
  session->pid = vfork();
  if (session->pid < 0)
    die("vfork");
  if (session->pid == 0) {
    /* Out of the way first: the pipes may stand on 3 and 4 themselves. */
    int in = fcntl(down[0], F_DUPFD_CLOEXEC, 10);
    int out = fcntl(up[1], F_DUPFD_CLOEXEC, 10);
    if (dup2(in, 3) < 0 || dup2(out, 4) < 0)
      _exit(126);
    char *const argv[] = {(char *)agent, NULL};
    execv(program, argv);
    _exit(127);
  }
  close(down[0]);
  close(up[1]);
  session->in = down[1];
  session->out = up[0];
  session->size = 0;
  if (write(session->in, request->bytes, request->size) != (ssize_t)request->size)
    die("write");
}

static const uint8_t *find(const struct session *session, const char *text) {
  return memmem(session->frames, session->size, text, strlen(text));
}

_Noreturn static void complain(const struct session *session, const char *name) {
  fprintf(stderr, "%s: the agent said all but %s: ", running, name);
  for (size_t i = 0; i < session->size; i++)
    fprintf(stderr, isprint(session->frames[i]) ? "%c" : "\\x%02x", session->frames[i]);
  fputc('\n', stderr);
  exit(1);
}

/* Reads until a frame with this atom has come; where the atom ends. */
static const uint8_t *await(struct session *session, const char *name) {
  while (find(session, name) == NULL) {
    ssize_t count =
        read(session->out, session->frames + session->size, sizeof session->frames - session->size);
    if (count <= 0)
      complain(session, name);
    session->size += (size_t)count;
  }
  return find(session, name) + strlen(name);
}

static void close_session(struct session *session, int expected) {
  finish(session->pid, expected);
  close(session->in);
  close(session->out);
}

/* Subjects */

struct subject {
  const char *name;
  void (*run)(const struct subject *);
  char **argv;            /* of a program */
  struct request request; /* of a session */
  const char *program;    /* what its agent is started from */
  int64_t *samples;
};

static void run_program(const struct subject *subject) {
  finish(start(subject->argv), 0);
}

static void run_floor(const struct subject *subject) {
  (void)subject;
  char *const argv[] = {(char *)workload, NULL};
  finish(start(argv), 0);
  finish(start(argv), 0);
}

/* The agent without a session: a request it refuses. */
static void run_refusal(const struct subject *subject) {
  static const struct request nonsense = {.bytes = {0, 0, 0, 1, 131}, .size = 5};
  struct session session;
  (void)subject;
  open_session(&session, agent, &nonsense);
  await(&session, "malformed_request");
  close_session(&session, 2);
}

/* From starting the agent to having reaped it. */
static void run_session(const struct subject *subject) {
  struct session session;
  open_session(&session, subject->program, &subject->request);
  await(&session, "exited");
  close_session(&session, 0);
}

/* The same; the child parks and is let go. */
static void run_checkpoint(const struct subject *subject) {
  static const uint8_t proceed[] = {0, 0, 0, 10, 131, 119, 7, 'p', 'r', 'o', 'c', 'e', 'e', 'd'};
  struct session session;
  open_session(&session, subject->program, &subject->request);
  await(&session, "ready");
  if (write(session.in, proceed, sizeof proceed) != sizeof proceed)
    die("write");
  await(&session, "exited");
  close_session(&session, 0);
}

/* A process in fresh namespaces that is there to be entered: {status, spawned, Pid}, then exec. */
static pid_t open_target(struct session *session, const char *const *namespaces) {
  const struct wish wish = {.mode = "spawn", .argument = "wait", .namespaces = namespaces};
  struct request request = make_request(&wish);
  open_session(session, agent, &request);
  await(session, "running");
  const uint8_t *pid = await(session, "spawned");
  if (pid[0] == 97)
    return pid[1];
  return (pid_t)((uint32_t)pid[1] << 24 | (uint32_t)pid[2] << 16 | (uint32_t)pid[3] << 8 | pid[4]);
}

/* An agent that holds a sealed copy of its program, {status, kept, Descriptor}, and the copy's
 * path. */
static void open_keeper(struct session *session, char path[32]) {
  static const struct request keep = {
      .bytes = {0, 0, 0, 14, 131, 104, 2, 119, 4, 'k', 'e', 'e', 'p', 116}, .size = 18};
  open_session(session, agent, &keep);
  const uint8_t *descriptor = await(session, "kept");
  snprintf(path, 32, "/proc/%d/fd/%d", (int)session->pid, descriptor[1]);
}

static int compare(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left;
  int64_t b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* What ran before leaves its mark on the caches, so no subject always follows the same one. */
static void shuffle(int *order, int count) {
  for (int i = count - 1; i > 0; i--) {
    int j = rand() % (i + 1);
    int kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

static void measure(struct subject *subjects, int count, int rounds) {
  int order[SUBJECTS_MAX];
  srand((unsigned)now());
  for (int i = 0; i < count; i++) {
    order[i] = i;
    subjects[i].samples = calloc((size_t)rounds, sizeof(int64_t));
    if (subjects[i].samples == NULL)
      die("calloc");
  }
  for (int round = -rounds / 10 - 1; round < rounds; round++) { /* the first are to warm up */
    shuffle(order, count);
    for (int i = 0; i < count; i++) {
      struct subject *subject = &subjects[order[i]];
      running = subject->name;
      int64_t begin = now();
      subject->run(subject);
      if (round >= 0)
        subject->samples[round] = now() - begin;
    }
  }
}

static void print(const struct subject *subject, int rounds) {
  const int64_t *samples = subject->samples;
  qsort(subject->samples, (size_t)rounds, sizeof(int64_t), compare);
  printf("%s %lld %lld %lld\n", subject->name, (long long)samples[rounds / 2],
         (long long)samples[rounds / 10], (long long)samples[rounds - 1 - rounds / 10]);
}

/* NAME PROGRAM ARG... ';' from the command line. */
static int add_programs(struct subject *subjects, int count, char *argv[], char *target) {
  while (argv[0] != NULL && count < SUBJECTS_MAX) {
    subjects[count++] = (struct subject){.name = argv[0], .run = run_program, .argv = argv + 1};
    for (; argv[0] != NULL && strcmp(argv[0], ";") != 0; argv++)
      if (strcmp(argv[0], "@target") == 0)
        argv[0] = target;
    if (argv[0] != NULL)
      *argv++ = NULL;
  }
  return count;
}

static void stay_on_this_core(void) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET((unsigned)sched_getcpu(), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) < 0)
    die("sched_setaffinity");
}

int main(int argc, char *argv[]) {
  if (argc < 5 || atoi(argv[1]) < 1) {
    fprintf(stderr, "usage: sessions ROUNDS all|one AGENT TRUE [NAME PROGRAM ARG... ';']...\n");
    return 2;
  }
  int rounds = atoi(argv[1]);
  if (strcmp(argv[2], "one") == 0)
    stay_on_this_core();
  agent = argv[3];
  workload = argv[4];

  const char *const *namespaces = geteuid() == 0 ? root_namespaces : user_namespaces;
  struct session live;
  pid_t target = open_target(&live, namespaces);
  char target_text[16];
  snprintf(target_text, sizeof target_text, "%d", (int)target);

  struct session keeper;
  char copy[32];
  open_keeper(&keeper, copy);

  const struct wish plain = {.mode = "spawn", .namespaces = no_namespaces};
  const struct wish parked = {.mode = "spawn", .namespaces = no_namespaces, .parks = true};
  const struct wish isolated = {.mode = "spawn", .namespaces = namespaces};
  const struct wish entering = {.mode = "enter", .target = target, .namespaces = no_namespaces};
  struct subject subjects[SUBJECTS_MAX] = {
      {.name = "floor", .run = run_floor},
      {.name = "refusal", .run = run_refusal},
      {"session", run_session, .request = make_request(&plain), .program = agent},
      {"checkpoint", run_checkpoint, .request = make_request(&parked), .program = agent},
      {"isolated", run_session, .request = make_request(&isolated), .program = copy},
      {"isolated_alone", run_session, .request = make_request(&isolated), .program = agent},
      {"enter", run_session, .request = make_request(&entering), .program = copy},
      {"enter_alone", run_session, .request = make_request(&entering), .program = agent},
  };
  int count = add_programs(subjects, 8, argv + 5, target_text);
  measure(subjects, count, rounds);
  for (int i = 0; i < count; i++)
    print(&subjects[i], rounds);

  kill(target, SIGKILL);
  await(&live, "signaled");
  close_session(&live, 0);
  close(keeper.in);
  finish(keeper.pid, 0);
  return 0;
}
