/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that a device could take, and what a device says of them.
 */
#include <netinet/in.h>

#include "swpath/ct/ct.h"

static void describe(const struct ct_conn *c, unsigned dir, struct hal_connection *out)
{
	const struct ct_tuple *t = &c->tuple[dir], *other = &c->tuple[!dir];
	const struct ct_tuple *orig = &c->tuple[0];

	memset(out, 0, sizeof(*out));
	out->zone = t->zone;
	out->ip_proto = t->proto;
	out->ipv6 = t->ipv6;
	out->tp_src = t->src_port;
	out->tp_dst = t->dst_port;
	memcpy(out->src, t->src, sizeof(out->src));
	memcpy(out->dst, t->dst, sizeof(out->dst));
	out->ct_state = HAL_CS_TRK | HAL_CS_EST | (dir ? HAL_CS_RPL : 0) | ct_nat_state(c, dir);
	out->mark = atomic_load_explicit(&c->mark, memory_order_relaxed);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t half = atomic_load_explicit(&c->label[i], memory_order_relaxed);

		memcpy(out->label + 8 * i, &half, sizeof(half));
	}
	/* What the other direction's packets are addressed to is where this one's come from. */
	out->new_tp_src = other->dst_port;
	out->new_tp_dst = other->src_port;
	memcpy(out->new_src, other->dst, sizeof(out->new_src));
	memcpy(out->new_dst, other->src, sizeof(out->new_dst));
	out->orig_tp_src = orig->src_port;
	out->orig_tp_dst = orig->dst_port;
	memcpy(out->orig_src, orig->src, sizeof(out->orig_src));
	memcpy(out->orig_dst, orig->dst, sizeof(out->orig_dst));
}

void ct_tell_changed(struct conntrack *ct, struct ct_conn *c)
{
	struct hal_connection dir[2];

	if (!ct->ops.established || !(atomic_load(&c->flags) & CT_TOLD))
		return;
	describe(c, 0, &dir[0]);
	describe(c, 1, &dir[1]);
	ct->ops.established(ct->ops.ctx, dir, ct_id(c));
	/* Whoever removed it in between may have called before we did. */
	if (atomic_load(&c->flags) & CT_REMOVED && ct->ops.gone)
		ct->ops.gone(ct->ops.ctx, ct_id(c));
}

void ct_tell_established(struct conntrack *ct, struct ct_conn *c)
{
	if (!ct->ops.established || atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_TOLD)
		return;
	if (!(atomic_fetch_or(&c->flags, CT_TOLD) & CT_TOLD))
		ct_tell_changed(ct, c);
}

void ct_tell_gone(struct conntrack *ct, struct ct_conn *c)
{
	if (!(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_TOLD))
		return;
	if (atomic_fetch_and(&c->flags, ~CT_TOLD) & CT_TOLD && ct->ops.gone)
		ct->ops.gone(ct->ops.ctx, ct_id(c));
}

void ct_touch(struct conntrack *ct, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	uint64_t now = atomic_load_explicit(&ct->now_ms, memory_order_relaxed);
	enum conntrack_timeout t;
	struct ct_conn *c;

	if (index >= atomic_load_explicit(&ct->pool.made, memory_order_acquire))
		return;
	c = ct_pool_get(&ct->pool, index);
	/* Its memory stays, so this is safe even when the connection is going. */
	if (ct_id(c) != id || !(atomic_load(&c->flags) & CT_TOLD))
		return;
	t = c->tuple[0].proto == IPPROTO_TCP ? CONNTRACK_TIMEOUT_TCP_ESTABLISHED
					     : CONNTRACK_TIMEOUT_UDP_MULTIPLE;
	if (!(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_DEVICE))
		atomic_fetch_or(&c->flags, CT_DEVICE);
	atomic_store_explicit(
		&c->expires_ms, now + ct_timeout_ms(ct, c->tuple[0].zone, t), memory_order_relaxed);
}
