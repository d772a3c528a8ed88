#include "tally.h"

#include <stdio.h>
#include <sys/mman.h>

#include "machine.h"

struct tally *tally_make(void) {
  void *page =
      mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    die("mmap");
  return page;
}

static enum row row_of(const struct plan *plan) {
  bool user = plan_has_user_namespace(plan);
  if (plan->mutation != MUTATION_NONE)
    return ROW_BAD;
  switch (plan->kind) {
  case KIND_SPAWN:
    return user ? ROW_SPAWN_USER : ROW_SPAWN;
  case KIND_ENTER:
    return user ? ROW_ENTER_USER : ROW_ENTER;
  case KIND_KILL:
    return ROW_KILL;
  case KIND_TERMINAL:
  case KIND_COUNT:
    break;
  }
  return ROW_TERMINAL;
}

static enum outcome outcome_of(const struct frame *last) {
  switch (last->kind) {
  case FRAME_EXITED:
    return OUTCOME_EXITED;
  case FRAME_SIGNALED:
    return OUTCOME_SIGNALED;
  case FRAME_ABORTED:
    return OUTCOME_ABORTED;
  case FRAME_ERROR:
    return OUTCOME_ERROR;
  case FRAME_SPAWNED:
  case FRAME_READY:
  case FRAME_RUNNING:
  case FRAME_APPLIED:
  case FRAME_OUTPUT:
  case FRAME_EOF:
  case FRAME_WRITTEN:
  case FRAME_CLOSED:
  case FRAME_USAGE:
  case FRAME_WINSIZE:
  case FRAME_SETTINGS:
  case FRAME_NONE:
    break;
  }
  return OUTCOME_NONE;
}

void tally_add(struct tally *tally, const struct plan *plan, const struct frame *last, bool ran,
               const struct verdict *verdict) {
  atomic_fetch_add(&tally->sessions, 1);
  atomic_fetch_add(&tally->outcomes[row_of(plan)][outcome_of(last)], 1);
  atomic_fetch_add(&tally->ran, ran);
  atomic_fetch_add(&tally->failed, verdict->count > 0);
  for (int i = 0; i < verdict->count && i < VERDICT_MAX; i++) {
    enum fault fault = verdict->faults[i].fault;
    uint64_t none = 0;
    atomic_fetch_add(&tally->faults[fault], 1);
    atomic_compare_exchange_strong(&tally->seeds[fault], &none, plan->seed);
  }
}

void tally_print(const struct tally *tally) {
  static const char *const rows[ROW_COUNT] = {"spawn",           "spawn, user namespace",
                                              "enter",           "enter, user namespace",
                                              "kill of a group", "terminal",
                                              "bad request"};
  static const char *const outcomes[OUTCOME_COUNT] = {"exited", "signaled", "aborted", "error",
                                                      "none"};
  printf("%-24s", "");
  for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
    printf("%10s", outcomes[outcome]);
  printf("\n");
  for (int row = 0; row < ROW_COUNT; row++) {
    printf("%-24s", rows[row]);
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
      printf("%10lu", tally->outcomes[row][outcome]);
    printf("\n");
  }
  printf("%lu sessions, in %lu of which the workload ran; %lu failed\n", tally->sessions,
         tally->ran, tally->failed);
  for (int fault = 0; fault < FAULT_COUNT; fault++)
    if (tally->faults[fault] > 0)
      printf("%6lu  %s, first with seed %016llx\n", tally->faults[fault], fault_names[fault],
             (unsigned long long)tally->seeds[fault]);
}
