/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about plain bytes.
 *
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_BASE_MEM_H
#define SLUICE_HAL_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool mem_is_zero(const void *p, size_t n)
{
	const uint8_t *bytes = (const uint8_t *)p;

	while (n && !*bytes) {
		bytes++;
		n--;
	}
	return !n;
}

#endif
