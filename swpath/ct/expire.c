/* SPDX-License-Identifier: Apache-2.0
 *
 * When connections are looked at for having timed out.
 *
 * Packets only move a connection's time of expiry; that is a store. Each shard has lists by how
 * long a connection waits in them, powers of two; a connection is put at the end of the longest
 * list that does not outwait its timeout, so that every list is in order and only heads are looked
 * at. Whoever is looked at before its time is put into a list again by what is then left: a
 * connection of a day that is used all day is looked at twice, not once a sweep.
 */
#include "swpath/ct/ct.h"

#define UNIT_MS 128u /* in list 0; the last one is beyond three days */

void ct_timer_add(struct ct_shard *s, struct ct_conn *c, uint64_t now_ms)
{
	uint64_t expires = atomic_load_explicit(&c->expires_ms, memory_order_relaxed);
	uint64_t units = expires > now_ms ? (expires - now_ms) / UNIT_MS : 0;
	unsigned list = units ? 63u - (unsigned)__builtin_clzll(units) : 0;

	list = RTE_MIN(list, CT_LISTS - 1u);
	c->list = (uint8_t)list;
	atomic_store_explicit(
		&c->look_ms, now_ms + ((uint64_t)UNIT_MS << list), memory_order_relaxed);
	TAILQ_INSERT_TAIL(&s->timer[list], c, timer);
}

void ct_timer_remove(struct ct_shard *s, struct ct_conn *c)
{
	if (c->list < CT_LISTS)
		TAILQ_REMOVE(&s->timer[c->list], c, timer);
	c->list = CT_LISTS;
}

struct ct_conn *ct_timer_due(struct ct_shard *s, uint64_t now_ms)
{
	for (unsigned i = 0; i < CT_LISTS; i++) {
		struct ct_conn *c = TAILQ_FIRST(&s->timer[i]);

		if (c && atomic_load_explicit(&c->look_ms, memory_order_relaxed) <= now_ms)
			return c;
	}
	return NULL;
}
