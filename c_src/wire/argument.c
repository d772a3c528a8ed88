/* SPDX-License-Identifier: MIT */
#include "wire/argument.h"

#include <errno.h>

#include "wire/etf.h"

#define PERMISSION_BITS 0777

static int decode_ids(struct term_reader *reader, struct argument *argument, uint32_t *ids) {
  int count = 0;
  int result = term_read_unsigned_list(reader, ARGUMENT_ID_MAX, ids,
                                       ids != NULL ? ARGUMENT_IDS_MAX : 0, &count);
  if (result < 0 || count > ARGUMENT_IDS_MAX)
    return -EINVAL;
  argument->ids.values = ids;
  argument->ids.count = (size_t)count;
  return 0;
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
  case 'b':
    return term_read_binary(reader, &argument->binary.bytes, &argument->binary.size);
  case 'w':
    return decode_cells(reader, argument);
  default:
    return -EINVAL;
  }
}

int arguments_decode(const char *types, struct term_reader *reader,
                     struct argument arguments[ARGUMENTS_MAX], uint32_t *ids) {
  for (int i = 0; types[i] != '\0'; i++)
    if (decode(types[i], reader, &arguments[i], ids) < 0)
      return -EINVAL;
  return 0;
}
