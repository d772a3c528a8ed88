/* SPDX-License-Identifier: MIT */
/*
 * The least that any program does which is started to start another: fork, exec, wait. What a
 * session costs beyond this is what it does for it.
 */
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  int status = 0;
  if (argc < 2)
    return 2;
  pid_t pid = fork();
  if (pid == 0) {
    execv(argv[1], argv + 1);
    _exit(127);
  }
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}
