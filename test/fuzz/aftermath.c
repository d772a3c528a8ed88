/* SPDX-License-Identifier: MIT */
/*
 * What is left of a session once its agent is gone, and the judgement. Everything that was the
 * session's is ended and reaped here, because the worker is the subreaper of it all.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "player.h"
#include "processes.h"

#define REMAINS_MAX 256

/* How often, and for how long, processes that are on their way out are looked for. */
#define LOOK_MS       5
#define HELD_LIMIT_MS 3000

/* Processor time of an agent: so much for a start with sanitizers, a share of its life beside. */
#define CPU_BASE_US 400000

struct remains {
  int count;
  struct process processes[REMAINS_MAX];
};

static void add_below(const struct player *player, struct remains *remains, pid_t parent) {
  pid_t pids[128];
  int count = process_children(parent, pids, 128);
  for (int i = 0; i < count && remains->count < REMAINS_MAX; i++) {
    struct process *process = &remains->processes[remains->count];
    bool target = target_is_one(player->targets, pids[i]);
    if (!target && process_read(process, pids[i]) == 0)
      remains->count++;
    add_below(player, remains, pids[i]);
  }
}

static void find_remains(const struct player *player, struct remains *remains) {
  remains->count = 0;
  add_below(player, remains, getpid());
}

static bool is_zombie(const struct process *process) {
  return process->state == 'Z' || process->state == 'X';
}

/* The intermediate one of an entry, or a child that has not come to setsid(2). */
static bool is_of_agents_group(const struct process *process) {
  return process->group == getpgrp();
}

static bool is_workload(const struct player *player, const struct process *process) {
  return process->pid == (pid_t)player->oracle.host_pid;
}

/* A child that is stopped before its first steps has neither the parent-death signal nor given up
 * its copy of fd 4, and leaves only when it goes on: one of the limits that SECURITY.md names. */
static bool is_held_back(const struct player *player) {
  return player->facts.agent_killed && player->facts.child_signaled && !player->oracle.ready;
}

static bool may_survive(const struct player *player, const struct process *process) {
  const struct plan *plan = player->plan;
  const struct facts *facts = &player->facts;
  bool alone = facts->agent_killed || plan_is_damaged(plan);
  if ((alone && plan->linger) || is_held_back(player))
    return true;
  if (is_workload(player, process) || is_of_agents_group(process))
    return plan_is_damaged(plan);
  if (plan_is_init(plan) && !plan_is_damaged(plan)) /* which may be the namespace's name */
    return false;
  /* In a pid namespace that was entered what is left falls to its first process. */
  if (plan->kill_descendants && !alone && !plan_enters_pid_namespace(plan))
    return false;
  bool in_group = process->group == (pid_t)player->oracle.host_pid;
  return !in_group || plan->linger || alone || !facts->orphaned;
}

static void reap_zombie(struct player *player, const struct process *process) {
  if (process->parent != getpid())
    return; /* its parent lives */
  waitpid(process->pid, NULL, 0);
  bool agents = is_workload(player, process) || is_of_agents_group(process);
  if (agents && !player->facts.agent_killed && WIFEXITED(player->status))
    verdict_add(player->verdict, FAULT_ZOMBIE, "%d, %s", (int)process->pid,
                is_workload(player, process) ? "the workload's process" : "before setsid");
}

/* Reaps what has ended; whether anything that must go is still there. */
static bool are_left(struct player *player, struct remains *remains) {
  bool left = false;
  find_remains(player, remains);
  for (int i = 0; i < remains->count; i++)
    if (is_zombie(&remains->processes[i]))
      reap_zombie(player, &remains->processes[i]);
    else if (!may_survive(player, &remains->processes[i]))
      left = true;
  return left;
}

static void wait_for_remains(struct player *player) {
  struct remains remains;
  char text[190];
  int64_t limit = now_ms() + END_LIMIT_MS;
  while (are_left(player, &remains)) {
    if (now_ms() < limit) {
      poll(NULL, 0, LOOK_MS);
      continue;
    }
    for (int i = 0; i < remains.count; i++)
      if (!is_zombie(&remains.processes[i]) && !may_survive(player, &remains.processes[i])) {
        process_describe(text, sizeof text, remains.processes[i].pid);
        verdict_add(player->verdict, FAULT_LEFT, "%s", text);
      }
    return;
  }
}

/* Everything below the worker but what is there to be entered. */
static void end_remains(struct player *player) {
  struct remains remains = {.count = 0};
  for (int64_t limit = now_ms() + END_LIMIT_MS; now_ms() < limit; poll(NULL, 0, 1)) {
    find_remains(player, &remains);
    if (remains.count == 0)
      return;
    for (int i = 0; i < remains.count; i++) {
      kill(remains.processes[i].pid, SIGKILL);
      if (remains.processes[i].parent == getpid())
        waitpid(remains.processes[i].pid, NULL, WNOHANG);
    }
  }
  verdict_add(player->verdict, FAULT_LEFT, "%d processes that SIGKILL does not end", remains.count);
}

static void kill_agent(struct player *player) {
  player->facts.agent_killed = true;
  player_signal_children(player, SIGKILL);
  pidfd_signal(player->agent_fd, SIGKILL);
  for (int64_t limit = now_ms() + END_LIMIT_MS; !player_is_over(player) && now_ms() < limit;)
    player_wait(player, 50);
}

static void read_to_the_end(struct player *player) {
  player->reads_not = false;
  player->read_not_until = 0;
  int64_t limit = now_ms() + HELD_LIMIT_MS;
  while (player->started.out >= 0 && !player->out_ended && now_ms() < limit)
    player_wait(player, 20);
  if (player->started.out >= 0 && !player->out_ended && !is_held_back(player))
    verdict_add(player->verdict, FAULT_CHANNEL_HELD, "%d ms after the agent's end", HELD_LIMIT_MS);
}

static void take_report(struct player *player, const char *path) {
  char text[4000];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  text[count > 0 ? count : 0] = '\0';
  if (fd >= 0)
    close(fd);
  unlink(path);
  journal_add(player->journal, "%s", text);
  const char *what = strstr(text, "ERROR: ");
  if (what == NULL)
    what = strstr(text, "runtime error: ");
  verdict_add(player->verdict, FAULT_SANITIZER, "%.150s", what != NULL ? what : text);
}

static void look_for_reports(struct player *player) {
  char path[PATH_SIZE * 2];
  DIR *directory = opendir(player->machine->directory);
  const struct dirent *entry;
  while (directory != NULL && (entry = readdir(directory)) != NULL)
    if (strncmp(entry->d_name, "report.", 7) == 0) {
      snprintf(path, sizeof path, "%s/%s", player->machine->directory, entry->d_name);
      take_report(player, path);
    }
  if (directory != NULL)
    closedir(directory);
}

static void look_at_cpu(struct player *player) {
  const struct rusage *usage = &player->usage;
  int64_t used = (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
                 usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
  int64_t life = (now_ms() - player->begin_ms) * 1000;
  if (!plan_works(player->plan, WORK_FLOOD) && used > CPU_BASE_US + life / 4)
    verdict_add(player->verdict, FAULT_SPIN, "%.1f ms of processor time in a life of %.1f ms",
                (double)used / 1000, (double)life / 1000);
}

void player_look_at_remains(struct player *player) {
  bool judged = player_is_over(player);
  if (!judged)
    kill_agent(player);
  if (judged) {
    wait_for_remains(player);
    read_to_the_end(player);
    look_at_cpu(player);
  }
  look_for_reports(player);
  end_remains(player);
  if (judged)
    oracle_end(&player->oracle, &player->facts, player->account, player->received.size > 0,
               WIFEXITED(player->status) ? WEXITSTATUS(player->status) : -1);
}
