/* SPDX-License-Identifier: MIT */
#include "wire/etf.h"

#include <ei.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* What ei.h has no name for: the External Term Format's remaining tags. */
enum {
  VERSION_MAGIC = 131,
  TAG_BIT_BINARY = 77,
  TAG_NEW_PID = 88,
  TAG_NEW_PORT = 89,
  TAG_NEWER_REFERENCE = 90,
  TAG_EXPORT = 113,
  TAG_V4_PORT = 120,
};

/* 255 characters of UTF-8. */
#define ATOM_MAX (255 * 4)

struct cursor {
  const uint8_t *bytes;
  size_t size;
  size_t at;
};

/* What a tag's own bytes say: how many terms stand behind them. A frame's size bounds the number.
 */
struct node {
  uint32_t children : 31;
  uint32_t list : 1;
};

static bool take(struct cursor *cursor, size_t count) {
  if (count > cursor->size - cursor->at)
    return false;
  cursor->at += count;
  return true;
}

static bool take_number(struct cursor *cursor, int width, uint32_t *value) {
  const uint8_t *from = cursor->bytes + cursor->at;
  if (!take(cursor, (size_t)width))
    return false;
  *value = 0;
  for (int i = 0; i < width; i++)
    *value = *value << 8 | from[i];
  return true;
}

/* A length field of `width` bytes, `extra` fixed bytes, then that many units of `unit` bytes. */
static bool take_sized(struct cursor *cursor, int width, size_t extra, size_t unit) {
  uint32_t length = 0;
  return take_number(cursor, width, &length) && take(cursor, extra) &&
         take(cursor, (size_t)length * unit);
}

static bool take_atom_name(struct cursor *cursor, int width) {
  uint32_t length = 0;
  return take_number(cursor, width, &length) && length <= ATOM_MAX && take(cursor, length);
}

static bool take_atom_of(struct cursor *cursor, uint32_t tag) {
  bool small = tag == ERL_SMALL_ATOM_EXT || tag == ERL_SMALL_ATOM_UTF8_EXT;
  bool large = tag == ERL_ATOM_EXT || tag == ERL_ATOM_UTF8_EXT;
  return (small || large) && take_atom_name(cursor, small ? 1 : 2);
}

/* A pid, port or reference: the node's name, then `rest` bytes. */
static bool take_identifier(struct cursor *cursor, size_t rest) {
  uint32_t tag = 0;
  return take_number(cursor, 1, &tag) && take_atom_of(cursor, tag) && take(cursor, rest);
}

static bool take_reference(struct cursor *cursor, size_t creation) {
  uint32_t words = 0;
  return take_number(cursor, 2, &words) && take_identifier(cursor, creation + (size_t)words * 4);
}

/* FUN_EXT's successor counts its own size field and holds terms of its own; skipped as a whole. */
static bool take_fun(struct cursor *cursor) {
  uint32_t length = 0;
  return take_number(cursor, 4, &length) && length >= 4 && take(cursor, length - 4);
}

static bool take_arity(struct cursor *cursor, int width, unsigned factor, struct node *node) {
  uint32_t arity = 0;
  if (!take_number(cursor, width, &arity))
    return false;
  /* Each child is at least a byte; so no number in the frame promises more than the frame holds. */
  if ((uint64_t)arity * factor > cursor->size - cursor->at)
    return false;
  node->children = (arity * factor) & INT_MAX;
  return true;
}

static bool take_list(struct cursor *cursor, struct node *node) {
  if (!take_arity(cursor, 4, 1, node) || node->children == 0)
    return false;
  node->children++; /* the tail */
  node->list = 1;
  return true;
}

static bool walk_node(struct cursor *cursor, struct node *node) {
  uint32_t tag = 0;
  *node = (struct node){0};
  if (!take_number(cursor, 1, &tag))
    return false;
  switch (tag) {
  case ERL_NIL_EXT:
    return true;
  case ERL_SMALL_INTEGER_EXT:
    return take(cursor, 1);
  case ERL_INTEGER_EXT:
    return take(cursor, 4);
  case ERL_FLOAT_EXT:
    return take(cursor, 31);
  case NEW_FLOAT_EXT:
    return take(cursor, 8);
  case ERL_SMALL_BIG_EXT:
    return take_sized(cursor, 1, 1, 1);
  case ERL_LARGE_BIG_EXT:
    return take_sized(cursor, 4, 1, 1);
  case ERL_SMALL_ATOM_EXT:
  case ERL_SMALL_ATOM_UTF8_EXT:
  case ERL_ATOM_EXT:
  case ERL_ATOM_UTF8_EXT:
    return take_atom_of(cursor, tag);
  case ERL_BINARY_EXT:
    return take_sized(cursor, 4, 0, 1);
  case TAG_BIT_BINARY:
    return take_sized(cursor, 4, 1, 1);
  case ERL_STRING_EXT:
    return take_sized(cursor, 2, 0, 1);
  case ERL_NEW_FUN_EXT:
    return take_fun(cursor);
  case ERL_SMALL_TUPLE_EXT:
    return take_arity(cursor, 1, 1, node);
  case ERL_LARGE_TUPLE_EXT:
    return take_arity(cursor, 4, 1, node);
  case ERL_MAP_EXT:
    return take_arity(cursor, 4, 2, node);
  case ERL_LIST_EXT:
    return take_list(cursor, node);
  case ERL_PID_EXT:
    return take_identifier(cursor, 9);
  case TAG_NEW_PID:
  case TAG_V4_PORT:
    return take_identifier(cursor, 12);
  case ERL_PORT_EXT:
    return take_identifier(cursor, 5);
  case TAG_NEW_PORT:
    return take_identifier(cursor, 8);
  case ERL_NEW_REFERENCE_EXT:
    return take_reference(cursor, 1);
  case TAG_NEWER_REFERENCE:
    return take_reference(cursor, 4);
  case TAG_EXPORT: /* module, function, arity */
    node->children = 3;
    return true;
  default:
    return false;
  }
}

static bool at_nil(const struct cursor *cursor) {
  return cursor->at < cursor->size && cursor->bytes[cursor->at] == ERL_NIL_EXT;
}

/* Walks one whole term. Iterative: what is open is kept in a stack of bounded depth. */
static bool walk_term(struct cursor *cursor) {
  struct node open[TERM_MAX_DEPTH];
  int depth = 0;
  open[0] = (struct node){.children = 1};
  while (depth >= 0) {
    struct node *parent = &open[depth];
    if (parent->children == 0) {
      depth--;
      continue;
    }
    parent->children--;
    if (parent->list && parent->children == 0 && !at_nil(cursor))
      return false;
    struct node node;
    if (!walk_node(cursor, &node))
      return false;
    if (node.children == 0)
      continue;
    if (++depth == TERM_MAX_DEPTH)
      return false;
    open[depth] = node;
  }
  return true;
}

int term_check(const uint8_t *bytes, size_t size) {
  struct cursor cursor = {.bytes = bytes, .size = size, .at = 1};
  if (size < 2 || size > INT_MAX || bytes[0] != VERSION_MAGIC)
    return -EINVAL;
  return walk_term(&cursor) && cursor.at == size ? 0 : -EINVAL;
}

int term_reader_init(struct term_reader *reader, const uint8_t *bytes, size_t size) {
  int result = term_check(bytes, size);
  if (result < 0)
    return result;
  *reader = (struct term_reader){.bytes = (const char *)bytes, .index = 1};
  return 0;
}

int term_read_tuple(struct term_reader *reader, int *arity) {
  return ei_decode_tuple_header(reader->bytes, &reader->index, arity) < 0 ? -EINVAL : 0;
}

int term_read_map(struct term_reader *reader, int *pairs) {
  return ei_decode_map_header(reader->bytes, &reader->index, pairs) < 0 ? -EINVAL : 0;
}

int term_read_list(struct term_reader *reader, int *count) {
  return ei_decode_list_header(reader->bytes, &reader->index, count) < 0 ? -EINVAL : 0;
}

int term_read_list_end(struct term_reader *reader, int count) {
  int rest = 0;
  if (count == 0)
    return 0;
  return term_read_list(reader, &rest) < 0 || rest != 0 ? -EINVAL : 0;
}

int term_read_atom(struct term_reader *reader, char name[TERM_ATOM_SIZE]) {
  int type = 0;
  int size = 0;
  if (!term_is_atom(reader) || ei_get_type(reader->bytes, &reader->index, &type, &size) < 0)
    return -EINVAL;
  /* ei may store its NUL a byte past the size it is told, when Latin-1 grows to UTF-8 at the end.
   */
  if (size >= TERM_ATOM_SIZE - 1 ||
      ei_decode_atom_as(reader->bytes, &reader->index, name, TERM_ATOM_SIZE - 1, ERLANG_UTF8, NULL,
                        NULL) < 0) {
    name[0] = '\0';
    term_skip(reader);
    return 0;
  }
  if (strlen(name) < (size_t)size)
    name[0] = '\0';
  return 0;
}

int term_read_boolean(struct term_reader *reader, bool *value) {
  struct term_reader ahead = *reader;
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(&ahead, name) < 0)
    return -EINVAL;
  if (strcmp(name, "true") != 0 && strcmp(name, "false") != 0)
    return -EINVAL;
  *value = name[0] == 't';
  *reader = ahead;
  return 0;
}

int term_read_integer(struct term_reader *reader, int64_t min, int64_t max, int64_t *value) {
  int ahead = reader->index;
  long long number = 0;
  if (ei_decode_longlong(reader->bytes, &ahead, &number) < 0 || number < min || number > max)
    return -EINVAL;
  reader->index = ahead;
  *value = number;
  return 0;
}

int term_read_mask(struct term_reader *reader, uint64_t *value) {
  int ahead = reader->index;
  unsigned long long number = 0;
  if (ei_decode_ulonglong(reader->bytes, &ahead, &number) < 0)
    return -EINVAL;
  reader->index = ahead;
  *value = number;
  return 0;
}

static int read_byte_list(struct term_reader *reader, uint32_t max, uint32_t *values, int capacity,
                          int count) {
  /* STRING_EXT: a tag, a length of 16 bits, the bytes. */
  const uint8_t *bytes = (const uint8_t *)reader->bytes + reader->index + 3;
  for (int i = 0; i < count; i++) {
    if (bytes[i] > max)
      return -EINVAL;
    if (i < capacity)
      values[i] = bytes[i];
  }
  reader->index += 3 + count;
  return 0;
}

int term_read_unsigned_list(struct term_reader *reader, uint32_t max, uint32_t *values,
                            int capacity, int *count) {
  struct term_reader ahead = *reader;
  int64_t value = 0;
  int type = 0;
  if (ei_get_type(ahead.bytes, &ahead.index, &type, count) == 0 && type == ERL_STRING_EXT)
    return read_byte_list(reader, max, values, capacity, *count);
  if (term_read_list(&ahead, count) < 0)
    return -EINVAL;
  for (int i = 0; i < *count; i++) {
    if (term_read_integer(&ahead, 0, max, &value) < 0)
      return -EINVAL;
    if (i < capacity)
      values[i] = (uint32_t)value;
  }
  if (term_read_list_end(&ahead, *count) < 0)
    return -EINVAL;
  *reader = ahead;
  return 0;
}

int term_read_binary(struct term_reader *reader, const uint8_t **bytes, size_t *size) {
  long length = 0;
  if (ei_decode_binary(reader->bytes, &reader->index, NULL, &length) < 0)
    return -EINVAL;
  *size = (size_t)length;
  *bytes = (const uint8_t *)reader->bytes + reader->index - length;
  return 0;
}

static int read_charlist(struct term_reader *reader, struct arena *arena, size_t size,
                         char **string) {
  int ahead = reader->index;
  char *copy = arena_alloc(arena, size + 1);
  if (copy == NULL)
    return -ENOMEM;
  copy[0] = '\0'; /* ei writes nothing for [] */
  if (ei_decode_string(reader->bytes, &ahead, copy) < 0 || memchr(copy, '\0', size) != NULL)
    return -EINVAL;
  reader->index = ahead;
  *string = copy;
  return 0;
}

int term_read_string(struct term_reader *reader, struct arena *arena, char **string) {
  struct term_reader ahead = *reader;
  const uint8_t *bytes = NULL;
  size_t size = 0;
  int type = 0;
  int units = 0;
  if (term_read_binary(&ahead, &bytes, &size) < 0) {
    if (ei_get_type(reader->bytes, &reader->index, &type, &units) < 0 ||
        (type != ERL_STRING_EXT && type != ERL_LIST_EXT && type != ERL_NIL_EXT))
      return -EINVAL;
    return read_charlist(reader, arena, (size_t)units, string);
  }
  if (memchr(bytes, '\0', size) != NULL)
    return -EINVAL;
  char *copy = arena_alloc(arena, size + 1);
  if (copy == NULL)
    return -ENOMEM;
  memcpy(copy, bytes, size);
  copy[size] = '\0';
  *reader = ahead;
  *string = copy;
  return 0;
}

bool term_is_atom(const struct term_reader *reader) {
  int type = 0;
  int size = 0;
  return ei_get_type(reader->bytes, &reader->index, &type, &size) == 0 && type == ERL_ATOM_EXT;
}

bool term_is_tuple(const struct term_reader *reader) {
  int type = 0;
  int size = 0;
  return ei_get_type(reader->bytes, &reader->index, &type, &size) == 0 &&
         (type == ERL_SMALL_TUPLE_EXT || type == ERL_LARGE_TUPLE_EXT);
}

void term_skip(struct term_reader *reader) {
  /* The frame has been walked once, so a walk from here ends inside it. */
  struct cursor cursor = {
      .bytes = (const uint8_t *)reader->bytes, .size = INT_MAX, .at = (size_t)reader->index};
  walk_term(&cursor);
  reader->index = (int)cursor.at;
}

size_t term_arena_size(size_t size) {
  /* A string takes a byte of the frame or more. It costs its own bytes and a NUL, rounding up to a
   * pointer, and a pointer in an array that ends in NULL. */
  return size * 3 * sizeof(void *) + 8 * sizeof(void *);
}
