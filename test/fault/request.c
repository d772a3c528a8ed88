/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Pairs of the request's map, counted as they are put. */
struct map {
  struct term *term;
  uint32_t pairs;
};

static void key(struct map *map, const char *name) {
  map->pairs++;
  term_atom(map->term, name);
}

static void put_true(struct map *map, const char *name, bool is_true) {
  if (!is_true)
    return;
  key(map, name);
  term_atom(map->term, "true");
}

static void put_list(struct map *map, const char *name, put_command *const *commands) {
  uint32_t count = 0;
  if (commands == NULL)
    return;
  while (commands[count] != NULL)
    count++;
  key(map, name);
  term_list(map->term, count);
  for (uint32_t i = 0; i < count; i++)
    commands[i](map->term);
  term_nil(map->term);
}

static void put_argv(struct map *map, const struct session *session, const char *program) {
  key(map, "argv");
  term_list(map->term, 3);
  term_text(map->term, program);
  term_text(map->term, "workload");
  term_text(map->term, session->workload);
  term_nil(map->term);
}

static void put_stream(struct term *term, const char *stream) {
  term_tuple(term, 2);
  term_atom(term, stream);
}

static void put_files(struct term *term, const struct request_paths *paths) {
  put_stream(term, "stdin");
  term_atom(term, "devnull");
  put_stream(term, "stdout");
  term_tuple(term, 3);
  term_atom(term, "file");
  term_text(term, paths->file);
  term_atom(term, "append");
  put_stream(term, "stderr");
  term_tuple(term, 2);
  term_atom(term, "connect_unix");
  term_text(term, paths->socket);
}

/* A terminal of a size, and with a setting that changes nothing of what passes. */
static void put_terminal(struct map *map) {
  key(map, "stdio");
  term_tuple(map->term, 2);
  term_atom(map->term, "pty");
  term_tuple(map->term, 4);
  for (int i = 0; i < 4; i++)
    term_integer(map->term, 24 + i);
  key(map, "termios");
  term_map(map->term, 1);
  term_atom(map->term, "iutf8");
  term_atom(map->term, "true");
}

static void put_stdio(struct map *map, const struct session *session,
                      const struct request_paths *paths) {
  static const char *const streams[] = {"stdin", "stdout", "stderr"};
  enum stdio stdio = session->stdio;
  if (stdio == STDIO_PTY && session->demand) {
    put_terminal(map);
    return;
  }
  key(map, "stdio");
  if (stdio == STDIO_NULL || stdio == STDIO_PTY) {
    term_atom(map->term, stdio == STDIO_PTY ? "pty" : "devnull");
    return;
  }
  term_list(map->term, 3);
  for (int i = 0; stdio == STDIO_PIPES && i < 3; i++) {
    put_stream(map->term, streams[i]);
    term_atom(map->term, "pipe");
  }
  if (stdio == STDIO_FILES)
    put_files(map->term, paths);
  term_nil(map->term);
}

/* Less than all that comes, so that more is asked for on the way. */
static void put_demand(struct map *map, const struct session *session) {
  if (!session->demand)
    return;
  key(map, "flow");
  term_atom(map->term, "demand");
  key(map, "demand");
  term_list(map->term, 1);
  term_tuple(map->term, 2);
  term_atom(map->term, session->stdio == STDIO_PTY ? "pty" : "stdout");
  term_integer(map->term, 3);
  term_nil(map->term);
}

static void put_orphan_policy(struct map *map, const struct session *session) {
  if (session->grace_ms == 0)
    return;
  key(map, "orphan_policy");
  term_tuple(map->term, 2);
  term_atom(map->term, "kill");
  term_integer(map->term, session->grace_ms);
}

static void put_time_offsets(struct map *map, const struct session *session) {
  if (session->boottime == 0)
    return;
  key(map, "time_offsets");
  term_list(map->term, 1);
  term_tuple(map->term, 3);
  term_atom(map->term, "boottime");
  term_integer(map->term, session->boottime);
  term_integer(map->term, 0);
  term_nil(map->term);
}

static void put_map(struct map *map, const char *name) {
  key(map, name);
  term_list(map->term, 1);
  term_tuple(map->term, 3);
  term_integer(map->term, 0);
  term_integer(map->term, 100000);
  term_integer(map->term, 65536);
  term_nil(map->term);
}

static void put_maps(struct map *map, const struct session *session) {
  if (session->gives_map) {
    put_map(map, "uid_map");
    put_map(map, "gid_map");
  }
  if (session->oom_score != 0) {
    key(map, "oom_score_adj");
    term_integer(map->term, session->oom_score);
  }
}

static void put_pairs(struct map *map, const struct session *session,
                      const struct request_paths *paths) {
  put_argv(map, session, paths->workload);
  put_maps(map, session);
  put_stdio(map, session, paths);
  put_true(map, "proceed", !session->parks);
  put_true(map, "ack", session->commands != NULL);
  put_true(map, "no_new_privs", session->no_new_privs);
  put_true(map, "usage", session->usage);
  put_list(map, "setup", session->setup);
  put_time_offsets(map, session);
  put_list(map, "seal", session->seal);
  put_demand(map, session);
  put_orphan_policy(map, session);
  if (session->kills_descendants) {
    key(map, "descendants");
    term_atom(map->term, "kill");
  }
  if (session->cwd != NULL) {
    key(map, "cwd");
    term_text(map->term, session->cwd);
  }
  if (session->namespaces != NULL) {
    key(map, "namespaces");
    term_atoms(map->term, session->namespaces);
  }
  if (session->target != TARGET_NONE) {
    key(map, "target");
    term_integer(map->term, paths->target);
  }
}

static void put_text_list(struct term *term, const char *name, const char *text) {
  term_atom(term, name);
  term_list(term, 1);
  term_text(term, text);
  term_nil(term);
}

/* {pooled, map, request}: what has changed since the agent was started. The file has not. */
static void put_pooled(struct term *term, const char *file) {
  struct stat found;
  if (stat(file, &found) < 0)
    abort();
  term_tuple(term, 3);
  term_atom(term, "pooled");
  term_map(term, 4);
  term_atom(term, "dir");
  term_text(term, "/");
  put_text_list(term, "set", "FAULT=pooled");
  put_text_list(term, "unset", "HOME");
  term_atom(term, "file");
  term_tuple(term, 5);
  term_text(term, file);
  term_unsigned(term, found.st_dev);
  term_unsigned(term, found.st_ino);
  term_unsigned(term, (uint64_t)found.st_size);
  term_unsigned(term, (uint64_t)found.st_mtime);
}

void request_put(const struct session *session, const struct request_paths *paths,
                 struct term *term) {
  struct map map = {.term = term};
  term_begin(term);
  if (session->pooled)
    put_pooled(term, paths->workload);
  term_tuple(term, 2);
  if (session->keeps) {
    term_atom(term, "keep");
    term_map(term, 0);
    term_end(term);
    return;
  }
  term_atom(term, session->target == TARGET_NONE ? "spawn" : "enter");
  size_t at = term->size + 1;
  term_map(term, 0);
  put_pairs(&map, session, paths);
  for (int i = 0; i < 4; i++)
    term->bytes[at + (size_t)i] = (uint8_t)(map.pairs >> (24 - 8 * i));
  term_end(term);
}
