/* SPDX-License-Identifier: MIT */
/*
 * Applying set-up commands to the calling process, which is the child between clone and exec. Each
 * command is a row of setup/commands.def and one function, in the file of its kernel subject.
 */
#ifndef LINX_SETUP_SETUP_H
#define LINX_SETUP_SETUP_H

#include <stdbool.h>

#include "setup/capability_promise.h"
#include "setup/seccomp.h"
#include "setup/slots.h"
#include "wire/argument.h"

/* What commands leave for those after them and for the steps before exec. */
struct setup {
  bool has_terminal;  /* fd 0 is the session's terminal */
  bool gave_home;     /* HOME in `environment` is of setup/user.c */
  char **environment; /* of the program */
  struct {
    unsigned made; /* a bit for each of fds 0, 1 and 2 that is a pipe or terminal of linx's */
    bool may_leave_group; /* the process is in a user namespace of the session's */
    bool is_given;        /* a command has said whose they are */
  } stdio;                /* setup/stdio_owner.h */
  struct {
    int socket;      /* to the agent, for the master of a terminal inside; -1: none is looked for */
    bool is_settled; /* there is a controlling terminal */
    bool is_passed;  /* it is one inside, and its master is in the socket */
  } terminal;        /* setup/terminal_inside.h */
  struct {
    const char *wanted; /* what a command has last changed to, NULL: none has */
    bool is_new;        /* since the child has looked */
  } directory;          /* setup/directory.h */
  int proc;             /* the host's /proc, for setup/sysctl.c; -1: that of the process's root */
  struct capability_promise promise;
  struct seccomp_filters filters;
  bool has_root; /* of its own, by a command */
  struct slots slots;
};

/* What the child does before or after a command, and what there has to be for one: */
enum {
  CHANGES_IDS = 1, /* afterwards: not dumpable, the parent-death signal; id 0 is not taken */
  CHANGES_NO_NEW_PRIVS = 2, /* before: sets no_new_privs */
  CHANGES_CAPABILITIES = 4, /* before: makes the cgroup namespace, which takes CAP_SYS_ADMIN; so
                             * does CHANGES_IDS */
  ASKS_AGENT =
      8, /* afterwards: what the process has no right to (EPERM) the agent is asked to do */
  OPENS_FILE_SYSTEM = 16, /* before: makes the cgroup namespace, if the file system is to show it */
  NEEDS_NET = 256,        /* a net namespace of the session's, fresh or entered; else it is refused,
                           * because it would change the host's (launch/own_namespaces.h) */
  NEEDS_MOUNT = 512,      /* a mount namespace, likewise */
  NEEDS_SPAWN = 1024,     /* a fresh one and none that is entered, whose root is another's */
  NEEDS_UTS = 2048,       /* a UTS namespace, likewise */
  NEEDS_IPC = 4096,
  NEEDS_USER = 8192,
  NEEDS_BY_NAME = 16384, /* what setup/sysctl_name.h says of its first argument */
};

typedef int setup_fn(struct setup *setup, const struct argument *arguments);

struct setup_row {
  setup_fn *apply;
  unsigned changes;
};

/* Indexed by enum setup_command (wire/command.h). */
extern const struct setup_row setup_rows[];

#endif
