/* SPDX-License-Identifier: MIT */
/*
 * Mounts that are attached nowhere yet: trees and file systems that were opened while the host's
 * tree could be seen, for commands that come when it cannot. Each is a descriptor with a number of
 * its own. All are closed before exec, because a descriptor of a directory of the host's leads to
 * the host's files.
 */
#ifndef LINX_SETUP_SLOTS_H
#define LINX_SETUP_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/mount_argument.h"

/* What is known of the mount in a slot; each is a bit. */
enum slot_fact {
  SLOT_IS_NEW = 1,       /* a file system that was opened, and no tree */
  SLOT_TAKES_MODE = 2,   /* its root takes the mode of the directory that it covers */
  SLOT_IS_SHARED = 4,    /* what is mounted in it may show elsewhere, until that is changed */
  SLOT_IS_OF_HOST = 8,   /* opened before there was another root */
  SLOT_IS_ATTACHED = 16, /* and so can be copied before Linux 6.15 */
  SLOT_IS_USED = 32,     /* by a command */
  SLOT_IS_LEFT_OUT = 64, /* its source is optional and does not exist: no descriptor */
};

struct slots {
  uint64_t filled;            /* a bit for each slot */
  int descriptors[SLOTS_MAX]; /* of those that are filled; they belong to the slots */
  uint8_t facts[SLOTS_MAX];   /* slot_fact */
};

/* Takes the descriptor over, also when it fails: -EINVAL for a slot that is in use. A descriptor
 * that is a negative errno is returned, unless the facts say that the slot is left out. */
int slots_put(struct slots *slots, unsigned slot, int descriptor, unsigned facts);

/* The slot's descriptor, or -EINVAL for an empty one, -ENOENT for one that is left out. */
int slots_get(const struct slots *slots, unsigned slot);

/* A command has used what the slot holds, which it keeps, or else the slot is empty then. */
void slots_done(struct slots *slots, unsigned slot, bool keeps);

bool slots_has(const struct slots *slots, unsigned slot, enum slot_fact fact);
void slots_note(struct slots *slots, unsigned slot, enum slot_fact fact);

/* Notes of all that are filled that they are of the host. */
void slots_note_root(struct slots *slots);

/*
 * Closes all. 0, or -EINVAL when one has been filled and not been used, because then a mount that
 * was asked for is nowhere; *is_new says what it was.
 */
int slots_close(struct slots *slots, bool *is_new);

#endif
