/* SPDX-License-Identifier: Apache-2.0
 *
 * A seeded generator of random numbers: the same seed gives the same test, on every machine.
 *
 * What: SplitMix64, whose state is one word.
 * Thread-safety: none needed; each generator has one owner.
 */
#ifndef SLUICE_TESTS_DIFF_RNG_H
#define SLUICE_TESTS_DIFF_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s;
};

static inline uint64_t rng_u64(struct rng *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline uint32_t rng_u32(struct rng *r)
{
	return (uint32_t)(rng_u64(r) >> 32);
}

/* A number in [0, n). n > 0. */
static inline unsigned rng_below(struct rng *r, unsigned n)
{
	return (unsigned)(((uint64_t)rng_u32(r) * n) >> 32);
}

/* A number in [lo, hi]. */
static inline unsigned rng_range(struct rng *r, unsigned lo, unsigned hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

/* True in `percent` of 100 cases. */
static inline bool rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

static inline void rng_bytes(struct rng *r, uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)rng_u32(r);
}

#endif
