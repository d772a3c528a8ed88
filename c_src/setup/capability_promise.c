/* SPDX-License-Identifier: MIT */
#include "setup/capability_promise.h"

#include <errno.h>

int capability_promise_allows(const struct capability_promise *promise, uint64_t permitted,
                              uint64_t inheritable) {
  bool keeps_ambient = (promise->ambient & ~(permitted & inheritable)) == 0;
  return promise->has_ambient && !keeps_ambient ? -EINVAL : 0;
}

int capability_promise_check(const struct capability_promise *promise,
                             const struct capability_thread *thread) {
  if (!promise->has_sets)
    return 0;
  uint64_t program =
      thread->ambient | (thread->is_root ? thread->bounding | promise->inheritable : 0);
  uint64_t most = promise->effective | (promise->has_ambient ? promise->ambient : 0);
  if ((program & ~most) != 0)
    return -EINVAL;
  return !promise->has_ambient && (promise->permitted & ~program) != 0 ? -EINVAL : 0;
}
