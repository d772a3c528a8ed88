/* SPDX-License-Identifier: MIT */
#include "setup/capabilities.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/syscalls.h"

#define CAPABILITY_VERSION_3 0x20080522

struct capability_header {
  uint32_t version;
  int pid;
};

int capabilities_get(struct capability_data data[2]) {
  struct capability_header header = {.version = CAPABILITY_VERSION_3};
  return (int)sys_call(SYS_capget, &header, data);
}

int capabilities_put(const struct capability_data data[2]) {
  struct capability_header header = {.version = CAPABILITY_VERSION_3};
  return (int)sys_call(SYS_capset, &header, data);
}

/* PR_CAPBSET_READ refuses a capability that the kernel does not know. */
static int check_known(uint64_t mask) {
  for (int bit = 63; bit >= 0; bit--)
    if ((mask >> bit & 1) != 0 && sys_prctl(PR_CAPBSET_READ, (unsigned long)bit, 0) < 0)
      return -EINVAL;
  return 0;
}

int capabilities_drop_bounding(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  uint64_t mask = arguments[0].mask;
  int result = check_known(mask);
  if (result < 0)
    return result;
  for (int bit = 0; bit < 64 && result == 0; bit++)
    if ((mask >> bit & 1) != 0)
      result = sys_prctl(PR_CAPBSET_DROP, (unsigned long)bit, 0);
  return result;
}

int capabilities_set_thread(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  uint64_t effective = arguments[0].mask;
  uint64_t permitted = arguments[1].mask;
  uint64_t inheritable = arguments[2].mask;
  int result = check_known(effective | permitted | inheritable);
  if (result < 0)
    return result;
  const struct capability_data data[2] = {
      {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
      {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
  };
  return capabilities_put(data);
}

int capabilities_set_ambient(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  uint64_t mask = arguments[0].mask;
  int result = check_known(mask);
  if (result < 0)
    return result;
  result = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
  for (int bit = 0; bit < 64 && result == 0; bit++)
    if ((mask >> bit & 1) != 0)
      result = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)bit);
  return result;
}
