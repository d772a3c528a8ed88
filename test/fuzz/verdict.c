/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

const char *const fault_names[FAULT_COUNT] = {
    [FAULT_FRAME] = "no frame of the wire page",
    [FAULT_ORDER] = "a frame out of order",
    [FAULT_NO_TERMINAL] = "no terminal frame",
    [FAULT_AFTER_TERMINAL] = "a frame after the terminal one",
    [FAULT_STREAM] = "stream data",
    [FAULT_NOT_RUN] = ":running without exec",
    [FAULT_ACCEPTED] = "ran without what was asked for",
    [FAULT_RUN] = "ran, and the frames say otherwise",
    [FAULT_ERROR] = "an error without a reason",
    [FAULT_STATUS] = "an end that is not the workload's",
    [FAULT_IDS] = "ids of the host in a user namespace",
    [FAULT_NOT_HEARD] = "an end that was asked for and did not come",
    [FAULT_ALIVE] = "agent alive after its end was due",
    [FAULT_EXIT_CODE] = "exit code of the agent",
    [FAULT_LEFT] = "process left",
    [FAULT_ZOMBIE] = "zombie left",
    [FAULT_CHANNEL_HELD] = "fd 4 held after the agent's end",
    [FAULT_SPIN] = "CPU time while idle",
    [FAULT_SANITIZER] = "sanitizer report",
};

void verdict_add(struct verdict *verdict, enum fault fault, const char *format, ...) {
  va_list values;
  int at = verdict->count++;
  if (at >= VERDICT_MAX)
    return;
  verdict->faults[at].fault = fault;
  va_start(values, format);
  vsnprintf(verdict->faults[at].text, sizeof verdict->faults[at].text, format, values);
  va_end(values);
}
