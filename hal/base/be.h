/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in network order whose width is known at run time only.
 *
 * What: loads and stores of 0 to 8 bytes. Where the width is fixed, rte_byteorder.h is the way.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_BASE_BE_H
#define SLUICE_HAL_BASE_BE_H

#include <stdint.h>

/* The number in `n` bytes at `p`. */
static inline uint64_t be_load(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Writes the low `n` bytes of `v`. */
static inline void be_store(uint8_t *p, unsigned n, uint64_t v)
{
	for (; n--; v >>= 8)
		p[n] = (uint8_t)v;
}

#endif
