/* SPDX-License-Identifier: MIT */
/*
 * Commands from the BEAM: the traffic of a session, which is a table here, and the set-up commands
 * of setup/commands.def, which the child applies at the checkpoint, in `setup` and in `final`.
 * Pure.
 */
#ifndef LINX_WIRE_COMMAND_H
#define LINX_WIRE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/argument.h"
#include "wire/etf.h"
#include "wire/stage.h"

/* A data frame holds up to 1 MiB, and a little for the term around it. */
#define COMMAND_MAX (((size_t)1 << 20) + 4096)

enum command_id {
  COMMAND_PROCEED,
  COMMAND_ABORT,
  COMMAND_SETUP, /* any of the set-up commands */
  COMMAND_PTY_WINSIZE,
  COMMAND_SIGNAL,
  COMMAND_PTY_IN,
  COMMAND_STDIN,
  COMMAND_CLOSE,
  COMMAND_DEMAND,
  COMMAND_COUNT,
};

/* The set-up commands, in the order of setup/commands.def. */
enum setup_command {
#define SETUP(name, arguments, by, changes, function) SETUP_##name,
#include "setup/commands.def"
#undef SETUP
  SETUP_COUNT,
};

/* When a command is valid. Set-up commands are so when parked. */
enum command_when {
  WHEN_PARKED = 1,  /* a checkpoint command */
  WHEN_RUNNING = 2, /* from :proceed on */
  WHEN_ALWAYS = 4,  /* stream traffic: before, at and after the checkpoint */
};

enum stream_id { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_PTY, STREAM_COUNT };

enum signal_scope { SCOPE_WORKLOAD, SCOPE_GROUP, SCOPE_TREE };

struct command {
  enum command_id id;
  union {
    enum setup_command setup;
    struct { /* pty_in, stdin: borrowed from the frame */
      const uint8_t *bytes;
      size_t size;
    } data;
    struct argument winsize; /* pty_winsize: cells */
    struct {
      int number;
      enum signal_scope scope;
    } signal;
    struct { /* close, demand */
      enum stream_id id;
      uint64_t bytes;
    } stream;
  };
};

/* Decodes a whole frame, a command that is valid at one of the moments `when` (a mask of
 * command_when). A set-up command's arguments are checked, and left where they are. 0 or -EINVAL.
 */
int command_decode_frame(struct command *command, const uint8_t *bytes, size_t size, unsigned when);

/*
 * Decodes the set-up command that the reader stands on, and steps over it. `ids` as in
 * arguments_decode. 0 or -EINVAL.
 */
int setup_command_decode(enum setup_command *command, struct argument arguments[ARGUMENTS_MAX],
                         uint32_t *ids, struct term_reader *reader);

/* The same of a whole frame. */
int setup_command_decode_frame(enum setup_command *command,
                               struct argument arguments[ARGUMENTS_MAX], uint32_t *ids,
                               const uint8_t *bytes, size_t size);

/* The letters of its arguments (wire/argument.h). */
const char *setup_command_types(enum setup_command command);

/* The stage of its failure. */
enum stage setup_command_stage(enum setup_command command);

/*
 * Whether a frame of `frame_size` bytes, of which bytes[0..size) are here, is {stdin, Binary} with
 * the binary filling it: where the data begins, or 0. Such a frame needs no further check, and its
 * data can be passed on before the rest has come.
 */
size_t command_stdin_data(const uint8_t *bytes, size_t size, size_t frame_size);

const char *stream_name(enum stream_id id);
bool stream_from_name(const char *name, enum stream_id *id);

#endif
