/* SPDX-License-Identifier: MIT */
#include "launch/execute.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/environment.h"
#include "base/syscalls.h"

/* Along which a name is looked for without PATH in the environment, as a login has it. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static char shell[] = "/bin/sh";

/* A relative path with "./" before it, because the shell would take "-c/name" for an option. NULL
 * when that is longer than a path may be. */
static char *no_option(char *file) {
  static char path[PATH_MAX];
  if (file[0] != '-')
    return file;
  if (strlen(file) + sizeof "./" > sizeof path)
    return NULL;
  path[0] = '.';
  path[1] = '/';
  memcpy(path + 2, file, strlen(file) + 1);
  return path;
}

/* Reports the file's own error where there is no shell. */
static long execute_by_shell(const struct request *request, char *file, char **env) {
  char **argv = request->argv - 1;
  argv[0] = shell;
  argv[1] = no_option(file);
  if (argv[1] == NULL)
    return -ENAMETOOLONG;
  long result = sys_call(SYS_execve, shell, argv, env);
  return result == -ENOENT ? -ENOEXEC : result;
}

static long execute_file(const struct request *request, char *file, char **env) {
  request->argv[0] = request->arg0 != NULL ? request->arg0 : file;
  long result = sys_call(SYS_execve, file, request->argv, env);
  if (result == -ENOEXEC && request->search_path)
    return execute_by_shell(request, file, env);
  return result;
}

/* Whether a search goes on after such a result. */
static bool is_passed_over(long result, bool *denied) {
  *denied = *denied || result == -EACCES;
  return result == -ENOENT || result == -ENOTDIR || result == -EACCES;
}

static long execute_first(const struct request *request, char **env) {
  bool denied = false;
  for (char **file = request->files; *file != NULL; file++) {
    long result = execute_file(request, *file, env);
    if (!is_passed_over(result, &denied))
      return result;
  }
  return denied ? -EACCES : -ENOENT;
}

/* Joins an element of PATH and a name; false when that is longer than a path may be. */
static bool join(char file[PATH_MAX], const char *element, size_t length, const char *name) {
  if (length == 0) {
    element = ".";
    length = 1;
  }
  if (length + strlen(name) + sizeof "/" > PATH_MAX)
    return false;
  memcpy(file, element, length);
  file[length] = '/';
  memcpy(file + length + 1, name, strlen(name) + 1);
  return true;
}

static long execute_along_path(const struct request *request, char **env) {
  static char file[PATH_MAX];
  const char *name = request->argv[0];
  const char *element = environment_get(env, "PATH");
  bool denied = false;
  if (name[0] == '\0')
    return -ENOENT;
  if (strlen(name) > NAME_MAX)
    return -ENAMETOOLONG;
  for (element = element != NULL ? element : default_path; element != NULL;) {
    const char *end = strchr(element, ':');
    size_t length = end != NULL ? (size_t)(end - element) : strlen(element);
    if (join(file, element, length, name)) {
      long result = execute_file(request, file, env);
      /* ENAMETOOLONG is the element's, which so names no directory. */
      if (!is_passed_over(result, &denied) && result != -ENAMETOOLONG)
        return result;
    }
    element = end != NULL ? end + 1 : NULL;
  }
  return denied ? -EACCES : -ENOENT;
}

long execute_program(const struct request *request, char **env) {
  if (request->files != NULL)
    return execute_first(request, env);
  if (request->search_path && strchr(request->argv[0], '/') == NULL)
    return execute_along_path(request, env);
  return execute_file(request, request->argv[0], env);
}
