/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections listed and flushed, by the control thread.
 *
 * It goes over the memory of all connections, not over the table. That takes no lock: memory of
 * removed connections is only used again after the control thread itself has handed it back.
 */
#include <netinet/in.h>

#include "swpath/ct/ct.h"

static const char *const states[CONNTRACK_TCP_STATE_MAX] = {
#define STATE(ID) [CONNTRACK_TCP_##ID] = #ID,
	CONNTRACK_TCP_STATES(STATE)
#undef STATE
};

const char *conntrack_tcp_state_name(enum conntrack_tcp_state state)
{
	return state < CONNTRACK_TCP_STATE_MAX ? states[state] : "UNKNOWN";
}

static bool is_icmp(const struct ct_tuple *t)
{
	return t->proto == (t->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static void tuple_out(const struct ct_tuple *t, struct conntrack_tuple *out)
{
	memcpy(out->src, t->src, sizeof(out->src));
	memcpy(out->dst, t->dst, sizeof(out->dst));
	if (is_icmp(t)) {
		out->id = t->src_port;
		out->type = t->src_type;
	} else {
		out->src_port = t->src_port;
		out->dst_port = t->dst_port;
	}
}

static void entry_out(const struct ct_conn *c, uint64_t now_ms, struct conntrack_entry *e)
{
	uint64_t expires = atomic_load_explicit(&c->expires_ms, memory_order_relaxed);

	memset(e, 0, sizeof(*e));
	tuple_out(&c->tuple[0], &e->orig);
	tuple_out(&c->tuple[1], &e->reply);
	e->zone = c->tuple[0].zone;
	e->proto = c->tuple[0].proto;
	e->ipv6 = c->tuple[0].ipv6;
	e->mark = atomic_load_explicit(&c->mark, memory_order_relaxed);
	e->id = ct_id(c);
	e->timeout_ms = expires > now_ms ? (uint32_t)RTE_MIN(expires - now_ms, UINT32_MAX) : 0;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t half = atomic_load_explicit(&c->label[i], memory_order_relaxed);
		uint32_t meta = atomic_load_explicit(&c->meta[i], memory_order_relaxed);

		memcpy(e->label + 8 * i, &half, sizeof(half));
		if (e->proto != IPPROTO_TCP)
			continue;
		e->tcp[i].state = (enum conntrack_tcp_state)(meta >> 24);
		e->tcp[i].wscale = meta >> 16 & CT_WSCALE_BITS;
		e->tcp[i].has_wscale = meta >> 16 & CT_WSCALE_KNOWN;
		e->tcp[i].liberal = meta >> 16 & CT_WSCALE_UNKNOWN;
	}
}

/* The connection at `index` if it is one that counts. */
static struct ct_conn *live(struct conntrack *ct, uint32_t index, int zone, uint64_t now_ms)
{
	struct ct_conn *c = ct_pool_get(&ct->pool, index);

	if ((atomic_load_explicit(&c->flags, memory_order_acquire) & (CT_ALIVE | CT_REMOVED)) !=
			CT_ALIVE ||
		(zone >= 0 && c->tuple[0].zone != zone) ||
		now_ms >= atomic_load_explicit(&c->expires_ms, memory_order_relaxed))
		return NULL;
	return c;
}

static uint32_t memory_used(const struct conntrack *ct)
{
	return atomic_load_explicit(&ct->pool.taken, memory_order_acquire);
}

void conntrack_dump(struct conntrack *ct, int zone, conntrack_dump_cb *cb, void *ctx)
{
	uint64_t now_ms = atomic_load(&ct->now_ms);
	uint32_t n = memory_used(ct);

	for (uint32_t i = 0; i < n; i++) {
		struct ct_conn *c = live(ct, i, zone, now_ms);
		struct conntrack_entry e;

		if (!c)
			continue;
		entry_out(c, now_ms, &e);
		if (!cb(ctx, &e))
			return;
	}
}

static bool tuple_matches(
	uint32_t has, const struct conntrack_tuple *want, const struct conntrack_tuple *t)
{
	return (!(has & CONNTRACK_HAS_SRC) || !memcmp(want->src, t->src, sizeof(t->src))) &&
	       (!(has & CONNTRACK_HAS_DST) || !memcmp(want->dst, t->dst, sizeof(t->dst))) &&
	       (!(has & CONNTRACK_HAS_SRC_PORT) || want->src_port == t->src_port) &&
	       (!(has & CONNTRACK_HAS_DST_PORT) || want->dst_port == t->dst_port) &&
	       (!(has & CONNTRACK_HAS_ICMP_ID) || want->id == t->id) &&
	       (!(has & CONNTRACK_HAS_ICMP_TYPE) || want->type == t->type) &&
	       (!(has & CONNTRACK_HAS_ICMP_CODE) || want->code == t->code);
}

static bool matches(const struct conntrack_match *m, const struct conntrack_entry *e)
{
	const struct conntrack_entry *want = &m->entry;

	return (!(m->has & CONNTRACK_HAS_PROTO) || want->proto == e->proto) &&
	       (!(m->has & CONNTRACK_HAS_FAMILY) || want->ipv6 == e->ipv6) &&
	       tuple_matches(m->has, &want->orig, &e->orig) &&
	       tuple_matches(m->has >> CONNTRACK_HAS_REPLY, &want->reply, &e->reply);
}

/* Devices look at no windows, so they give up the TCP connections that they have. */
void conntrack_set_tcp_seq_check(struct conntrack *ct, bool on)
{
	uint64_t now_ms = atomic_load(&ct->now_ms);
	uint32_t n = memory_used(ct);

	atomic_store(&ct->seq_check, on);
	for (uint32_t i = 0; on && i < n; i++) {
		struct ct_conn *c = live(ct, i, -1, now_ms);

		if (c && c->tuple[0].proto == IPPROTO_TCP)
			ct_tell_gone(ct, c);
	}
}

unsigned conntrack_flush(struct conntrack *ct, const struct conntrack_match *match)
{
	int zone = match && match->has & CONNTRACK_HAS_ZONE ? match->entry.zone : -1;
	uint64_t now_ms = atomic_load(&ct->now_ms);
	uint32_t n = memory_used(ct);
	unsigned flushed = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct ct_conn *c = live(ct, i, zone, now_ms);
		struct conntrack_entry e;

		if (!c)
			continue;
		entry_out(c, now_ms, &e);
		if (!match || matches(match, &e))
			flushed += ct_remove(ct, c);
	}
	return flushed;
}
