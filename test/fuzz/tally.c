/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
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

/* Every number in a text becomes one character. */
static void without_numbers(char to[64], const char *text) {
  size_t length = 0;
  for (const char *at = text; *at != '\0' && length < 63; at++) {
    bool digit = *at >= '0' && *at <= '9';
    if (!digit)
      to[length++] = *at;
    else if (length == 0 || to[length - 1] != '#')
      to[length++] = '#';
  }
  to[length] = '\0';
}

static uint64_t key_of(enum fault fault, const char *text) {
  uint64_t key = random_mix((uint64_t)fault + 1);
  for (; *text != '\0'; text++)
    key = random_mix(key + (unsigned char)*text);
  return key | 1;
}

static struct kind *find_kind(struct tally *tally, enum fault fault, const char *text,
                              uint64_t seed) {
  char plain[64];
  without_numbers(plain, text);
  uint64_t key = key_of(fault, plain);
  for (size_t i = 0; i < KINDS_MAX; i++) {
    struct kind *kind = &tally->kinds[(key + i) % KINDS_MAX];
    uint64_t taken = 0;
    if (atomic_compare_exchange_strong(&kind->key, &taken, key)) {
      kind->fault = fault;
      kind->seed = seed;
      memcpy(kind->text, plain, sizeof plain);
      return kind;
    }
    if (taken == key)
      return kind;
  }
  return &tally->kinds[0];
}

unsigned long tally_add(struct tally *tally, const struct plan *plan, const struct frame *last,
                        bool ran, const struct verdict *verdict) {
  atomic_fetch_add(&tally->sessions, 1);
  atomic_fetch_add(&tally->outcomes[row_of(plan)][outcome_of(last)], 1);
  atomic_fetch_add(&tally->ran, ran);
  atomic_fetch_add(&tally->failed, verdict->count > 0);
  unsigned long rank = ULONG_MAX;
  for (int i = 0; i < verdict->count && i < VERDICT_MAX; i++) {
    struct kind *kind =
        find_kind(tally, verdict->faults[i].fault, verdict->faults[i].text, plan->seed);
    unsigned long before = atomic_fetch_add(&kind->count, 1);
    rank = before < rank ? before : rank;
  }
  return rank;
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
  for (size_t i = 0; i < KINDS_MAX; i++) {
    const struct kind *kind = &tally->kinds[i];
    if (kind->count > 0)
      printf("%6lu  %016llx  %s: %s\n", kind->count, (unsigned long long)kind->seed,
             fault_names[kind->fault], kind->text);
  }
}
