/* SPDX-License-Identifier: MIT */
/*
 * A plan's request and commands as bytes for fd 3, and as text for a person. Pure.
 */
#ifndef LINX_FUZZ_ENCODE_H
#define LINX_FUZZ_ENCODE_H

#include <sys/types.h>

#include "bytes.h"
#include "plan.h"

/* What a plan leaves open. */
struct places {
  const char *program;
  const char *directory; /* of this session's files */
  const char *empty;     /* the directory of the programs that are none */
  pid_t target;
};

struct offsets {
  long stdin_bytes;
  long pty_bytes;
};

#define ACCOUNT_FILE "account"

void encode_request(struct bytes *bytes, const struct plan *plan, const struct places *places);
/* [command], as in :setup and :seal. */
/* A whole command, as it stands in a list. */
void encode_mount(struct bytes *bytes, unsigned variant);

void encode_command_list(struct bytes *bytes, const struct command *commands, int count);
/* Appends the frame; data goes on with the pattern at `offsets`. */
void encode_command(struct bytes *bytes, const struct command *command, struct offsets *offsets);

/* One line each, without a line feed. */
void describe_command(char *text, size_t size, const struct command *command);
void describe_step(char *text, size_t size, const struct step *step);
/* Several lines. */
void describe_plan(char *text, size_t size, const struct plan *plan);

extern const char *const stream_names[STREAM_COUNT];
extern const char *const message_names[MESSAGE_COUNT];
extern const char *const target_names[TARGET_COUNT];
extern const char *const ending_names[ENDING_COUNT];
extern const char *const kind_names[KIND_COUNT];
extern const char *const work_names[WORK_COUNT];

#endif
