/* SPDX-License-Identifier: MIT */
/* The agent's request for a session. Pure. */
#ifndef LINX_FAULT_REQUEST_H
#define LINX_FAULT_REQUEST_H

#include "session.h"

struct request_paths {
  const char *workload;
  const char *file;
  const char *socket;
  pid_t target;
};

/* To be freed with term_free. */
void request_put(const struct session *session, const struct request_paths *paths,
                 struct term *term);

#endif
