/* SPDX-License-Identifier: MIT */
#include "wire/argument.h"

#include <errno.h>
#include <string.h>

#include "wire/etf.h"
#include "wire/mount_argument.h"
#include "wire/process_argument.h"

#define PERMISSION_BITS 0777

/* setpriority(2) */
#define NICENESS_MIN (-20)
#define NICENESS_MAX 19

static int decode_ids(struct term_reader *reader, struct argument *argument, uint32_t *ids) {
  int count = 0;
  int result = term_read_unsigned_list(reader, ARGUMENT_ID_MAX, ids,
                                       ids != NULL ? ARGUMENT_IDS_MAX : 0, &count);
  if (result < 0 || count > ARGUMENT_IDS_MAX)
    return -EINVAL;
  argument->ids.is_kept = false;
  argument->ids.values = ids;
  argument->ids.count = (size_t)count;
  return 0;
}

int argument_decode_text(struct term_reader *reader, struct argument_text *text) {
  const uint8_t *bytes = NULL;
  size_t size = 0;
  if (term_read_binary(reader, &bytes, &size) < 0 || size > ARGUMENT_TEXT_MAX ||
      memchr(bytes, '\0', size) != NULL)
    return -EINVAL;
  *text = (struct argument_text){.bytes = (const char *)bytes, .size = size};
  return 0;
}

static int decode_texts(struct term_reader *reader, struct argument *argument) {
  struct argument_text text;
  int count = 0;
  if (term_read_list(reader, &count) < 0 || count > ARGUMENT_TEXTS_MAX)
    return -EINVAL;
  argument->texts.frame = reader->bytes;
  argument->texts.at = reader->index;
  argument->texts.left = count;
  for (int i = 0; i < count; i++)
    if (argument_decode_text(reader, &text) < 0)
      return -EINVAL;
  return term_read_list_end(reader, count);
}

bool argument_next_text(struct argument *texts, struct argument_text *text) {
  struct term_reader reader = {.bytes = texts->texts.frame, .index = texts->texts.at};
  if (texts->texts.left == 0 || argument_decode_text(&reader, text) < 0)
    return false;
  texts->texts.at = reader.index;
  texts->texts.left--;
  return true;
}

static int decode_niceness(struct term_reader *reader, struct argument *argument) {
  int64_t number = 0;
  int result = term_read_integer(reader, NICENESS_MIN, NICENESS_MAX, &number);
  argument->niceness = (int)number;
  return result;
}

static int decode_cells(struct term_reader *reader, struct argument *argument) {
  int arity = 0;
  int64_t cells[4];
  if (term_read_tuple(reader, &arity) < 0 || arity != 4)
    return -EINVAL;
  for (int i = 0; i < 4; i++)
    if (term_read_integer(reader, 0, UINT16_MAX, &cells[i]) < 0)
      return -EINVAL;
  argument->cells.rows = (uint16_t)cells[0];
  argument->cells.cols = (uint16_t)cells[1];
  argument->cells.xpixel = (uint16_t)cells[2];
  argument->cells.ypixel = (uint16_t)cells[3];
  return 0;
}

static int decode_unsigned(struct term_reader *reader, uint32_t max, uint32_t *value) {
  int64_t number = 0;
  int result = term_read_integer(reader, 0, max, &number);
  *value = (uint32_t)number;
  return result;
}

static int decode(char type, struct term_reader *reader, struct argument *argument, uint32_t *ids) {
  switch (type) {
  case 'm':
    return term_read_mask(reader, &argument->mask);
  case 'o':
    return decode_unsigned(reader, PERMISSION_BITS, &argument->mode);
  case 'u':
    return decode_unsigned(reader, ARGUMENT_ID_MAX, &argument->id);
  case 'U':
    return decode_ids(reader, argument, ids);
  case 'n':
    return decode_niceness(reader, argument);
  case 's':
    return argument_decode_text(reader, &argument->text);
  case 'S':
    return decode_texts(reader, argument);
  case 'b':
    return term_read_binary(reader, &argument->binary.bytes, &argument->binary.size);
  case 'w':
    return decode_cells(reader, argument);
  default:
    return strchr(PROCESS_LETTERS, type) != NULL
               ? process_argument_decode(type, reader, argument, ids)
               : mount_argument_decode(type, reader, argument);
  }
}

int arguments_decode(const char *types, struct term_reader *reader,
                     struct argument arguments[ARGUMENTS_MAX], uint32_t *ids) {
  for (int i = 0; types[i] != '\0'; i++)
    if (decode(types[i], reader, &arguments[i], ids) < 0)
      return -EINVAL;
  return 0;
}
