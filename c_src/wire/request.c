/* SPDX-License-Identifier: MIT */
#include "wire/request.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "wire/command.h"
#include "wire/namespace.h"

typedef int decode_fn(struct request *request, struct term_reader *reader, struct arena *arena);

/* Before the array there is room for `spare` more. */
static int decode_spaced_array(struct term_reader *reader, struct arena *arena, size_t spare,
                               char ***strings, int *count) {
  int result = term_read_list(reader, count);
  if (result < 0)
    return result;
  char **array = arena_alloc(arena, (spare + (size_t)*count + 1) * sizeof *array);
  if (array == NULL)
    return -ENOMEM;
  array += spare;
  for (int i = 0; i < *count; i++) {
    result = term_read_string(reader, arena, &array[i]);
    if (result < 0)
      return result;
  }
  array[*count] = NULL;
  *strings = array;
  return term_read_list_end(reader, *count);
}

static int decode_string_array(struct term_reader *reader, struct arena *arena, char ***strings,
                               int *count) {
  return decode_spaced_array(reader, arena, 0, strings, count);
}

static int decode_argv(struct request *request, struct term_reader *reader, struct arena *arena) {
  int count = 0;
  int result = decode_spaced_array(reader, arena, 1, &request->argv, &count);
  return result < 0 ? result : count == 0 ? -EINVAL : 0;
}

static int decode_files(struct request *request, struct term_reader *reader, struct arena *arena) {
  int count = 0;
  int result = decode_string_array(reader, arena, &request->files, &count);
  return result < 0 ? result : count == 0 ? -EINVAL : 0;
}

static int decode_arg0(struct request *request, struct term_reader *reader, struct arena *arena) {
  return term_read_string(reader, arena, &request->arg0);
}

static int decode_variables(struct term_reader *reader, struct arena *arena, char ***variables) {
  int count = 0;
  int result = decode_string_array(reader, arena, variables, &count);
  for (int i = 0; result == 0 && i < count; i++) {
    const char *equals = strchr((*variables)[i], '=');
    if (equals == NULL || equals == (*variables)[i])
      result = -EINVAL;
  }
  return result;
}

static int decode_names(struct term_reader *reader, struct arena *arena, char ***names) {
  int count = 0;
  int result = decode_string_array(reader, arena, names, &count);
  for (int i = 0; result == 0 && i < count; i++)
    if ((*names)[i][0] == '\0' || strchr((*names)[i], '=') != NULL)
      result = -EINVAL;
  return result;
}

static int decode_env(struct request *request, struct term_reader *reader, struct arena *arena) {
  return decode_variables(reader, arena, &request->env);
}

static int decode_env_set(struct request *request, struct term_reader *reader,
                          struct arena *arena) {
  return decode_variables(reader, arena, &request->env_set);
}

static int decode_env_unset(struct request *request, struct term_reader *reader,
                            struct arena *arena) {
  return decode_names(reader, arena, &request->env_unset);
}

static int decode_cwd(struct request *request, struct term_reader *reader, struct arena *arena) {
  char *cwd = NULL;
  int result = term_read_string(reader, arena, &cwd);
  request->cwd = cwd;
  return result;
}

static int decode_target(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  int64_t target = 0;
  if (request->mode != MODE_ENTER && request->mode != MODE_KILL) {
    term_skip(reader);
    return 0;
  }
  int result = term_read_integer(reader, 1, INT_MAX, &target);
  request->target = (pid_t)target;
  return result;
}

/* The agent whose child the target of a kill is. */
static int decode_agent(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  int64_t agent = 0;
  if (request->mode != MODE_KILL) {
    term_skip(reader);
    return 0;
  }
  int result = term_read_integer(reader, 1, INT_MAX, &agent);
  request->agent = (pid_t)agent;
  return result;
}

static int decode_namespaces(struct request *request, struct term_reader *reader,
                             struct arena *arena) {
  (void)arena;
  char name[TERM_ATOM_SIZE];
  int count = 0;
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++) {
    if (term_read_atom(reader, name) < 0)
      return -EINVAL;
    uint64_t flag = namespace_flag(name);
    if (flag == 0)
      return -EINVAL;
    request->namespaces |= flag;
  }
  request->namespaces_given = true;
  return term_read_list_end(reader, count);
}

static int decode_time_offsets(struct request *request, struct term_reader *reader,
                               struct arena *arena) {
  (void)arena;
  return time_offsets_decode(&request->time_offsets, reader);
}

static int decode_uid_map(struct request *request, struct term_reader *reader,
                          struct arena *arena) {
  return id_map_decode(&request->uid_map, reader, arena);
}

static int decode_gid_map(struct request *request, struct term_reader *reader,
                          struct arena *arena) {
  return id_map_decode(&request->gid_map, reader, arena);
}

static int decode_oom_score(struct request *request, struct term_reader *reader,
                            struct arena *arena) {
  int64_t score = 0;
  (void)arena;
  int result = term_read_integer(reader, -1000, 1000, &score);
  request->has_oom_score = true;
  request->oom_score = (int)score;
  return result;
}

static int decode_stdio(struct request *request, struct term_reader *reader, struct arena *arena) {
  char name[TERM_ATOM_SIZE];
  request->pty = term_is_tuple(reader);
  if (request->pty)
    return terminal_request_decode(&request->terminal, reader);
  if (!term_is_atom(reader))
    return stdio_directives_decode(request->stdio, reader, arena);
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  request->pty = strcmp(name, "pty") == 0;
  if (request->pty || strcmp(name, "inherit") == 0)
    return 0;
  if (strcmp(name, "devnull") != 0)
    return -EINVAL;
  for (int fd = 0; fd < 3; fd++)
    request->stdio[fd].kind = STDIO_DEVNULL;
  return 0;
}

static int decode_termios(struct request *request, struct term_reader *reader,
                          struct arena *arena) {
  (void)arena;
  return terminal_request_decode_modes(&request->terminal, reader);
}

static int decode_term(struct request *request, struct term_reader *reader, struct arena *arena) {
  return terminal_request_decode_type(&request->terminal, reader, arena);
}

static int decode_orphan_policy(struct request *request, struct term_reader *reader,
                                struct arena *arena) {
  (void)arena;
  char name[TERM_ATOM_SIZE];
  int arity = 0;
  if (term_is_atom(reader)) {
    request->leave = true;
    if (term_read_atom(reader, name) < 0)
      return -EINVAL;
    return strcmp(name, "leave") == 0 || strcmp(name, "linger") == 0 ? 0 : -EINVAL;
  }
  if (term_read_tuple(reader, &arity) < 0 || arity != 2 || term_read_atom(reader, name) < 0 ||
      strcmp(name, "kill") != 0)
    return -EINVAL;
  return term_read_integer(reader, 0, INT64_MAX, &request->grace_ms);
}

/* A key with exactly one value that does anything beside its default. */
static int decode_choice(struct term_reader *reader, const char *on, const char *off, bool *value) {
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  *value = strcmp(name, on) == 0;
  return *value || (off != NULL && strcmp(name, off) == 0) ? 0 : -EINVAL;
}

static int decode_flow(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  return decode_choice(reader, "demand", NULL, &request->demand);
}

/* [{stream, bytes}]: as if {demand, stream, bytes} came first. */
static int decode_demand(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  char name[TERM_ATOM_SIZE];
  int count = 0;
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++) {
    int arity = 0;
    enum stream_id stream;
    if (term_read_tuple(reader, &arity) < 0 || arity != 2 || term_read_atom(reader, name) < 0 ||
        !stream_from_name(name, &stream) || term_read_mask(reader, &request->demands[stream]) < 0)
      return -EINVAL;
  }
  return term_read_list_end(reader, count);
}

static int decode_descendants(struct request *request, struct term_reader *reader,
                              struct arena *arena) {
  (void)arena;
  return decode_choice(reader, "kill", "leave", &request->kill_descendants);
}

static int decode_setgroups(struct request *request, struct term_reader *reader,
                            struct arena *arena) {
  bool is_allowed = false;
  (void)arena;
  int result = decode_choice(reader, "allow", "deny", &is_allowed);
  request->setgroups = is_allowed ? SETGROUPS_ALLOW : SETGROUPS_DENY;
  return result;
}

static int decode_keyring(struct request *request, struct term_reader *reader,
                          struct arena *arena) {
  bool is_new = false;
  (void)arena;
  int result = decode_choice(reader, "new", "inherit", &is_new);
  request->keyring = is_new ? KEYRING_NEW : KEYRING_INHERIT;
  return result;
}

#define DECODE_BOOLEAN(field)                                                                      \
  static int decode_##field(struct request *request, struct term_reader *reader,                   \
                            struct arena *arena) {                                                 \
    (void)arena;                                                                                   \
    return term_read_boolean(reader, &request->field);                                             \
  }
DECODE_BOOLEAN(no_new_privs)
DECODE_BOOLEAN(proceed)
DECODE_BOOLEAN(ack)
DECODE_BOOLEAN(usage)
DECODE_BOOLEAN(hold)
DECODE_BOOLEAN(waits)
DECODE_BOOLEAN(search_path)

static int decode_commands(struct request *request, struct term_reader *reader,
                           struct command_list *list) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  if (term_read_list(reader, &list->count) < 0)
    return -EINVAL;
  list->at = *reader;
  for (int i = 0; i < list->count; i++) {
    if (setup_command_decode(&command, arguments, NULL, reader) < 0)
      return -EINVAL;
    request->filters = request->filters || command == SETUP_seccomp_install;
    request->sets_parameters = request->sets_parameters || command == SETUP_sysctl;
  }
  return term_read_list_end(reader, list->count);
}

static int decode_setup(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  return decode_commands(request, reader, &request->setup);
}

static int decode_final(struct request *request, struct term_reader *reader, struct arena *arena) {
  (void)arena;
  return decode_commands(request, reader, &request->final);
}

static int decode_dir(struct request *request, struct term_reader *reader, struct arena *arena) {
  char *dir = NULL;
  int result = term_read_string(reader, arena, &dir);
  request->pooled.dir = dir;
  return result;
}

static int decode_set(struct request *request, struct term_reader *reader, struct arena *arena) {
  return decode_variables(reader, arena, &request->pooled.set);
}

static int decode_unset(struct request *request, struct term_reader *reader, struct arena *arena) {
  return decode_names(reader, arena, &request->pooled.unset);
}

/* {path, device, inode, size, mtime} */
static int decode_file(struct request *request, struct term_reader *reader, struct arena *arena) {
  struct pooled *pooled = &request->pooled;
  int64_t *numbers[] = {&pooled->device, &pooled->inode, &pooled->size, &pooled->mtime};
  char *path = NULL;
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity != 5)
    return -EINVAL;
  int result = term_read_string(reader, arena, &path);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && result == 0; i++)
    result = term_read_integer(reader, INT64_MIN, INT64_MAX, numbers[i]);
  pooled->file = path;
  return result;
}

struct key {
  const char *name;
  decode_fn *decode;
};

static const struct key pooled_keys[] = {
    {"dir", decode_dir},
    {"set", decode_set},
    {"unset", decode_unset},
    {"file", decode_file},
};

static const struct key keys[] = {
    {"argv", decode_argv},
    {"files", decode_files},
    {"arg0", decode_arg0},
    {"search_path", decode_search_path},
    {"target", decode_target},
    {"agent", decode_agent},
    {"namespaces", decode_namespaces},
    {"time_offsets", decode_time_offsets},
    {"uid_map", decode_uid_map},
    {"gid_map", decode_gid_map},
    {"setgroups", decode_setgroups},
    {"oom_score_adj", decode_oom_score},
    {"env", decode_env},
    {"env_set", decode_env_set},
    {"env_unset", decode_env_unset},
    {"cwd", decode_cwd},
    {"stdio", decode_stdio},
    {"termios", decode_termios},
    {"term", decode_term},
    {"no_new_privs", decode_no_new_privs},
    {"keyring", decode_keyring},
    {"orphan_policy", decode_orphan_policy},
    {"proceed", decode_proceed},
    {"ack", decode_ack},
    {"setup", decode_setup},
    {"final", decode_final},
    {"usage", decode_usage},
    {"hold", decode_hold},
    {"waits", decode_waits},
    {"flow", decode_flow},
    {"demand", decode_demand},
    {"descendants", decode_descendants},
};

#define KEY_COUNT        (sizeof keys / sizeof keys[0])
#define POOLED_KEY_COUNT (sizeof pooled_keys / sizeof pooled_keys[0])

static size_t key_index(const struct key *table, size_t count, const char *name) {
  size_t i = 0;
  if (strcmp(name, "seal") == 0) /* what `final` was called before */
    name = "final";
  while (i < count && strcmp(table[i].name, name) != 0)
    i++;
  return i;
}

/* A map whose keys are those of `table`, which has KEY_COUNT rows at most. */
static int decode_map(struct request *request, struct term_reader *reader, struct arena *arena,
                      const struct key *table, size_t count) {
  bool given[KEY_COUNT] = {false};
  char name[TERM_ATOM_SIZE];
  int pairs = 0;
  if (term_read_map(reader, &pairs) < 0)
    return -EINVAL;
  for (int i = 0; i < pairs; i++) {
    size_t key = count;
    if (!term_is_atom(reader))
      term_skip(reader);
    else if (term_read_atom(reader, name) < 0)
      return -EINVAL;
    else
      key = key_index(table, count, name);
    if (key == count) {
      term_skip(reader);
      continue;
    }
    if (given[key])
      return -EINVAL;
    given[key] = true;
    int result = table[key].decode(request, reader, arena);
    if (result < 0)
      return result;
  }
  return 0;
}

/* The atom that a tuple of `size` elements begins with. */
static int read_head(struct term_reader *reader, int size, char name[TERM_ATOM_SIZE]) {
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity != size || term_read_atom(reader, name) < 0)
    return -EINVAL;
  return 0;
}

/* {pooled, map, request}: leaves the reader where the request itself is. */
static int decode_pooled(struct request *request, struct term_reader *reader, struct arena *arena) {
  struct term_reader ahead = *reader;
  char name[TERM_ATOM_SIZE];
  if (read_head(&ahead, 3, name) < 0)
    return 0;
  if (strcmp(name, "pooled") != 0)
    return -EINVAL;
  *reader = ahead;
  request->pooled.given = true;
  return decode_map(request, reader, arena, pooled_keys, POOLED_KEY_COUNT);
}

int request_decode(struct request *request, const uint8_t *bytes, size_t size,
                   struct arena *arena) {
  struct term_reader reader;
  char name[TERM_ATOM_SIZE];
  *request = (struct request){.grace_ms = 5000};
  if (term_reader_init(&reader, bytes, size) < 0)
    return -EINVAL;
  int pooled = decode_pooled(request, &reader, arena);
  if (pooled < 0)
    return pooled;
  if (read_head(&reader, 2, name) < 0)
    return -EINVAL;
  if (strcmp(name, "enter") == 0)
    request->mode = MODE_ENTER;
  else if (strcmp(name, "kill") == 0)
    request->mode = MODE_KILL;
  else if (strcmp(name, "terminal") == 0)
    request->mode = MODE_TERMINAL;
  else if (strcmp(name, "keep") == 0)
    request->mode = MODE_KEEP;
  else if (strcmp(name, "spawn") != 0)
    return -EINVAL;
  int result = decode_map(request, &reader, arena, keys, KEY_COUNT);
  if (result < 0)
    return result;
  if (request->mode == MODE_TERMINAL || request->mode == MODE_KEEP)
    return 0;
  if (request->mode == MODE_KILL)
    return request->target > 0 ? 0 : -EINVAL;
  if (request->argv == NULL || (request->mode == MODE_ENTER && request->target == 0))
    return -EINVAL;
  if (request->files != NULL && request->search_path)
    return -EINVAL;
  return 0;
}

bool request_looks_inside(const struct request *request, uint64_t namespaces) {
  enum terminal_place place = request->terminal.place;
  return place == TERMINAL_INSIDE || (place == TERMINAL_AUTO && (namespaces & CLONE_NEWNS) != 0);
}

bool request_execs_at_once(const struct request *request) {
  return request->mode == MODE_SPAWN && request->proceed && request->final.count == 0 &&
         !request->filters && !request_looks_inside(request, request->namespaces);
}
