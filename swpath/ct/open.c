/* SPDX-License-Identifier: Apache-2.0
 *
 * The table made, taken apart, and looked after.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_random.h>

#include "hal/base/stable.h"
#include "swpath/ct/ct.h"

#define TICK_ENTRIES 20000 /* connections looked at in a tick, and up to */
#define TICK_SHARE 64      /* a share of all, if that is more */

#define BUCKETS_BYTES (CT_BUCKETS * sizeof(struct ct_node *))

static const char *const counters[CONNTRACK_COUNTER_MAX] = {
#define COUNT(ID, NAME, MEANING) [CONNTRACK_N_##ID] = NAME,
	CONNTRACK_COUNTERS(COUNT)
#undef COUNT
};

const char *conntrack_counter_name(enum conntrack_counter c)
{
	return c < CONNTRACK_COUNTER_MAX ? counters[c] : "unknown";
}

uint64_t conntrack_count(const struct conntrack *ct, enum conntrack_counter c)
{
	uint64_t n = 0;

	for (unsigned w = 0; w <= CT_CONTROL; w++)
		n += atomic_load_explicit(&ct->count[w][c], memory_order_relaxed);
	return n;
}

struct conntrack *ct_open(uint32_t max_conns, const struct ct_ops *ops)
{
	struct conntrack *ct = aligned_alloc(64, sizeof(*ct));

	if (!ct)
		return NULL;
	memset(ct, 0, sizeof(*ct));
	if (ops)
		ct->ops = *ops;
	ct->basis = (uint32_t)rte_rand();
	atomic_store(&ct->seq_check, true);
	atomic_store(&ct->max_conns, max_conns);
	for (unsigned i = 0; i < CT_SHARDS; i++) {
		rte_spinlock_init(&ct->shard[i].lock);
		TAILQ_INIT(&ct->shard[i].embryos);
		for (unsigned l = 0; l < CT_LISTS; l++)
			TAILQ_INIT(&ct->shard[i].timer[l]);
	}
	ct->bucket = stable_alloc(STABLE_CONNECTION, BUCKETS_BYTES);
	if (ct->bucket)
		memset((void *)ct->bucket, 0, BUCKETS_BYTES);
	ct->zone = calloc(UINT16_MAX + 1, sizeof(ct->zone[0])); /* mostly never touched */
	ct_pool_set_max(&ct->pool, max_conns);
	if (!ct->bucket || !ct->zone || ct_pool_init(&ct->pool))
		goto close_half;
	return ct;

close_half:
	ct_close(ct);
	return NULL;
}

void ct_close(struct conntrack *ct)
{
	if (!ct)
		return;
	ct_pool_destroy(&ct->pool);
	ct_zones_destroy(ct);
	if (ct->bucket)
		stable_free(STABLE_CONNECTION, (void *)ct->bucket, BUCKETS_BYTES);
	free(ct);
}

bool ct_tick(struct conntrack *ct, uint64_t now_ms)
{
	uint32_t budget = RTE_MAX(conntrack_n_conns(ct) / TICK_SHARE, (uint32_t)TICK_ENTRIES);

	atomic_store_explicit(&ct->now_ms, now_ms, memory_order_relaxed);
	ct_pool_tick(&ct->pool);
	for (unsigned i = 0; i < CT_SHARDS; i++) {
		bool more = true;

		while (more && budget) {
			budget--;
			if (ct_expire_one(ct, ct->next_shard, now_ms, &more))
				ct_count(ct, CT_CONTROL, CONNTRACK_N_EXPIRED);
		}
		if (!budget)
			return true;
		ct->next_shard = (ct->next_shard + 1) % CT_SHARDS;
	}
	return false;
}

uint32_t conntrack_n_conns(const struct conntrack *ct)
{
	return atomic_load_explicit(&ct->n_conns, memory_order_relaxed);
}

uint32_t conntrack_max_conns(const struct conntrack *ct)
{
	return atomic_load(&ct->max_conns);
}

int conntrack_set_max_conns(struct conntrack *ct, uint32_t max)
{
	if (!max || max > CONNTRACK_MAX_CONNS_LIMIT)
		return -EINVAL;
	atomic_store(&ct->max_conns, max);
	ct_pool_set_max(&ct->pool, max);
	return 0;
}

bool conntrack_tcp_seq_check(const struct conntrack *ct)
{
	return atomic_load_explicit(&ct->seq_check, memory_order_relaxed);
}
