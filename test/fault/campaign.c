/* SPDX-License-Identifier: MIT */
#include "campaign.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plan.h"
#include "surroundings.h"

#define SESSIONS_MAX 40
#define WORKERS_MAX  16

/* Shared by all workers. */
struct board {
  struct recording recordings[SESSIONS_MAX];
  struct result usual[SESSIONS_MAX];
  bool is_usual[SESSIONS_MAX]; /* as the session says */
  atomic_int next;
  atomic_int done;
  atomic_int counts[SESSIONS_MAX][ROLE_COUNT][OUTCOME_COUNT];
};

struct work {
  const struct campaign *campaign;
  struct board *board;
  struct plan plan;
  int64_t until; /* ms of the monotonic clock; 0: no limit */
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int exit_code(const struct result *result) {
  return WIFEXITED(result->agent_status) ? WEXITSTATUS(result->agent_status)
                                         : -WTERMSIG(result->agent_status);
}

void campaign_print_fault(const struct session *session, const struct injection *injection,
                          const struct result *result, const char *reason) {
  char text[4096];
  int size =
      snprintf(text, sizeof text, "FAULT --one %s %s '%s' %u %s%s: %s\n    %s exit code %d\n%s",
               session->name, role_name(injection->role), injection->call, injection->occurrence,
               error_text(injection->error), injection->persistent ? " persistent" : "", reason,
               result->account.log, exit_code(result), result->state);
  if (size >= (int)sizeof text)
    size = sizeof text - 1;
  /* In one piece, because other workers write, too. */
  if (write(STDOUT_FILENO, text, (size_t)size) < 0)
    _exit(1);
}

static bool is_chosen(const struct campaign *campaign, int number) {
  return session_is_possible(&sessions[number]) &&
         (campaign->only == NULL || campaign->only == &sessions[number]);
}

/* Every session as it is when nothing fails. */
static void rehearse(void *context) {
  const struct work *work = context;
  struct board *board = work->board;
  for (int i = 0; i < session_count; i++) {
    char reason[REASON_SIZE] = "";
    struct result *usual = &board->usual[i];
    if (!is_chosen(work->campaign, i))
      continue;
    run_session(work->campaign->around, &sessions[i], NULL, &board->recordings[i], usual);
    board->is_usual[i] = judge_usual(&sessions[i], usual, reason);
    if (board->is_usual[i])
      continue;
    printf("FAULT --calls %s: without an injection: %s\n    %s exit code %d\n%s%s",
           sessions[i].name, reason, usual->account.log, exit_code(usual), usual->state,
           usual->facts);
    board->counts[i][ROLE_AGENT][OUTCOME_FAULT]++;
  }
}

static void inject(const struct work *work, const struct planned *item) {
  static struct result result;
  char reason[REASON_SIZE] = "";
  const struct session *session = &sessions[item->session];
  run_session(work->campaign->around, session, &item->injection, NULL, &result);
  /* The agent's processor time has that of interrupts in it, so a spin is believed the second time.
   */
  if (result.spins)
    run_session(work->campaign->around, session, &item->injection, NULL, &result);
  enum outcome outcome =
      judge(&item->injection, &work->board->usual[item->session], &result, reason);
  work->board->counts[item->session][item->injection.role][outcome]++;
  work->board->done++;
  if (outcome == OUTCOME_FAULT)
    campaign_print_fault(session, &item->injection, &result, reason);
}

static void inject_all(void *context) {
  struct work *work = context;
  for (;;) {
    int index = atomic_fetch_add(&work->board->next, 1);
    if (index >= work->plan.count || (work->until != 0 && now_ms() >= work->until))
      return;
    inject(work, &work->plan.items[index]);
  }
}

static void make_plan(struct work *work) {
  uint32_t seed = work->campaign->seed;
  for (int i = 0; i < session_count; i++)
    if (work->board->is_usual[i])
      plan_add(&work->plan, i, &work->board->recordings[i], &seed);
  plan_order(&work->plan);
}

static void run_plan(struct work *work) {
  pid_t workers[WORKERS_MAX];
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  int count = processors < WORKERS_MAX ? (int)processors : WORKERS_MAX;
  if (work->campaign->seconds > 0)
    work->until = now_ms() + (int64_t)work->campaign->seconds * 1000;
  for (int i = 0; i < count; i++)
    workers[i] = worker_start(inject_all, work, i);
  for (int i = 0; i < count; i++)
    if (!worker_finish(workers[i]))
      exit(1);
}

static void print_row(const char *session, const char *role, const int counts[OUTCOME_COUNT]) {
  printf("%-16s %-12s %8d %8d %8d %8d %8d\n", session, role, counts[OUTCOME_REPORTED],
         counts[OUTCOME_WENT_ON], counts[OUTCOME_CHANNEL], counts[OUTCOME_NOT_REACHED],
         counts[OUTCOME_FAULT]);
}

/* How many faults there are. */
static int print_table(const struct board *board) {
  int totals[OUTCOME_COUNT] = {0};
  printf("\n%-16s %-12s %8s %8s %8s %8s %8s\n", "session", "role", "reported", "went on", "channel",
         "not hit", "FAULTS");
  for (int i = 0; i < session_count; i++)
    for (int role = 0; role < ROLE_COUNT; role++) {
      int counts[OUTCOME_COUNT];
      int sum = 0;
      for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        counts[outcome] = board->counts[i][role][outcome];
        sum += counts[outcome];
        totals[outcome] += counts[outcome];
      }
      if (sum > 0)
        print_row(sessions[i].name, role_name((enum role)role), counts);
    }
  print_row("all", "", totals);
  return totals[OUTCOME_FAULT];
}

int campaign_run(const struct campaign *campaign) {
  struct work work = {.campaign = campaign, .board = surroundings_share(sizeof(struct board))};
  int64_t begin = now_ms();
  if (session_count > SESSIONS_MAX || !worker_finish(worker_start(rehearse, &work, 0)))
    exit(1);
  make_plan(&work);
  run_plan(&work);
  int faults = print_table(work.board);
  int done = work.board->done;
  int count = work.plan.count;
  printf("%d of %d injections (%d %%) in %lld s, seed %u\n", done, count,
         count > 0 ? (int)((int64_t)done * 100 / count) : 0, (long long)(now_ms() - begin) / 1000,
         (unsigned)campaign->seed);
  for (int i = 0; i < session_count; i++)
    if (!session_is_possible(&sessions[i]))
      printf("%s was not run: it needs root\n", sessions[i].name);
  return faults;
}
