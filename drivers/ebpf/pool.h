/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers from 0 on that are handed out and taken back.
 *
 * Thread-safety: plain data.
 */
#ifndef SLUICE_DRIVERS_EBPF_POOL_H
#define SLUICE_DRIVERS_EBPF_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct pool {
	uint32_t max;
	uint32_t n;     /* free ones that were handed out before */
	uint32_t fresh; /* from here on nobody had them */
	uint32_t *free;
	uint8_t *used;
};

#define POOL_NONE UINT32_MAX

static inline int pool_init(struct pool *p, uint32_t max)
{
	*p = (struct pool){.max = max};
	p->free = malloc(max * sizeof(*p->free));
	p->used = calloc(1, max);
	return p->free && p->used ? 0 : -1;
}

static inline void pool_destroy(struct pool *p)
{
	free(p->free);
	free(p->used);
}

static inline uint32_t pool_take(struct pool *p)
{
	uint32_t number;

	while (p->n) {
		number = p->free[--p->n];
		if (!p->used[number]) {
			p->used[number] = 1;
			return number;
		}
	}
	while (p->fresh < p->max && p->used[p->fresh])
		p->fresh++;
	if (p->fresh == p->max)
		return POOL_NONE;
	p->used[p->fresh] = 1;
	return p->fresh++;
}

static inline void pool_put(struct pool *p, uint32_t number)
{
	if (number >= p->max || !p->used[number])
		return;
	p->used[number] = 0;
	if (number < p->fresh)
		p->free[p->n++] = number;
}

/* Takes this one; false if somebody has it or there is none such. */
static inline bool pool_claim(struct pool *p, uint32_t number)
{
	if (number >= p->max || p->used[number])
		return false;
	p->used[number] = 1;
	return true;
}

#endif
