/*
 * Times whole sessions without the BEAM, and what they are compared with. Every round runs each
 * subject once, in turn, so that all of them see the same machine.
 *
 *   sessions ROUNDS AGENT TRUE [NAME=PROGRAM ARG...]...
 *
 * Prints one line a subject: name and the median in nanoseconds.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUBJECTS_MAX 16

extern char **environ;

static const char *agent;
static const char *workload;

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

static void finish(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0) {
    fprintf(stderr, "a subject failed with status %d\n", status);
    exit(1);
  }
}

static void run(char *const argv[]) {
  finish(start(argv));
}

static void run_floor(void) {
  char *const argv[] = {(char *)workload, NULL};
  run(argv);
  run(argv);
}

/* {spawn, #{argv => [Workload] [, namespaces => [...]], proceed => true}}, built once by hand. */
struct request {
  uint8_t bytes[512];
  size_t size;
};

static void put(struct request *request, const void *bytes, size_t size) {
  memcpy(request->bytes + request->size, bytes, size);
  request->size += size;
}

static void put_count(struct request *request, uint8_t tag, uint32_t count) {
  const uint8_t bytes[5] = {tag, (uint8_t)(count >> 24), (uint8_t)(count >> 16),
                            (uint8_t)(count >> 8), (uint8_t)count};
  put(request, bytes, sizeof bytes);
}

static void put_atom(struct request *request, const char *name) {
  const uint8_t head[2] = {119, (uint8_t)strlen(name)};
  put(request, head, sizeof head);
  put(request, name, strlen(name));
}

static struct request make_request(int namespace_count, const char *const namespaces[], int proceed) {
  struct request request = {.size = 4};
  static const uint8_t head[] = {131, 104, 2};
  put(&request, head, sizeof head);
  put_atom(&request, "spawn");
  put_count(&request, 116, 1U + (namespace_count > 0) + (unsigned)proceed);
  put_atom(&request, "argv");
  put_count(&request, 108, 1);
  put_count(&request, 109, (uint32_t)strlen(workload));
  put(&request, workload, strlen(workload));
  put(&request, "j", 1);
  if (namespace_count > 0) {
    put_atom(&request, "namespaces");
    put_count(&request, 108, (uint32_t)namespace_count);
    for (int i = 0; i < namespace_count; i++)
      put_atom(&request, namespaces[i]);
    put(&request, "j", 1);
  }
  if (proceed) {
    put_atom(&request, "proceed");
    put_atom(&request, "true");
  }
  size_t length = request.size - 4;
  for (int i = 0; i < 4; i++)
    request.bytes[i] = (uint8_t)(length >> (24 - 8 * i));
  return request;
}

static int contains(const uint8_t *bytes, size_t size, const char *text) {
  return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* From starting the agent to having reaped it. With `checkpoint` the child parks and is let go. */
static void run_session(const struct request *request, int checkpoint) {
  static const uint8_t proceed[] = {0, 0, 0, 10, 131, 119, 7, 'p', 'r', 'o', 'c', 'e', 'e', 'd'};
  int down[2];
  int up[2];
  if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
    die("pipe2");
  pid_t pid = vfork();
  if (pid == 0) {
    /* Out of the way first: the pipes may stand on 3 and 4 themselves. */
    int in = fcntl(down[0], F_DUPFD_CLOEXEC, 10);
    int out = fcntl(up[1], F_DUPFD_CLOEXEC, 10);
    if (dup2(in, 3) < 0 || dup2(out, 4) < 0)
      _exit(126);
    char *const argv[] = {(char *)agent, NULL};
    execv(agent, argv);
    _exit(127);
  }
  close(down[0]);
  close(up[1]);
  if (write(down[1], request->bytes, request->size) != (ssize_t)request->size)
    die("write");
  uint8_t frames[4096];
  size_t size = 0;
  while (!contains(frames, size, "exited")) {
    ssize_t count = read(up[0], frames + size, sizeof frames - size);
    if (count <= 0)
      die("read");
    size += (size_t)count;
    if (checkpoint && contains(frames, size, "ready")) {
      checkpoint = 0;
      if (write(down[1], proceed, sizeof proceed) != sizeof proceed)
        die("write");
    }
  }
  finish(pid);
  close(down[1]);
  close(up[0]);
}

struct subject {
  const char *name;
  char **argv; /* of a program to compare with, or NULL */
  int64_t *samples;
};

static struct request plain, parked, isolated;

static void run_subject(const struct subject *subject) {
  if (subject->argv != NULL)
    run(subject->argv);
  else if (strcmp(subject->name, "floor") == 0)
    run_floor();
  else if (strcmp(subject->name, "session") == 0)
    run_session(&plain, 0);
  else if (strcmp(subject->name, "checkpoint") == 0)
    run_session(&parked, 1);
  else
    run_session(&isolated, 0);
}

static int compare(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left;
  int64_t b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* What ran before leaves its mark on the caches, so nobody always follows the same one. */
static void shuffle(int *order, int count) {
  for (int i = count - 1; i > 0; i--) {
    int j = rand() % (i + 1);
    int kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

int main(int argc, char *argv[]) {
  static const char *const namespaces[] = {"pid", "mount", "uts", "ipc", "net"};
  struct subject subjects[SUBJECTS_MAX] = {
      {.name = "floor"}, {.name = "session"}, {.name = "checkpoint"}, {.name = "isolated"}};
  int count = 4;
  if (argc < 4) {
    fprintf(stderr, "usage: sessions ROUNDS AGENT TRUE [NAME= PROGRAM ARG... ;]...\n");
    return 2;
  }
  int rounds = atoi(argv[1]);
  agent = argv[2];
  workload = argv[3];
  /* The rest are programs to compare with: NAME= PROGRAM ARG... each ended by a lone ";". */
  for (int i = 4; i < argc && count < SUBJECTS_MAX; i++) {
    subjects[count].name = strtok(argv[i], "=");
    subjects[count++].argv = argv + i + 1;
    while (i < argc && strcmp(argv[i], ";") != 0)
      i++;
    if (i < argc)
      argv[i] = NULL;
  }
  plain = make_request(0, NULL, 1);
  parked = make_request(0, NULL, 0);
  isolated = make_request(5, namespaces, 1);
  for (int i = 0; i < count; i++)
    subjects[i].samples = calloc((size_t)rounds, sizeof(int64_t));
  int order[SUBJECTS_MAX];
  for (int i = 0; i < count; i++)
    order[i] = i;
  srand(1);
  for (int round = -rounds / 10 - 1; round < rounds; round++) { /* the first are to warm up */
    shuffle(order, count);
    for (int i = 0; i < count; i++) {
      int64_t begin = now();
      run_subject(&subjects[order[i]]);
      if (round >= 0)
        subjects[order[i]].samples[round] = now() - begin;
    }
  }
  for (int i = 0; i < count; i++) {
    qsort(subjects[i].samples, (size_t)rounds, sizeof(int64_t), compare);
    printf("%s %lld\n", subjects[i].name, (long long)subjects[i].samples[rounds / 2]);
  }
  return 0;
}
