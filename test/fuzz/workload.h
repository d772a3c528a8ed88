/* SPDX-License-Identifier: MIT */
/*
 * The workload: this program in another part. `session_fuzz workload ACCOUNT ITEM:NUMBER...`.
 */
#ifndef LINX_FUZZ_WORKLOAD_H
#define LINX_FUZZ_WORKLOAD_H

int workload_main(char *argv[]);

#endif
