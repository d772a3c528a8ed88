/* SPDX-License-Identifier: MIT */
/*
 * Sessions at random, against an agent without a BEAM.
 *
 *   session_fuzz AGENT [seconds=N] [workers=N] [base=SEED] [seeds=FILE] [told=N] [keep-going]
 *   session_fuzz AGENT seed=SEED [times=N]
 *
 * The first form plays the seeds of the file and then one session after the other, until the time
 * is over or, without keep-going, a session has failed; of each kind of failure N (2) are told. The
 * second plays one seed and tells everything. Exit status 1 when a session failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "player.h"
#include "tally.h"
#include "workload.h"

/* Sessions wait most of their time, so that there are more than there are cores. */
#define WORKERS_PER_CORE 8
#define WORKERS_MAX      64
#define SEEDS_MAX        4096
#define PROGRESS_MS      10000

struct options {
  const char *agent;
  int seconds, workers, times;
  uint64_t base, seed;
  bool one, keep_going;
  uint64_t kept[SEEDS_MAX];
  unsigned long kept_count;
  unsigned long told;
};

struct worker {
  struct machine machine;
  struct targets targets;
  int listener;
};

static const struct options *options;
static struct tally *tally;

static void read_seeds(struct options *to, const char *path) {
  char line[256];
  FILE *file = fopen(path, "re");
  if (file == NULL)
    die(path);
  while (to->kept_count < SEEDS_MAX && fgets(line, sizeof line, file) != NULL) {
    char *end;
    uint64_t seed = strtoull(line, &end, 16);
    if (end != line && line[0] != '#')
      to->kept[to->kept_count++] = seed;
  }
  fclose(file);
}

static struct options read_options(char *argv[]) {
  struct options made = {.agent = argv[1], .seconds = 60, .times = 1, .told = 2};
  made.workers = WORKERS_PER_CORE * (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (getrandom(&made.base, sizeof made.base, 0) < 0)
    die("getrandom");
  for (char **argument = argv + 2; *argument != NULL; argument++) {
    const char *value = strchr(*argument, '=');
    value = value == NULL ? "" : value + 1;
    if (strncmp(*argument, "seconds=", 8) == 0)
      made.seconds = atoi(value);
    else if (strncmp(*argument, "workers=", 8) == 0)
      made.workers = atoi(value);
    else if (strncmp(*argument, "times=", 6) == 0)
      made.times = atoi(value);
    else if (strncmp(*argument, "told=", 5) == 0)
      made.told = strtoul(value, NULL, 10);
    else if (strncmp(*argument, "base=", 5) == 0)
      made.base = strtoull(value, NULL, 16);
    else if (strncmp(*argument, "seeds=", 6) == 0)
      read_seeds(&made, value);
    else if (strcmp(*argument, "keep-going") == 0)
      made.keep_going = true;
    else if (strncmp(*argument, "seed=", 5) == 0) {
      made.seed = strtoull(value, NULL, 16);
      made.one = true;
    } else {
      fprintf(stderr, "session_fuzz: what is %s?\n", *argument);
      exit(2);
    }
  }
  if (made.one || made.workers < 1)
    made.workers = 1;
  if (made.workers > WORKERS_MAX)
    made.workers = WORKERS_MAX;
  return made;
}

/* One write, so that the reports of several workers do not mix. */
static void tell(const struct plan *plan, const struct verdict *verdict,
                 const struct journal *journal) {
  static char text[40000];
  static char described[8000];
  size_t length = 0;
  describe_plan(described, sizeof described, plan);
  length +=
      (size_t)snprintf(text, sizeof text, "\nseed %016llx: %s\n", (unsigned long long)plan->seed,
                       verdict->count > 0 ? "FAILED" : "good");
  for (int i = 0; i < verdict->count && i < VERDICT_MAX; i++)
    length += (size_t)snprintf(text + length, sizeof text - length, "  ** %s: %s\n",
                               fault_names[verdict->faults[i].fault], verdict->faults[i].text);
  length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", described, journal->text);
  fwrite(text, 1, length < sizeof text ? length : sizeof text - 1, stdout);
  fflush(stdout);
}

static void play(struct worker *worker, uint64_t seed) {
  static struct journal journal;
  struct plan plan;
  struct verdict verdict = {.count = 0};
  struct player player = {.machine = &worker->machine,
                          .targets = &worker->targets,
                          .plan = &plan,
                          .journal = &journal,
                          .verdict = &verdict,
                          .listener = worker->listener};
  plan_make(&plan, seed, worker->machine.privileged);
  player_run(&player);
  unsigned long rank = tally_add(tally, &plan, &player.oracle.last, player.ran, &verdict);
  if (options->one || rank < options->told)
    tell(&plan, &verdict, &journal);
}

/* A sanitizer's report goes to a file, because fd 2 is the workload's. */
static void set_report_path(const char *directory) {
  char text[PATH_SIZE + 64];
  snprintf(text, sizeof text, "log_path=%s/report", directory);
  setenv("ASAN_OPTIONS", text, 1);
  snprintf(text, sizeof text, "print_stacktrace=1:log_path=%s/report", directory);
  setenv("UBSAN_OPTIONS", text, 1);
}

static bool goes_on(int64_t end) {
  bool failed = atomic_load(&tally->failed) > 0;
  return now_ms() < end && !atomic_load(&tally->stops) && (options->keep_going || !failed);
}

_Noreturn static void work(const struct machine *machine, int number, int64_t end) {
  struct worker worker = {.machine = *machine};
  prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
  prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
  setpgid(0, 0);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  machine_prepare_worker(&worker.machine, number);
  worker.listener = machine_listen(&worker.machine, "listener", 16);
  worker.targets.machine = &worker.machine;
  set_report_path(worker.machine.directory);
  for (int i = 0; options->one && i < options->times; i++)
    play(&worker, options->seed);
  while (!options->one && goes_on(end)) {
    unsigned long next = atomic_fetch_add(&tally->next, 1);
    play(&worker,
         next < options->kept_count ? options->kept[next] : random_mix(options->base + next));
  }
  targets_end(&worker.targets);
  exit(0);
}

static void interrupt(int signum) {
  (void)signum;
  atomic_store(&tally->stops, true);
}

static int start_workers(const struct machine *machine, int64_t end) {
  for (int i = 0; i < options->workers; i++) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
      die("fork");
    if (pid == 0)
      work(machine, i, end);
  }
  return options->workers;
}

/* Waits for the workers; how many of them did not end well. */
static int wait_for_workers(int count, int64_t begin) {
  int broken = 0;
  int64_t next = begin + PROGRESS_MS;
  while (count > 0) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      count--;
      broken += status != 0;
      if (status != 0)
        printf("a worker ended with status %#x\n", (unsigned)status);
      continue;
    }
    if (now_ms() >= next) {
      unsigned long sessions = atomic_load(&tally->sessions);
      printf("%4lld s: %lu sessions, %.1f a second, %lu failed\n",
             (long long)(now_ms() - begin) / 1000, sessions,
             (double)sessions * 1000 / (double)(now_ms() - begin), atomic_load(&tally->failed));
      fflush(stdout);
      next += PROGRESS_MS;
    }
    usleep(20000);
  }
  return broken;
}

int main(int argc, char *argv[]) {
  static struct options made;
  static struct machine machine;
  if (argc > 2 && strcmp(argv[1], "workload") == 0)
    return workload_main(argv + 2);
  if (argc < 2) {
    fprintf(stderr, "usage: session_fuzz AGENT [seconds=N] [workers=N] [base=SEED] [seeds=FILE] "
                    "[told=N] [keep-going] | seed=SEED [times=N]\n");
    return 2;
  }
  made = read_options(argv);
  options = &made;
  tally = tally_make();
  umask(022);
  signal(SIGINT, interrupt);
  signal(SIGTERM, interrupt);
  machine_prepare(&machine, made.agent, "/proc/self/exe");
  int64_t begin = now_ms();
  if (!made.one)
    printf("base=%016llx, %d workers, %d s, %lu kept seeds\n", (unsigned long long)made.base,
           made.workers, made.seconds, made.kept_count);
  int broken =
      wait_for_workers(start_workers(&machine, begin + made.seconds * INT64_C(1000)), begin);
  machine_remove(&machine);
  if (!made.one)
    tally_print(tally);
  return broken > 0 || atomic_load(&tally->failed) > 0;
}
