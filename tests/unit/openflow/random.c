/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "ofctl/openflow/actions.h"
#include "tests/unit/openflow/test.h"

static void rnd_field(struct hal_match *m, enum hal_field_id id, bool masked)
{
	uint8_t value[16], mask[16], ones[HAL_VALUE_MAX];
	unsigned n = hal_field_bytes(id);

	hal_field_ones(id, ones);
	for (unsigned i = 0; i < n; i++) {
		mask[i] = masked ? (uint8_t)rnd() & ones[i] : ones[i];
		value[i] = (uint8_t)rnd() & mask[i];
	}
	hal_match_set(m, id, value, mask);
}

static bool often(void)
{
	return rnd_below(2);
}

static void maybe(struct hal_match *m, enum hal_field_id id, bool v10)
{
	bool masked = !v10 && hal_fields[id].maskable == MASK_ANY && rnd_below(3) == 0;

	if (often())
		rnd_field(m, id, masked);
}

static void maybe_prefix(struct hal_match *m, enum hal_field_id id)
{
	uint32_t mask = htonl(0xffffffffu << rnd_below(32)), value = htonl((uint32_t)rnd());

	value &= mask;
	if (often())
		hal_match_set(m, id, (uint8_t *)&value, (uint8_t *)&mask);
}

static void rnd_vlan(struct hal_match *m)
{
	if (rnd_below(4) == 0) {
		hal_match_set_u64(m, FIELD_VLAN_VID, 0);
		return;
	}
	hal_match_set_u64(m, FIELD_VLAN_VID, HAL_VLAN_PRESENT | rnd_below(4096));
	if (often())
		hal_match_set_u64(m, FIELD_VLAN_PCP, rnd_below(8));
}

static void rnd_transport(struct hal_match *m, bool v10, bool ipv6)
{
	static const uint8_t protos[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47};
	uint8_t proto = protos[rnd_below(6)];

	hal_match_set_u64(m, FIELD_IP_PROTO, proto);
	if (proto == IPPROTO_TCP) {
		maybe(m, FIELD_TCP_SRC, v10);
		maybe(m, FIELD_TCP_DST, v10);
		if (!v10)
			maybe(m, FIELD_TCP_FLAGS, v10);
	} else if (proto == IPPROTO_UDP) {
		maybe(m, FIELD_UDP_SRC, v10);
		maybe(m, FIELD_UDP_DST, v10);
	} else if (proto == IPPROTO_SCTP) {
		maybe(m, FIELD_SCTP_SRC, v10);
		maybe(m, FIELD_SCTP_DST, v10);
	} else if (proto == IPPROTO_ICMP && !ipv6) {
		maybe(m, FIELD_ICMPV4_TYPE, v10);
		maybe(m, FIELD_ICMPV4_CODE, v10);
	} else if (proto == IPPROTO_ICMPV6 && ipv6) {
		hal_match_set_u64(m, FIELD_ICMPV6_TYPE, 135);
		hal_match_set_u64(m, FIELD_ICMPV6_CODE, 0);
		if (!v10) {
			maybe(m, FIELD_ND_TARGET, v10);
			maybe(m, FIELD_ND_SLL, v10);
		}
	}
}

static void rnd_ip(struct hal_match *m, bool v10, bool ipv6)
{
	hal_match_set_u64(m, FIELD_ETH_TYPE, ipv6 ? 0x86dd : 0x0800);
	if (!ipv6) {
		maybe_prefix(m, FIELD_IPV4_SRC);
		maybe_prefix(m, FIELD_IPV4_DST);
	} else if (!v10) {
		maybe(m, FIELD_IPV6_SRC, v10);
		maybe(m, FIELD_IPV6_DST, v10);
		maybe(m, FIELD_IPV6_FLABEL, v10);
	}
	maybe(m, FIELD_IP_DSCP, v10);
	if (!v10) {
		maybe(m, FIELD_IP_ECN, v10);
		maybe(m, FIELD_IP_TTL, v10);
	}
	if (often())
		rnd_transport(m, v10, ipv6);
}

static void rnd_arp(struct hal_match *m, bool v10)
{
	hal_match_set_u64(m, FIELD_ETH_TYPE, 0x0806);
	if (often())
		hal_match_set_u64(m, FIELD_ARP_OP, rnd_below(256));
	maybe_prefix(m, FIELD_ARP_SPA);
	maybe_prefix(m, FIELD_ARP_TPA);
	if (!v10) {
		maybe(m, FIELD_ARP_SHA, v10);
		maybe(m, FIELD_ARP_THA, v10);
	}
}

static void rnd_mpls(struct hal_match *m)
{
	hal_match_set_u64(m, FIELD_ETH_TYPE, 0x8847);
	maybe(m, FIELD_MPLS_LABEL, false);
	maybe(m, FIELD_MPLS_TC, false);
	maybe(m, FIELD_MPLS_BOS, false);
	maybe(m, FIELD_MPLS_TTL, false);
}

void rnd_match(struct hal_match *m, bool v10)
{
	memset(m, 0, sizeof(*m));
	if (often())
		hal_match_set_u64(m, FIELD_IN_PORT, 1 + rnd_below(0xfeff));
	maybe(m, FIELD_ETH_SRC, v10);
	maybe(m, FIELD_ETH_DST, v10);
	if (often())
		rnd_vlan(m);
	if (!v10) {
		maybe(m, FIELD_METADATA, v10);
		maybe(m, FIELD_TUNNEL_ID, v10);
		maybe(m, (enum hal_field_id)(FIELD_REG0 + rnd_below(16)), v10);
		maybe(m, FIELD_PKT_MARK, v10);
	}
	switch (rnd_below(v10 ? 4 : 5)) {
	case 0:
		rnd_ip(m, v10, false);
		break;
	case 1:
		rnd_ip(m, v10, true);
		break;
	case 2:
		rnd_arp(m, v10);
		break;
	case 4:
		rnd_mpls(m);
		break;
	default:
		break;
	}
}

static void rnd_set(struct of_actions *acts, bool v10)
{
	static const enum hal_field_id fields[] = {FIELD_ETH_SRC, FIELD_ETH_DST, FIELD_IPV4_SRC,
		FIELD_IPV4_DST, FIELD_IP_DSCP, FIELD_REG3, FIELD_REG15, FIELD_METADATA,
		FIELD_IPV6_SRC, FIELD_IPV6_FLABEL, FIELD_TUNNEL_ID, FIELD_IP_TTL, FIELD_TCP_DST,
		FIELD_MPLS_LABEL, FIELD_ARP_SHA, FIELD_PKT_MARK};
	enum hal_field_id id = fields[rnd_below(sizeof(fields) / sizeof(fields[0]))];
	uint8_t value[16], mask[16], ones[HAL_VALUE_MAX];
	bool masked =
		hal_fields[id].maskable == MASK_ANY && id != FIELD_TCP_DST && rnd_below(3) == 0;
	bool any = false;

	/* What 1.0 sets ports of depends on the match. */
	if (v10 && id == FIELD_TCP_DST)
		return;
	hal_field_ones(id, ones);
	for (unsigned i = 0; i < hal_field_bytes(id); i++) {
		mask[i] = masked ? (uint8_t)rnd() & ones[i] : ones[i];
		value[i] = (uint8_t)rnd() & mask[i];
		any |= mask[i];
	}
	if (any)
		of_actions_push_set(acts, id, value, mask);
}

static uint32_t rnd_port(void)
{
	static const uint32_t reserved[] = {OF_PORT_IN_PORT, OF_PORT_NORMAL, OF_PORT_FLOOD,
		OF_PORT_ALL, OF_PORT_CONTROLLER, OF_PORT_LOCAL};

	return rnd_below(3) ? 1 + rnd_below(0xfeff) : reserved[rnd_below(6)];
}

static void rnd_action(struct of_actions *acts, bool v10)
{
	struct of_action a = {.type = OFACT_OUTPUT};

	switch (rnd_below(10)) {
	case 0:
	case 1:
	case 2:
		rnd_set(acts, v10);
		return;
	case 3:
		a = (struct of_action){
			.type = OFACT_MOVE, .field = FIELD_ETH_SRC, .dst_field = FIELD_REG2};
		a.n_bits = (uint16_t)(1 + rnd_below(32));
		a.src_ofs = (uint16_t)rnd_below(49u - a.n_bits);
		a.dst_ofs = (uint16_t)rnd_below(33u - a.n_bits);
		break;
	case 4:
		a = (struct of_action){.type = OFACT_RESUBMIT, .port = 1 + rnd_below(0xfeff)};
		a.table = (uint8_t)(often() ? 0xff : rnd_below(OF_TABLES));
		break;
	case 5:
		a.type = v10 ? OFACT_SET_VLAN_VID_10 : OFACT_PUSH_VLAN;
		a.vlan = v10 ? (uint16_t)rnd_below(4096) : 0;
		a.eth_type = v10 ? 0 : often() ? 0x8100 : 0x88a8;
		break;
	case 6:
		a.type = often() ? OFACT_POP_VLAN : OFACT_DEC_NW_TTL;
		break;
	case 7:
		a.type = v10 ? OFACT_ENQUEUE : OFACT_SET_QUEUE;
		a.port = v10 ? 1 + rnd_below(100) : 0;
		a.queue = (uint32_t)rnd();
		break;
	default:
		a.port = rnd_port();
		a.max_len = a.port == OF_PORT_CONTROLLER ? (uint16_t)rnd() : 0;
		break;
	}
	of_actions_push(acts, &a);
}

void rnd_actions(struct of_actions *acts, bool v10)
{
	*acts = (struct of_actions){0};
	for (unsigned n = rnd_below(6); n > 0; n--)
		rnd_action(acts, v10);
}

void rnd_flow_mod(struct of_flow_mod *fm, bool v10)
{
	*fm = (struct of_flow_mod){
		.command = (enum of_flow_mod_command)rnd_below(5),
		.version = v10 ? OFP10 : OFP13,
		.priority = (uint16_t)rnd(),
		.cookie = rnd(),
		.idle_timeout = (uint16_t)rnd(),
		.hard_timeout = (uint16_t)rnd(),
		.flags = (uint16_t)rnd_below(v10 ? 4 : 32),
		.buffer_id = OF_NO_BUFFER,
		.out_port = often() ? OF_PORT_ANY : 1 + rnd_below(100),
		.out_group = OF_GROUP_ANY,
	};
	bool is_delete = fm->command >= OF_FLOW_DELETE;

	rnd_match(&fm->match, v10);
	fm->table = v10 ? (is_delete ? OF_TABLE_ALL : 0) : (uint8_t)rnd_below(200);
	if (v10 && fm->command == OF_FLOW_ADD)
		fm->flags |= OF_FLOW_RESET_COUNTS;
	if (!v10)
		fm->cookie_mask = rnd();
	if (is_delete)
		return;
	rnd_actions(&fm->ins.apply, v10);
	if (v10)
		return;
	rnd_actions(&fm->ins.write, v10);
	fm->ins.clear = often();
	if (often()) {
		fm->ins.has_metadata = true;
		fm->ins.metadata_mask = rnd();
		fm->ins.metadata = rnd() & fm->ins.metadata_mask;
	}
	if (often()) {
		fm->ins.has_goto = true;
		fm->ins.goto_table =
			(uint8_t)(fm->table + 1 + rnd_below(OF_TABLES - fm->table - 1u));
	}
}

bool match_equal(const struct hal_match *a, const struct hal_match *b)
{
	return !memcmp(a, b, sizeof(*a));
}
