/* SPDX-License-Identifier: MIT */
#include "wire/process_argument.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "wire/etf.h"
#include "wire/word.h"

#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif

/* The numbers differ between architectures. */
static const struct word resources[] = {
    {"cpu", RLIMIT_CPU},           {"fsize", RLIMIT_FSIZE},
    {"data", RLIMIT_DATA},         {"stack", RLIMIT_STACK},
    {"core", RLIMIT_CORE},         {"rss", RLIMIT_RSS},
    {"nproc", RLIMIT_NPROC},       {"nofile", RLIMIT_NOFILE},
    {"memlock", RLIMIT_MEMLOCK},   {"as", RLIMIT_AS},
    {"locks", RLIMIT_LOCKS},       {"sigpending", RLIMIT_SIGPENDING},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"rtprio", RLIMIT_RTPRIO},     {"rttime", RLIMIT_RTTIME},
};

/* linux/sched.h */
static const struct word policies[] = {
    {"other", 0}, {"fifo", 1}, {"rr", 2}, {"batch", 3}, {"idle", 5}, {"deadline", 6},
};
static const struct word policy_flags[] = {
    {"reset_on_fork", 1},
    {"reclaim", 2},
    {"dl_overrun", 4},
};

/* linux/ioprio.h */
static const struct word io_classes[] = {
    {"none", 0},
    {"realtime", 1},
    {"best_effort", 2},
    {"idle", 3},
};
#define IO_LEVEL_MAX        7

#define NICENESS_MIN        (-20)
#define NICENESS_MAX        19
#define STATIC_PRIORITY_MAX 99 /* sched(7) */

static int decode_word(struct term_reader *reader, const struct word *words, size_t count,
                       uint32_t *value) {
  uint64_t found = 0;
  int result = word_read(reader, words, count, &found);
  *value = (uint32_t)found;
  return result;
}

static int decode_keep(struct term_reader *reader) {
  static const struct word keep[] = {{"keep", 0}};
  uint32_t value = 0;
  return decode_word(reader, WORDS(keep), &value);
}

static int decode_id(struct term_reader *reader, struct argument *argument) {
  if (!term_is_atom(reader))
    return word_read_number(reader, ARGUMENT_ID_MAX, &argument->id);
  argument->id = ARGUMENT_ID_KEPT;
  return decode_keep(reader);
}

static int decode_ids(struct term_reader *reader, uint32_t max, int count_max,
                      struct argument *argument, uint32_t *ids) {
  int count = 0;
  int result = term_read_unsigned_list(reader, max, ids, ids != NULL ? count_max : 0, &count);
  argument->ids.is_kept = false;
  argument->ids.values = ids;
  argument->ids.count = (size_t)count;
  return result < 0 || count > count_max ? -EINVAL : 0;
}

static int decode_groups(struct term_reader *reader, struct argument *argument, uint32_t *ids) {
  if (!term_is_atom(reader))
    return decode_ids(reader, ARGUMENT_ID_MAX, ARGUMENT_IDS_MAX, argument, ids);
  argument->ids.is_kept = true;
  argument->ids.values = NULL;
  argument->ids.count = 0;
  return decode_keep(reader);
}

static int decode_cpus(struct term_reader *reader, struct argument *argument, uint32_t *ids) {
  int result = decode_ids(reader, CPU_NUMBER_MAX, CPU_NUMBER_MAX + 1, argument, ids);
  return result < 0 || argument->ids.count == 0 ? -EINVAL : 0;
}

static int decode_host_name(struct term_reader *reader, struct argument_text *text) {
  const uint8_t *bytes = NULL;
  size_t size = 0;
  if (term_read_binary(reader, &bytes, &size) < 0 || size > HOST_NAME_MAX_BYTES ||
      memchr(bytes, '\0', size) != NULL)
    return -EINVAL;
  *text = (struct argument_text){.bytes = (const char *)bytes, .size = size};
  return 0;
}

static int decode_limit(struct term_reader *reader, uint64_t *limit) {
  static const struct word infinity[] = {{"infinity", 0}};
  uint32_t value = 0;
  if (!term_is_atom(reader))
    return term_read_mask(reader, limit);
  *limit = UINT64_MAX; /* RLIM64_INFINITY */
  return decode_word(reader, WORDS(infinity), &value);
}

static int decode_flags(struct term_reader *reader, uint64_t *flags) {
  uint32_t flag = 0;
  int count = 0;
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++) {
    if (decode_word(reader, WORDS(policy_flags), &flag) < 0)
      return -EINVAL;
    *flags |= flag;
  }
  return term_read_list_end(reader, count);
}

enum { KEY_NICE, KEY_PRIORITY, KEY_FLAGS, KEY_RUNTIME, KEY_DEADLINE, KEY_PERIOD };

static const struct word scheduling_keys[] = {
    {"nice", KEY_NICE},       {"priority", KEY_PRIORITY}, {"flags", KEY_FLAGS},
    {"runtime", KEY_RUNTIME}, {"deadline", KEY_DEADLINE}, {"period", KEY_PERIOD},
};

static int decode_scheduling_value(struct term_reader *reader, uint32_t key,
                                   struct argument_scheduling *scheduling) {
  int64_t niceness = 0;
  int result = 0;
  switch (key) {
  case KEY_NICE:
    result = term_read_integer(reader, NICENESS_MIN, NICENESS_MAX, &niceness);
    scheduling->nice = (int32_t)niceness;
    scheduling->has_nice = true;
    return result;
  case KEY_PRIORITY:
    return word_read_number(reader, STATIC_PRIORITY_MAX, &scheduling->priority);
  case KEY_FLAGS:
    return decode_flags(reader, &scheduling->flags);
  case KEY_RUNTIME:
    return term_read_mask(reader, &scheduling->runtime);
  case KEY_DEADLINE:
    return term_read_mask(reader, &scheduling->deadline);
  default:
    return term_read_mask(reader, &scheduling->period);
  }
}

static int decode_scheduling(struct term_reader *reader, struct argument_scheduling *scheduling) {
  uint32_t key = 0;
  uint32_t given = 0;
  int pairs = 0;
  *scheduling = (struct argument_scheduling){.has_nice = false};
  if (term_read_map(reader, &pairs) < 0)
    return -EINVAL;
  for (int i = 0; i < pairs; i++) {
    if (decode_word(reader, WORDS(scheduling_keys), &key) < 0 || (given >> key & 1) != 0 ||
        decode_scheduling_value(reader, key, scheduling) < 0)
      return -EINVAL;
    given |= 1U << key;
  }
  return 0;
}

int process_argument_decode(char type, struct term_reader *reader, struct argument *argument,
                            uint32_t *ids) {
  switch (type) {
  case 'v':
    return decode_id(reader, argument);
  case 'V':
    return decode_groups(reader, argument, ids);
  case 'h':
    return decode_host_name(reader, &argument->text);
  case 'r':
    return decode_word(reader, WORDS(resources), &argument->word);
  case 'l':
    return decode_limit(reader, &argument->mask);
  case 'N':
    return word_read_number(reader, UINT32_MAX - 1, &argument->word);
  case 'B':
    return term_read_boolean(reader, &argument->is_on);
  case 'C':
    return decode_cpus(reader, argument, ids);
  case 'e':
    return decode_word(reader, WORDS(policies), &argument->word);
  case 'E':
    return decode_scheduling(reader, &argument->scheduling);
  case 'g':
    return decode_word(reader, WORDS(io_classes), &argument->word);
  case 'G':
    return word_read_number(reader, IO_LEVEL_MAX, &argument->word);
  default:
    return -EINVAL;
  }
}
