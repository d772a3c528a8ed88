/* SPDX-License-Identifier: MIT */
#include "session_tree.h"

/* The host's tree is the root, so that the workload is found there; files are made in a file system
 * in memory. */
enum { SLOT_ROOT, SLOT_NULL, SLOT_EMPTY, SLOT_FILES, SLOT_GONE };

#define PLACE "/mnt"

static void begin(struct term *term, const char *name, unsigned arguments) {
  term_tuple(term, arguments + 1);
  term_atom(term, name);
}

static void put_words(struct term *term, const char *word) {
  term_list(term, 1);
  term_atom(term, word);
  term_nil(term);
}

static void put_tree(struct term *term) {
  begin(term, "tree_open", 3);
  term_integer(term, SLOT_ROOT);
  term_text(term, "/");
  put_words(term, "recursive");
}

static void put_null(struct term *term) {
  begin(term, "tree_open", 3);
  term_integer(term, SLOT_NULL);
  term_text(term, "/dev/null");
  term_nil(term);
}

static void put_memory(struct term *term, int slot) {
  begin(term, "mount_open", 4);
  term_integer(term, slot);
  term_text(term, "tmpfs");
  term_text(term, "fault");
  term_list(term, 1);
  term_tuple(term, 2);
  term_text(term, "size");
  term_text(term, "1m");
  term_nil(term);
}

static void put_empty(struct term *term) {
  put_memory(term, SLOT_EMPTY);
}

static void put_files(struct term *term) {
  put_memory(term, SLOT_FILES);
}

static void put_gone(struct term *term) {
  put_memory(term, SLOT_GONE);
}

static void put_root(struct term *term) {
  begin(term, "root", 2);
  term_integer(term, SLOT_ROOT);
  term_atom(term, "private");
}

static void put_attach(struct term *term, int slot, const char *path) {
  begin(term, "attach", 4);
  term_integer(term, slot);
  term_text(term, path);
  put_words(term, "nosuid");
  term_nil(term);
}

static void put_attach_files(struct term *term) {
  put_attach(term, SLOT_FILES, PLACE);
}

static void put_attach_gone(struct term *term) {
  put_attach(term, SLOT_GONE, PLACE "/new/gone");
}

static void put_unmount(struct term *term) {
  begin(term, "unmount", 2);
  term_text(term, PLACE "/new/gone");
  term_nil(term);
}

static void put_mkdir(struct term *term) {
  begin(term, "mkdir", 4);
  term_text(term, PLACE "/a/b");
  term_integer(term, 0711);
  term_integer(term, 0);
  term_integer(term, 0);
}

static void put_symlink(struct term *term) {
  begin(term, "symlink", 2);
  term_text(term, "a");
  term_text(term, PLACE "/link");
}

static void put_file(struct term *term) {
  begin(term, "file", 3);
  term_text(term, PLACE "/link/file");
  term_integer(term, 0600);
  term_text(term, "contents");
}

static void put_device(struct term *term) {
  begin(term, "device", 7);
  term_text(term, PLACE "/null");
  term_atom(term, "char");
  term_integer(term, 1);
  term_integer(term, 3);
  term_integer(term, 0666);
  term_integer(term, 0);
  term_integer(term, 0);
}

static void put_mask(struct term *term, const char *path) {
  begin(term, "mask", 3);
  term_text(term, path);
  term_integer(term, SLOT_NULL);
  term_integer(term, SLOT_EMPTY);
}

static void put_mask_file(struct term *term) {
  put_mask(term, PLACE "/a/file");
}

static void put_mask_directory(struct term *term) {
  put_mask(term, PLACE "/a/b");
}

static void put_propagation(struct term *term) {
  begin(term, "propagation", 3);
  term_text(term, PLACE);
  term_atom(term, "shared");
  term_nil(term);
}

static void put_readonly(struct term *term) {
  begin(term, "readonly", 1);
  term_text(term, PLACE "/a");
}

static void put_attributes(struct term *term) {
  begin(term, "mount_attr", 4);
  term_text(term, PLACE);
  put_words(term, "rdonly");
  term_nil(term);
  term_nil(term);
}

put_command *const session_tree[] = {
    put_tree,     put_null,         put_empty,       put_files,     put_gone,
    put_root,     put_attach_files, put_mkdir,       put_symlink,   put_file,
    put_device,   put_attach_gone,  put_unmount,     put_mask_file, put_mask_directory,
    put_readonly, put_attributes,   put_propagation, NULL};

const char *const session_tree_facts[] = {"propagation private",
                                          "mount /mnt ro,nosuid,relatime",
                                          "mount /mnt/a ro,nosuid,relatime",
                                          "mount /mnt/a/b ro,nosuid,noexec,relatime",
                                          "mount /mnt/a/file ro,nosuid,noexec,relatime",
                                          NULL};
