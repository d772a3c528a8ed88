/* SPDX-License-Identifier: MIT */
#include "setup/host.h"

#include "base/syscalls.h"

int host_set_name(struct setup *setup, const struct argument *arguments) {
  const struct argument_text *name = &arguments[0].text;
  (void)setup;
  return (int)sys_call(SYS_sethostname, name->bytes, name->size);
}

int host_set_domain(struct setup *setup, const struct argument *arguments) {
  const struct argument_text *name = &arguments[0].text;
  (void)setup;
  return (int)sys_call(SYS_setdomainname, name->bytes, name->size);
}
