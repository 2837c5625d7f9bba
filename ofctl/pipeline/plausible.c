/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys as a parser makes them: nothing without the header that it is in.
 */
#include "ofctl/pipeline/oracle.h"

#include <netinet/in.h>
#include <string.h>

#include "hal/match.h"

/* Members that belong to no header that could be missing. */
static void allow_metadata(struct hal_key *allow)
{
	memset(allow->eth_dst, 0xff, sizeof(allow->eth_dst));
	memset(allow->eth_src, 0xff, sizeof(allow->eth_src));
	allow->in_port = allow->recirc_id = allow->pkt_mark = allow->dp_hash = 0xffffffff;
	allow->eth_type = 0xffff;
	memset(allow->vlan, 0xff, sizeof(allow->vlan));
	memset(allow->mpls_lse, 0xff, sizeof(allow->mpls_lse));
}

/* Takes away what the prerequisites of every field on it rule out. */
static void need_prerequisites(struct hal_key *k)
{
	struct xlate_key allow = {0}, key = {.dp = *k}, ones;
	const uint64_t *a = (const uint64_t *)&allow.dp;
	uint8_t full[HAL_VALUE_MAX];

	memset(&ones, 0xff, sizeof(ones));
	memset(full, 0xff, sizeof(full));
	allow_metadata(&allow.dp);
	for (unsigned id = 0; id < FIELD_MAX; id++)
		if (hal_field_is_dp((enum hal_field_id)id) &&
			hal_fields[id].offset + hal_field_bytes((enum hal_field_id)id) <=
				sizeof(struct hal_key) &&
			hal_field_prereq_ok((enum hal_field_id)id, &key, &ones))
			hal_field_set((enum hal_field_id)id, &allow, full, NULL);
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		((uint64_t *)k)[i] &= a[i];
}

static void tidy_tags(struct hal_key *k)
{
	for (unsigned i = 0; i < 2; i++) {
		struct hal_vlan *v = &k->vlan[i];

		if (!(v->tci & RTE_BE16(HAL_VLAN_PRESENT)) || (i && !k->vlan[0].tci))
			*v = (struct hal_vlan){0};
		else if (v->tpid != RTE_BE16(0x88a8))
			v->tpid = RTE_BE16(0x8100);
	}
}

static void tidy_labels(struct hal_key *k)
{
	bool more = k->eth_type == RTE_BE16(0x8847) || k->eth_type == RTE_BE16(0x8848);

	for (unsigned i = 0; i < 3; i++) {
		if (!more)
			k->mpls_lse[i] = 0;
		else
			more = !(k->mpls_lse[i] & RTE_BE32(0x100));
	}
}

static void tidy_transport(struct hal_key *k)
{
	k->ip_frag &= HAL_FRAG_ANY | HAL_FRAG_LATER;
	if (k->ip_frag & HAL_FRAG_LATER) {
		k->ip_frag |= HAL_FRAG_ANY;
		k->tp_src = k->tp_dst = k->tcp_flags = 0;
	}
	if (k->ip_proto == IPPROTO_ICMP || k->ip_proto == IPPROTO_ICMPV6 ||
		k->ip_proto == IPPROTO_IGMP) {
		k->tp_src &= RTE_BE16(0xff);
		k->tp_dst &= RTE_BE16(0xff);
	}
	k->tcp_flags &= RTE_BE16(0xfff);
	k->ipv6_flabel &= RTE_BE32(0xfffff);
	k->ipv6_exthdr &= RTE_BE16(0x1ff);
}

/* A tunnel is one of IPv4 or one of IPv6: of a mixture one half is left. */
static void tidy_tunnel(struct hal_key *k)
{
	if (k->dp_hash & RTE_BE32(1)) {
		k->tun_ipv4_src = k->tun_ipv4_dst = 0;
	} else {
		memset(k->tun_ipv6_src, 0, sizeof(k->tun_ipv6_src));
		memset(k->tun_ipv6_dst, 0, sizeof(k->tun_ipv6_dst));
	}
}

void key_make_plausible(struct hal_key *k)
{
	k->packet_type = 0;
	k->reserved = 0;
	need_prerequisites(k);
	if (k->tun_ipv4_src | k->tun_ipv4_dst)
		tidy_tunnel(k);
	tidy_tags(k);
	tidy_labels(k);
	tidy_transport(k);
	/* Neighbour discovery depends on what transport has become. */
	need_prerequisites(k);
}
