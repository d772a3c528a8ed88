/* SPDX-License-Identifier: MIT */
/*
 * The client's side of one session: sends the request, acts as the session says, and keeps an
 * account of every frame.
 */
#ifndef LINX_FAULT_CLIENT_H
#define LINX_FAULT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "request.h"

enum { STREAM_STDOUT, STREAM_STDERR, STREAM_PTY, STREAM_COUNT };

/* All that frames have told. */
struct account {
  int terminals;
  struct frame terminal; /* the first one; its data is gone */
  bool is_running;
  int accepted; /* frames */
  int spawned;
  int ready;
  int applied;
  int usages;
  pid_t pid;
  const char *complaint; /* about a frame that must not come, or not now; NULL */
  uint64_t bytes[STREAM_COUNT];
  uint64_t sums[STREAM_COUNT]; /* of the bytes, whatever their order */
  int eofs[STREAM_COUNT];
  uint64_t written;
  int closed_with; /* the errno of {closed, stdin, errno}; 0 */
  bool has_closed; /* fd 3: output may be lost from then on */
  bool is_gone;    /* fd 4 as well: it hears nothing more */
  char log[1024];  /* the frames in a readable form, output left out */
};

struct client {
  const struct session *session;
  uid_t uid; /* the agent's */
  gid_t gid;
  int in;  /* the write end of the agent's fd 3; -1 when closed */
  int out; /* the read end of the agent's fd 4 */
  int next_command;
  bool has_acted; /* on output */
  bool closes;    /* fd 3, once all is sent */
  struct account account;

  uint8_t *unsent;
  size_t unsent_size;
  size_t sent;
  uint8_t *received;
  size_t received_size;
  size_t received_room;
};

/* `in` and `out` become the client's, non-blocking. */
void client_start(struct client *client, const struct request_paths *paths);
bool client_wants_to_write(const struct client *client);
void client_write(struct client *client);
void client_read(struct client *client);
void client_finish(struct client *client);

#endif
