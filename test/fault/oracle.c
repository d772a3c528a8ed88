/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "rules.h"
#include "workload.h"

enum exit_code {
  EXIT_REPORTED = 0,
  EXIT_CHANNEL = 1,
  EXIT_REQUEST = 2,
  EXIT_CREATION = 3,
  EXIT_INTERNAL = 4,
};

static void say(char reason[REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(char reason[REASON_SIZE], const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(reason, REASON_SIZE, format, values);
  va_end(values);
}

static bool is_error(const struct frame *frame) {
  return strcmp(frame->name, "error") == 0;
}

static bool exits_with(const struct result *result, int code) {
  return WIFEXITED(result->agent_status) && WEXITSTATUS(result->agent_status) == code;
}

/* What no session may do, whatever fails and also when the agent is killed. False, with the reason,
 * when it did. */
static bool is_orderly(const struct result *result, char reason[REASON_SIZE]) {
  const struct account *account = &result->account;
  if (result->hangs)
    say(reason, "hangs");
  else if (result->spins)
    say(reason, "spins: %ld ms of processor time, %u calls failed", result->cpu_ms,
        result->injected);
  else if (result->leaves_processes)
    say(reason, "processes are left after the agent");
  else if (result->target_is_gone)
    say(reason, "the target of enter has ended");
  else if (account->complaint != NULL)
    say(reason, "%s", account->complaint);
  else if (account->terminals > 1)
    say(reason, "%d terminal frames", account->terminals);
  else if (result->execs > 1)
    say(reason, "%d programs were executed", result->execs);
  else
    return true;
  return false;
}

static bool is_sound(const struct result *result, char reason[REASON_SIZE]) {
  const struct account *account = &result->account;
  if (!is_orderly(result, reason))
    return false;
  /* A SIGKILL that meets an exec past its point of no return ends it before it is traced. */
  if (account->is_running && result->execs == 0 && !is_error(&account->terminal))
    say(reason, ":running, but nothing was executed");
  else if (!WIFEXITED(result->agent_status))
    say(reason, "the agent ended by signal %d", WTERMSIG(result->agent_status));
  else
    return true;
  return false;
}

/* The first line in which the texts differ; both sides' versions of it. */
static bool has_same_facts(const char *usual, const char *found, char reason[REASON_SIZE]) {
  if (found[0] == '\0' || strcmp(usual, found) == 0)
    return true;
  while (*usual != '\0' && *found != '\0') {
    size_t expected = strcspn(usual, "\n");
    size_t got = strcspn(found, "\n");
    if (expected != got || memcmp(usual, found, got) != 0) {
      say(reason, "the workload has \"%.*s\", usually \"%.*s\"", (int)got, found, (int)expected,
          usual);
      return false;
    }
    usual += expected + 1;
    found += got + 1;
  }
  say(reason, "the workload has facts that differ at the end");
  return false;
}

static bool has_same_output(const struct account *usual, const struct account *found,
                            char reason[REASON_SIZE]) {
  for (int i = 0; i < STREAM_COUNT; i++)
    if (usual->bytes[i] != found->bytes[i] || usual->sums[i] != found->sums[i] ||
        usual->eofs[i] != found->eofs[i]) {
      say(reason, "of stream %d came %llu bytes and %d ends, usually %llu and %d", i,
          (unsigned long long)found->bytes[i], found->eofs[i], (unsigned long long)usual->bytes[i],
          usual->eofs[i]);
      return false;
    }
  if (usual->written != found->written) {
    say(reason, "%llu bytes acknowledged, usually %llu", (unsigned long long)found->written,
        (unsigned long long)usual->written);
    return false;
  }
  return true;
}

static bool has_same_terminal(const struct frame *usual, const struct frame *found) {
  bool has_pid = strcmp(usual->atom, "aborted") == 0;
  return strcmp(usual->name, found->name) == 0 && strcmp(usual->atom, found->atom) == 0 &&
         (has_pid || usual->numbers[0] == found->numbers[0]);
}

static bool has_same_frames(const struct account *usual, const struct account *found,
                            char reason[REASON_SIZE]) {
  if (usual->spawned == found->spawned && usual->ready == found->ready &&
      usual->applied == found->applied && usual->usages == found->usages &&
      usual->is_running == found->is_running)
    return true;
  say(reason, "the usual end, but not the usual frames before it");
  return false;
}

/* The end is the usual one: the rest must be, too. */
static enum outcome judge_same_end(const struct injection *injection, const struct result *usual,
                                   const struct result *result, char reason[REASON_SIZE]) {
  bool may_lose_output = result->account.has_closed;
  if (result->injected > 0 && result->account.closed_with == injection->error)
    return OUTCOME_REPORTED; /* that stdin is closed, which changes what comes out */
  /* No frame says that a stream broke after the end: the agent's exit code does. */
  if (result->injected > 0 && call_matches(injection->call, "read.*") &&
      exits_with(result, EXIT_CHANNEL))
    return OUTCOME_CHANNEL;
  if ((!may_lose_output && !has_same_output(&usual->account, &result->account, reason)) ||
      !has_same_frames(&usual->account, &result->account, reason))
    return rule_is_channel(injection) ? OUTCOME_CHANNEL : OUTCOME_FAULT;
  if (usual->agent_status != result->agent_status) {
    say(reason, "exit code %d, usually %d", WEXITSTATUS(result->agent_status),
        WEXITSTATUS(usual->agent_status));
    return rule_is_channel(injection) ? OUTCOME_CHANNEL : OUTCOME_FAULT;
  }
  if (result->injected == 0)
    return OUTCOME_NOT_REACHED;
  if (rule_goes_on(injection))
    return OUTCOME_WENT_ON;
  if (rule_is_channel(injection))
    return OUTCOME_CHANNEL;
  say(reason, "goes on as if nothing had failed");
  return OUTCOME_FAULT;
}

static enum outcome judge_error(const struct injection *injection, const struct result *result,
                                char reason[REASON_SIZE]) {
  const struct frame *error = &result->account.terminal;
  if (result->injected == 0)
    say(reason, "an error, though nothing was injected");
  else if (result->execs > 0 && injection->role != ROLE_AGENT)
    say(reason, "an error, though the workload was executed");
  else if (!exits_with(result, EXIT_REPORTED) && !exits_with(result, EXIT_CREATION) &&
           !exits_with(result, EXIT_INTERNAL))
    say(reason, "an error and exit code %d", WEXITSTATUS(result->agent_status));
  else if (!rule_reports(injection, error->atom, (int)error->numbers[0]))
    say(reason, "reported as %s at %s", error_text((int)error->numbers[0]), error->atom);
  else
    return OUTCOME_REPORTED;
  return OUTCOME_FAULT;
}

/* The workload runs on, or its end is reported and what it has left is there. */
static bool has_to_stay(const struct injection *injection, const struct result *result) {
  bool stays = result->hangs || result->leaves_processes;
  bool is_known = result->account.terminals == 1 || result->account.has_closed;
  return stays && result->execs > 0 && is_known && rule_may_stay(injection);
}

/* The kernel ends the workload of an agent that was killed, and nothing ends what that has left. */
static bool is_left_to_itself(const struct result *result) {
  return result->leaves_processes && result->execs > 0 && WIFSIGNALED(result->agent_status);
}

/* A process was killed. When it is not the agent, its end is told as one. */
static enum outcome judge_killed(const struct injection *injection, const struct result *result,
                                 char reason[REASON_SIZE]) {
  bool is_agent = injection->role == ROLE_AGENT || injection->role == ROLE_HELPER;
  bool is_told = result->account.terminals == 1 || result->account.is_gone;
  if (is_agent && is_left_to_itself(result))
    return OUTCOME_WENT_ON;
  if (!is_orderly(result, reason))
    return OUTCOME_FAULT;
  if (result->injected == 0)
    return OUTCOME_NOT_REACHED;
  if (is_agent != (bool)WIFSIGNALED(result->agent_status))
    say(reason, "status of the agent %#x", (unsigned)result->agent_status);
  else if (!is_agent && !is_told)
    say(reason, "no terminal frame, exit code %d", WEXITSTATUS(result->agent_status));
  else
    return is_agent ? OUTCOME_CHANNEL : OUTCOME_REPORTED;
  return OUTCOME_FAULT;
}

enum outcome judge(const struct injection *injection, const struct result *usual,
                   const struct result *result, char reason[REASON_SIZE]) {
  const struct frame *terminal = &result->account.terminal;
  if (injection->error == ERROR_KILL)
    return judge_killed(injection, result, reason);
  if (has_to_stay(injection, result))
    return OUTCOME_WENT_ON;
  if (!is_sound(result, reason) || !has_same_facts(usual->facts, result->facts, reason))
    return OUTCOME_FAULT;
  if (result->account.is_gone) /* what came then it has not heard */
    return result->injected > 0 ? OUTCOME_CHANNEL : OUTCOME_NOT_REACHED;
  if (result->account.terminals == 0) {
    if (result->injected > 0 && rule_is_channel(injection) && exits_with(result, EXIT_CHANNEL))
      return OUTCOME_CHANNEL;
    say(reason, "no terminal frame, exit code %d", WEXITSTATUS(result->agent_status));
    return OUTCOME_FAULT;
  }
  if (is_error(terminal))
    return judge_error(injection, result, reason);
  if (has_same_terminal(&usual->account.terminal, terminal))
    return judge_same_end(injection, usual, result, reason);
  if (result->injected > 0 && rule_ends_with(injection, terminal->atom, (int)terminal->numbers[0]))
    return OUTCOME_WENT_ON;
  if (result->injected > 0 && rule_is_channel(injection) && strcmp(terminal->atom, "signaled") == 0)
    return OUTCOME_CHANNEL;
  say(reason, "ends as %s %lld", terminal->atom, (long long)terminal->numbers[0]);
  return OUTCOME_FAULT;
}

static bool has_line(const char *text, const char *line) {
  size_t length = strlen(line);
  for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
    if ((at == text || at[-1] == '\n') && (at[length] == '\n' || line[length - 1] == ':'))
      return true;
  return false;
}

static bool has_namespaces(const struct session *session, const char *facts,
                           char reason[REASON_SIZE]) {
  unsigned long wanted = session_namespaces(session);
  for (int i = 0; i < NAMESPACES; i++) {
    char line[32];
    const char *whose = (wanted & namespace_names[i].flag) == 0 ? "own"
                        : session->target != TARGET_NONE        ? "target"
                                                                : "new";
    snprintf(line, sizeof line, "ns.%s %s", namespace_names[i].link, whose);
    if (!has_line(facts, line)) {
      say(reason, "the workload lacks \"%s\"", line);
      return false;
    }
  }
  return true;
}

static bool has_facts(const struct session *session, const struct result *usual,
                      char reason[REASON_SIZE]) {
  if (usual->execs == 0)
    return session->terminal != NULL;
  for (const char *const *line = session->facts; line != NULL && *line != NULL; line++)
    if (!has_line(usual->facts, *line)) {
      say(reason, "the workload lacks \"%s\"", *line);
      return false;
    }
  return has_namespaces(session, usual->facts, reason);
}

bool judge_usual(const struct session *session, const struct result *usual,
                 char reason[REASON_SIZE]) {
  const struct frame *terminal = &usual->account.terminal;
  const char *atom = session->terminal != NULL ? session->terminal : "exited";
  bool hears_nothing = session->on_output == ACT_CLOSE_BOTH;
  int value = session->terminal == NULL ? WORKLOAD_STATUS : session->value;
  if (!is_sound(usual, reason))
    return false;
  if (hears_nothing ? usual->account.terminals != 0 : usual->account.terminals != 1)
    say(reason, "%d terminal frames", usual->account.terminals);
  else if (!hears_nothing &&
           (strcmp(terminal->atom, atom) != 0 || (value != 0 && terminal->numbers[0] != value)))
    say(reason, "ends as %s %lld", terminal->atom, (long long)terminal->numbers[0]);
  else
    return has_facts(session, usual, reason);
  return false;
}
