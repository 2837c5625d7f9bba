/* SPDX-License-Identifier: Apache-2.0
 *
 * States of connections without one of their own (UDP, ICMP, other protocols), and how long
 * connections live.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "swpath/ct/ct.h"

/* ct_conn.meta[0] */
enum { FIRST, MULTIPLE, BOTH_WAYS };

static bool is_icmp(const struct ct_tuple *t)
{
	return t->proto == (t->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

void ct_set_expires(struct conntrack *ct, struct ct_conn *c, enum conntrack_timeout t,
	uint64_t now_ms, bool assured)
{
	uint64_t expires = now_ms + ct_timeout_ms(ct, c->tuple[0].zone, t);
	uint32_t flags = atomic_load_explicit(&c->flags, memory_order_relaxed);
	bool requeue = expires < atomic_load_explicit(&c->look_ms, memory_order_relaxed);

	if (atomic_load_explicit(&c->expires_ms, memory_order_relaxed) != expires)
		atomic_store_explicit(&c->expires_ms, expires, memory_order_relaxed);
	if (unlikely(assured && !(flags & CT_ASSURED))) {
		atomic_fetch_or_explicit(&c->flags, CT_ASSURED, memory_order_relaxed);
		requeue = true;
	}
	if (unlikely(requeue))
		ct_requeue(ct, c, now_ms);
}

static enum conntrack_timeout timeout_of(const struct ct_tuple *t, uint32_t state)
{
	if (is_icmp(t))
		return state == BOTH_WAYS ? CONNTRACK_TIMEOUT_ICMP_REPLY
					  : CONNTRACK_TIMEOUT_ICMP_FIRST;
	if (state == BOTH_WAYS)
		return CONNTRACK_TIMEOUT_UDP_MULTIPLE;
	return state == FIRST ? CONNTRACK_TIMEOUT_UDP_FIRST : CONNTRACK_TIMEOUT_UDP_SINGLE;
}

/* Packets stay new until there is a reply. */
static enum ct_result update_other(
	struct conntrack *ct, struct ct_conn *c, const struct ct_look *look, uint64_t now_ms)
{
	uint32_t was = atomic_load_explicit(&c->meta[0], memory_order_relaxed), state = was;
	enum ct_result result = CT_VALID;

	if (look->reply) {
		state = BOTH_WAYS;
	} else if (state != BOTH_WAYS) {
		state = is_icmp(&c->tuple[0]) ? FIRST : MULTIPLE;
		result = CT_STILL_NEW;
	}
	/* Who was faster in the other direction is right. */
	if (state != was)
		atomic_compare_exchange_strong_explicit(
			&c->meta[0], &was, state, memory_order_relaxed, memory_order_relaxed);
	ct_set_expires(ct, c, timeout_of(&c->tuple[0], state), now_ms, state == BOTH_WAYS);
	if (state == BOTH_WAYS && c->tuple[0].proto == IPPROTO_UDP)
		ct_tell_established(ct, c);
	return result;
}

enum ct_result ct_update(struct conntrack *ct, unsigned worker, struct ct_conn *c,
	const struct ct_look *look, uint64_t now_ms)
{
	if (c->tuple[0].proto == IPPROTO_TCP)
		return ct_tcp_update(ct, worker, c, look, now_ms);
	return update_other(ct, c, look, now_ms);
}

bool ct_valid_new(const struct ct_look *look)
{
	const struct ct_tuple *t = &look->tuple;

	if (t->proto == IPPROTO_TCP)
		return ct_tcp_valid_new(&look->tcp);
	if (!is_icmp(t))
		return true;
	if (t->ipv6)
		return t->src_type == ICMP6_ECHO_REQUEST;
	return t->src_type == ICMP_ECHO || t->src_type == ICMP_TIMESTAMP ||
	       t->src_type == ICMP_INFO_REQUEST;
}

void ct_first(struct conntrack *ct, struct ct_conn *c, const struct ct_look *look, uint64_t now_ms)
{
	const struct ct_tuple *t = &c->tuple[0];
	enum conntrack_timeout timeout =
		t->proto == IPPROTO_TCP ? ct_tcp_first(c, &look->tcp) : timeout_of(t, FIRST);

	atomic_store_explicit(
		&c->expires_ms, now_ms + ct_timeout_ms(ct, t->zone, timeout), memory_order_relaxed);
}
