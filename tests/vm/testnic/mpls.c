// SPDX-License-Identifier: GPL-2.0
/*
 * MPLS label stack entries (RFC 3032) pushed, popped and written.
 */
#include <linux/if_vlan.h>
#include <linux/mpls.h>
#include <net/mpls.h>
#include <net/tc_act/tc_mpls.h>

#include "testnic.h"

#define LSE 4

static u32 part(u32 lse, u32 value, u32 shift, u32 mask)
{
	return (lse & ~mask) | (value << shift & mask);
}

/* What the card is not told to write is as the kernel says it. */
static u32 written(u32 lse, u32 label, u8 tc, u8 bos, u8 ttl)
{
	if (label != ACT_MPLS_LABEL_NOT_SET)
		lse = part(lse, label, MPLS_LS_LABEL_SHIFT, MPLS_LS_LABEL_MASK);
	if (tc != ACT_MPLS_TC_NOT_SET)
		lse = part(lse, tc, MPLS_LS_TC_SHIFT, MPLS_LS_TC_MASK);
	if (bos != ACT_MPLS_BOS_NOT_SET)
		lse = part(lse, bos, MPLS_LS_S_SHIFT, MPLS_LS_S_MASK);
	if (ttl)
		lse = part(lse, ttl, MPLS_LS_TTL_SHIFT, MPLS_LS_TTL_MASK);
	return lse;
}

/* Moves what is before `at` by so many bytes, towards the front or away from it. */
static int move_front(struct sk_buff *skb, int at, int by)
{
	int err = skb_cow_head(skb, by > 0 ? by : 0);

	if (!err)
		err = skb_ensure_writable(skb, at + (by < 0 ? -by : 0));
	if (err)
		return err;
	if (by > 0) {
		skb_push(skb, by);
		memmove(skb->data, skb->data + by, at);
	} else {
		memmove(skb->data - by, skb->data, at);
		__skb_pull(skb, -by);
	}
	skb_reset_mac_header(skb);
	return 0;
}

/* An EtherType stands right before what it tells of. */
static void set_type(struct sk_buff *skb, int at, __be16 type)
{
	memcpy(skb->data + at - sizeof(type), &type, sizeof(type));
	skb->protocol = eth_hdr(skb)->h_proto;
}

int testnic_mpls_push(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	__be16 proto;
	int at = testnic_l3_offset(skb, &proto), err;
	u8 bos = entry->mpls_push.bos;
	__be32 lse;

	if (at < 0)
		return at;
	if (bos == ACT_MPLS_BOS_NOT_SET)
		bos = !eth_p_mpls(proto);
	err = move_front(skb, at, LSE);
	if (err)
		return err;
	lse = cpu_to_be32(
		written(0, entry->mpls_push.label, entry->mpls_push.tc, bos, entry->mpls_push.ttl));
	memcpy(skb->data + at, &lse, sizeof(lse));
	set_type(skb, at, entry->mpls_push.proto);
	return 0;
}

int testnic_mpls_pop(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	__be16 proto;
	int at = testnic_l3_offset(skb, &proto), err;

	if (at < 0 || !eth_p_mpls(proto))
		return -EINVAL;
	err = move_front(skb, at, -LSE);
	if (!err)
		set_type(skb, at, entry->mpls_pop.proto);
	return err;
}

int testnic_mpls_mangle(struct sk_buff *skb, const struct flow_action_entry *entry)
{
	__be16 proto;
	int at = testnic_l3_offset(skb, &proto);
	__be32 lse;

	if (at < 0 || !eth_p_mpls(proto) || skb_copy_bits(skb, at, &lse, sizeof(lse)))
		return -EINVAL;
	lse = cpu_to_be32(written(be32_to_cpu(lse), entry->mpls_mangle.label, entry->mpls_mangle.tc,
		entry->mpls_mangle.bos, entry->mpls_mangle.ttl));
	return skb_store_bits(skb, at, &lse, sizeof(lse));
}
