/* SPDX-License-Identifier: Apache-2.0
 *
 * Monotonic time in milliseconds, as flows and megaflows keep it.
 */
#ifndef SLUICE_OFCTL_PIPELINE_CLOCK_H
#define SLUICE_OFCTL_PIPELINE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000u;
}

#endif
