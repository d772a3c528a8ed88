/* SPDX-License-Identifier: MIT */
/* Commands on mounts and files, which stay in a file system in memory that is mounted at /mnt. */
#include "encode.h"

#define PICK(array, number) ((array)[(number) % (sizeof(array) / sizeof((array)[0]))])

static void begin(struct bytes *bytes, const char *name, unsigned arguments) {
  put_tuple(bytes, arguments + 1);
  put_atom(bytes, name);
}

static void put_words(struct bytes *bytes, const char *word) {
  put_list(bytes, 1);
  put_atom(bytes, word);
  put_nil(bytes);
}

static void put_open(struct bytes *bytes) {
  begin(bytes, "mount_open", 4);
  put_unsigned(bytes, 0);
  put_binary(bytes, "tmpfs");
  put_binary(bytes, "fuzz");
  put_list(bytes, 2);
  put_tuple(bytes, 2);
  put_binary(bytes, "size");
  put_binary(bytes, "1m");
  put_tuple(bytes, 2);
  put_binary(bytes, "mode");
  put_binary(bytes, "755");
  put_nil(bytes);
}

static void put_attach(struct bytes *bytes, unsigned which) {
  begin(bytes, "attach", 4);
  put_unsigned(bytes, 0);
  put_binary(bytes, "/mnt");
  put_words(bytes, which % 2 == 0 ? "nosuid" : "noatime");
  if (which % 3 == 0)
    put_nil(bytes);
  else
    put_words(bytes, which % 3 == 1 ? "recursive" : "keep");
}

static void put_file(struct bytes *bytes, unsigned which) {
  static const char *const paths[] = {"/mnt/a/b", "/mnt/../mnt/./c//", "/mnt/a"};
  const char *path = PICK(paths, which / 4);
  unsigned kind = which % 4;
  begin(bytes,
        kind == 0   ? "mkdir"
        : kind == 1 ? "symlink"
        : kind == 2 ? "file"
                    : "device",
        kind == 0   ? 4
        : kind == 1 ? 2
        : kind == 2 ? 3
                    : 7);
  if (kind == 1)
    put_binary(bytes, "/mnt/nowhere");
  put_binary(bytes, path);
  if (kind == 1)
    return;
  if (kind == 3) {
    put_atom(bytes, which % 2 == 0 ? "char" : "fifo");
    put_unsigned(bytes, 1);
    put_unsigned(bytes, 3);
  }
  put_unsigned(bytes, 0640);
  if (kind == 2)
    put_binary(bytes, "contents");
  for (int i = 0; i < 2 && kind != 2; i++)
    put_unsigned(bytes, which % 5);
}

static void put_change(struct bytes *bytes, unsigned which) {
  switch (which % 4) {
  case 0:
    begin(bytes, "mount_attr", 4);
    put_binary(bytes, "/mnt");
    put_words(bytes, "rdonly");
    put_nil(bytes);
    put_nil(bytes);
    return;
  case 1:
    begin(bytes, "propagation", 3);
    put_binary(bytes, "/mnt");
    put_atom(bytes, "shared");
    put_words(bytes, "recursive");
    return;
  case 2:
    begin(bytes, "unmount", 2);
    put_binary(bytes, "/mnt");
    put_words(bytes, "detach");
    return;
  default:
    begin(bytes, "readonly", 1);
    put_binary(bytes, "/mnt/a");
    return;
  }
}

void encode_mount(struct bytes *bytes, unsigned variant) {
  unsigned which = variant / MOUNT_STEPS;
  switch (variant % MOUNT_STEPS) {
  case 0:
    put_open(bytes);
    return;
  case 1:
    put_attach(bytes, which);
    return;
  case 2:
    put_file(bytes, which);
    return;
  default:
    put_change(bytes, which);
    return;
  }
}
