/* SPDX-License-Identifier: MIT */
/*
 * Part of the sanitized agent alone. Its options come from here, because the sanitizers read the
 * environment through /proc, which is not there in every test. A process of one session has no leak
 * to look for, and looking takes ptrace(2) of a process that is not dumpable.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
  return "detect_leaks=0";
}
