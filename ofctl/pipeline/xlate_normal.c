/* SPDX-License-Identifier: Apache-2.0
 *
 * NORMAL: forwarding as an 802.1Q learning bridge.
 */
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/xlate.h"

/* How the packet left the input side: its VLAN, and the tag to come back to. What lies below that
 * tag, perhaps another one, is not looked at. */
struct normal {
	uint16_t vlan; /* 0: untagged traffic of a trunk */
	uint16_t tci;  /* of the packet, with HAL_VLAN_PRESENT; 0: no tag */
	uint16_t tpid;
	struct hal_vlan known; /* of the packet's tag, as it came, */
	int8_t from;           /* and which tag of the original packet that is */
	uint16_t now;          /* TCI on the packet now, or 0 */
};

bool port_carries_vlan(const struct pl_port *port, uint16_t vlan)
{
	const struct pl_port_config *c = &port->cfg;
	bool all = true;

	if (c->vlan_mode == PL_VLAN_ACCESS)
		return vlan == c->tag;
	if (c->vlan_mode != PL_VLAN_TRUNK && vlan == c->tag)
		return true;
	for (unsigned i = 0; i < 64; i++)
		if (c->trunks[i])
			all = false;
	return all || (vlan < 4096 && (c->trunks[vlan / 64] >> (vlan % 64) & 1));
}

/* The VLAN that the packet belongs to by its tag and its input port; false: not for this port. What
 * a controller sends comes in by no port: it is in the VLAN that it says. */
static bool input_vlan(const struct xlate *x, struct normal *n)
{
	const struct pl_port_config *c;
	uint16_t vid = n->tci & 0xfff;

	if (!x->in_port) {
		n->vlan = vid;
		return true;
	}
	c = &x->in_port->cfg;
	switch (c->vlan_mode) {
	case PL_VLAN_ACCESS:
		n->vlan = c->tag;
		return vid == 0;
	case PL_VLAN_NATIVE_TAGGED:
	case PL_VLAN_NATIVE_UNTAGGED:
		n->vlan = vid ? vid : c->tag;
		break;
	case PL_VLAN_TRUNK:
		n->vlan = vid;
		break;
	}
	return port_carries_vlan(x->in_port, n->vlan);
}

/* The tag that the packet must have on `port`: its VID, or 0 for none. */
static uint16_t output_vid(const struct pl_port *port, uint16_t vlan)
{
	const struct pl_port_config *c = &port->cfg;

	if (c->vlan_mode == PL_VLAN_ACCESS)
		return 0;
	if (c->vlan_mode == PL_VLAN_NATIVE_UNTAGGED && vlan == c->tag)
		return 0;
	return vlan;
}

static void pop_tag(struct xlate *x, struct normal *n)
{
	if (n->now)
		xlate_pop_vlan(x);
	n->now = 0;
}

/* Puts a tag with this VID on the packet, or changes the one that it has. */
static void put_tag(struct xlate *x, struct normal *n, uint16_t vid)
{
	uint16_t tci = (uint16_t)((n->tci & 0xe000) | vid | HAL_VLAN_PRESENT);

	if (!n->now) {
		/* The rest of the tag that the packet came with is written again. */
		if (n->tci)
			xlate_need_tag(
				x, n->from, &n->known, (struct hal_vlan){0xffff, RTE_BE16(0xe000)});
		xlate_push_vlan(x, n->tpid ? n->tpid : 0x8100, tci);
	} else if ((n->now & 0xfff) != vid) {
		xlate_set_vlan_bits(x, vid, 0xfff);
	}
	n->now = tci;
}

static void set_tag(struct xlate *x, struct normal *n, uint16_t vid)
{
	if (vid)
		put_tag(x, n, vid);
	else
		pop_tag(x, n);
}

/* Back to the tag that the packet came with. */
static void restore_tag(struct xlate *x, struct normal *n)
{
	if (n->tci)
		put_tag(x, n, n->tci & 0xfff);
	else
		pop_tag(x, n);
}

static void send_to(struct xlate *x, struct normal *n, const struct pl_port *port)
{
	xlate_depend(x, dep_key_port(x->br, port->cfg.number));
	if (port->no_fwd)
		return;
	set_tag(x, n, output_vid(port, n->vlan));
	xlate_send(x, port);
}

static void flood(struct xlate *x, struct normal *n)
{
	uint32_t in = x->in_port ? x->in_port->cfg.number : OF_PORT_CONTROLLER;
	/* First the ports on which the packet looks as it came, to change tags once. */
	uint16_t first = n->tci & 0xfff ? n->vlan : 0;
	uint16_t vids[2] = {first, first ? 0 : n->vlan};

	xlate_depend(x, dep_key_bridge(x->br, DEP_PORT_SET));
	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass && vids[0] == vids[1])
			break;
		HMAP_FOR_EACH (p, struct pl_port, node, &x->br->ports)
			if (p->cfg.number != in && !p->no_flood && port_carries_vlan(p, n->vlan) &&
				output_vid(p, n->vlan) == vids[pass])
				send_to(x, n, p);
	}
}

static void learn(struct xlate *x, const struct normal *n)
{
	const struct mac_entry *e = bridge_mac(x->br, n->vlan, x->key.dp.eth_src);
	uint32_t port = x->in_port->cfg.number;
	struct credit c = {.type = CREDIT_MAC,
		.br = (struct pl_bridge *)(uintptr_t)x->br,
		.port = port,
		.vlan = n->vlan};

	xlate_depend(x, dep_key_mac(x->br, n->vlan, x->key.dp.eth_src));
	memcpy(c.mac, x->key.dp.eth_src, 6);
	xlate_credit(x, &c);
	if (!e || e->port != port) {
		struct effect eff = {EFFECT_MAC, x->br->id, port, n->vlan, {0}, NULL};

		memcpy(eff.mac, c.mac, 6);
		xlate_effect(x, &eff);
	}
}

/* IEEE 802.1Q, 8.6.3: addresses that no bridge forwards. */
static bool is_reserved(const uint8_t mac[6])
{
	static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return !memcmp(mac, prefix, 5) && (mac[5] & 0xf0) == 0;
}

void xlate_normal(struct xlate *x)
{
	struct normal n = {0};
	const struct mac_entry *e;
	const struct pl_port *out;

	/* An action can say that the packet came by a port that does not exist. */
	if (!x->in_port && x->key.in_port_of != RTE_BE32(OF_PORT_CONTROLLER) &&
		x->key.in_port_of != RTE_BE32(OF_PORT_ANY)) {
		xlate_trace(x, "NORMAL: no such input port");
		return;
	}
	xlate_need_field(x, FIELD_ETH_DST);
	xlate_need_field(x, FIELD_ETH_SRC);
	xlate_need_field(x, FIELD_VLAN_VID);
	n.tci = n.now = rte_be_to_cpu_16(x->key.dp.vlan[0].tci);
	n.tpid = rte_be_to_cpu_16(x->key.dp.vlan[0].tpid);
	n.known = x->known.dp.vlan[0];
	n.from = x->vlan_from[0];
	if (is_reserved(x->key.dp.eth_dst) || !input_vlan(x, &n)) {
		xlate_trace(x, "NORMAL: not forwarded");
		return;
	}
	if (x->in_port && !(x->key.dp.eth_src[0] & 1))
		learn(x, &n);
	if (!(x->key.dp.eth_dst[0] & 1)) {
		xlate_depend(x, dep_key_mac(x->br, n.vlan, x->key.dp.eth_dst));
		e = bridge_mac(x->br, n.vlan, x->key.dp.eth_dst);
		out = e ? bridge_port(x->br, e->port) : NULL;
		if (out && port_carries_vlan(out, n.vlan)) {
			xlate_trace(x, "NORMAL: to port %u", e->port);
			if (!x->in_port || out->cfg.number != x->in_port->cfg.number)
				send_to(x, &n, out);
			restore_tag(x, &n);
			return;
		}
	}
	xlate_trace(x, "NORMAL: flood");
	flood(x, &n);
	restore_tag(x, &n);
}
