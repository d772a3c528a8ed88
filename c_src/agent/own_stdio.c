/* SPDX-License-Identifier: MIT */
#include "agent/own_stdio.h"

#include <errno.h>
#include <fcntl.h>

#include "agent/workload.h"
#include "base/decimal.h"
#include "base/inode.h"
#include "base/proc.h"
#include "base/syscalls.h"

/* Whether the child's user namespace is the agent's: 1, 0, or a negative errno. */
static int shares_user_namespace(const struct session *session) {
  char path[PROC_PATH_SIZE];
  struct inode own;
  struct inode other;
  proc_path(path, session->pid, "/ns/user");
  int result = inode_find(&own, AT_FDCWD, "/proc/self/ns/user");
  if (result == 0)
    result = inode_find(&other, AT_FDCWD, path);
  return result < 0 ? result : inode_is_same(&own, &other);
}

/* What the child's `uid` is to the agent, or a negative errno. */
static int64_t outside(const struct session *session, uint32_t uid) {
  char path[PROC_PATH_SIZE];
  int shared = shares_user_namespace(session);
  if (shared != 0)
    return shared < 0 ? shared : (int64_t)uid;
  proc_path(path, session->pid, "/uid_map");
  return proc_id_map_outside(path, uid);
}

/* The group stays. */
static int give(int fd, uint32_t uid) {
  return fd < 0 ? 0 : (int)sys_call(SYS_fchownat, fd, "", uid, UINT32_MAX, AT_EMPTY_PATH);
}

/* Both ends of a pipe are one inode. */
static int give_all(const struct session *session, uint32_t uid) {
  int result = give(session->pty_slave, uid);
  if (session->pty_slave >= 0)
    return result;
  result = give(session->inputs[IN_STDIN].fd, uid);
  if (result == 0)
    result = give(session->stdin_pipe, uid);
  if (result == 0)
    result = give(session->outputs[OUT_STDOUT].fd, uid);
  return result == 0 ? give(session->outputs[OUT_STDERR].fd, uid) : result;
}

void own_stdio_keep(struct session *session) {
  char path[14 + DECIMAL_SIZE] = "/proc/self/fd/";
  int fd = session->inputs[IN_STDIN].fd;
  if (fd < 0 || session->stdin_pipe >= 0 || session->state > STATE_EXECING)
    return;
  decimal_format(path + 14, (unsigned long)fd);
  session->stdin_pipe = sys_open(path, O_PATH | O_CLOEXEC);
}

void own_stdio(struct session *session, uint32_t uid) {
  struct frame reply;
  int64_t owner = outside(session, uid);
  bool done = owner >= 0 && give_all(session, (uint32_t)owner) == 0;
  frame_atom(&reply, done ? "proceed" : "abort");
  if (channel_out_frame(&session->down, &reply) < 0)
    session_fail(session, ENOMEM, STAGE_ALLOCATE);
  session_flush_down(session);
}
