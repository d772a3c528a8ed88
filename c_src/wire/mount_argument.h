/* SPDX-License-Identifier: MIT */
/*
 * Arguments of set-up commands about files and mounts, as plain values. Pure.
 *
 *   P  an absolute path
 *   L  a text that is not empty
 *   K  a slot, 0 to SLOTS_MAX - 1, that the command fills
 *   k  a slot that the command takes what it holds from; it stays filled with :keep
 *   c  a slot that stays filled
 *   t  flags of a tree: a list of :recursive, :nofollow, :optional
 *   f  flags of a target: a list of :nofollow, :recursive, :keep, {:mode, 0..0o7777}
 *   R  a list of :recursive
 *   D  a list of :detach
 *   a  attributes of a mount: a list of :rdonly, :nosuid, :nodev, :noexec, :nosymfollow,
 * :nodiratime and of one of :noatime, :relatime, :strictatime p  a propagation type: :private,
 * :slave, :shared or :unbindable O  options of a file system: a list of OPTIONS_MAX of `name` or
 * {name, value} at most, texts d  a kind of node: :char, :block or :fifo i  a number, 0 to
 * NODE_NUMBER_MAX M  permission bits with those for set-user-id and the like, 0 to 07777
 */
#ifndef LINX_WIRE_MOUNT_ARGUMENT_H
#define LINX_WIRE_MOUNT_ARGUMENT_H

#include <stdbool.h>

#include "wire/argument.h"

#define SLOTS_MAX   64
#define OPTIONS_MAX 256

/* The largest minor number of a device (makedev(3)). */
#define NODE_NUMBER_MAX 0xfffff

enum {
  FLAG_RECURSIVE = 1,
  FLAG_NOFOLLOW = 2,
  FLAG_OPTIONAL = 4,
  FLAG_KEEP = 8,
  FLAG_DETACH = 16,
  FLAG_MODE = 32,
};

struct argument_option {
  struct argument_text name;
  struct argument_text value;
  bool has_value;
};

struct term_reader;

/* Decodes the argument that the reader stands on, and steps over it. 0 or -EINVAL. */
int mount_argument_decode(char type, struct term_reader *reader, struct argument *argument);

/* Takes the next option off a list that was decoded; false when there is none. */
bool argument_next_option(struct argument *options, struct argument_option *option);

#endif
