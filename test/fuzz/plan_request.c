/* SPDX-License-Identifier: MIT */
/* The request and the workload's part. Pure. */
#include "plan.h"

static void choose_kind(struct plan *plan, struct random *random) {
  unsigned number = random_below(random, 100);
  plan->kind = number < 66   ? KIND_SPAWN
               : number < 96 ? KIND_ENTER
               : number < 98 ? KIND_KILL
                             : KIND_TERMINAL;
  if (plan->kind == KIND_TERMINAL && random_chance(random, 70))
    plan->standard[0] = STANDARD_TERMINAL;
}

static void choose_target(struct plan *plan, struct random *random) {
  static const enum target_kind of_root[] = {
      TARGET_PLAIN,       TARGET_NO_USER,     TARGET_PID_MOUNT,     TARGET_PID_MOUNT,
      TARGET_USER_MAPPED, TARGET_USER_MAPPED, TARGET_USER_NOBODY,   TARGET_USER_NOBODY,
      TARGET_USER_NOBODY, TARGET_PID_MOUNT,   TARGET_USER_UNMAPPED, TARGET_NO_USER};
  static const enum target_kind of_nobody[] = {TARGET_USER_NOBODY, TARGET_USER_NOBODY,
                                               TARGET_USER_NOBODY, TARGET_USER_NOBODY,
                                               TARGET_USER_NOBODY, TARGET_PLAIN};
  plan->target = !plan->as_nobody ? RANDOM_PICK(random, of_root) : RANDOM_PICK(random, of_nobody);
  if (random_chance(random, 6))
    plan->target = random_chance(random, 50) ? TARGET_ZOMBIE : TARGET_DEAD;
  /* What a kill meets is a group or process of the fuzzer's own that is alive, or an error. */
  if (plan->kind == KIND_KILL)
    plan->target = random_chance(random, 80) ? TARGET_PLAIN : TARGET_DEAD;
}

static void choose_namespaces(struct plan *plan, struct random *random) {
  bool root = !plan->as_nobody;
  plan->gives_namespaces = random_chance(random, plan->kind == KIND_SPAWN ? 60 : 30);
  if (!plan->gives_namespaces)
    return;
  plan->namespaces = random_below(random, 256);
  plan->namespaces &= random_below(random, 256);
  if (random_chance(random, 30))
    plan->namespaces |= NAMESPACE_PID | NAMESPACE_MOUNT;
  if (!root && random_chance(random, 85))
    plan->namespaces |= NAMESPACE_USER;
  if (random_chance(random, 60)) /* the slow ones, less often */
    plan->namespaces &= ~(unsigned)(NAMESPACE_NET | NAMESPACE_TIME | NAMESPACE_CGROUP);
}

static enum directive choose_directive(struct random *random, int fd) {
  static const enum directive bad[] = {DIRECTIVE_FILE_MISSING, DIRECTIVE_FILE_DIRECTORY,
                                       DIRECTIVE_CONNECT_MISSING};
  static const enum directive other[] = {
      DIRECTIVE_ABSENT,     DIRECTIVE_INHERIT, DIRECTIVE_DEVNULL,    DIRECTIVE_FILE_READ,
      DIRECTIVE_FILE_WRITE, DIRECTIVE_CONNECT, DIRECTIVE_FILE_APPEND};
  if (random_chance(random, 60))
    return DIRECTIVE_PIPE;
  if (fd == 2 && random_chance(random, 30))
    return DIRECTIVE_TO_STDOUT;
  if (random_chance(random, 5))
    return random_chance(random, 4) ? DIRECTIVE_CONNECT_FULL : RANDOM_PICK(random, bad);
  return RANDOM_PICK(random, other);
}

static void choose_stdio(struct plan *plan, struct random *random) {
  plan->pty = random_chance(random, 25);
  plan->devnull = !plan->pty && random_chance(random, 5);
  for (int fd = 0; fd < 3 && !plan->pty && !plan->devnull; fd++)
    plan->stdio[fd] = choose_directive(random, fd);
  plan->demand = random_chance(random, 50);
  for (int stream = STREAM_STDOUT; stream < STREAM_COUNT; stream++)
    if (plan->demand && random_chance(random, 50))
      plan->demanded[stream] = random_size(random, 1 << 20);
}

static void choose_options(struct plan *plan, struct random *random) {
  static const int graces[] = {0, 0, 1, 20, 150, 400};
  plan->proceed = random_chance(random, 40);
  plan->ack = random_chance(random, 60);
  plan->usage = random_chance(random, 50);
  plan->hold = random_chance(random, 20);
  plan->kill_descendants = random_chance(random, 50);
  plan->no_new_privs = random_chance(random, 20);
  plan->linger = random_chance(random, 15);
  plan->gives_grace = !plan->linger && random_chance(random, 95);
  plan->grace_ms = plan->gives_grace ? RANDOM_PICK(random, graces) : 5000;
  plan->unknown_keys = random_chance(random, 10);
  plan->gives_env = random_chance(random, 30);
  plan->changes_env = random_chance(random, 30);
  plan->searches = random_chance(random, 20);
  plan->gives_arg0 = random_chance(random, 10);
  plan->charlists = random_chance(random, 15);
  plan->request_pieces = random_chance(random, 15) ? 2 + (int)random_below(random, 5) : 1;
}

static void choose_program(struct plan *plan, struct random *random) {
  static const enum directory directories[] = {CWD_GOOD, CWD_GOOD, CWD_GOOD,    CWD_GOOD,
                                               CWD_GOOD, CWD_GOOD, CWD_MISSING, CWD_FILE};
  plan->program = random_chance(random, 92) ? PROGRAM_WORKLOAD
                                            : (enum program)random_below(random, PROGRAM_COUNT);
  plan->cwd = random_chance(random, 25) ? RANDOM_PICK(random, directories) : CWD_ABSENT;
}

static void choose_lists(struct plan *plan, struct random *random) {
  if (random_chance(random, 25))
    plan->setup_count = 1 + (int)random_below(random, COMMANDS_MAX);
  if (random_chance(random, 25))
    plan->seal_count = 1 + (int)random_below(random, COMMANDS_MAX);
  for (int i = 0; i < plan->setup_count; i++)
    plan->setup[i] = plan_setup_command(random, plan);
  for (int i = 0; i < plan->seal_count; i++)
    plan->seal[i] = plan_setup_command(random, plan);
}

static void add(struct command *list, int *count, struct command command) {
  if (*count < COMMANDS_MAX)
    list[(*count)++] = command;
}

static void choose_allowances(struct plan *plan) {
  struct random random = random_stream(plan->seed, 9);
  bool uts = (plan->namespaces & NAMESPACE_UTS) != 0 && plan->kind == KIND_SPAWN;
  struct command hostname = {.message = MESSAGE_HOSTNAME, .variant = random_below(&random, 64)};
  struct command allowance = {.message = MESSAGE_ALLOWANCE, .variant = random_below(&random, 64)};
  if (random_chance(&random, 25))
    add(plan->setup, &plan->setup_count, allowance);
  if (random_chance(&random, 25))
    add(plan->seal, &plan->seal_count, allowance);
  if (uts && random_chance(&random, 30))
    add(plan->setup, &plan->setup_count, hostname);
}

/* From a stream of its own, so that the rest of a seed's plan stays what it was. */
static void choose_namespace_options(struct plan *plan) {
  static const enum clock_offsets offsets[] = {OFFSETS_AHEAD, OFFSETS_AHEAD, OFFSETS_BACK,
                                               OFFSETS_BEYOND};
  struct random random = random_stream(plan->seed, 7);
  bool time = plan->kind == KIND_SPAWN && (plan->namespaces & NAMESPACE_TIME) != 0;
  bool net = (plan->namespaces & NAMESPACE_NET) != 0 || plan->target == TARGET_NO_USER;
  struct command loopback = {.message = MESSAGE_LOOPBACK};
  if (random_chance(&random, time ? 50 : 1))
    plan->offsets = RANDOM_PICK(&random, offsets);
  if (random_chance(&random, 20))
    plan->keyring = random_chance(&random, 50) ? KEYRING_NEW : KEYRING_INHERIT;
  if (random_chance(&random, net ? 30 : 1) && plan->setup_count < COMMANDS_MAX)
    plan->setup[plan->setup_count++] = loopback;
  if (random_chance(&random, net ? 10 : 1) && plan->seal_count < COMMANDS_MAX)
    plan->seal[plan->seal_count++] = loopback;
}

/* From a stream of its own, as above. The steps are in their order, or, now and then, in any. */
static void choose_mounts(struct plan *plan) {
  struct random random = random_stream(plan->seed, 11);
  bool fresh = plan->kind == KIND_SPAWN && (plan->namespaces & NAMESPACE_MOUNT) != 0;
  bool in_order = random_chance(&random, 85);
  if (!random_chance(&random, fresh ? 40 : 1))
    return;
  for (unsigned step = 0; step < MOUNT_STEPS; step++) {
    unsigned which = random_below(&random, 64);
    struct command command = {.message = MESSAGE_MOUNT};
    command.variant = in_order ? which * MOUNT_STEPS + step : which;
    add(plan->setup, &plan->setup_count, command);
  }
}

static void choose_mutation(struct plan *plan, struct random *random) {
  plan->mutation_at = random_below(random, 1000);
  if (!random_chance(random, 5))
    return;
  plan->mutation = (enum mutation)(1 + random_below(random, MUTATION_TOO_BIG));
  /* A changed byte must not lead to a file that is none of the fuzzer's, nor to another process. */
  bool damaged = plan->mutation == MUTATION_FLIPPED || plan->mutation == MUTATION_GARBAGE;
  if (damaged && plan->kind != KIND_SPAWN)
    plan->mutation = MUTATION_TRUNCATED;
  for (int fd = 0; damaged && fd < 3; fd++)
    plan->stdio[fd] = DIRECTIVE_ABSENT;
}

void plan_request(struct plan *plan) {
  struct random random = random_stream(plan->seed, 2);
  choose_kind(plan, &random);
  choose_target(plan, &random);
  choose_namespaces(plan, &random);
  choose_stdio(plan, &random);
  choose_options(plan, &random);
  choose_program(plan, &random);
  choose_lists(plan, &random);
  choose_mutation(plan, &random);
  /* Last, so that the sessions of older seeds are as they were. */
  plan->describes_pty = plan->pty && random_chance(&random, 50);
  choose_namespace_options(plan);
  choose_allowances(plan);
  choose_mounts(plan);
}

static void add_work(struct plan *plan, enum work work, long number) {
  if (plan->work_count < WORK_MAX)
    plan->work[plan->work_count++] = (struct work_item){work, number};
}

static void add_attitude(struct plan *plan, struct random *random) {
  static const enum work attitudes[] = {
      WORK_IGNORE,      WORK_TRAP,  WORK_CLOSE,  WORK_CHILD, WORK_DAEMON,  WORK_STUBBORN_CHILD,
      WORK_DAEMON_DEAF, WORK_BROOD, WORK_ZOMBIE, WORK_SPIN,  WORK_PACKETS, WORK_REOPEN};
  static const int signals[] = {15, 15, 15, 1, 2, 13, 17};
  enum work work = RANDOM_PICK(random, attitudes);
  long number = 0;
  if (work == WORK_IGNORE || work == WORK_TRAP)
    number = RANDOM_PICK(random, signals);
  if (work == WORK_CLOSE)
    number = random_below(random, 3);
  if (work == WORK_BROOD || work == WORK_SPIN)
    number = 1 + random_below(random, 12);
  if (work == WORK_REOPEN && !plan->pty)
    return;
  add_work(plan, work, number);
}

static void add_traffic(struct plan *plan, struct random *random) {
  static const enum work traffic[] = {WORK_OUT, WORK_OUT,    WORK_OUT,   WORK_ERR,
                                      WORK_IN,  WORK_IN_ALL, WORK_SLEEP, WORK_OUT};
  enum work work = RANDOM_PICK(random, traffic);
  long number = work == WORK_SLEEP ? random_below(random, 60) : random_size(random, 1 << 19);
  add_work(plan, work, number);
}

void plan_work(struct plan *plan) {
  static const int deaths[] = {6, 9, 11, 15};
  struct random random = random_stream(plan->seed, 3);
  if (plan->pty && random_chance(&random, 80))
    add_work(plan, WORK_RAW, 0);
  for (unsigned i = random_below(&random, 3); i > 0; i--)
    add_attitude(plan, &random);
  for (unsigned i = random_below(&random, 4); i > 0; i--)
    add_traffic(plan, &random);
  unsigned end = random_below(&random, 100);
  if (end < 50)
    add_work(plan, WORK_EXIT, random_below(&random, 256));
  else if (end < 60)
    add_work(plan, WORK_DIE, RANDOM_PICK(&random, deaths));
  else if (end < 88)
    add_work(plan, WORK_PAUSE, 0);
  else if (end < 96)
    add_work(plan, WORK_FLOOD, 0);
  else
    add_work(plan, WORK_STOP, 0);
}
