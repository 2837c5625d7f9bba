/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: what there is, and who is told of their packets.
 */
#include "ofctl/pipeline/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "ofctl/pipeline/action_set.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/group_priv.h"
#include "ofctl/pipeline/pipeline_priv.h"

struct pl_group *bridge_group_head(const struct pl_bridge *br, uint32_t id)
{
	HMAP_FOR_EACH_HASH (g, struct pl_group, node, hash_mix(id), &br->groups)
		if (g->g.id == id)
			return g;
	return NULL;
}

struct pl_group *group_seen(struct pl_group *g, uint64_t version)
{
	while (g && atomic_load_explicit(&g->since, memory_order_relaxed) > version)
		g = atomic_load_explicit(&g->older, memory_order_acquire);
	return g && atomic_load_explicit(&g->until, memory_order_relaxed) > version ? g : NULL;
}

struct pl_group *bridge_group_at(const struct pl_bridge *br, uint32_t id, uint64_t version)
{
	return group_seen(bridge_group_head(br, id), version);
}

struct pl_group *bridge_group(const struct pl_bridge *br, uint32_t id)
{
	return bridge_group_at(br, id, VERSION_NOW);
}

/* ---- counters ---- */

static int counter_slot(struct group_counter *c, uint32_t id, uint32_t *slot)
{
	struct bucket_counter *p;

	for (*slot = 0; *slot < c->n; ++*slot)
		if (c->bucket[*slot].id == id)
			return 0;
	p = realloc(c->bucket, (c->n + 1) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	c->bucket = p;
	p[c->n++] = (struct bucket_counter){.id = id};
	return 0;
}

static void counter_unref(struct group_counter *c)
{
	if (--c->refs)
		return;
	free(c->bucket);
	free(c);
}

static struct group_counter *counter_new(void)
{
	struct group_counter *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->created_ms = clock_ms();
	return c;
}

void group_credit(struct pl_group *g, uint32_t slot, uint64_t packets, uint64_t bytes)
{
	struct group_counter *c = g->counter;

	if (slot == UINT32_MAX) {
		c->packets += packets;
		c->bytes += bytes;
	} else {
		c->bucket[slot].packets += packets;
		c->bucket[slot].bytes += bytes;
	}
}

/* ---- groups ---- */

static void group_free(struct pl_group *g)
{
	for (unsigned i = 0; g->run && i < g->g.n_buckets; i++)
		free(g->run[i].a);
	if (g->counter)
		counter_unref(g->counter);
	of_group_free(&g->g);
	free(g->run);
	free(g->slot);
	free(g);
}

/* So many bits that even the bucket of the least weight gets several of their values; 256 values
 * are enough, unless there are very many buckets. */
static unsigned hash_bits(const struct of_group *g)
{
	uint64_t total = 0, least = UINT64_MAX;
	unsigned bits = 4, most = 8;

	for (unsigned i = 0; i < g->n_buckets; i++) {
		uint16_t w = g->buckets[i].weight;

		total += w;
		if (w && w < least)
			least = w;
	}
	while (1u << most < 4 * g->n_buckets)
		most++;
	while (bits < most && least << bits < 16 * total)
		bits++;
	return bits;
}

struct pl_group *group_new(const struct of_group *from, struct pl_group *old)
{
	struct pl_group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->slot = calloc(from->n_buckets + 1, sizeof(*g->slot));
	g->run = calloc(from->n_buckets + 1, sizeof(*g->run));
	if (!g->slot || !g->run || of_group_copy(&g->g, from))
		goto free_group;
	g->counter = old ? old->counter : counter_new();
	if (!g->counter)
		goto free_group;
	g->counter->refs += old != NULL;
	g->hash_bits = hash_bits(from);
	for (unsigned i = 0; i < from->n_buckets; i++)
		if (counter_slot(g->counter, from->buckets[i].id, &g->slot[i]) ||
			action_set_sort(&g->g.buckets[i].actions, &g->run[i]))
			goto free_group;
	atomic_init(&g->refs, 1);
	atomic_init(&g->until, VERSION_FOREVER);
	return g;

free_group:
	group_free(g);
	return NULL;
}

bool group_ref(struct pl_group *g)
{
	uint32_t n = atomic_load_explicit(&g->refs, memory_order_relaxed);

	while (n)
		if (atomic_compare_exchange_weak_explicit(
			    &g->refs, &n, n + 1, memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

/* Control thread, when nobody can have found it any more. */
static void group_gone(void *arg)
{
	group_free(arg);
}

void group_unref(struct pl_group *g)
{
	if (atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) == 1)
		rcu_defer(group_gone, g);
}

void bridge_groups_clear(struct pl_bridge *br)
{
	HMAP_FOR_EACH (g, struct pl_group, node, &br->groups) {
		hmap_remove(&br->groups, &g->node);
		group_unref(g);
	}
}

/* ---- statistics ---- */

static void count_users(struct pl_bridge *br, const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];
		struct pl_group *g = a->type == OFACT_GROUP ? bridge_group(br, a->group) : NULL;

		if (g)
			g->users++;
		count_users(br, &a->nested);
	}
}

/* Counts for all groups at once how many flows and buckets send to them. */
static void count_all_users(struct pl_bridge *br)
{
	struct flow *f;

	HMAP_FOR_EACH (g, struct pl_group, node, &br->groups)
		g->users = 0;
	HMAP_FOR_EACH (g, struct pl_group, node, &br->groups)
		for (unsigned i = 0; i < g->g.n_buckets; i++)
			count_users(br, &g->g.buckets[i].actions);
	for (unsigned t = 0; t < OF_TABLES; t++)
		TAILQ_FOREACH (f, &br->tables[t].flows, order) {
			count_users(br, &f->ins.apply);
			count_users(br, &f->ins.write);
		}
}

struct lister {
	void (*cb)(void *ctx, const struct of_group_stats *gs);
	void *ctx;
	uint64_t now_ms;
	uint64_t *packets, *bytes; /* PL_GROUP_BUCKETS_MAX each */
};

static void list_one(const struct lister *l, const struct pl_group *g)
{
	const struct group_counter *c = g->counter;
	struct of_group_stats gs = {
		.group = &g->g,
		.ref_count = g->users,
		.packets = c->packets,
		.bytes = c->bytes,
		.duration_ns = (l->now_ms - c->created_ms) * 1000000ull,
		.bucket_packets = l->packets,
		.bucket_bytes = l->bytes,
	};

	for (unsigned i = 0; i < g->g.n_buckets; i++) {
		l->packets[i] = c->bucket[g->slot[i]].packets;
		l->bytes[i] = c->bucket[g->slot[i]].bytes;
	}
	l->cb(l->ctx, &gs);
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = (*(struct pl_group *const *)a)->g.id, y = (*(struct pl_group *const *)b)->g.id;

	return x < y ? -1 : x > y;
}

static int list_all(struct pl_bridge *br, const struct lister *l)
{
	struct pl_group **all = calloc(hmap_count(&br->groups) + 1, sizeof(struct pl_group *));
	unsigned n = 0;

	if (!all)
		return -ENOMEM;
	HMAP_FOR_EACH (g, struct pl_group, node, &br->groups)
		all[n++] = g;
	qsort(all, n, sizeof(struct pl_group *), by_id);
	for (unsigned i = 0; i < n; i++)
		list_one(l, all[i]);
	free(all);
	return 0;
}

int pl_group_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_group_stats *gs), void *ctx)
{
	uint64_t *counts = calloc(2 * PL_GROUP_BUCKETS_MAX, sizeof(*counts));
	struct lister l = {cb, ctx, clock_ms(), counts, counts ? counts + PL_GROUP_BUCKETS_MAX : 0};
	const struct pl_group *g;
	int error = 0;

	if (!counts)
		return -ENOMEM;
	count_all_users(br);
	if (id == OF_GROUP_ALL_ID) {
		error = list_all(br, &l);
	} else {
		g = bridge_group(br, id);
		if (g)
			list_one(&l, g);
		else
			error = -ENOENT;
	}
	free(counts);
	return error;
}
