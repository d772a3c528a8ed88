/* SPDX-License-Identifier: MIT */
/* How the calling process is scheduled (sched(7)). Returns 0 or a negative errno. */
#ifndef LINX_SETUP_SCHEDULE_H
#define LINX_SETUP_SCHEDULE_H

#include "setup/setup.h"

/* n: the niceness (setpriority(2)). EACCES: a lower one than RLIMIT_NICE allows. */
setup_fn schedule_set_nice;

/* eE: a policy and its parameters (sched_setattr(2)). The niceness stays where none is given.
 * EPERM: more than RLIMIT_RTPRIO or RLIMIT_NICE allows. */
setup_fn schedule_set_policy;

/* C: the CPUs that it may run on (sched_setaffinity(2)). EINVAL, too, where the kernel would leave
 * one of them out, because the machine or the cpuset (cpuset(7)) has not got it. */
setup_fn schedule_set_cpus;

/* gG: the class and the level of its I/O (ioprio_set(2)). */
setup_fn schedule_set_io;

#endif
