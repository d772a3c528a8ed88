/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "idmap.h"

/* What stdin gets: a frame that the agent reads whole, and one that it passes on as it comes. */
#define SMALL_DATA  1000
#define LARGE_DATA  (300 << 10)
#define ENOUGH      (1 << 24)
#define NEVER_LARGE ((size_t)1 << 20)

static void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

static void send_term(struct client *client, struct term *term) {
  client->unsent = realloc(client->unsent, client->unsent_size + term->size);
  if (client->unsent == NULL)
    abort();
  memcpy(client->unsent + client->unsent_size, term->bytes, term->size);
  client->unsent_size += term->size;
  term_free(term);
}

static void send_command(struct client *client, put_command *put) {
  struct term term;
  term_begin(&term);
  put(&term);
  term_end(&term);
  send_term(client, &term);
}

static void send_data(struct client *client, size_t size) {
  struct term term;
  term_begin(&term);
  session_data(&term, size);
  term_end(&term);
  send_term(client, &term);
}

static void demand(struct client *client, const char *stream) {
  struct term term;
  term_begin(&term);
  session_demand(&term, stream, ENOUGH);
  term_end(&term);
  send_term(client, &term);
}

static void demand_all(struct client *client) {
  if (!client->session->demand)
    return;
  if (client->session->stdio == STDIO_PTY) {
    demand(client, "pty");
  } else {
    demand(client, "stdout");
    demand(client, "stderr");
  }
}

static void feed(struct client *client) {
  send_data(client, SMALL_DATA);
  demand_all(client);
  send_data(client, LARGE_DATA);
  send_command(client, session_close_stdin);
}

static void close_in(struct client *client) {
  close_fd(&client->in);
  client->account.has_closed = true;
}

static void act(struct client *client, enum act act) {
  switch (act) {
  case ACT_NOTHING:
    return;
  case ACT_CLOSE_BOTH:
    close_fd(&client->out);
    client->account.is_gone = true;
    close_in(client);
    return;
  case ACT_CLOSE_IN:
    close_in(client);
    return;
  case ACT_FEED:
    feed(client);
    return;
  case ACT_TYPE:
    demand_all(client);
    send_command(client, session_line);
    return;
  case ACT_ABORT:
    send_command(client, session_abort);
    return;
  case ACT_SIGNAL:
    send_command(client, session_signal_tree);
    client->closes = true;
    return;
  }
}

void client_start(struct client *client, const struct request_paths *paths) {
  struct term term;
  request_put(client->session, paths, &term);
  send_term(client, &term);
}

bool client_wants_to_write(const struct client *client) {
  return client->in >= 0 && client->sent < client->unsent_size;
}

void client_write(struct client *client) {
  while (client_wants_to_write(client)) {
    ssize_t count =
        write(client->in, client->unsent + client->sent, client->unsent_size - client->sent);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count < 0) {
      close_fd(&client->in);
      return;
    }
    client->sent += (size_t)count;
  }
  if (client->closes && client->in >= 0)
    close_in(client);
}

/* At the checkpoint: the next command, and in the end what the session does there. */
static void go_on(struct client *client) {
  const struct session *session = client->session;
  if (session->commands != NULL && session->commands[client->next_command] != NULL)
    send_command(client, session->commands[client->next_command++]);
  else if (session->on_parked != ACT_NOTHING)
    act(client, session->on_parked);
  else
    send_command(client, session_proceed);
}

static void write_map(struct client *client) {
  if (client->session->map == MAP_RANGE)
    idmap_write_range(client->account.pid);
  else if (client->session->map == MAP_OWN)
    idmap_write_own(client->account.pid, client->uid, client->gid);
}

static void complain(struct client *client, const char *text) {
  if (client->account.complaint == NULL)
    client->account.complaint = text;
}

static void note(struct client *client, const struct frame *frame) {
  char *log = client->account.log;
  size_t length = strlen(log);
  size_t room = sizeof client->account.log - length;
  int count = snprintf(log + length, room, "{%s", frame->name);
  if (frame->atom[0] != '\0' && (size_t)count < room)
    count += snprintf(log + length + count, room - (size_t)count, ",%s", frame->atom);
  for (int i = 0; i < frame->count && (size_t)count < room; i++)
    count +=
        snprintf(log + length + count, room - (size_t)count, ",%lld", (long long)frame->numbers[i]);
  if ((size_t)count < room)
    snprintf(log + length + count, room - (size_t)count, "}");
}

static bool is_terminal(const struct frame *frame) {
  if (strcmp(frame->name, "error") == 0)
    return true;
  return strcmp(frame->name, "status") == 0 &&
         (strcmp(frame->atom, "exited") == 0 || strcmp(frame->atom, "signaled") == 0 ||
          strcmp(frame->atom, "aborted") == 0 || strcmp(frame->atom, "kept") == 0);
}

static void take_terminal(struct client *client, const struct frame *frame) {
  if (client->account.terminals++ > 0)
    return;
  client->account.terminal = *frame;
  client->account.terminal.data = NULL;
  if (client->session->keeps)
    close_in(client);
  demand_all(client);
}

static void take_status(struct client *client, const struct frame *frame) {
  struct account *account = &client->account;
  if (account->terminals > 0)
    complain(client, "a status after the terminal frame");
  if (strcmp(frame->atom, "accepted") == 0) {
    if (!client->session->pooled || account->spawned > 0 || account->accepted++ > 0)
      complain(client, "an acceptance that is not due");
  } else if (strcmp(frame->atom, "spawned") == 0) {
    account->spawned++;
    account->pid = (pid_t)frame->numbers[0];
  } else if (strcmp(frame->atom, "ready") == 0) {
    account->ready++;
    write_map(client);
    if (client->session->parks)
      go_on(client);
  } else if (strcmp(frame->atom, "applied") == 0) {
    account->applied++;
    go_on(client);
  } else if (strcmp(frame->atom, "running") == 0) {
    account->is_running = true;
    act(client, client->session->on_running);
  } else {
    complain(client, "an unknown status");
  }
}

static int stream_of(const char *name) {
  static const char *const names[STREAM_COUNT] = {"stdout", "stderr", "pty"};
  for (int i = 0; i < STREAM_COUNT; i++)
    if (strcmp(name, names[i]) == 0)
      return i;
  return strcmp(name, "pty_out") == 0 ? STREAM_PTY : -1;
}

/* The first output, or the end of what should have had some. */
static void act_on_output(struct client *client) {
  if (client->has_acted)
    return;
  client->has_acted = true;
  act(client, client->session->on_output);
}

static void take_output(struct client *client, const struct frame *frame, int stream) {
  struct account *account = &client->account;
  if (account->terminals > 0 && stream == STREAM_PTY && !client->session->demand)
    complain(client, "a terminal's output after the terminal frame");
  if (account->eofs[stream] > 0)
    complain(client, "output after its end");
  for (size_t i = 0; i < frame->size; i++)
    account->sums[stream] += frame->data[i];
  account->bytes[stream] += frame->size;
  act_on_output(client);
}

static void take_frame(struct client *client, const struct frame *frame) {
  struct account *account = &client->account;
  int stream = stream_of(frame->data != NULL ? frame->name : frame->atom);
  bool is_output = frame->data != NULL && stream >= 0;
  if (!is_output)
    note(client, frame);
  if (is_terminal(frame)) {
    take_terminal(client, frame);
  } else if (strcmp(frame->name, "status") == 0) {
    take_status(client, frame);
  } else if (is_output) {
    take_output(client, frame, stream);
  } else if (strcmp(frame->name, "eof") == 0 && stream >= 0) {
    account->eofs[stream]++;
    act_on_output(client);
  } else if (strcmp(frame->name, "written") == 0) {
    account->written += (uint64_t)frame->numbers[0];
  } else if (strcmp(frame->name, "usage") == 0) {
    account->usages++;
    if (account->terminals > 0)
      complain(client, "usage after the terminal frame");
  } else if (strcmp(frame->name, "closed") == 0) {
    account->closed_with = (int)frame->numbers[0];
  } else {
    complain(client, "an unknown frame");
  }
}

/* Every whole frame that has come; an end of the account by an act leaves the rest. */
static void take_frames(struct client *client) {
  size_t at = 0;
  while (client->received_size - at >= 4 && client->out >= 0) {
    const uint8_t *head = client->received + at;
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    struct frame frame;
    if (size > NEVER_LARGE) {
      complain(client, "a frame of impossible length");
      break;
    }
    if (client->received_size - at - 4 < size)
      break;
    if (frame_parse(&frame, head + 4, size))
      take_frame(client, &frame);
    else
      complain(client, "a malformed frame");
    at += 4 + size;
  }
  client->received_size -= at;
  memmove(client->received, client->received + at, client->received_size);
}

void client_read(struct client *client) {
  while (client->out >= 0) {
    if (client->received_room - client->received_size < 65536) {
      client->received_room += 262144;
      client->received = realloc(client->received, client->received_room);
      if (client->received == NULL)
        abort();
    }
    ssize_t count = read(client->out, client->received + client->received_size,
                         client->received_room - client->received_size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return;
    if (count == 0) {
      if (client->received_size > 0)
        complain(client, "a frame that is cut off");
      close_fd(&client->out);
      return;
    }
    client->received_size += (size_t)count;
    take_frames(client);
    client_write(client);
  }
}

void client_finish(struct client *client) {
  close_fd(&client->in);
  close_fd(&client->out);
  free(client->unsent);
  free(client->received);
}
