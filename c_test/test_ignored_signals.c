/* SPDX-License-Identifier: MIT */
/* Which signals are ignored, from /proc/<pid>/status. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ignored_signals.h"

#define BIT(signum) (UINT64_C(1) << ((signum)-1))

static void the_mask_is_that_of_the_line(void **state) {
  (void)state;
  assert_int_equal(ignored_signals_parse("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"),
                   BIT(1) | BIT(13));
  assert_int_equal(ignored_signals_parse("Name:\tx\nSigIgn:\tfedcba9876543210\n"),
                   UINT64_C(0xfedcba9876543210));
  assert_int_equal(ignored_signals_parse("Name:\tx\nSigIgn:\t0000000000000000\n"), 0);
}

static void every_signal_when_there_is_no_such_line(void **state) {
  static const char *const texts[] = {
      "",
      "Name:\tx\n",
      "SigIgn:\t0000000000000000\n", /* the first line is the name's */
      "Name:\tSigIgn:\t0000000000000000\n",
      "Name:\tx\nSigIgn:\t000000000000000\n",
      "Name:\tx\nSigIgn:\t00000000000000000\n",
      "Name:\tx\nSigIgn:\t000000000000000g\n",
      "Name:\tx\nSigIgn:\t0000000000000000",
      "Name:\tx\nSigIgn:\t",
      "Name:\tx\nSigIgn:",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    assert_int_equal(ignored_signals_parse(texts[i]), IGNORED_SIGNALS_ALL);
}

static void those_of_this_process(void **state) {
  (void)state;
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_DFL);
  sigaction(SIGRTMAX, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
  uint64_t mask = ignored_signals_read();
  assert_true((mask & BIT(SIGHUP)) != 0 && (mask & BIT(SIGRTMAX)) != 0);
  assert_true((mask & BIT(SIGUSR1)) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_mask_is_that_of_the_line),
      cmocka_unit_test(every_signal_when_there_is_no_such_line),
      cmocka_unit_test(those_of_this_process),
  };
  return cmocka_run_group_tests_name("ignored signals", tests, NULL, NULL);
}
