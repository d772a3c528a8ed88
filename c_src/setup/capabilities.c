/* SPDX-License-Identifier: MIT */
#include "setup/capabilities.h"

#include <errno.h>
#include <stdbool.h>
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

#define CAPABILITY_BITS 64 /* of a mask */

static bool has_bit(uint64_t mask, int bit) {
  return (mask >> bit & 1) != 0;
}

/* PR_CAPBSET_READ refuses a capability that the kernel does not know. */
static int check_known(uint64_t mask) {
  for (int bit = CAPABILITY_BITS - 1; bit >= 0; bit--)
    if (has_bit(mask, bit) && sys_prctl(PR_CAPBSET_READ, (unsigned long)bit, 0) < 0)
      return -EINVAL;
  return 0;
}

/* 1, 0, or -EINVAL for a capability that the kernel does not know. */
static int is_bounding(unsigned long bit) {
  return sys_prctl(PR_CAPBSET_READ, bit, 0);
}

static int is_ambient(unsigned long bit) {
  return sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit);
}

/* From the last capability on, because -EINVAL below one that is known is a failure. */
static int read_set(uint64_t *mask, int (*is_set)(unsigned long bit)) {
  bool known = false;
  *mask = 0;
  for (int bit = CAPABILITY_BITS - 1; bit >= 0; bit--) {
    int result = is_set((unsigned long)bit);
    if (result < 0 && (known || result != -EINVAL))
      return result;
    known = known || result >= 0;
    *mask |= (uint64_t)(result > 0) << bit;
  }
  return known ? 0 : -EINVAL;
}

/* capabilities(7) */
#define CAP_SETPCAP_MASK (1U << 8)

/* 1, 0 or a negative errno. */
static int may_drop_from_bounding(void) {
  struct capability_data data[2] = {{0}};
  int result = capabilities_get(data);
  return result < 0 ? result : (data[0].effective & CAP_SETPCAP_MASK) != 0;
}

static int drop_from_bounding(uint64_t mask) {
  int result = 0;
  for (int bit = 0; bit < CAPABILITY_BITS && result == 0; bit++)
    if (has_bit(mask, bit))
      result = sys_prctl(PR_CAPBSET_DROP, (unsigned long)bit, 0);
  return result;
}

/* Needs CAP_SETPCAP only where there is a capability to drop. */
static int limit_bounding(uint64_t most) {
  uint64_t bounding = 0;
  int result = read_set(&bounding, is_bounding);
  return result < 0 ? result : drop_from_bounding(bounding & ~most);
}

static int raise_ambient(uint64_t mask) {
  int result = 0;
  for (int bit = 0; bit < CAPABILITY_BITS && result == 0; bit++)
    if (has_bit(mask, bit))
      result = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)bit);
  return result;
}

static int put_masks(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  const struct capability_data data[2] = {
      {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
      {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
  };
  return capabilities_put(data);
}

/* linux/securebits.h; the BEAM may have been started with it */
#define SECBIT_NOROOT 1

/* Whether exec gives the process root's capabilities: its bounding and inheritable sets
 * (capabilities(7)). */
static bool is_root(void) {
  int securebits = sys_prctl(PR_GET_SECUREBITS, 0, 0);
  bool has_root_id = sys_call(SYS_getuid) == 0 || sys_call(SYS_geteuid) == 0;
  return has_root_id && (securebits < 0 || (securebits & SECBIT_NOROOT) == 0);
}

int capabilities_drop_bounding(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  uint64_t mask = arguments[0].mask;
  int result = check_known(mask);
  return result < 0 ? result : drop_from_bounding(mask);
}

int capabilities_set_thread(struct setup *setup, const struct argument *arguments) {
  struct capability_promise *promise = &setup->promise;
  uint64_t effective = arguments[0].mask;
  uint64_t permitted = arguments[1].mask;
  uint64_t inheritable = arguments[2].mask;
  int result = check_known(effective | permitted | inheritable);
  if (result == 0)
    result = capability_promise_allows(promise, permitted, inheritable);
  /* Before capset, which may give up CAP_SETPCAP. A process that has not got it may have another id
   * by the end; if not, it is refused then. */
  if (result == 0 && is_root())
    result = may_drop_from_bounding();
  if (result > 0)
    result = limit_bounding(permitted);
  if (result == 0)
    result = put_masks(effective, permitted, inheritable);
  if (result < 0)
    return result;
  promise->has_sets = true;
  promise->effective = effective;
  promise->permitted = permitted;
  promise->inheritable = inheritable;
  return 0;
}

int capabilities_set_ambient(struct setup *setup, const struct argument *arguments) {
  uint64_t mask = arguments[0].mask;
  int result = check_known(mask);
  if (result < 0)
    return result;
  result = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
  if (result == 0)
    result = raise_ambient(mask);
  if (result < 0)
    return result;
  setup->promise.has_ambient = true;
  setup->promise.ambient = mask;
  return 0;
}

int capabilities_set_securebits(struct setup *setup, const struct argument *arguments) {
  int result = sys_prctl(PR_SET_SECUREBITS, arguments->word, 0);
  setup->promise.has_keep = setup->promise.has_keep || result == 0;
  return result;
}

int capabilities_keep(struct setup *setup, const struct argument *arguments) {
  int result = sys_prctl(PR_SET_KEEPCAPS, arguments->is_on, 0);
  setup->promise.has_keep = setup->promise.has_keep || result == 0;
  return result;
}

int capabilities_after_ids(const struct capability_promise *promise) {
  int result = 0;
  if (promise->has_sets)
    result = put_masks(promise->effective, promise->permitted, promise->inheritable);
  if (result < 0)
    return result;
  return promise->has_ambient ? raise_ambient(promise->ambient)
                              : sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
}

/* The permitted set that set_credentials has kept for commands after it must be gone at exec,
 * because with no_new_privs a program's file would give what it has in common with that set
 * (PR_SET_NO_NEW_PRIVS(2const)). */
static int keep_ambient_only(uint64_t ambient) {
  struct capability_data data[2];
  int result = capabilities_get(data);
  if (result < 0)
    return result;
  data[0].effective = data[0].permitted = (uint32_t)ambient;
  data[1].effective = data[1].permitted = (uint32_t)(ambient >> 32);
  return capabilities_put(data);
}

int capabilities_settle(const struct capability_promise *promise) {
  struct capability_thread thread = {.is_root = is_root()};
  if (!promise->has_sets)
    return promise->has_ids && !thread.is_root ? keep_ambient_only(promise->ambient) : 0;
  int result = thread.is_root ? limit_bounding(promise->permitted) : 0;
  if (result == 0)
    result = read_set(&thread.bounding, is_bounding);
  if (result == 0)
    result = read_set(&thread.ambient, is_ambient);
  return result < 0 ? result : capability_promise_check(promise, &thread);
}
