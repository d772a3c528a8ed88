/* SPDX-License-Identifier: MIT */
/* How the calling process is scheduled (sched(7)). Returns 0 or a negative errno. */
#ifndef LINX_SETUP_SCHEDULE_H
#define LINX_SETUP_SCHEDULE_H

#include "setup/setup.h"

/* n: the niceness (setpriority(2)). EACCES: a lower one than RLIMIT_NICE allows. */
setup_fn schedule_set_nice;

#endif
