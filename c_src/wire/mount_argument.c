/* SPDX-License-Identifier: MIT */
#include "wire/mount_argument.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/mount_api.h"
#include "wire/etf.h"
#include "wire/word.h"

#define MODE_BITS 07777

static const struct word flag_words[] = {{"recursive", FLAG_RECURSIVE}, {"nofollow", FLAG_NOFOLLOW},
                                         {"optional", FLAG_OPTIONAL},   {"keep", FLAG_KEEP},
                                         {"detach", FLAG_DETACH},       {"mode", FLAG_MODE}};

static const struct word attribute_words[] = {{"rdonly", ATTR_RDONLY},
                                              {"nosuid", ATTR_NOSUID},
                                              {"nodev", ATTR_NODEV},
                                              {"noexec", ATTR_NOEXEC},
                                              {"nosymfollow", ATTR_NOSYMFOLLOW},
                                              {"nodiratime", ATTR_NODIRATIME},
                                              {"noatime", ATTR_NOATIME},
                                              {"relatime", ATTR_RELATIME},
                                              {"strictatime", ATTR_STRICTATIME}};

static const struct word propagation_words[] = {{"private", MS_PRIVATE},
                                                {"slave", MS_SLAVE},
                                                {"shared", MS_SHARED},
                                                {"unbindable", MS_UNBINDABLE}};

static const struct word node_words[] = {{"char", S_IFCHR}, {"block", S_IFBLK}, {"fifo", S_IFIFO}};

static int read_flag(struct term_reader *reader, struct argument_flags *flags, unsigned allowed) {
  uint64_t flag = 0;
  int arity = 0;
  bool has_value = term_is_tuple(reader);
  if (has_value && (term_read_tuple(reader, &arity) < 0 || arity != 2))
    return -EINVAL;
  if (word_read(reader, WORDS(flag_words), &flag) < 0 || (flag & allowed) == 0 ||
      has_value != (flag == FLAG_MODE))
    return -EINVAL;
  flags->bits |= (unsigned)flag;
  return has_value ? word_read_number(reader, MODE_BITS, &flags->mode) : 0;
}

static int decode_flags(struct term_reader *reader, struct argument *argument, unsigned allowed) {
  int count = 0;
  argument->flags = (struct argument_flags){.bits = 0};
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++)
    if (read_flag(reader, &argument->flags, allowed) < 0)
      return -EINVAL;
  return term_read_list_end(reader, count);
}

/* The times of access exclude one another. */
static bool has_two_times(uint64_t mask) {
  uint64_t times = mask & (ATTR_ATIME_FIELD | ATTR_RELATIME);
  return (times & (times - 1)) != 0;
}

static int decode_attributes(struct term_reader *reader, struct argument *argument) {
  uint64_t attribute = 0;
  int count = 0;
  argument->mask = 0;
  if (term_read_list(reader, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < count; i++) {
    if (word_read(reader, WORDS(attribute_words), &attribute) < 0)
      return -EINVAL;
    argument->mask |= attribute;
  }
  return has_two_times(argument->mask) ? -EINVAL : term_read_list_end(reader, count);
}

static int decode_path(struct term_reader *reader, struct argument *argument) {
  if (argument_decode_text(reader, &argument->text) < 0)
    return -EINVAL;
  return argument->text.size > 0 && argument->text.bytes[0] == '/' ? 0 : -EINVAL;
}

static int decode_label(struct term_reader *reader, struct argument *argument) {
  if (argument_decode_text(reader, &argument->text) < 0)
    return -EINVAL;
  return argument->text.size > 0 ? 0 : -EINVAL;
}

static int read_option(struct term_reader *reader, struct argument_option *option) {
  int arity = 0;
  option->has_value = term_is_tuple(reader);
  if (option->has_value && (term_read_tuple(reader, &arity) < 0 || arity != 2))
    return -EINVAL;
  if (argument_decode_text(reader, &option->name) < 0)
    return -EINVAL;
  return option->has_value ? argument_decode_text(reader, &option->value) : 0;
}

static int decode_options(struct term_reader *reader, struct argument *argument) {
  struct argument_option option;
  int count = 0;
  if (term_read_list(reader, &count) < 0 || count > OPTIONS_MAX)
    return -EINVAL;
  argument->texts.frame = reader->bytes;
  argument->texts.at = reader->index;
  argument->texts.left = count;
  for (int i = 0; i < count; i++)
    if (read_option(reader, &option) < 0 || option.name.size == 0)
      return -EINVAL;
  return term_read_list_end(reader, count);
}

bool argument_next_option(struct argument *options, struct argument_option *option) {
  struct term_reader reader = {.bytes = options->texts.frame, .index = options->texts.at};
  if (options->texts.left == 0 || read_option(&reader, option) < 0)
    return false;
  options->texts.at = reader.index;
  options->texts.left--;
  return true;
}

static int decode_node(struct term_reader *reader, struct argument *argument) {
  uint64_t kind = 0;
  int result = word_read(reader, WORDS(node_words), &kind);
  argument->mode = (uint32_t)kind;
  return result;
}

static int decode_slot(struct term_reader *reader, struct argument *argument) {
  uint32_t number = 0;
  int result = word_read_number(reader, SLOTS_MAX - 1, &number);
  argument->slot = number;
  return result;
}

int mount_argument_decode(char type, struct term_reader *reader, struct argument *argument) {
  switch (type) {
  case 'P':
    return decode_path(reader, argument);
  case 'L':
    return decode_label(reader, argument);
  case 'K':
  case 'k':
  case 'c':
    return decode_slot(reader, argument);
  case 't':
    return decode_flags(reader, argument, FLAG_RECURSIVE | FLAG_NOFOLLOW | FLAG_OPTIONAL);
  case 'f':
    return decode_flags(reader, argument, FLAG_NOFOLLOW | FLAG_RECURSIVE | FLAG_KEEP | FLAG_MODE);
  case 'R':
    return decode_flags(reader, argument, FLAG_RECURSIVE);
  case 'D':
    return decode_flags(reader, argument, FLAG_DETACH);
  case 'a':
    return decode_attributes(reader, argument);
  case 'p':
    return word_read(reader, WORDS(propagation_words), &argument->mask);
  case 'O':
    return decode_options(reader, argument);
  case 'd':
    return decode_node(reader, argument);
  case 'i':
    return word_read_number(reader, NODE_NUMBER_MAX, &argument->number);
  case 'M':
    return word_read_number(reader, MODE_BITS, &argument->mode);
  default:
    return -EINVAL;
  }
}
