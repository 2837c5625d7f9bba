/* SPDX-License-Identifier: Apache-2.0
 *
 * Megaflows without what means nothing: the less they ask for and do, the more devices take them.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "ofctl/pipeline/xlate.h"

/* ---- matches ---- */

static bool is_icmp(const struct hal_key *key, const struct hal_key *mask)
{
	if (mask->eth_type != RTE_BE16(0xffff) || mask->ip_proto != 0xff)
		return false;
	return (key->eth_type == RTE_BE16(ETH_P_IP) && key->ip_proto == IPPROTO_ICMP) ||
	       (key->eth_type == RTE_BE16(ETH_P_IPV6) && key->ip_proto == IPPROTO_ICMPV6);
}

void xlate_simplify(const struct hal_key *key, struct hal_key *mask)
{
	mask->ip_frag &= HAL_FRAG_ANY | HAL_FRAG_LATER;
	for (unsigned i = 0; i < 2; i++) {
		rte_be16_t *tci = &mask->vlan[i].tci;

		if (*tci & RTE_BE16(HAL_VLAN_PRESENT) && !key->vlan[i].tci)
			*tci = RTE_BE16(HAL_VLAN_PRESENT);
	}
	if (is_icmp(key, mask)) {
		mask->tp_src &= RTE_BE16(0x00ff);
		mask->tp_dst &= RTE_BE16(0x00ff);
	}
}

/* ---- programs ---- */

/* The last list that runs on a copy may as well have the packet itself. */
static void unwrap_last(struct hal_program *p)
{
	const struct hal_action *last = NULL;

	ACTION_FOR_EACH (a, p)
		last = a;
	if (!last || last->type != ACTION_CLONE)
		return;
	hal_program_cut(p, last, sizeof(struct hal_act_clone));
	unwrap_last(p);
}

/* Ports send no mark along: who reads it is another lookup, or the control plane. */
static bool reads_marks(const struct hal_action *a)
{
	switch (a->type) {
	case ACTION_OUTPUT:
	case ACTION_PUSH_VLAN:
	case ACTION_POP_VLAN:
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
	case ACTION_PUSH_PBB:
	case ACTION_POP_PBB:
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN:
	case ACTION_SET:
	case ACTION_DEC_TTL:
	case ACTION_METER:
	case ACTION_TRUNC:
		return false;
	default:
		return true;
	}
}

static bool is_mark(const struct hal_action *a)
{
	return a->type == ACTION_SET && ((const struct hal_act_set *)a)->field == FIELD_PKT_MARK;
}

static void drop_marks(struct hal_program *p)
{
	const struct hal_action *reader = NULL, *mark;

	ACTION_FOR_EACH (a, p)
		if (reads_marks(a))
			reader = a;
	do {
		mark = NULL;
		ACTION_FOR_EACH (a, p)
			if (a > reader && is_mark(a))
				mark = a;
		if (mark)
			hal_program_cut(p, mark, mark->len);
	} while (mark);
}

void xlate_tidy(struct hal_program *p)
{
	unwrap_last(p);
	drop_marks(p);
}
