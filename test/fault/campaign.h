/* SPDX-License-Identifier: MIT */
/* All injections into all sessions, on all processors, and the table of what came of them. */
#ifndef LINX_FAULT_CAMPAIGN_H
#define LINX_FAULT_CAMPAIGN_H

#include <stdint.h>

#include "oracle.h"

struct campaign {
  const struct surroundings *around;
  const struct session *only; /* NULL: all that are possible */
  int seconds;                /* for the injections; 0: as long as they take */
  uint32_t seed;              /* of their order; not 0 */
};

/* How many faults were found. */
int campaign_run(const struct campaign *campaign);

/* A fault, with the arguments that bring it about again. */
void campaign_print_fault(const struct session *session, const struct injection *injection,
                          const struct result *result, const char *reason);

#endif
