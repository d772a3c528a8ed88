/* SPDX-License-Identifier: MIT */
/*
 * Numbers from a seed (splitmix64). Every concern of a session draws from a stream of its own, so
 * that a change in one leaves what the seed means for the others.
 */
#ifndef LINX_FUZZ_RANDOM_H
#define LINX_FUZZ_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
  uint64_t state;
};

static inline uint64_t random_mix(uint64_t value) {
  value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
  return value ^ value >> 31;
}

static inline struct random random_stream(uint64_t seed, unsigned stream) {
  return (struct random){random_mix(seed + stream * UINT64_C(0xd1342543de82ef95))};
}

static inline uint64_t random_next(struct random *random) {
  random->state += UINT64_C(0x9e3779b97f4a7c15);
  return random_mix(random->state);
}

/* 0 to limit - 1 */
static inline unsigned random_below(struct random *random, unsigned limit) {
  return (unsigned)(random_next(random) % limit);
}

static inline bool random_chance(struct random *random, unsigned percent) {
  return random_below(random, 100) < percent;
}

/* Small numbers more often than large ones: each power of two below `limit` is as likely. */
static inline unsigned random_size(struct random *random, unsigned limit) {
  unsigned bits = 0;
  while (limit >> bits > 1)
    bits++;
  unsigned ceiling = 2U << random_below(random, bits + 1);
  unsigned size = random_below(random, ceiling);
  return size < limit ? size : limit;
}

#define RANDOM_PICK(random, array)                                                                 \
  ((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

#endif
