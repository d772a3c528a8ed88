/* SPDX-License-Identifier: MIT */
/*
 * The steps: a course that a client would take, into which others are mixed, or nothing but others.
 * Pure.
 */
#include "plan.h"

/* Half of them act at once, and more at a moment than at a time. */
static void choose_trigger(struct step *step, struct random *random) {
  static const enum trigger triggers[] = {
      TRIGGER_NOW,   TRIGGER_NOW,          TRIGGER_NOW,         TRIGGER_NOW,
      TRIGGER_FRAME, TRIGGER_FRAME,        TRIGGER_FRAME,       TRIGGER_SPAWNED,
      TRIGGER_READY, TRIGGER_RUNNING,      TRIGGER_STARTED,     TRIGGER_TERMINAL,
      TRIGGER_BYTES, TRIGGER_MICROSECONDS, TRIGGER_MICROSECONDS};
  step->trigger = RANDOM_PICK(random, triggers);
  if (step->trigger == TRIGGER_BYTES)
    step->amount = random_size(random, 100000);
  if (step->trigger == TRIGGER_MICROSECONDS)
    step->amount = random_size(random, 30000);
}

static struct step *add_step(struct plan *plan, enum action action) {
  static struct step spare;
  struct step *step = plan->step_count < STEPS_MAX ? &plan->steps[plan->step_count++] : &spare;
  *step = (struct step){.action = action, .pieces = 1};
  return step;
}

static void add_commands(struct plan *plan, struct random *random) {
  struct step *step = add_step(plan, ACTION_SEND);
  choose_trigger(step, random);
  step->command_count =
      random_chance(random, 75) ? 1 : 1 + (int)random_below(random, STEP_COMMANDS_MAX);
  for (int i = 0; i < step->command_count; i++)
    step->commands[i] = random_chance(random, 60) ? plan_stream_command(random, plan)
                                                  : plan_any_command(random, plan);
  step->pieces = random_chance(random, 20) ? 2 + (int)random_below(random, 4) : 1;
  if (random_chance(random, 2))
    step->action = ACTION_SEND_HALF;
}

static void add_disturbance(struct plan *plan, struct random *random) {
  static const enum action actions[] = {ACTION_CLOSE_IN,
                                        ACTION_CLOSE_OUT,
                                        ACTION_SHUTDOWN_IN,
                                        ACTION_READ_NOT,
                                        ACTION_READ_NOT,
                                        ACTION_PAUSE_AGENT,
                                        ACTION_PAUSE_AGENT,
                                        ACTION_SIGNAL_AGENT,
                                        ACTION_SIGNAL_CHILD,
                                        ACTION_SIGNAL_CHILD,
                                        ACTION_SIGNAL_INTERMEDIATE,
                                        ACTION_SIGNAL_TARGET,
                                        ACTION_IDLE,
                                        ACTION_IDLE,
                                        ACTION_MAPS};
  static const int signals[] = {9, 9, 9, 15, 15, 19, 18, 1};
  struct step *step = add_step(plan, RANDOM_PICK(random, actions));
  choose_trigger(step, random);
  step->number = RANDOM_PICK(random, signals);
  step->milliseconds = 1 + (int)random_below(random, 60);
  if (step->action == ACTION_IDLE)
    step->milliseconds = 80 + (int)random_below(random, 150);
  if (step->action == ACTION_SIGNAL_TARGET)
    step->number = 9;
  if (step->action == ACTION_SIGNAL_AGENT)
    step->number = random_chance(random, 60) ? 9 : 15;
}

static void disturb(struct plan *plan, struct random *random, unsigned percent) {
  while (random_chance(random, percent))
    if (random_chance(random, 70))
      add_commands(plan, random);
    else
      add_disturbance(plan, random);
}

static void send(struct plan *plan, struct random *random, enum trigger trigger,
                 struct command command) {
  struct step *step = add_step(plan, ACTION_SEND);
  step->trigger = random_chance(random, 90) ? trigger : TRIGGER_NOW;
  step->command_count = 1;
  step->commands[0] = command;
}

static void write_maps(struct plan *plan, struct random *random) {
  if (plan->kind != KIND_SPAWN || !plan_has_user_namespace(plan) || random_chance(random, 15))
    return;
  add_step(plan, ACTION_MAPS)->trigger =
      random_chance(random, 80) ? TRIGGER_READY : TRIGGER_SPAWNED;
}

static void take_the_usual_course(struct plan *plan, struct random *random, unsigned percent) {
  disturb(plan, random, percent / 2);
  write_maps(plan, random);
  for (unsigned i = random_chance(random, 40) ? random_below(random, 4) : 0; i > 0; i--)
    send(plan, random, TRIGGER_READY, plan_setup_command(random, plan));
  disturb(plan, random, percent);
  if (!plan->proceed)
    send(plan, random, TRIGGER_READY, (struct command){.message = MESSAGE_PROCEED});
  disturb(plan, random, percent);
  for (unsigned i = random_below(random, 4); i > 0; i--)
    send(plan, random, random_chance(random, 50) ? TRIGGER_RUNNING : TRIGGER_STARTED,
         plan_stream_command(random, plan));
  disturb(plan, random, percent);
}

void plan_steps(struct plan *plan) {
  struct random random = random_stream(plan->seed, 4);
  unsigned temper = random_below(&random, 100);
  if (plan->kind == KIND_KILL || plan->kind == KIND_TERMINAL)
    disturb(plan, &random, 30);
  else if (temper < 25)
    take_the_usual_course(plan, &random, 0);
  else if (temper < 80)
    take_the_usual_course(plan, &random, 45);
  else
    disturb(plan, &random, 80);
}
