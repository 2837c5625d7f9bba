/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels. What goes out by a tunnel port gets its outer headers and goes on, in the same
 * translation, as a packet that the host sends by the bridge where its route leads. What a bridge
 * hands to the host and was sent to a tunnel of ours is taken out of it instead.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "hal/mutation.h"
#include "hal/object.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/tunnel.h"
#include "ofctl/pipeline/tunnel_header.h"
#include "ofctl/pipeline/xlate_copy.h"
#include "ofctl/pipeline/xlate_more.h"

#define ETH_P_IPV4 0x0800
#define ETH_P_IPV6 0x86dd
#define TTL_DEFAULT 64

/* ---- in ---- */

static bool is_type(const struct xlate *x, uint16_t type)
{
	return x->key.dp.eth_type == rte_cpu_to_be_16(type);
}

/* Is it a whole UDP datagram? */
static bool is_udp(struct xlate *x)
{
	struct xlate_key need = {0};

	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!is_type(x, ETH_P_IPV4) && !is_type(x, ETH_P_IPV6))
		return false;
	xlate_need_field(x, FIELD_IP_PROTO);
	if (x->key.dp.ip_proto != IPPROTO_UDP)
		return false;
	need.dp.ip_frag = HAL_FRAG_ANY | HAL_FRAG_LATER;
	xlate_need_mask(x, &need);
	return !x->key.dp.ip_frag;
}

static bool is_tagged(struct xlate *x)
{
	struct xlate_key need = {0};

	need.dp.vlan[0].tci = rte_cpu_to_be_16(HAL_VLAN_PRESENT);
	xlate_need_mask(x, &need);
	return x->key.dp.vlan[0].tci & rte_cpu_to_be_16(HAL_VLAN_PRESENT);
}

/* Is it sent to an address of the netdev, and to its link-layer address? */
static bool is_to_host(struct xlate *x, const struct pl_port *local, struct host_address *dst)
{
	uint8_t mac[6];

	if (is_type(x, ETH_P_IPV4)) {
		xlate_need_field(x, FIELD_IPV4_DST);
		*dst = host_address_4(&x->key.dp.ipv4_dst);
	} else {
		xlate_need_field(x, FIELD_IPV6_DST);
		*dst = host_address_6(x->key.dp.ipv6_dst);
	}
	xlate_depend(x, dep_key_host(DEP_ROUTE, 0));
	if (!host_has_address(x->pl->host, dst, local->cfg.name, mac))
		return false;
	xlate_need_field(x, FIELD_ETH_DST);
	return !memcmp(x->key.dp.eth_dst, mac, 6);
}

/* Is there a tunnel that somebody with this address may use? */
static bool has_peer(
	struct xlate *x, const struct pl_tunnel_end *end, const struct host_address *dst)
{
	struct pl_tunnel_id id = {.local = *dst};

	for (unsigned kind = 0; kind < TUNNEL_ANY_KEY; kind++) {
		if (!atomic_load(&end->n[kind]) && !atomic_load(&end->n[kind | TUNNEL_ANY_KEY]))
			continue;
		if (!(kind & TUNNEL_ANY_REMOTE)) {
			if (is_type(x, ETH_P_IPV4)) {
				xlate_need_field(x, FIELD_IPV4_SRC);
				id.remote = host_address_4(&x->key.dp.ipv4_src);
			} else {
				xlate_need_field(x, FIELD_IPV6_SRC);
				id.remote = host_address_6(x->key.dp.ipv6_src);
			}
		}
		if (tunnel_find_peer(x->pl, end, kind, &id))
			return true;
	}
	return false;
}

static void emit_pop(struct xlate *x, const struct pl_tunnel_end *end)
{
	struct xlate_copy *copy = xlate_copy_begin(x);
	struct hal_act_tunnel_pop *pop;

	if (!copy)
		return;
	pop = hal_builder_add(&x->out, ACTION_TUNNEL_POP, sizeof(*pop));
	if (pop) {
		pop->port = end->id;
		pop->type = end->type;
		pop->flags = atomic_load(&end->n_gbp) ? HAL_TUNNEL_GBP : 0;
		x->useful = x->out.program->len;
	}
	xlate_copy_end(x, copy);
}

bool xlate_tunnel_in(struct xlate *x, const struct pl_port *local)
{
	const struct pl_tunnel_end *end;
	struct host_address dst;

	xlate_depend(x, dep_key_host(DEP_TUNNELS, 0));
	if (!x->pl->host || !hmap_count(&x->pl->tunnel_ends) || !is_udp(x))
		return false;
	xlate_need_field(x, FIELD_UDP_DST);
	end = tunnel_end_by_port(x->pl, rte_be_to_cpu_16(x->key.dp.tp_dst));
	if (!end || is_tagged(x) || !is_to_host(x, local, &dst) || !has_peer(x, end, &dst))
		return false;
	xlate_trace(x, "taken out of a tunnel");
	emit_pop(x, end);
	return true;
}

const struct pl_port *xlate_tunnel_port(struct xlate *x, uint32_t end_id)
{
	const struct pl_tunnel_end *end = tunnel_end(x->pl, end_id);
	const struct hal_key *k = &x->key.dp;
	bool v4 = k->tun_ipv4_src || k->tun_ipv4_dst;
	struct pl_tunnel_id id = {.key = rte_be_to_cpu_64(k->tun_id)};
	const struct pl_port *port = NULL;

	xlate_depend(x, dep_key_host(DEP_TUNNELS, 0));
	id.remote = v4 ? host_address_4(&k->tun_ipv4_src) : host_address_6(k->tun_ipv6_src);
	id.local = v4 ? host_address_4(&k->tun_ipv4_dst) : host_address_6(k->tun_ipv6_dst);
	for (unsigned kind = 0; end && kind < TUNNEL_KINDS && !port; kind++) {
		if (!atomic_load(&end->n[kind]))
			continue;
		if (MUTATE(438, !(kind & TUNNEL_ANY_KEY), false))
			xlate_need_field(x, FIELD_TUNNEL_ID);
		if (!(kind & TUNNEL_ANY_REMOTE))
			xlate_need_field(x, v4 ? FIELD_TUN_IPV4_SRC : FIELD_TUN_IPV6_SRC);
		if (!(kind & TUNNEL_ANY_LOCAL))
			xlate_need_field(x, v4 ? FIELD_TUN_IPV4_DST : FIELD_TUN_IPV6_DST);
		port = tunnel_find(x->pl, end, kind, &id);
	}
	if (port)
		xlate_credit(x, &(struct credit){.type = CREDIT_PATCH,
					.br = port->br,
					.port = port->cfg.number,
					.rx = true});
	return port;
}

/* ---- out ---- */

/* An address from the packet's tunnel fields; version 0 if it has none. */
static struct host_address flow_address(struct xlate *x, enum hal_field_id v4, enum hal_field_id v6)
{
	uint8_t value[HAL_VALUE_MAX];
	static const uint8_t none[16];

	xlate_need_field(x, v4);
	hal_field_get(v4, &x->key, value);
	if (memcmp(value, none, 4))
		return host_address_4(value);
	xlate_need_field(x, v6);
	hal_field_get(v6, &x->key, value);
	return memcmp(value, none, 16) ? host_address_6(value) : (struct host_address){0};
}

/* Where to, from where, by which port of ours. */
static const struct pl_port *find_way(
	struct xlate *x, const struct pl_tunnel *t, struct tunnel_header *h, struct host_hop *hop)
{
	const struct pl_port *local;

	h->dst = t->remote.version ? t->remote
				   : flow_address(x, FIELD_TUN_IPV4_DST, FIELD_TUN_IPV6_DST);
	h->src = t->local;
	if (t->local_flow)
		h->src = flow_address(x, FIELD_TUN_IPV4_SRC, FIELD_TUN_IPV6_SRC);
	xlate_depend(x, dep_key_host(DEP_ROUTE, 0));
	if (!h->dst.version || !x->pl->host || !host_route_lookup(x->pl->host, &h->dst, hop)) {
		xlate_trace(x, "dropped: no route to the tunnel's other end");
		return NULL;
	}
	if (!h->src.version)
		h->src = hop->source;
	local = internal_port(x->pl, hop->netdev);
	if (!local || h->src.version != h->dst.version) {
		xlate_trace(
			x, "dropped: the route leads to %s, which is no port of ours", hop->netdev);
		return NULL;
	}
	memcpy(h->eth_src, hop->mac, 6);
	xlate_depend(x, dep_key_port(local->br, local->cfg.number));
	return local;
}

static bool find_neighbour(struct xlate *x, const struct host_hop *hop, uint8_t mac[6])
{
	uint64_t id = host_neighbour_id(&hop->next, hop->ifindex);

	xlate_depend(x, dep_key_host(DEP_NEIGHBOUR, id));
	if (host_neighbour(x->pl->host, &hop->next, hop->ifindex, mac))
		return true;
	xlate_trace(x, "dropped: the next hop's link-layer address is not known yet");
	xlate_effect(
		x, &(struct effect){
			   .type = EFFECT_NEIGHBOUR, .addr = hop->next, .ifindex = hop->ifindex});
	return false;
}

/* What of the tunnel header is the packet's. */
static void fill_tunnel(struct xlate *x, const struct pl_tunnel *t, struct tunnel_header *h)
{
	struct xlate_key need = {0};

	h->type = t->type;
	h->udp_dst = t->udp_dst;
	h->df = t->df;
	h->tos = t->tos;
	h->ttl = t->ttl ? t->ttl : TTL_DEFAULT;
	h->key = t->out_key;
	if (t->out_key_flow) {
		xlate_need_field(x, FIELD_TUNNEL_ID);
		h->key = MUTATE(437, rte_be_to_cpu_64(x->key.dp.tun_id), 0);
	}
	if (t->type == HAL_TUNNEL_VXLAN && t->gbp) {
		xlate_need_field(x, FIELD_TUN_GBP_ID);
		xlate_need_field(x, FIELD_TUN_GBP_FLAGS);
		h->gbp = true;
		h->gbp_id = rte_be_to_cpu_16(x->key.dp.tun_gbp_id);
		h->gbp_flags = x->key.dp.tun_gbp_flags;
	}
	if (t->type != HAL_TUNNEL_GENEVE)
		return;
	need.dp.tun_flags = rte_cpu_to_be_16(TUN_FLAG_OAM);
	xlate_need_mask(x, &need);
	h->oam = x->key.dp.tun_flags & rte_cpu_to_be_16(TUN_FLAG_OAM);
	xlate_depend(x, dep_key_host(DEP_TUNNELS, 0)); /* the TLV table */
	xlate_need_mask(x, &(struct xlate_key){.dp.tun_opts_present = tunnel_options_mapped()});
	memset(&need, 0, sizeof(need));
	tunnel_options_mask(x->key.dp.tun_opts_present, need.dp.tun_opts);
	xlate_need_mask(x, &need);
	h->options_len =
		tunnel_options_put(x->key.dp.tun_opts_present, x->key.dp.tun_opts, h->options);
}

static bool emit_push(struct xlate *x, const struct pl_tunnel *t, const struct tunnel_header *h)
{
	uint8_t header[TUNNEL_HEADER_MAX];
	uint16_t len = h ? tunnel_header_put(h, header) : 0;
	struct hal_act_tunnel_push *push =
		hal_builder_add(&x->out, ACTION_TUNNEL_PUSH, sizeof(*push) + len);

	if (!push)
		return false;
	push->port = t->end;
	push->type = t->type;
	push->flags = (uint8_t)((t->csum ? HAL_TUNNEL_CSUM : 0) |
				(t->inherit_tos ? HAL_TUNNEL_INHERIT_TOS : 0) |
				(t->inherit_ttl ? HAL_TUNNEL_INHERIT_TTL : 0));
	push->header_len = len;
	memcpy(push->header, header, len);
	return true;
}

static void write_mark(struct xlate *x, const struct pl_tunnel *t)
{
	rte_be32_t mark = rte_cpu_to_be_32(t->mark);

	if (!t->has_mark)
		return;
	xlate_emit_set(x, FIELD_PKT_MARK, (const uint8_t *)&mark, NULL);
	xlate_write_field(x, FIELD_PKT_MARK, (const uint8_t *)&mark, NULL);
}

/* A byte of the outer header, of which the bits of `from` are those of the inner one. */
static void inherit(struct xlate *x, const struct xlate_key *was, const struct xlate_key *was_known,
	const struct xlate_key *was_written, size_t at, uint8_t value, uint8_t from)
{
	uint8_t *key = (uint8_t *)&x->key + at, *known = (uint8_t *)&x->known + at;
	uint8_t *written = (uint8_t *)&x->written + at;

	*key = (uint8_t)((value & ~from) | (((const uint8_t *)was)[at] & from));
	*known = (uint8_t)(~from | ((const uint8_t *)was_known)[at]);
	*written = (uint8_t)(~from | ((const uint8_t *)was_written)[at]);
}

/* The key becomes that of the packet as it leaves the host. All of it is known but for what each
 * packet has of its own (the source port) or from the packet inside. */
static void become_outer(struct xlate *x, const struct pl_tunnel *t, const struct tunnel_header *h)
{
	struct xlate_key was = x->key, known = x->known, written = x->written;
	bool ip = is_type(x, ETH_P_IPV4) || is_type(x, ETH_P_IPV6);
	struct hal_key *k = &x->key.dp;

	memset(&x->key, 0, sizeof(x->key));
	memset(&x->known, 0xff, sizeof(x->known));
	memset(&x->written, 0xff, sizeof(x->written));
	x->known.dp.tp_src = x->written.dp.tp_src = 0;
	k->in_port = was.dp.in_port;
	k->recirc_id = was.dp.recirc_id;
	k->pkt_mark = was.dp.pkt_mark;
	x->known.dp.pkt_mark = known.dp.pkt_mark;
	x->written.dp.pkt_mark = written.dp.pkt_mark;
	tunnel_header_key(h, k);
	if (ip)
		inherit(x, &was, &known, &written, offsetof(struct hal_key, ip_tos), h->tos,
			t->inherit_tos ? 0xff : 0x03);
	if (ip && t->inherit_ttl)
		inherit(x, &was, &known, &written, offsetof(struct hal_key, ip_ttl), h->ttl, 0xff);
	else
		x->ttl_dec = 0;
	x->outer = x->unparsed ? XLATE_OUTER_UNPARSED : XLATE_OUTER;
	x->unparsed = false;
	memset(x->vlan_from, XLATE_CONSTANT, sizeof(x->vlan_from));
	memset(x->lse_from, XLATE_CONSTANT, sizeof(x->lse_from));
}

static void enter_underlay(struct xlate *x, const struct pl_port *local)
{
	x->br = local->br;
	x->in_port = local;
	x->list = NULL;
	x->flow = NULL;
	x->cookie = UINT64_MAX;
	x->n_set = 0;
	x->stack.n = 0;
	x->packet_out = false;
	x->tracked = x->ct_stale = false;
	x->hash = (struct pl_hash_basis){0};
	x->key.actset_output = rte_cpu_to_be_32(OF_PORT_UNSET);
	x->key.in_port_of = x->key.in_phy_port = rte_cpu_to_be_32(local->cfg.number);
	if (!x->look_again) {
		xlate_bridge(x);
		return;
	}
	x->freezing = true;
	xlate_frame_table(x, 0, x->key.in_port_of);
	xlate_frame_set(x);
}

static void trace_way(struct xlate *x, const struct pl_port *port, const struct tunnel_header *h,
	const struct pl_port *local)
{
	char src[HOST_ADDRESS_TEXT], dst[HOST_ADDRESS_TEXT];

	if (x->trace)
		xlate_trace(x, "tunnel %s: from %s to %s by %s", port->cfg.name,
			host_address_text(&h->src, src), host_address_text(&h->dst, dst),
			local->cfg.name);
}

void xlate_tunnel_out(struct xlate *x, const struct pl_port *port)
{
	const struct pl_tunnel *t = &port->cfg.tunnel;
	struct tunnel_header h = {0};
	const struct pl_port *local;
	struct xlate_copy *copy;
	struct host_hop hop;

	local = find_way(x, t, &h, &hop);
	if (!local)
		return;
	xlate_credit(x,
		&(struct credit){.type = CREDIT_PATCH, .br = port->br, .port = port->cfg.number});
	copy = xlate_copy_begin(x);
	if (!copy)
		return;
	/* What is inherited is the inner IP header's. */
	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!find_neighbour(x, &hop, h.eth_dst)) {
		if (emit_push(x, t, NULL))
			x->useful = x->out.program->len;
		xlate_copy_end(x, copy);
		return;
	}
	trace_way(x, port, &h, local);
	fill_tunnel(x, t, &h);
	write_mark(x, t);
	if (emit_push(x, t, &h)) {
		become_outer(x, t, &h);
		enter_underlay(x, local);
	}
	xlate_copy_end(x, copy);
}

/* ---- tunnel fields ---- */

void xlate_tun_metadata_written(struct xlate *x, const uint8_t *mask)
{
	rte_be64_t present = tunnel_options_touched(mask);

	xlate_emit_set(
		x, FIELD_TUN_OPTS_PRESENT, (const uint8_t *)&present, (const uint8_t *)&present);
	xlate_write_field(
		x, FIELD_TUN_OPTS_PRESENT, (const uint8_t *)&present, (const uint8_t *)&present);
	xlate_depend(x, dep_key_host(DEP_TUNNELS, 0));
}
