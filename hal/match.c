/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/match.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

void hal_match_set(
	struct hal_match *m, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	uint8_t ones[HAL_VALUE_MAX], zeros[HAL_VALUE_MAX] = {0};

	hal_field_ones(id, ones);
	mask = mask ? mask : ones;
	hal_field_set(id, &m->value, zeros, NULL);
	hal_field_set(id, &m->value, value, mask);
	hal_field_set(id, &m->mask, mask, NULL);
}

void hal_match_set_u64(struct hal_match *m, enum hal_field_id id, uint64_t value)
{
	uint8_t ones[HAL_VALUE_MAX];

	hal_field_ones(id, ones);
	hal_field_set_u64(id, &m->value, value);
	hal_field_set(id, &m->mask, ones, NULL);
}

/* What decides how shared members are to be read. */
struct reading {
	bool vlan_raw;  /* the TCI is no VID and PCP, but bits */
	bool arp, ipv6; /* by ethertype */
	uint8_t l4;     /* protocol number, 0: unknown */
};

/* A TCI reads as VLAN_VID and VLAN_PCP if the PCP is matched wholly or not at all, and not without
 * a tag being there. */
static bool vlan_is_raw(const struct hal_key *value, const struct hal_key *mask)
{
	const rte_be16_t present = RTE_BE16(HAL_VLAN_PRESENT);

	if (!hal_field_any(FIELD_VLAN_PCP, mask))
		return false;
	return !hal_field_all(FIELD_VLAN_PCP, mask) ||
	       !(value->vlan[0].tci & mask->vlan[0].tci & present);
}

static struct reading read_as(const struct hal_key *value, const struct hal_key *mask)
{
	struct reading r = {.vlan_raw = vlan_is_raw(value, mask)};
	bool ipv4 = false;
	uint16_t eth_type;

	if (hal_match_eth_type(value, mask, &eth_type)) {
		switch (eth_type) {
		case RTE_ETHER_TYPE_ARP:
		case RTE_ETHER_TYPE_RARP:
			r.arp = true;
			break;
		case RTE_ETHER_TYPE_IPV4:
			ipv4 = true;
			break;
		case RTE_ETHER_TYPE_IPV6:
			r.ipv6 = true;
			break;
		}
	}
	if ((ipv4 || r.ipv6) && mask->ip_proto == 0xff)
		r.l4 = value->ip_proto;
	if ((r.l4 == IPPROTO_ICMP && !ipv4) || (r.l4 == IPPROTO_ICMPV6 && !r.ipv6))
		r.l4 = 0;
	return r;
}

static bool is_port_of_tcp(uint8_t l4)
{
	return l4 != IPPROTO_UDP && l4 != IPPROTO_SCTP && l4 != IPPROTO_ICMP &&
	       l4 != IPPROTO_ICMPV6;
}

/* True if the field names its bits under this reading. For every bit of a key that has a field at
 * all this chooses one. Ports of unknown protocols read as those of TCP. */
static bool is_read_as(enum hal_field_id id, const struct reading *r)
{
	switch (id) {
	case FIELD_VLAN_TCI:
		return r->vlan_raw;
	case FIELD_VLAN_VID:
	case FIELD_VLAN_PCP:
		return !r->vlan_raw;
	case FIELD_IPV4_SRC:
	case FIELD_IPV4_DST:
		return !r->arp;
	case FIELD_ARP_SPA:
	case FIELD_ARP_TPA:
		return r->arp;
	case FIELD_ARP_SHA:
	case FIELD_ARP_THA:
		return !r->ipv6;
	case FIELD_ND_SLL:
	case FIELD_ND_TLL:
		return r->ipv6;
	case FIELD_TCP_SRC:
	case FIELD_TCP_DST:
		return is_port_of_tcp(r->l4);
	case FIELD_UDP_SRC:
	case FIELD_UDP_DST:
		return r->l4 == IPPROTO_UDP;
	case FIELD_SCTP_SRC:
	case FIELD_SCTP_DST:
		return r->l4 == IPPROTO_SCTP;
	case FIELD_ICMPV4_TYPE:
	case FIELD_ICMPV4_CODE:
		return r->l4 == IPPROTO_ICMP;
	case FIELD_ICMPV6_TYPE:
	case FIELD_ICMPV6_CODE:
		return r->l4 == IPPROTO_ICMPV6;
	case FIELD_NW_TOS: /* IP_DSCP */
		return false;
	default:
		return id < FIELD_XREG0 || id > FIELD_XXREG3; /* registers as 32-bit ones */
	}
}

/* Fields of the connection's original direction, whose prerequisite is the ethertype: they come
 * last, so that a list of fields in this order states prerequisites first. */
static bool is_late(enum hal_field_id id)
{
	return id >= FIELD_CT_NW_PROTO && id <= FIELD_CT_TP_DST;
}

int hal_match_fields(
	const void *value, const void *mask, size_t len, hal_match_field_cb *cb, void *ctx)
{
	struct reading r = read_as(value, mask);

	for (int late = 0; late <= 1; late++) {
		for (unsigned i = 0; i < FIELD_MAX; i++) {
			enum hal_field_id id = (enum hal_field_id)i;
			uint8_t v[HAL_VALUE_MAX], m[HAL_VALUE_MAX];
			int stop;

			if (is_late(id) != late ||
				hal_fields[id].offset + (size_t)hal_fields[id].size > len ||
				!is_read_as(id, &r) || !hal_field_any(id, mask))
				continue;
			hal_field_get(id, value, v);
			hal_field_get(id, mask, m);
			for (unsigned j = 0; j < hal_field_bytes(id); j++)
				v[j] &= m[j];
			stop = cb(ctx, id, v, m);
			if (stop)
				return stop;
		}
	}
	return 0;
}
