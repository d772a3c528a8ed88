/*
 * Commands from the BEAM: one table of name, arity and decoder. The same table serves the
 * checkpoint, `setup` and `seal`; a command's name is the stage of its failure. Pure.
 */
#ifndef LINX_WIRE_COMMAND_H
#define LINX_WIRE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/etf.h"
#include "wire/stage.h"

/* A data frame holds up to 1 MiB, and a little for the term around it. */
#define COMMAND_MAX (((size_t)1 << 20) + 4096)

/* (uid_t)-1 means "leave alone" to the kernel (setresuid(2)), so it is no id. */
#define COMMAND_ID_MAX (UINT32_MAX - 1)

enum command_id {
  COMMAND_PROCEED,
  COMMAND_ABORT,
  COMMAND_CAP_DROP_BOUNDING,
  COMMAND_CAP_SET_THREAD,
  COMMAND_CAP_SET_AMBIENT,
  COMMAND_SET_CREDENTIALS,
  COMMAND_SECCOMP_INSTALL,
  COMMAND_PTY_WINSIZE,
  COMMAND_SIGNAL,
  COMMAND_PTY_IN,
  COMMAND_STDIN,
  COMMAND_CLOSE,
  COMMAND_DEMAND,
  COMMAND_COUNT,
};

/* When a command is valid. */
enum command_when {
  WHEN_PARKED = 1,  /* a checkpoint command */
  WHEN_RUNNING = 2, /* from :proceed on */
  WHEN_ALWAYS = 4,  /* stream traffic: before, at and after the checkpoint */
};

enum stream_id { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_PTY, STREAM_COUNT };

enum signal_scope { SCOPE_WORKLOAD, SCOPE_GROUP, SCOPE_TREE };

struct winsize_cells {
  uint16_t rows, cols, xpixel, ypixel;
};

struct command {
  enum command_id id;
  union {
    uint64_t masks[3]; /* cap_*: effective, permitted, inheritable, or one mask */
    struct {           /* set_credentials */
      uint32_t uid, gid;
      struct term_reader groups; /* stands on the list; reads the frame */
    } ids;
    struct { /* seccomp_install, pty_in, stdin: borrowed from the frame */
      const uint8_t *bytes;
      size_t size;
    } data;
    struct winsize_cells winsize;
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

/* Decodes the command the reader stands on and steps over it. 0 or -EINVAL. */
int command_decode(struct command *command, struct term_reader *reader);

/* Decodes a whole frame. 0 or -EINVAL. */
int command_decode_frame(struct command *command, const uint8_t *bytes, size_t size);

/*
 * Whether a frame of `frame_size` bytes, of which bytes[0..size) are here, is {stdin, Binary} with
 * the binary filling it: where the data begins, or 0. Such a frame needs no further check, and its
 * data can be passed on before the rest has come.
 */
size_t command_stdin_data(const uint8_t *bytes, size_t size, size_t frame_size);

/* Whether the command is valid at a moment (a mask of command_when). */
bool command_is_valid(const struct command *command, unsigned when);

/* Whether the child applies it, so that it may stand in `setup` and `seal`. */
bool command_is_for_child(const struct command *command);

/* The stage of its failure; only for commands that the child applies. */
enum stage command_stage(enum command_id id);

const char *stream_name(enum stream_id id);
bool stream_from_name(const char *name, enum stream_id *id);

#endif
