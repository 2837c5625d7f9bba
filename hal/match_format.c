/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/match.h"

#include <inttypes.h>
#include <netinet/in.h>

#include <rte_ether.h>

#include "hal/match_words.h"
#include "hal/option.h"
#include "hal/text.h"

const struct hal_match_word hal_match_words[] = {
	{"ip", RTE_ETHER_TYPE_IPV4, -1},
	{"icmp", RTE_ETHER_TYPE_IPV4, IPPROTO_ICMP},
	{"tcp", RTE_ETHER_TYPE_IPV4, IPPROTO_TCP},
	{"udp", RTE_ETHER_TYPE_IPV4, IPPROTO_UDP},
	{"sctp", RTE_ETHER_TYPE_IPV4, IPPROTO_SCTP},
	{"ipv6", RTE_ETHER_TYPE_IPV6, -1},
	{"ip6", RTE_ETHER_TYPE_IPV6, -1},
	{"icmp6", RTE_ETHER_TYPE_IPV6, IPPROTO_ICMPV6},
	{"tcp6", RTE_ETHER_TYPE_IPV6, IPPROTO_TCP},
	{"udp6", RTE_ETHER_TYPE_IPV6, IPPROTO_UDP},
	{"sctp6", RTE_ETHER_TYPE_IPV6, IPPROTO_SCTP},
	{"arp", RTE_ETHER_TYPE_ARP, -1},
	{"rarp", RTE_ETHER_TYPE_RARP, -1},
	{"mpls", 0x8847, -1},
	{"mplsm", 0x8848, -1},
	{NULL, 0, -1},
};

/* A match being printed, and its fields that are still to be. */
struct printer {
	struct hal_text t;
	const void *value, *mask;
	bool left[FIELD_MAX];
};

/* The order of the text: what comes before the protocol word, and what after. A name here takes
 * the place of the field's own. */
struct place {
	enum hal_field_id id;
	const char *name;
};

static const struct place before_word[] = {
	{FIELD_PKT_MARK, NULL},
	{FIELD_RECIRC_ID, NULL},
	{FIELD_DP_HASH, NULL},
	{FIELD_CONJ_ID, NULL},
	{FIELD_ACTSET_OUTPUT, NULL},
	{FIELD_CT_STATE, NULL},
	{FIELD_CT_ZONE, NULL},
	{FIELD_CT_MARK, NULL},
	{FIELD_CT_LABEL, NULL},
	{FIELD_CT_NW_SRC, NULL},
	{FIELD_CT_NW_DST, NULL},
	{FIELD_CT_IPV6_SRC, NULL},
	{FIELD_CT_IPV6_DST, NULL},
	{FIELD_CT_NW_PROTO, NULL},
	{FIELD_CT_TP_SRC, NULL},
	{FIELD_CT_TP_DST, NULL},
};

static const struct place tunnel[] = {
	{FIELD_TUNNEL_ID, NULL},
	{FIELD_TUN_IPV4_SRC, NULL},
	{FIELD_TUN_IPV4_DST, NULL},
	{FIELD_TUN_IPV6_SRC, NULL},
	{FIELD_TUN_IPV6_DST, NULL},
	{FIELD_TUN_GBP_ID, NULL},
	{FIELD_TUN_GBP_FLAGS, NULL},
	{FIELD_TUN_TOS, NULL},
	{FIELD_TUN_TTL, NULL},
	{FIELD_TUN_FLAGS, NULL},
};

static const struct place before_vlan[] = {
	{FIELD_TUN_OPTS_PRESENT, NULL},
	{FIELD_TUN_METADATA, NULL},
	{FIELD_METADATA, NULL},
	{FIELD_IN_PORT, NULL},
	{FIELD_IN_PHY_PORT, NULL},
	{FIELD_DP_PORT, NULL},
};

static const struct place after_vlan[] = {
	{FIELD_VLAN_TPID, NULL},
	{FIELD_VLAN2_TCI, NULL},
	{FIELD_VLAN2_TPID, NULL},
	{FIELD_ETH_SRC, "dl_src"},
	{FIELD_ETH_DST, "dl_dst"},
	{FIELD_ETH_TYPE, "dl_type"},
	{FIELD_PBB_ISID, NULL},
	{FIELD_PBB_UCA, NULL},
	{FIELD_IPV6_SRC, NULL},
	{FIELD_IPV6_DST, NULL},
};

static const struct place after_label[] = {
	{FIELD_IPV6_EXTHDR, NULL},
	{FIELD_ARP_SPA, NULL},
	{FIELD_ARP_TPA, NULL},
	{FIELD_IPV4_SRC, "nw_src"},
	{FIELD_IPV4_DST, "nw_dst"},
	{FIELD_IP_PROTO, "nw_proto"},
	{FIELD_ARP_OP, NULL},
	{FIELD_ARP_SHA, NULL},
	{FIELD_ARP_THA, NULL},
};

static const struct place after_tos[] = {
	{FIELD_IP_ECN, "nw_ecn"},
	{FIELD_IP_TTL, "nw_ttl"},
	{FIELD_MPLS_LABEL, NULL},
	{FIELD_MPLS_TC, NULL},
	{FIELD_MPLS_TTL, NULL},
	{FIELD_MPLS_BOS, NULL},
	{FIELD_MPLS_LSE2, NULL},
	{FIELD_MPLS_LSE3, NULL},
	{FIELD_IP_FRAG, "nw_frag"},
	{FIELD_ICMPV4_TYPE, NULL},
	{FIELD_ICMPV4_CODE, NULL},
	{FIELD_ICMPV6_TYPE, "icmp_type"},
	{FIELD_ICMPV6_CODE, "icmp_code"},
	{FIELD_ND_TARGET, NULL},
	{FIELD_ND_SLL, NULL},
	{FIELD_ND_TLL, NULL},
	{FIELD_TCP_SRC, "tp_src"},
	{FIELD_UDP_SRC, "tp_src"},
	{FIELD_SCTP_SRC, "tp_src"},
	{FIELD_TCP_DST, "tp_dst"},
	{FIELD_UDP_DST, "tp_dst"},
	{FIELD_SCTP_DST, "tp_dst"},
	{FIELD_TCP_FLAGS, NULL},
};

static void put_field(struct printer *p, enum hal_field_id id, const char *name)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	if (!p->left[id])
		return;
	p->left[id] = false;
	hal_field_get(id, p->value, value);
	hal_field_get(id, p->mask, mask);
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		value[i] &= mask[i];
	hal_text_comma(&p->t, 0);
	hal_text_put(&p->t, "%s=", name ? name : hal_fields[id].name);
	hal_text_took(
		&p->t, hal_field_format(id, value, mask, hal_text_at(&p->t), hal_text_room(&p->t)));
}

#define PUT_PLACES(P, PLACES) put_places((P), (PLACES), sizeof(PLACES) / sizeof((PLACES)[0]))

static void put_places(struct printer *p, const struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_field(p, places[i].id, places[i].name);
}

static void put_packet_type(struct printer *p)
{
	const struct hal_key *value = p->value;

	if (p->left[FIELD_PACKET_TYPE] && !value->packet_type &&
		hal_field_all(FIELD_PACKET_TYPE, p->mask)) {
		hal_text_comma(&p->t, 0);
		hal_text_put(&p->t, "eth");
		p->left[FIELD_PACKET_TYPE] = false;
	}
	put_field(p, FIELD_PACKET_TYPE, NULL);
}

/* Prints the most telling word there is, which then says what eth_type and ip_proto would. */
static void put_word(struct printer *p)
{
	const struct hal_key *value = p->value, *mask = p->mask;
	const struct hal_match_word *best = NULL;

	if (!hal_field_all(FIELD_ETH_TYPE, mask))
		return;
	for (const struct hal_match_word *w = hal_match_words; w->word; w++) {
		bool proto = w->ip_proto >= 0;

		if (rte_be_to_cpu_16(value->eth_type) != w->eth_type || (best && !proto) ||
			(proto && (mask->ip_proto != 0xff || value->ip_proto != w->ip_proto)))
			continue;
		best = w;
	}
	if (!best)
		return;
	hal_text_comma(&p->t, 0);
	hal_text_put(&p->t, "%s", best->word);
	p->left[FIELD_ETH_TYPE] = false;
	if (best->ip_proto >= 0)
		p->left[FIELD_IP_PROTO] = false;
}

/* dl_vlan and dl_vlan_pcp for a tag that is there, vlan_tci with its bits for the rest. */
static void put_vlan(struct printer *p)
{
	const struct hal_key *v = p->value, *m = p->mask;
	uint16_t mask = rte_be_to_cpu_16(m->vlan[0].tci);
	uint16_t tci = rte_be_to_cpu_16(v->vlan[0].tci) & mask;
	uint16_t vid_mask = mask & 0x0fff, pcp_mask = mask & 0xe000;

	p->left[FIELD_VLAN_TCI] = p->left[FIELD_VLAN_VID] = p->left[FIELD_VLAN_PCP] = false;
	if (!mask)
		return;
	if (tci & HAL_VLAN_PRESENT && (vid_mask == 0x0fff || !vid_mask) &&
		(pcp_mask == 0xe000 || !pcp_mask) && (vid_mask || pcp_mask)) {
		if (vid_mask) {
			hal_text_comma(&p->t, 0);
			hal_text_put(&p->t, "dl_vlan=%u", tci & 0x0fff);
		}
		if (pcp_mask) {
			hal_text_comma(&p->t, 0);
			hal_text_put(&p->t, "dl_vlan_pcp=%u", tci >> 13);
		}
		return;
	}
	hal_text_comma(&p->t, 0);
	hal_text_put(&p->t, "vlan_tci=0x%04x", tci);
	if (mask != 0xffff)
		hal_text_put(&p->t, "/0x%04x", mask);
}

/* With all of its five digits. */
static void put_label(struct printer *p)
{
	uint64_t mask = hal_field_get_u64(FIELD_IPV6_FLABEL, p->mask);
	uint64_t label = hal_field_get_u64(FIELD_IPV6_FLABEL, p->value) & mask;

	if (!p->left[FIELD_IPV6_FLABEL])
		return;
	p->left[FIELD_IPV6_FLABEL] = false;
	hal_text_comma(&p->t, 0);
	hal_text_put(&p->t, "ipv6_label=0x%05" PRIx64, label);
	if (mask != 0xfffff)
		hal_text_put(&p->t, "/0x%05" PRIx64, mask);
}

/* A whole DSCP is printed as the byte that it lies in. */
static void put_tos(struct printer *p)
{
	if (p->left[FIELD_IP_DSCP] && hal_field_all(FIELD_IP_DSCP, p->mask)) {
		hal_text_comma(&p->t, 0);
		hal_text_put(
			&p->t, "nw_tos=%" PRIu64, hal_field_get_u64(FIELD_IP_DSCP, p->value) << 2);
		p->left[FIELD_IP_DSCP] = false;
	}
	put_field(p, FIELD_IP_DSCP, NULL);
}

static int note_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct printer *p = ctx;

	(void)value;
	(void)mask;
	p->left[id] = true;
	return 0;
}

int hal_match_format(const void *value, const void *mask, bool dp, char *buf, size_t n)
{
	struct printer p = {.t = hal_text_start(buf, n), .value = value, .mask = mask};

	hal_match_fields(value, mask, dp ? sizeof(struct hal_key) : sizeof(struct xlate_key),
		note_field, &p);
	PUT_PLACES(&p, before_word);
	put_packet_type(&p);
	put_word(&p);
	for (unsigned i = 0; i < 16; i++)
		put_field(&p, (enum hal_field_id)(FIELD_REG0 + i), NULL);
	PUT_PLACES(&p, tunnel);
	if (p.left[FIELD_TUN_METADATA] || p.left[FIELD_TUN_OPTS_PRESENT])
		hal_options_put(&p.t, value, mask, &p.left[FIELD_TUN_OPTS_PRESENT],
			&p.left[FIELD_TUN_METADATA]);
	PUT_PLACES(&p, before_vlan);
	put_vlan(&p);
	PUT_PLACES(&p, after_vlan);
	put_label(&p);
	PUT_PLACES(&p, after_label);
	put_tos(&p);
	PUT_PLACES(&p, after_tos);
	for (unsigned id = 0; id < FIELD_MAX; id++)
		put_field(&p, (enum hal_field_id)id, NULL);
	return hal_text_end(&p.t);
}

int hal_cmatch_format(const struct hal_cmatch *cm, char *buf, size_t n)
{
	struct hal_match m;

	hal_cmatch_expand(cm, &m);
	return hal_match_format(&m.value, &m.mask, false, buf, n);
}
