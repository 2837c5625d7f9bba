/* SPDX-License-Identifier: Apache-2.0
 *
 * The table: connections found, put in, taken out.
 */
#include <errno.h>
#include <sched.h>

#include <rte_jhash.h>
#include <rte_pause.h>

#include "swpath/ct/ct.h"

#define EVICT_SHARDS 4 /* looked at for an embryonic connection */
#define SPINS 256

void ct_tuple_reverse(const struct ct_tuple *t, struct ct_tuple *out)
{
	struct ct_tuple r = *t;

	memcpy(r.src, t->dst, sizeof(r.src));
	memcpy(r.dst, t->src, sizeof(r.dst));
	r.src_port = t->dst_port;
	r.dst_port = t->src_port;
	r.src_type = t->dst_type;
	r.dst_type = t->src_type;
	*out = r;
}

static uint32_t hash_end(
	const struct conntrack *ct, const uint8_t addr[16], rte_be16_t port, uint8_t type)
{
	uint32_t w[5];

	memcpy(w, addr, 16);
	w[4] = (uint32_t)port << 8 | type;
	return rte_jhash_32b(w, 5, ct->basis);
}

uint32_t ct_hash(const struct conntrack *ct, const struct ct_tuple *t)
{
	uint32_t ends = hash_end(ct, t->src, t->src_port, t->src_type) ^
			hash_end(ct, t->dst, t->dst_port, t->dst_type);

	return rte_jhash_2words(ends, (uint32_t)t->zone << 16 | t->proto << 1 | t->ipv6, ct->basis);
}

/* A bucket belongs to one shard. */
static unsigned shard_of(uint32_t hash)
{
	return hash % CT_SHARDS;
}

static struct ct_conn *conn_of(struct ct_node *n)
{
	return (struct ct_conn *)((char *)(n - n->dir) - offsetof(struct ct_conn, node));
}

static bool is_live(const struct ct_conn *c, uint64_t now_ms)
{
	return !(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_REMOVED) &&
	       now_ms < atomic_load_explicit(&c->expires_ms, memory_order_relaxed);
}

struct ct_conn *ct_lookup(const struct conntrack *ct, const struct ct_tuple *t, uint32_t hash,
	uint64_t now_ms, bool *reply)
{
	struct ct_node *n = atomic_load_explicit(ct_bucket(ct, hash), memory_order_acquire);

	for (; n; n = atomic_load_explicit(&n->next, memory_order_acquire)) {
		struct ct_conn *c;

		if (n->hash != hash)
			continue;
		c = conn_of(n);
		if (!is_live(c, now_ms))
			continue;
		for (unsigned d = 0; d < 2; d++) {
			if (!ct_tuple_equal(&c->tuple[d], t))
				continue;
			*reply = d;
			return c;
		}
	}
	return NULL;
}

static void link_node(struct conntrack *ct, struct ct_node *n)
{
	_Atomic(struct ct_node *) *head = ct_bucket(ct, n->hash);

	atomic_store_explicit(
		&n->next, atomic_load_explicit(head, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(head, n, memory_order_release);
}

/* The node keeps its own `next`, for readers that stand on it. */
static void unlink_node(struct conntrack *ct, struct ct_node *n)
{
	_Atomic(struct ct_node *) *at = ct_bucket(ct, n->hash);
	struct ct_node *here;

	while ((here = atomic_load_explicit(at, memory_order_relaxed)) && here != n)
		at = &here->next;
	if (here)
		atomic_store_explicit(at, atomic_load_explicit(&n->next, memory_order_relaxed),
			memory_order_release);
}

/* Nobody holds a lock for long, unless the kernel took its CPU away: then it gets ours. */
static void lock(struct ct_shard *s)
{
	for (unsigned i = 1; !rte_spinlock_trylock(&s->lock); i++)
		if (i % SPINS)
			rte_pause();
		else
			sched_yield();
}

static void lock_both(struct conntrack *ct, const struct ct_conn *c)
{
	unsigned a = shard_of(c->node[0].hash), b = shard_of(c->node[1].hash);

	lock(&ct->shard[RTE_MIN(a, b)]);
	if (a != b)
		lock(&ct->shard[RTE_MAX(a, b)]);
}

/* The first shard's lock is held. */
static bool trylock_second(struct conntrack *ct, const struct ct_conn *c)
{
	unsigned a = shard_of(c->node[0].hash), b = shard_of(c->node[1].hash);

	return a == b || rte_spinlock_trylock(&ct->shard[b].lock);
}

static void unlock_second(struct conntrack *ct, const struct ct_conn *c)
{
	unsigned a = shard_of(c->node[0].hash), b = shard_of(c->node[1].hash);

	if (a != b)
		rte_spinlock_unlock(&ct->shard[b].lock);
}

static void unlock_both(struct conntrack *ct, const struct ct_conn *c)
{
	unlock_second(ct, c);
	rte_spinlock_unlock(&ct->shard[shard_of(c->node[0].hash)].lock);
}

int ct_insert(struct conntrack *ct, struct ct_conn *c, uint64_t now_ms)
{
	struct ct_tuple turned;
	struct ct_shard *s;
	int err = -EEXIST;
	bool reply;

	ct_tuple_reverse(&c->tuple[0], &turned);
	c->two_nodes = !ct_tuple_equal(&turned, &c->tuple[1]);
	c->node[0] = (struct ct_node){.hash = ct_hash(ct, &c->tuple[0]), .dir = 0};
	c->node[1] = c->node[0];
	c->node[1].dir = 1;
	if (c->two_nodes)
		c->node[1].hash = ct_hash(ct, &c->tuple[1]);
	s = &ct->shard[shard_of(c->node[0].hash)];
	lock_both(ct, c);
	if (ct_lookup(ct, &c->tuple[0], c->node[0].hash, now_ms, &reply) ||
		(c->two_nodes && ct_lookup(ct, &c->tuple[1], c->node[1].hash, now_ms, &reply)))
		goto unlock;
	err = 0;
	atomic_store_explicit(&c->flags, CT_ALIVE, memory_order_release);
	link_node(ct, &c->node[0]);
	if (c->two_nodes)
		link_node(ct, &c->node[1]);
	ct_timer_add(s, c, now_ms);
	TAILQ_INSERT_TAIL(&s->embryos, c, embryo);
	c->embryonic = true;

unlock:
	unlock_both(ct, c);
	return err;
}

static void leave_lists(struct ct_shard *s, struct ct_conn *c)
{
	ct_timer_remove(s, c);
	if (c->embryonic)
		TAILQ_REMOVE(&s->embryos, c, embryo);
	c->embryonic = false;
}

/* Both locks are held. True if it was still in. */
static bool take_out(struct conntrack *ct, struct ct_conn *c)
{
	if (atomic_fetch_or(&c->flags, CT_REMOVED) & CT_REMOVED)
		return false;
	unlink_node(ct, &c->node[0]);
	if (c->two_nodes)
		unlink_node(ct, &c->node[1]);
	leave_lists(&ct->shard[shard_of(c->node[0].hash)], c);
	return true;
}

/* Nobody finds it any more. */
static void let_go(struct conntrack *ct, struct ct_conn *c)
{
	ct_zone_give(ct, c->tuple[0].zone);
	atomic_fetch_sub_explicit(&ct->n_conns, 1, memory_order_relaxed);
	ct_tell_gone(ct, c);
	ct_pool_give(&ct->pool, c);
}

bool ct_remove(struct conntrack *ct, struct ct_conn *c)
{
	bool taken;

	lock_both(ct, c);
	taken = take_out(ct, c);
	unlock_both(ct, c);
	if (taken)
		let_go(ct, c);
	return taken;
}

bool ct_evict(struct conntrack *ct, uint32_t hash)
{
	for (unsigned i = 0; i < EVICT_SHARDS; i++) {
		struct ct_shard *s = &ct->shard[shard_of(hash + i)];
		struct ct_conn *c;
		bool taken = false;

		lock(s);
		c = TAILQ_FIRST(&s->embryos);
		if (c && trylock_second(ct, c)) {
			taken = take_out(ct, c);
			unlock_second(ct, c);
		}
		rte_spinlock_unlock(&s->lock);
		if (taken) {
			let_go(ct, c);
			return true;
		}
	}
	return false;
}

bool ct_expire_one(struct conntrack *ct, unsigned shard, uint64_t now_ms, bool *more)
{
	struct ct_shard *s = &ct->shard[shard];
	struct ct_conn *c;
	bool taken = false;

	lock(s);
	c = ct_timer_due(s, now_ms);
	*more = c != NULL;
	if (c && is_live(c, now_ms)) {
		ct_timer_remove(s, c);
		ct_timer_add(s, c, now_ms);
	} else if (c && trylock_second(ct, c)) {
		taken = take_out(ct, c);
		unlock_second(ct, c);
	} else {
		*more = false; /* somebody has the other lock: the next time */
	}
	rte_spinlock_unlock(&s->lock);
	if (taken)
		let_go(ct, c);
	return taken;
}

void ct_requeue(struct conntrack *ct, struct ct_conn *c, uint64_t now_ms)
{
	struct ct_shard *s = &ct->shard[shard_of(c->node[0].hash)];

	lock(s);
	if (c->list < CT_LISTS) {
		ct_timer_remove(s, c);
		ct_timer_add(s, c, now_ms);
	}
	if (c->embryonic && atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_ASSURED) {
		TAILQ_REMOVE(&s->embryos, c, embryo);
		c->embryonic = false;
	}
	rte_spinlock_unlock(&s->lock);
}
