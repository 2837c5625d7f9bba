/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets for controllers, with all that the pipeline knows of them; and those that come back from
 * a pause.
 */
#include <string.h>

#include <rte_mbuf.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/packet_out.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/swpath.h"

LOG_DEFINE(packet_in);

/* How long a controller may think. What it gives back later is stale. */
#define PAUSE_MS 300000

#define TUN_OFFSET offsetof(struct hal_key, tun_flags)

/* ---- continuations ---- */

#define CONTINUATION_MAGIC 0x534c5543u /* "SLUC" */

/* Network byte order. Nobody else has to understand it. */
struct continuation {
	rte_be32_t magic;
	rte_be32_t id;     /* of the frozen translation */
	rte_be64_t secret; /* of this run: ids of another are none of ours */
};

static void continuation_make(struct pipeline *pl, uint32_t id, struct continuation *c)
{
	struct pl_recirc *r = recirc_find(pl->recircs, id);

	*c = (struct continuation){rte_cpu_to_be_32(CONTINUATION_MAGIC), rte_cpu_to_be_32(id),
		rte_cpu_to_be_64(pl->resume_secret)};
	if (!r)
		return;
	recirc_linger(r, clock_ms() + PAUSE_MS);
	recirc_unref(r);
}

/* ---- what a packet-in says of the pipeline ---- */

static void add_if_any(struct hal_match *m, enum hal_field_id id, const struct xlate_key *key)
{
	uint8_t value[HAL_VALUE_MAX];

	if (!hal_field_any(id, key))
		return;
	hal_field_get(id, key, value);
	hal_match_set(m, id, value, NULL);
}

/* The tuple of a connection's first packet is there if its protocol is. */
static void add_connection(struct hal_match *m, const struct xlate_key *key)
{
	static const enum hal_field_id state[] = {
		FIELD_CT_STATE, FIELD_CT_ZONE, FIELD_CT_MARK, FIELD_CT_LABEL};
	static const enum hal_field_id tuple[] = {FIELD_CT_NW_PROTO, FIELD_CT_NW_SRC,
		FIELD_CT_NW_DST, FIELD_CT_IPV6_SRC, FIELD_CT_IPV6_DST, FIELD_CT_TP_SRC,
		FIELD_CT_TP_DST};

	for (unsigned i = 0; i < sizeof(state) / sizeof(state[0]); i++)
		add_if_any(m, state[i], key);
	for (unsigned i = 0; key->dp.ct_nw_proto && i < sizeof(tuple) / sizeof(tuple[0]); i++)
		add_if_any(m, tuple[i], key);
}

static void add_tunnel(struct hal_match *m, const struct xlate_key *key)
{
	static const enum hal_field_id tunnel[] = {FIELD_TUNNEL_ID, FIELD_TUN_IPV4_SRC,
		FIELD_TUN_IPV4_DST, FIELD_TUN_IPV6_SRC, FIELD_TUN_IPV6_DST, FIELD_TUN_FLAGS,
		FIELD_TUN_GBP_ID, FIELD_TUN_GBP_FLAGS};

	for (unsigned i = 0; i < sizeof(tunnel) / sizeof(tunnel[0]); i++)
		add_if_any(m, tunnel[i], key);
	if (key->dp.tun_opts_present) {
		add_if_any(m, FIELD_TUN_OPTS_PRESENT, key);
		add_if_any(m, FIELD_TUN_METADATA, key);
	}
}

static void fields_of(const struct note *n, struct hal_match *m)
{
	struct xlate_key key = {.dp = n->pin.key};
	uint8_t *dp = (uint8_t *)&key.dp;

	if (n->pin.says) {
		const struct pl_frozen *s = &n->pin.says->state;

		memcpy(&key.metadata, s->fields, FROZEN_FIELDS);
		for (unsigned i = 0; i < FROZEN_TUNNEL; i++)
			dp[TUN_OFFSET + i] =
				(uint8_t)((dp[TUN_OFFSET + i] & ~s->tun_mask[i]) | s->tun[i]);
	}
	key.metadata = rte_cpu_to_be_64(n->pin.act.metadata);
	memset(m, 0, sizeof(*m));
	hal_match_set_u64(m, FIELD_IN_PORT, n->pin.act.in_port_of);
	add_if_any(m, FIELD_METADATA, &key);
	add_if_any(m, FIELD_PKT_MARK, &key);
	for (enum hal_field_id id = FIELD_REG0; id <= FIELD_REG15; id++)
		add_if_any(m, id, &key);
	add_connection(m, &key);
	add_tunnel(m, &key);
}

void packet_in_send(struct pipeline *pl, struct pl_bridge *br, const struct note *n)
{
	const struct pl_frozen *says = n->pin.says ? &n->pin.says->state : NULL;
	struct continuation c;
	struct hal_match fields;
	struct of_packet_in pin = {
		.reason = (enum of_packet_in_reason)n->pin.act.reason,
		.table = n->pin.act.table,
		.cookie = n->pin.act.cookie,
		.in_port = n->pin.act.in_port_of,
		.metadata = n->pin.act.metadata,
		.controller_id = n->pin.act.controller_id,
		.key = &n->pin.key,
		.pipeline_fields = &fields,
		.data = n->data,
		.len = n->pin.len,
		.total_len = n->pin.total_len,
	};

	if (!pl->ops.packet_in)
		return;
	fields_of(n, &fields);
	if (says && says->data_len) {
		pin.userdata = says->data;
		pin.userdata_len = says->data_len;
	}
	if (says && says->paused) {
		continuation_make(pl, says->paused, &c);
		pin.continuation = (const uint8_t *)&c;
		pin.continuation_len = sizeof(c);
	}
	pl->ops.packet_in(pl->ops.ctx, br, &pin);
}

/* ---- and back ---- */

/* A reference to what goes on, or NULL. */
static struct pl_recirc *continuation_find(struct pl_bridge *br, const struct of_resume *r)
{
	struct pl_recirc *found;
	struct continuation c;

	memcpy(&c, r->continuation, sizeof(c));
	if (c.secret != rte_cpu_to_be_64(br->pl->resume_secret))
		return NULL;
	found = recirc_find(br->pl->recircs, rte_be_to_cpu_32(c.id));
	if (found && found->state.pauses && found->state.bridge == br->id)
		return found;
	if (found)
		recirc_unref(found);
	return NULL;
}

static bool is_continuation(const struct of_resume *r)
{
	rte_be32_t magic;

	if (!r->continuation || r->continuation_len != sizeof(struct continuation))
		return false;
	memcpy(&magic, r->continuation, sizeof(magic));
	return magic == rte_cpu_to_be_32(CONTINUATION_MAGIC);
}

/* The key that the packet has when it comes back: headers as they are now, the rest as the
 * controller says. */
static void resume_key(struct pl_bridge *br, const struct of_resume *r, const struct pl_recirc *to,
	struct hal_key *key)
{
	const struct hal_match *m = r->pipeline_fields;
	const struct pl_port *in;
	rte_be32_t number;

	swpath_parse(r->data, r->len, key);
	key->recirc_id = rte_cpu_to_be_32(to->id);
	memcpy(&number,
		to->state.fields +
			(offsetof(struct xlate_key, in_port_of) - sizeof(struct hal_key)),
		sizeof(number));
	if (m) {
		const struct hal_key *v = &m->value.dp;

		key->pkt_mark = v->pkt_mark;
		key->ct_state = v->ct_state;
		key->ct_zone = v->ct_zone;
		key->ct_mark = v->ct_mark;
		memcpy(key->ct_label, v->ct_label, sizeof(key->ct_label));
		key->ct_nw_proto = v->ct_nw_proto;
		key->ct_nw_src = v->ct_nw_src;
		key->ct_nw_dst = v->ct_nw_dst;
		memcpy(key->ct_ipv6_src, v->ct_ipv6_src, sizeof(key->ct_ipv6_src));
		memcpy(key->ct_ipv6_dst, v->ct_ipv6_dst, sizeof(key->ct_ipv6_dst));
		key->ct_tp_src = v->ct_tp_src;
		key->ct_tp_dst = v->ct_tp_dst;
		memcpy((uint8_t *)key + TUN_OFFSET, (const uint8_t *)v + TUN_OFFSET, FROZEN_TUNNEL);
		if (m->mask.in_port_of)
			number = m->value.in_port_of;
	}
	in = bridge_port(br, rte_be_to_cpu_32(number));
	if (in)
		key->in_port = rte_cpu_to_be_32(in->cfg.dp_port);
}

enum of_error pl_resume(struct pl_bridge *br, const struct of_resume *r)
{
	enum of_error error = OFERR_OK;
	struct pl_recirc *to;
	struct hal_key key;
	struct xlate x;

	if (!is_continuation(r))
		return OFERR_NX_NOT_SUPPORTED;
	if (r->len < 14)
		return OFERR_BAD_PACKET;
	to = continuation_find(br, r);
	if (!to)
		return OFERR_NX_STALE;
	resume_key(br, r, to, &key);
	xlate_resume_paused(&x, br->pl, &key, r->pipeline_fields);
	key.recirc_id = 0;
	if (x.error)
		error = OFERR_NX_STALE;
	else
		packet_out_run(br, &x, &key, r->data, r->len);
	xlate_clear(&x);
	recirc_unref(to);
	return error;
}
