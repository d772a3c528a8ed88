/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzer is run with, and what it asks the kernel for.
 */
#ifndef LINX_FUZZ_MACHINE_H
#define LINX_FUZZ_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PATH_SIZE 256

struct machine {
  bool privileged;
  char agent[PATH_SIZE]; /* copies, which an ordinary user can reach */
  char program[PATH_SIZE];
  char empty[PATH_SIZE];     /* programs that are none */
  char directory[PATH_SIZE]; /* of one worker */
};

/* Milliseconds and microseconds of the monotonic clock. */
int64_t now_us(void);
int64_t now_ms(void);

int pidfd_open(pid_t pid);
int pidfd_signal(int pidfd, int signum);

/* Makes a directory and the files in it: the programs that are none, and the workload's and the
 * agent's copies. Dies of what it cannot do. */
void machine_prepare(struct machine *machine, const char *agent, const char *self);
/* The files of one worker's sessions. */
void machine_prepare_worker(struct machine *machine, int number);
/* A listening socket in the worker's directory. */
int machine_listen(const struct machine *machine, const char *name, int backlog);
void machine_remove(const struct machine *machine);

/* Prints what failed, and errno, and exits with status 2. */
_Noreturn void die(const char *what);

/* Writes a whole small file; -errno when it cannot. */
int write_file(const char *path, const char *text);

#endif
