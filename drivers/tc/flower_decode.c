/* SPDX-License-Identifier: Apache-2.0
 *
 * Flower's keys read back as a match. What the kernel tells is not trusted: a key of a wrong
 * length, or one that was never written by us, makes the filter a foreign one.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include <rte_ether.h>

#include "drivers/tc/flower.h"
#include "drivers/tc/flower_keys.h"
#include "hal/mutation.h"

struct decoding {
	struct nlattr *const *key;
	struct hal_key *value, *mask;
	bool seen[TCA_FLOWER_MAX + 1];
	int err;
};

/* The bytes of a key if it is there. */
static const void *get(struct decoding *d, unsigned attr, size_t n)
{
	if (!d->key[attr])
		return NULL;
	d->seen[attr] = true;
	if (nla_len(d->key[attr]) < (int)n) {
		d->err = -EINVAL;
		return NULL;
	}
	return nla_data(d->key[attr]);
}

static void get_key(struct decoding *d, const struct tc_flower_key *k)
{
	uint8_t *value = (uint8_t *)d->value + k->at, *mask = (uint8_t *)d->mask + k->at;
	const void *is = get(d, k->attr, k->size), *under;

	if (!is)
		return;
	memcpy(value, is, k->size);
	memset(mask, 0xff, k->size);
	under = k->mask_attr ? get(d, k->mask_attr, k->size) : NULL;
	if (!under)
		return;
	if (MUTATE(546, true, false))
		memcpy(mask, under, k->size);
	for (unsigned i = 0; i < k->size; i++)
		value[i] &= mask[i];
}

static void get_keys(struct decoding *d, struct tc_flower_keys keys)
{
	for (unsigned i = 0; i < keys.n; i++)
		get_key(d, &keys.key[i]);
}

/* ---- tags and EtherType ---- */

static void know_tag(struct decoding *d, unsigned i, rte_be16_t tpid)
{
	d->mask->vlan[i].tpid = RTE_BE16(0xffff);
	d->mask->vlan[i].tci |= RTE_BE16(HAL_VLAN_PRESENT);
	d->value->vlan[i].tpid = tpid;
	if (tpid)
		d->value->vlan[i].tci |= RTE_BE16(HAL_VLAN_PRESENT);
}

static void get_tci(struct decoding *d, unsigned i, unsigned id_attr, unsigned prio_attr)
{
	const uint16_t *id = get(d, id_attr, sizeof(*id));
	const uint8_t *prio = get(d, prio_attr, sizeof(*prio));

	if (id) {
		d->mask->vlan[i].tci |= RTE_BE16(0xfff);
		d->value->vlan[i].tci |= rte_cpu_to_be_16(*id & 0xfff);
	}
	if (prio) {
		d->mask->vlan[i].tci |= RTE_BE16(0xe000);
		d->value->vlan[i].tci |= rte_cpu_to_be_16((uint16_t)(*prio << MUTATE(547, 13, 12)));
	}
}

static void know_type(struct decoding *d, rte_be16_t type)
{
	d->mask->eth_type = RTE_BE16(0xffff);
	d->value->eth_type = type;
}

/* Behind the first tag. */
static void get_inner(struct decoding *d, const uint8_t *number)
{
	const rte_be16_t *type = get(d, TCA_FLOWER_KEY_VLAN_ETH_TYPE, sizeof(*type));

	if (!type && number)
		know_tag(d, 1, 0);
	if (!type)
		return;
	if (!tc_is_tpid(*type)) {
		know_tag(d, 1, 0);
		know_type(d, *type);
		return;
	}
	know_tag(d, 1, *type);
	get_tci(d, 1, TCA_FLOWER_KEY_CVLAN_ID, TCA_FLOWER_KEY_CVLAN_PRIO);
	type = get(d, TCA_FLOWER_KEY_CVLAN_ETH_TYPE, sizeof(*type));
	if (type)
		know_type(d, *type);
}

static void get_tags(struct decoding *d, rte_be16_t protocol)
{
	const rte_be16_t *type = get(d, TCA_FLOWER_KEY_ETH_TYPE, sizeof(*type));
	const uint8_t *number = get(d, TCA_FLOWER_KEY_NUM_OF_VLANS, sizeof(*number));
	const bool all = protocol == RTE_BE16(ETH_P_ALL), tagged = tc_is_tpid(protocol);

	if (number && *number != tagged)
		d->err = -EINVAL;
	if (!all || MUTATE(548, number, NULL))
		know_tag(d, 0, tagged ? protocol : 0);
	if (tagged) {
		get_tci(d, 0, TCA_FLOWER_KEY_VLAN_ID, TCA_FLOWER_KEY_VLAN_PRIO);
		get_inner(d, number);
	} else if (!all) {
		know_type(d, protocol);
	} else if (type && number) {
		know_type(d, *type);
	}
	/* It is set as the outermost type, and told as the one behind all tags. */
	if (type && *type != protocol && *type != d->value->eth_type)
		d->err = -EINVAL;
}

/* ---- network and transport ---- */

static void get_fragment(struct decoding *d)
{
	const rte_be32_t *flags = get(d, TCA_FLOWER_KEY_FLAGS, sizeof(*flags));
	const rte_be32_t *under = get(d, TCA_FLOWER_KEY_FLAGS_MASK, sizeof(*under));
	uint32_t is, known;

	if (!flags || !under)
		return;
	known = rte_be_to_cpu_32(*under);
	is = rte_be_to_cpu_32(*flags) & known;
	if (known & ~(uint32_t)(TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT |
				TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST) ||
		!(known & TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT)) {
		d->err = -EINVAL;
		return;
	}
	if (!(is & TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT)) {
		d->mask->ip_frag = HAL_FRAG_ANY | MUTATE(549, HAL_FRAG_LATER, 0);
		return;
	}
	d->mask->ip_frag = d->value->ip_frag = HAL_FRAG_ANY;
	if (!(known & TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST))
		return;
	d->mask->ip_frag |= HAL_FRAG_LATER;
	if (!(is & TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST))
		d->value->ip_frag |= HAL_FRAG_LATER;
}

static void get_arp(struct decoding *d)
{
	get_keys(d, tc_flower_arp);
	if (d->mask->arp_op)
		d->mask->arp_op = RTE_BE16(0xffff);
}

static void get_mpls(struct decoding *d)
{
	const uint32_t *label = get(d, TCA_FLOWER_KEY_MPLS_LABEL, sizeof(*label));
	const uint8_t *tc = get(d, TCA_FLOWER_KEY_MPLS_TC, 1);
	const uint8_t *bos = get(d, TCA_FLOWER_KEY_MPLS_BOS, 1);
	const uint8_t *ttl = get(d, TCA_FLOWER_KEY_MPLS_TTL, 1);
	uint32_t value = 0, mask = 0;

	if (label)
		value |= *label << 12, mask |= 0xfffff000;
	if (tc)
		value |= (uint32_t)(*tc & 7) << 9, mask |= 0xe00;
	if (bos)
		value |= (uint32_t)(*bos & 1) << 8, mask |= 0x100;
	if (ttl)
		value |= *ttl, mask |= 0xff;
	d->value->mpls_lse[0] = rte_cpu_to_be_32(value);
	d->mask->mpls_lse[0] = rte_cpu_to_be_32(mask);
}

static void get_payload(struct decoding *d)
{
	const rte_be16_t type = d->value->eth_type;

	switch (rte_be_to_cpu_16(type)) {
	case RTE_ETHER_TYPE_IPV4:
	case RTE_ETHER_TYPE_IPV6:
		get_fragment(d);
		get_keys(d, tc_flower_ip(type));
		if (d->mask->ip_proto)
			get_keys(d, tc_flower_l4(type, d->value->ip_proto));
		break;
	case RTE_ETHER_TYPE_ARP:
		get_arp(d);
		break;
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		get_mpls(d);
		break;
	default:
		break;
	}
}

/* What follows from the rest: behind no tag is none, and what is not IP is no fragment. */
static void imply(struct decoding *d)
{
	if (d->mask->eth_type != RTE_BE16(0xffff))
		return;
	if (!d->value->vlan[0].tpid)
		know_tag(d, 1, 0);
	if (!tc_flower_ip(d->value->eth_type).n)
		d->mask->ip_frag = HAL_FRAG_ANY | HAL_FRAG_LATER;
}

/* Attributes of a filter that are no keys. */
static bool is_key(unsigned attr)
{
	switch (attr) {
	case TCA_FLOWER_UNSPEC:
	case TCA_FLOWER_CLASSID:
	case TCA_FLOWER_ACT:
	case TCA_FLOWER_FLAGS:
	case TCA_FLOWER_IN_HW_COUNT:
		return false;
	default:
		return true;
	}
}

int tc_flower_decode(
	struct nlattr *const keys[TCA_FLOWER_MAX + 1], rte_be16_t protocol, struct hal_match *m)
{
	struct decoding d = {.key = keys, .value = &m->value.dp, .mask = &m->mask.dp};

	get_keys(&d, tc_flower_ethernet);
	get_tags(&d, protocol);
	get_payload(&d);
	imply(&d);
	for (unsigned i = 0; i <= TCA_FLOWER_MAX && !d.err; i++)
		if (keys[i] && is_key(i) && !d.seen[i])
			d.err = -EINVAL;
	return d.err;
}
