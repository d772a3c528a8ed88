/* SPDX-License-Identifier: MIT */
/*
 * The parts that the workload plays, in a process of its own: this program, run as
 * `fault workload PART`.
 */
#ifndef LINX_FAULT_WORKLOAD_H
#define LINX_FAULT_WORKLOAD_H

/* The exit status when nothing is amiss, and when no signal comes at the agent's death. */
#define WORKLOAD_STATUS    7
#define WORKLOAD_UNGUARDED 41

int workload_main(const char *part);

#endif
