/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups (OpenFlow 1.3, 5.6): which buckets a packet goes to, each with a copy of it.
 */
#include <errno.h>
#include <string.h>

#include "hal/base/hmap.h"
#include "hal/mutation.h"
#include "ofctl/pipeline/xlate_copy.h"
#include "ofctl/pipeline/xlate_more.h"

static void credit(struct xlate *x, struct pl_group *g, uint32_t slot)
{
	if (group_ref(g))
		xlate_credit(x, &(struct credit){.type = CREDIT_GROUP, .group = g, .bucket = slot});
	else
		x->raced = true;
}

/* ---- liveness ---- */

static bool group_live(struct xlate *x, uint32_t id, unsigned depth);

static bool port_live(struct xlate *x, uint32_t number)
{
	const struct pl_port *port = bridge_port(x->br, number);

	xlate_depend(x, dep_key_port(x->br, number));
	xlate_depend(x, dep_key_live(x->br, number));
	return port && MUTATE(404, port->up, true);
}

/* A bucket that watches nothing is always live; one that watches both needs either. */
static bool bucket_live(struct xlate *x, const struct of_bucket *b, unsigned depth)
{
	bool port = b->watch_port != OF_PORT_ANY, group = b->watch_group != OF_GROUP_ANY;

	if (!port && !group)
		return true;
	return (port && port_live(x, b->watch_port)) ||
	       (group && group_live(x, b->watch_group, depth + 1));
}

static bool group_live(struct xlate *x, uint32_t id, unsigned depth)
{
	const struct pl_group *g = bridge_group_at(x->br, id, x->version);

	xlate_depend(x, (struct dep_key){DEP_GROUP, x->br->id, id});
	if (!g || depth > PL_GROUP_CHAIN_MAX)
		return false;
	for (unsigned i = 0; i < g->g.n_buckets; i++)
		if (bucket_live(x, &g->g.buckets[i], depth))
			return true;
	return false;
}

/* ---- choosing ---- */

/* The bucket at `at` (of 2^32) on a line that all buckets (with `live`, all that are live) divide
 * by their weights. What is left of `at` within the bucket's part, of 2^32 too, goes to `rest`.
 * NULL: no bucket has weight. */
static const struct of_bucket *divide(
	struct xlate *x, const struct of_group *g, uint32_t at, bool live, uint32_t *rest)
{
	uint64_t total = 0, from = 0, point;

	for (unsigned i = 0; i < g->n_buckets; i++)
		if (!live || bucket_live(x, &g->buckets[i], 0))
			total += g->buckets[i].weight;
	point = at * total;
	for (unsigned i = 0; i < g->n_buckets; i++) {
		const struct of_bucket *b = &g->buckets[i];
		uint64_t part = (uint64_t)b->weight << 32;

		if (live && !bucket_live(x, b, 0))
			continue;
		if (point < from + part) {
			*rest = (uint32_t)((point - from) / b->weight);
			return b;
		}
		from += part;
	}
	return NULL;
}

/* Only what would go to a dead bucket is spread over the others: packets of those that live stay
 * where they are. */
static const struct of_bucket *choose(struct xlate *x, const struct of_group *g, uint32_t at)
{
	uint32_t rest;
	const struct of_bucket *b = divide(x, g, at, false, &rest);

	if (!b || bucket_live(x, b, 0))
		return b;
	return divide(x, g, rest, true, &rest);
}

static uint32_t hash_words(
	const struct xlate_key *key, const struct xlate_key *mask, uint64_t basis)
{
	const uint64_t *k = (const uint64_t *)key, *m = (const uint64_t *)mask;
	uint64_t masked[XLATE_KEY_WORDS];

	for (unsigned i = 0; i < XLATE_KEY_WORDS; i++)
		masked[i] = k[i] & m[i];
	return hash_bytes(masked, sizeof(masked), (uint32_t)(basis ^ basis >> 32));
}

/* What tells flows apart if nothing is said: addresses, protocol and ports. */
static void five_tuple(const struct xlate *x, struct xlate_key *mask)
{
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	mask->dp.eth_type = 0xffff;
	if (type != 0x0800 && type != 0x86dd) {
		memset(mask->dp.eth_src, 0xff, 6);
		memset(mask->dp.eth_dst, 0xff, 6);
		return;
	}
	mask->dp.ip_proto = 0xff;
	if (type == 0x0800) {
		mask->dp.ipv4_src = mask->dp.ipv4_dst = 0xffffffff;
	} else {
		memset(mask->dp.ipv6_src, 0xff, 16);
		memset(mask->dp.ipv6_dst, 0xff, 16);
	}
	/* Of a fragmented packet only the first fragment has ports. */
	mask->dp.ip_frag = 0xff;
	if (!x->key.dp.ip_frag)
		mask->dp.tp_src = mask->dp.tp_dst = 0xffff;
}

/* Members above Ethernet mean something only beside the type that has them. */
static void add_types(const struct xlate *x, struct xlate_key *mask)
{
	static const struct hal_key none;
	const uint8_t *m = (const uint8_t *)&mask->dp;
	size_t from = offsetof(struct hal_key, ip_proto),
	       to = offsetof(struct hal_key, ct_nw_proto);

	if (memcmp(m + from, (const uint8_t *)&none + from, to - from) != 0)
		mask->dp.eth_type = 0xffff;
	if (mask->dp.tp_src || mask->dp.tp_dst || mask->dp.tcp_flags)
		mask->dp.ip_proto = x->key.dp.eth_type ? 0xff : 0;
}

/* The hash is computed here and now: the megaflow is of exactly these fields. */
static uint32_t hash_fields(struct xlate *x, const struct of_group *g)
{
	struct xlate_key mask = g->fields.mask;
	static const struct xlate_key none;

	if (!memcmp(&mask, &none, sizeof(mask)))
		five_tuple(x, &mask);
	add_types(x, &mask);
	xlate_need_mask(x, &mask);
	return hash_words(&x->key, &mask, g->select_param);
}

/* ---- buckets ---- */

static void run_bucket(struct xlate *x, struct pl_group *g, unsigned i)
{
	struct xlate_copy *copy;

	credit(x, g, g->slot[MUTATE(405, i, 0)]);
	copy = xlate_copy_begin(x);
	if (!copy)
		return;
	x->pin_reason = OF_REASON_GROUP;
	x->n_set = 0;
	xlate_trace(x, "bucket %u", g->g.buckets[i].id);
	xlate_actions(x, &g->run[i]);
	xlate_copy_end(x, copy);
}

/* The step that computes what the choice depends on; then the packet is looked up again by it. */
static void compute_hash(struct xlate *x, enum hal_hash algorithm, uint32_t basis)
{
	struct hal_act_hash *a = hal_builder_add(&x->out, ACTION_HASH, sizeof(*a));

	if (!a)
		return;
	a->algorithm = algorithm;
	a->basis = basis;
	x->hash = (struct pl_hash_basis){true, algorithm, basis};
	xlate_freeze(x);
}

/* Groups of one packet take different bits of its hash, so that they choose independently. False:
 * the hash is not known yet. */
static bool take_dp_hash(struct xlate *x, const struct pl_group *g, uint32_t *at)
{
	/* Open vSwitch's parameter: the algorithm (0: each direction its own, 1: symmetric) before
	 * the basis. */
	bool dp_hash = g->g.select == OF_SELECT_DP_HASH;
	enum hal_hash algorithm = !dp_hash                     ? HAL_HASH_SYM_L2
				  : !(g->g.select_param >> 32) ? HAL_HASH_L4
							       : HAL_HASH_SYM_L4;
	uint32_t basis = dp_hash ? (uint32_t)g->g.select_param : 0, mask, value;
	struct xlate_key need = {0};

	if (!x->hash.valid || x->hash.algorithm != algorithm || x->hash.basis != basis) {
		compute_hash(x, algorithm, basis);
		return false;
	}
	if (x->hash_used + g->hash_bits > 32)
		x->hash_used = 0;
	mask = ((1u << g->hash_bits) - 1) << x->hash_used;
	need.dp.dp_hash = rte_cpu_to_be_32(mask);
	xlate_need_mask(x, &need);
	value = (rte_be_to_cpu_32(x->key.dp.dp_hash) & mask) >> x->hash_used;
	x->hash_used += g->hash_bits;
	/* The middle of the value's part of the line. */
	*at = (value * 2 + 1) << (31 - g->hash_bits);
	return true;
}

static unsigned n_weighted(const struct of_group *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n_buckets; i++)
		n += g->buckets[i].weight != 0;
	return n;
}

static void select_bucket(struct xlate *x, struct pl_group *g)
{
	const struct of_bucket *b;
	uint32_t at = 0;

	if (n_weighted(&g->g) > 1) {
		if (g->g.select == OF_SELECT_HASH)
			at = hash_fields(x, &g->g);
		else if (!take_dp_hash(x, g, &at))
			return;
	}
	credit(x, g, UINT32_MAX);
	b = choose(x, &g->g, at);
	if (b)
		run_bucket(x, g, (unsigned)(b - g->g.buckets));
}

static void first_live(struct xlate *x, struct pl_group *g)
{
	for (unsigned i = MUTATE(406, 0, g->g.n_buckets - 1); i < g->g.n_buckets; i++)
		if (bucket_live(x, &g->g.buckets[i], 0)) {
			run_bucket(x, g, i);
			return;
		}
}

void xlate_group(struct xlate *x, uint32_t id)
{
	struct pl_group *g = bridge_group_at(x->br, id, x->version);

	xlate_depend(x, (struct dep_key){DEP_GROUP, x->br->id, id});
	if (!g)
		return;
	if (g->g.type != OF_GROUP_SELECT)
		credit(x, g, UINT32_MAX);
	switch (g->g.type) {
	case OF_GROUP_ALL:
	case OF_GROUP_INDIRECT:
		for (unsigned i = 0; i < g->g.n_buckets && !x->error && !x->out.error; i++)
			run_bucket(x, g, i);
		break;
	case OF_GROUP_SELECT:
		select_bucket(x, g);
		break;
	case OF_GROUP_FF:
		first_live(x, g);
		break;
	}
}
