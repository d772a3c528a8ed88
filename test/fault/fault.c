/* SPDX-License-Identifier: MIT */
/*
 * Makes system calls of whole sessions fail, one at a time, or kills the process that makes one,
 * and judges what becomes of them.
 *
 *   fault AGENT [--seconds N] [--seed N] [--limit-ms N] [--session NAME]
 *   fault AGENT --one SESSION ROLE CALL OCCURRENCE ERROR [persistent]
 *   fault AGENT --calls SESSION
 *
 * Runs all injections, or, with --seconds, as many as that time allows, in an order that the seed
 * decides; as an ordinary user, into the sessions that one can have. Or one injection: its line in
 * the output has the arguments. Or no injection, and prints a session's system calls. A run that
 * takes longer than --limit-ms (10000) hangs. Exit status 0: no fault was found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "surroundings.h"
#include "workload.h"

struct options {
  const char *agent;
  const struct session *only;
  int seconds;
  int limit_ms;
  uint32_t seed;
};

_Noreturn static void usage(void) {
  fprintf(stderr, "usage: fault AGENT [--seconds N] [--seed N] [--limit-ms N] [--session NAME]\n"
                  "       fault AGENT --one SESSION ROLE CALL OCCURRENCE ERROR [persistent]\n"
                  "       fault AGENT --calls SESSION\n");
  exit(2);
}

static const struct session *session_argument(const char *name) {
  const struct session *session = name == NULL ? NULL : session_find(name);
  if (session != NULL && session_is_possible(session))
    return session;
  fprintf(stderr, "fault: %s\n", session == NULL ? "no such session" : "this session needs root");
  exit(2);
}

static int error_argument(const char *name) {
  for (const struct error_name *error = injected_errors; error->name != NULL; error++)
    if (strcmp(error->name, name) == 0)
      return error->number;
  return atoi(name);
}

/* One run, or two: without and with an injection. */
struct trial {
  const struct surroundings *around;
  const struct session *session;
  struct injection injection;
  bool injects;
  bool *is_fault; /* shared */
};

static void print_result(const struct result *result) {
  printf("%s\n%sexit status %#x, %ld ms of processor time, %d executed, %u calls failed\n%s",
         result->account.log, result->facts, (unsigned)result->agent_status, result->cpu_ms,
         result->execs, result->injected, result->state);
}

static void print_calls(const struct recording *recording) {
  for (int i = 0; i < recording->count; i++)
    printf("%-12s %-40s %u\n", role_name(recording->calls[i].role), recording->calls[i].call,
           recording->calls[i].count);
}

static void try(void *context) {
  static struct recording recording;
  static struct result usual;
  static struct result result;
  static const char *const outcomes[OUTCOME_COUNT] = {"reported", "went on", "channel", "not hit",
                                                      "FAULT"};
  char reason[REASON_SIZE] = "";
  const struct trial *trial = context;
  run_session(trial->around, trial->session, NULL, &recording, &usual);
  if (!trial->injects) {
    print_calls(&recording);
    print_result(&usual);
    *trial->is_fault = !judge_usual(trial->session, &usual, reason);
    printf("%s %s\n", *trial->is_fault ? "FAULT" : "usual", reason);
    return;
  }
  run_session(trial->around, trial->session, &trial->injection, NULL, &result);
  enum outcome outcome = judge(&trial->injection, &usual, &result, reason);
  print_result(&result);
  printf("%s %s\n", outcomes[outcome], reason);
  *trial->is_fault = outcome == OUTCOME_FAULT;
}

static int run_trial(struct trial *trial) {
  trial->is_fault = surroundings_share(sizeof *trial->is_fault);
  return !worker_finish(worker_start(try, trial, 0)) || *trial->is_fault;
}

static int run_calls(const struct surroundings *around, char **argument) {
  struct trial trial = {.around = around, .session = session_argument(argument[0])};
  return run_trial(&trial);
}

/* SESSION ROLE CALL OCCURRENCE ERROR [persistent] */
static int run_one(const struct surroundings *around, char **argument) {
  int count = 0;
  while (argument[count] != NULL)
    count++;
  if (count < 5)
    usage();
  struct trial trial = {
      .around = around,
      .session = session_argument(argument[0]),
      .injection = {.occurrence = (unsigned)atoi(argument[3]),
                    .persistent = count > 5,
                    .error = error_argument(argument[4])},
      .injects = true,
  };
  if (!role_from_name(argument[1], &trial.injection.role))
    usage();
  strncpy(trial.injection.call, argument[2], CALL_NAME_SIZE - 1);
  return run_trial(&trial);
}

static int run(const struct options *options, const struct surroundings *around, char **argument) {
  const struct campaign campaign = {
      .around = around, .only = options->only, .seconds = options->seconds, .seed = options->seed};
  if (argument[0] == NULL)
    return campaign_run(&campaign) > 0;
  if (strcmp(argument[0], "--one") == 0)
    return run_one(around, argument + 1);
  if (strcmp(argument[0], "--calls") == 0)
    return run_calls(around, argument + 1);
  usage();
}

static char **take_options(struct options *options, char **argument) {
  for (; argument[0] != NULL && argument[1] != NULL; argument += 2) {
    if (strcmp(argument[0], "--seconds") == 0)
      options->seconds = atoi(argument[1]);
    else if (strcmp(argument[0], "--seed") == 0)
      options->seed = (uint32_t)strtoul(argument[1], NULL, 10);
    else if (strcmp(argument[0], "--limit-ms") == 0)
      options->limit_ms = atoi(argument[1]);
    else if (strcmp(argument[0], "--session") == 0)
      options->only = session_argument(argument[1]);
    else
      break;
  }
  return argument;
}

int main(int argc, char **argv) {
  static struct surroundings around;
  if (argc == 3 && strcmp(argv[1], "workload") == 0)
    return workload_main(argv[2]);
  if (argc < 2)
    usage();
  struct options options = {.agent = argv[1], .limit_ms = 10000, .seed = 1};
  char **rest = take_options(&options, argv + 2);
  surroundings_make(&around, options.agent, options.limit_ms);
  return run(&options, &around, rest);
}
