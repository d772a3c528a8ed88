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

/*
 * Called before a function that does not return, to forget what was on the stack. The child runs on
 * a stack that the sanitizer takes for a mistake, and reports that. Nothing needs it: no process
 * comes back to its stack after such a call.
 */
void __asan_handle_no_return(void);

void __asan_handle_no_return(void) {
}
