/* SPDX-License-Identifier: MIT */
/*
 * Whether the set-up commands of a request use their slots (setup/slots.h) as the child could do
 * it, as far as the lists alone say so. Pure.
 */
#ifndef LINX_LAUNCH_SLOT_CHECK_H
#define LINX_LAUNCH_SLOT_CHECK_H

#include "wire/failure.h"
#include "wire/request.h"

/*
 * EINVAL at the stage and index of the first command of `setup` and then of `final` that uses an
 * empty slot or fills one that is in use, else of one that fills a slot which no command uses. What
 * a slot holds after a checkpoint is not known, because commands that are sent there may change it.
 */
struct failure slot_check(const struct request *request);

#endif
