/* SPDX-License-Identifier: MIT */
/* The oracle's tables: which failures may pass, and which stages stand for which call. Pure. */
#ifndef LINX_FAULT_RULES_H
#define LINX_FAULT_RULES_H

#include "tracer.h"

/* Whether the session may go on as if nothing had failed. */
bool rule_goes_on(const struct injection *injection);

/* Whether the failure is one of the control channel: its end is the session's end. */
bool rule_is_channel(const struct injection *injection);

/* Whether the failure is left out, because nothing can be learnt from it. */
bool rule_is_excluded(const struct injection *injection);

/* Whether processes that run may stay, and the agent with them, because it cannot end or find
 * them. */
bool rule_may_stay(const struct injection *injection);

/* Whether the workload may end in this way instead of the usual one. */
bool rule_ends_with(const struct injection *injection, const char *atom, int value);

/* Whether an error frame with this stage and errno may tell of the failure. */
bool rule_reports(const struct injection *injection, const char *stage, int error);

#endif
