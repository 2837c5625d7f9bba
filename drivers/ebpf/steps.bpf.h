/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a rule's program.
 *
 * A step is a subprogram of its own, so that the verifier looks at it once. Headers are found where
 * they were when the packet was parsed, which is done again after a tag came or went.
 */
#ifndef SLUICE_DRIVERS_EBPF_STEPS_BPF_H
#define SLUICE_DRIVERS_EBPF_STEPS_BPF_H

#include "drivers/ebpf/meter.bpf.h"
#include "drivers/ebpf/tunnel.bpf.h"

static __always_inline const struct ebpf_step *get_step(__u32 slot, __u32 i)
{
	const struct ebpf_slot *s = bpf_map_lookup_elem(&slots, &slot);
	const struct ebpf_program *p;
	__u64 at = i & (EBPF_STEPS - 1);

	if (!s)
		return NULL;
	if (s->n > EBPF_INLINE) {
		p = bpf_map_lookup_elem(&programs, &s->program);
		if (!p)
			return NULL;
		barrier_var(at); /* the compiler would add it to a pointer that may be none */
		return at < EBPF_STEPS ? &p->step[at] : NULL;
	}
	switch (at) { /* offsets that the verifier need not reckon with */
	case 0:
		return &s->step[0];
	case 1:
		return &s->step[1];
	case 2:
		return &s->step[2];
	default:
		return NULL;
	}
}
_Static_assert(EBPF_INLINE == 3, "get_step() knows of three");

/* ---- checksums ---- */

/* Where the transport's is, 0: it has none that changes by what is added. */
static __always_inline __u32 sum_at(const struct work *w, __u64 *flags)
{
	if (!w->l4)
		return 0;
	switch (w->proto) {
	case IPPROTO_TCP:
		return w->l4 + 16;
	case IPPROTO_UDP: /* 0: there is none */
		*flags |= MUTATE(604, BPF_F_MARK_MANGLED_0, 0);
		return w->l4 + 6;
	case IPPROTO_ICMPV6:
	case IPPROTO_ICMP:
		return w->l4 + 2;
	default:
		return 0;
	}
}

static __always_inline void correct(
	struct __sk_buff *skb, const struct work *w, __u32 sum, __u64 diff)
{
	__u64 flags = 0;
	__u32 at;

	if (MUTATE(602, sum & EBPF_SUM_IP, 0))
		bpf_l3_csum_replace(skb, w->l3 + 10, 0, diff, 0);
	at = sum_at(w, &flags);
	if (!at)
		return;
	if (sum & EBPF_SUM_PSEUDO && w->proto != IPPROTO_ICMP && MUTATE(603, 1, 0))
		bpf_l4_csum_replace(skb, at, 0, diff, flags | BPF_F_PSEUDO_HDR);
	if (sum & EBPF_SUM_L4)
		bpf_l4_csum_replace(skb, at, 0, diff, flags);
}

/* ---- header fields ---- */

/* Where the header is; 0 and *verdict if it is not there. */
static __always_inline __u32 find_header(
	const struct work *w, const struct ebpf_step *s, int *verdict)
{
	*verdict = TC_ACT_SHOT;
	switch (s->base) {
	case EBPF_L4:
		if (w->l4 && w->proto != s->proto)
			return 0;
		*verdict = GO_ON;
		return w->l4;
	case EBPF_ND_TARGET:
		*verdict = GO_ON;
		return w->nd;
	case EBPF_ND_SLL:
		*verdict = GO_ON;
		return w->nd_sll;
	case EBPF_ND_TLL:
		*verdict = GO_ON;
		return w->nd_tll;
	default:
		return w->base == s->base ? w->l3 : 0;
	}
}

static __always_inline int write_field(
	struct __sk_buff *skb, const struct work *w, const struct ebpf_step *s, __u32 at)
{
	__u64 old = 0, new;
	__u64 size = s->size - 1u;
	__u32 sum = s->sum;

	barrier_var(size);
	size = (size & 7) + 1; /* in bounds that every verifier sees */
	if (bpf_skb_load_bytes(skb, at, &old, (__u32)size))
		return TC_ACT_SHOT;
	new = (old & ~s->mask) | s->value;
	if (new == old)
		return GO_ON;
	/* The pseudo-header has the final destination, not the next stop of a source route. */
	if (w->routed && w->base == EBPF_IPV6 && s->base == EBPF_IPV6 && s->at >= 24)
		sum = 0;
	if (sum)
		correct(skb, w, sum, (__u64)bpf_csum_diff((__be32 *)&old, 8, (__be32 *)&new, 8, 0));
	/* What a checksum in the packet makes up for leaves the sum of the whole as it was; the one
	 * of IPv6's addresses has counted it. */
	if (bpf_skb_store_bytes(skb, at, &new, (__u32)size,
		    s->base == EBPF_FRAME || (sum && s->base != EBPF_IPV6) ? 0
									   : BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return GO_ON;
}

static __always_inline int set_field(
	struct __sk_buff *skb, struct work *w, const struct ebpf_step *s)
{
	int verdict;
	__u32 at;

	/* What is in a message depends on its type. */
	if (s->base == EBPF_L4 && (s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6))
		w->stale = 1;
	if (s->base == EBPF_FRAME)
		return write_field(skb, w, s, s->at);
	at = find_header(w, s, &verdict);
	if (!at)
		return verdict;
	return write_field(skb, w, s, at + s->at);
}

static __always_inline int dec_ttl(struct __sk_buff *skb, const struct work *w)
{
	const __u32 at = w->l3 + (w->base == EBPF_IPV4 ? 8 : 7);
	__u32 old = 0, new = 0;

	if (w->base != EBPF_IPV4 && w->base != EBPF_IPV6)
		return TC_ACT_SHOT;
	if (w->base == EBPF_IPV6) {
		if (bpf_skb_load_bytes(skb, at, &old, 1))
			return TC_ACT_SHOT;
		*(__u8 *)&old -= MUTATE(623, 1, 0);
		bpf_skb_store_bytes(skb, at, &old, 1, BPF_F_RECOMPUTE_CSUM);
		return GO_ON;
	}
	if (bpf_skb_load_bytes(skb, at, &old, 2))
		return TC_ACT_SHOT;
	new = old;
	*(__u8 *)&new -= 1;
	if (MUTATE(605, 1, 0))
		bpf_l3_csum_replace(skb, w->l3 + 10, old, new, 2);
	bpf_skb_store_bytes(skb, at, &new, 2, 0);
	return GO_ON;
}

/* ---- tags ---- */

static __always_inline int push_vlan(struct __sk_buff *skb, struct work *w, __u16 tpid, __u32 tci)
{
	w->stale = MUTATE(624, 1, 0);
	return bpf_skb_vlan_push(skb, tpid, (__u16)tci) ? TC_ACT_SHOT : GO_ON;
}

static __always_inline int pop_vlan(struct __sk_buff *skb, struct work *w)
{
	if (!w->tags)
		return TC_ACT_SHOT;
	w->stale = 1;
	return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : GO_ON;
}

static __always_inline int set_vlan(struct __sk_buff *skb, const struct ebpf_step *s)
{
	const __u16 tpid = (__u16)skb->vlan_proto;
	const __u32 tci = (skb->vlan_tci & MUTATE(620, ~(__u32)s->mask, 0)) | (__u32)s->value;

	if (!skb->vlan_present)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) || bpf_skb_vlan_push(skb, tpid, (__u16)tci) ? TC_ACT_SHOT
										 : GO_ON;
}

/* ---- output ---- */

/* Into the host's stack. */
static __always_inline int output_host(struct __sk_buff *skb, const struct ebpf_step *s)
{
	const __u32 name = s->arg;
	struct ebpf_traffic *c = bpf_map_lookup_elem(&hosts, &name);

	if (c) {
		c->tx_packets++;
		c->tx_bytes += bytes_of(skb);
	}
	if (s->last)
		return (int)bpf_redirect(name & ~EBPF_HOST, BPF_F_INGRESS);
	bpf_clone_redirect(skb, name & ~EBPF_HOST, BPF_F_INGRESS);
	return GO_ON;
}

/* Through the netdev's own way out, even where the other end of a veth could be reached at once
 * (bpf_redirect_peer): its counters, taps, filters and queueing are what it is a port for, and the
 * short cut is no faster. */
static __always_inline int output(struct __sk_buff *skb, const struct ebpf_step *s)
{
	if (s->arg & EBPF_HOST)
		return output_host(skb, s);
	if (s->last)
		return (int)bpf_redirect(s->arg, 0);
	if (MUTATE(619, 1, 0))
		bpf_clone_redirect(skb, s->arg, 0);
	return GO_ON;
}

/* ---- all of them ---- */

static __always_inline int needs_headers(__u8 op)
{
	return op == EBPF_SET || op == EBPF_DEC_TTL || op == EBPF_POP_VLAN ||
	       op == EBPF_ENCAPSULATE || op == EBPF_METER;
}

__attribute__((noinline)) int run_step(struct __sk_buff *skb, __u32 slot, __u32 i)
{
	const struct ebpf_step *s = get_step(slot, i);
	struct work *w = get_work();

	if (!s || !w)
		return TC_ACT_SHOT;
	if (w->stale && needs_headers(s->op) && parse(skb))
		return TC_ACT_SHOT;
	switch (s->op) {
	case EBPF_OUTPUT:
		return output(skb, s);
	case EBPF_PUSH_VLAN:
		return push_vlan(
			skb, w, MUTATE(606, (__u16)s->arg, bpf_htons(ETH_P_8021Q)), s->arg2);
	case EBPF_POP_VLAN:
		return pop_vlan(skb, w);
	case EBPF_SET:
		return set_field(skb, w, s);
	case EBPF_SET_VLAN:
		return set_vlan(skb, s);
	case EBPF_SET_MARK:
		w->key.pkt_mark = (w->key.pkt_mark & ~(__u32)s->mask) | (__u32)s->value;
		return GO_ON;
	case EBPF_DEC_TTL:
		return dec_ttl(skb, w);
	case EBPF_RECIRC:
		w->chain = MUTATE(630, s->arg, 0);
		return AGAIN;
	case EBPF_HEADER:
		return keep_header(w, s);
	case EBPF_ENCAPSULATE:
		return encapsulate(skb, s->arg, s->size, s->field);
	case EBPF_FITS:
	case EBPF_NOTHING:
		return GO_ON;
	case EBPF_METER:
		return meter(skb, s->arg);
	default:
		return TC_ACT_SHOT;
	}
}

#endif
