/* SPDX-License-Identifier: Apache-2.0
 *
 * The datapath in the kernel: a program at the TC ingress of every port, and another at the TC
 * egress of those by which the host itself is at the switch.
 *
 * A packet is parsed, looked up under one mask after another, and goes through the steps of the
 * rule that it finds. Megaflows do not overlap: under whichever mask one is found, it is the one. A
 * packet that finds none goes up, as it came, to the netdev that the software path reads.
 *
 * The program runs with bottom halves disabled, so what is by CPU is its own while it runs.
 */
#include "drivers/ebpf/steps.bpf.h"
#include "drivers/ebpf/usual.bpf.h"

char LICENSE[] SEC("license") = "Apache-2.0";

/* ---- finding a rule ---- */

#define FILL(KEY, WORDS)                                                                     \
	do {                                                                                 \
		(KEY)->mask = number;                                                        \
		(KEY)->chain = MUTATE(609, w->chain, 0);                                     \
		for (int i_ = 0; i_ < (WORDS); i_++)                                         \
			(KEY)->w[i_] =                                                       \
				w->word[m->index[i_] & (EBPF_ROOM_WORDS - 1)] & m->mask[i_]; \
	} while (0)

/* The slot of the packet's rule under this mask, or -1. */
static __always_inline int look_under(struct work *w, __u32 number)
{
	const struct ebpf_mask *m = bpf_map_lookup_elem(&masks, &number);
	const struct ebpf_entry *entry;
	const __u32 *found;

	if (!m)
		return -1;
	switch (m->words) {
	case EBPF_NARROW:
		FILL(&w->look.key4, EBPF_NARROW);
		found = bpf_map_lookup_elem(&rules4, &w->look.key4);
		break;
	case EBPF_MIDDLE:
		FILL(&w->look.key8, EBPF_MIDDLE);
		found = bpf_map_lookup_elem(&rules8, &w->look.key8);
		break;
	case EBPF_WIDE:
		FILL(&w->look.key20, EBPF_WIDE);
		found = bpf_map_lookup_elem(&rules20, &w->look.key20);
		break;
	default:
		return -1;
	}
	if (!found)
		return -1;
	entry = bpf_map_lookup_elem(&entries, found);
	return entry && entry->slot < EBPF_SLOTS ? (int)entry->slot : -1;
}

__attribute__((noinline)) int look(__u32 number)
{
	struct work *w = get_work();

	return w ? look_under(w, number) : -1;
}

/* Packets of a flow find their rules under the same mask. */
static __always_inline __u32 flow_hash(const struct work *w)
{
	__u64 h = w->word[0] ^ w->chain;

	h = (h ^ w->word[4]) * 0x9e3779b97f4a7c15ull;
	h = (h ^ w->word[7] ^ w->word[8]) * 0x9e3779b97f4a7c15ull;
	h = (h ^ w->word[9] ^ w->word[10] ^ w->word[11] ^ w->word[12]) * 0x9e3779b97f4a7c15ull;
	return (__u32)(h >> 32);
}

static __always_inline __u8 *get_hint(const struct work *w)
{
	const __u32 hash = flow_hash(w), page = hash / EBPF_HINTS % EBPF_HINT_PAGES;
	struct ebpf_hints *h = bpf_map_lookup_elem(&hints, &page);

	return h ? &h->mask[hash % EBPF_HINTS] : NULL;
}

static __always_inline void count_mask(__u32 number)
{
	__u64 *hits = bpf_map_lookup_elem(&mask_hits, &number);

	if (hits)
		++*hits;
}

/* Under one mask after another. */
__attribute__((noinline)) int search(void)
{
	const __u32 zero = 0;
	const struct ebpf_control *c = bpf_map_lookup_elem(&control, &zero);
	const struct work *w = get_work();
	const struct ebpf_order *order;
	__u8 *hint = w ? get_hint(w) : NULL;
	__u32 number;
	int slot;

	if (!c || !hint)
		return -1;
	order = &c->order[c->which & 1];
	for (__u32 i = 0; i < EBPF_MASKS; i++) {
		if (i >= order->n)
			break;
		number = order->mask[i];
		slot = look(number);
		if (slot < 0)
			continue;
		*hint = (__u8)(number + 1);
		count_mask(number);
		return slot;
	}
	return -1;
}

static __always_inline int find(struct work *w)
{
	const __u8 *hint = get_hint(w);
	__u32 number;
	int slot;

	if (!hint || !*hint)
		return search();
	number = *hint - 1u;
	slot = look_under(w, number);
	if (slot < 0)
		return search();
	count_mask(number);
	return slot;
}

/* ---- a packet ---- */

static __always_inline void count_rule(const struct __sk_buff *skb, __u32 slot)
{
	const __u32 at = bpf_get_smp_processor_id() * EBPF_SLOTS + slot;
	struct ebpf_count *c = bpf_map_lookup_elem(&counts, &at);

	if (!c)
		return;
	c->packets += MUTATE(607, 1, 2);
	c->bytes += MUTATE(608, bytes_of(skb), skb->len);
	c->used = bpf_jiffies64();
}

static __always_inline const struct ebpf_step *first_step(__u32 slot)
{
	return get_step(slot, 0);
}

/* Takes the packet out of a tunnel. The slot of the rule for what was inside; GIVE_UP if there is
 * none, where the packet is as it came; or BROKEN. */
static __always_inline int out_of_tunnel(
	struct __sk_buff *skb, struct work *w, __u32 slot, const struct ebpf_step *s)
{
	const struct ebpf_step *inner;
	__u32 base = w->base, tunnel = s->arg;
	int found;

	if (w->popped || w->chain || look_inside(skb, s->arg, s->at, s->field))
		return GIVE_UP;
	found = find(w);
	if (found < 0)
		return GIVE_UP;
	inner = first_step((__u32)found);
	if (!inner || inner->op == EBPF_DECAPSULATE ||
		(inner->op == EBPF_FITS && !fits(skb, w, inner)))
		return GIVE_UP;
	count_rule(skb, slot);
	return take_off(skb, tunnel, base) ? BROKEN : found;
}

/* The slot whose steps are to be run, or as above. */
__attribute__((noinline)) int admit(struct __sk_buff *skb, __u32 slot)
{
	const struct ebpf_step *s = first_step(slot);
	struct work *w = get_work();

	if (!s || !w)
		return GIVE_UP;
	if (s->op == EBPF_DECAPSULATE)
		return out_of_tunnel(skb, w, slot, s);
	if (s->op == EBPF_FITS && !fits(skb, w, s))
		return GIVE_UP;
	return (int)slot;
}

/* A verdict, AGAIN, or GIVE_UP. */
__attribute__((noinline)) int run_steps(struct __sk_buff *skb, __u32 slot)
{
	const struct ebpf_step *first = first_step(slot);
	const struct ebpf_slot *s;
	int admitted = (int)slot;
	__u32 n;

	if (first && (first->op == EBPF_FITS || first->op == EBPF_DECAPSULATE))
		admitted = admit(skb, slot);
	if (admitted < 0)
		return admitted == BROKEN ? TC_ACT_SHOT : GIVE_UP;
	slot = (__u32)admitted;
	s = bpf_map_lookup_elem(&slots, &slot);
	if (!s)
		return GIVE_UP;
	n = s->n;
	count_rule(skb, slot);
	for (__u32 i = 0; i < EBPF_STEPS; i++) {
		int verdict;

		if (i >= n)
			break;
		verdict = run_step(skb, slot, i);
		if (verdict != GO_ON)
			return verdict;
	}
	return TC_ACT_SHOT;
}

/* The packet in one chain: a verdict, AGAIN, or GIVE_UP if no rule takes it. */
static __always_inline int pass_parsed(struct __sk_buff *skb, struct work *w)
{
	const int found = find(w);
	const __u32 slot = (__u32)found;
	const struct ebpf_slot *s;

	if (found < 0)
		return GIVE_UP;
	s = bpf_map_lookup_elem(&slots, &slot);
	if (!s)
		return GIVE_UP;
	if (s->n != 1 || s->step[0].op != EBPF_OUTPUT || !s->step[0].last)
		return run_steps(skb, slot);
	count_rule(skb, slot);
	return output(skb, &s->step[0]);
}

__attribute__((noinline)) int pass(struct __sk_buff *skb)
{
	struct work *w = get_work();

	return !w || parse(skb) ? GIVE_UP : pass_parsed(skb, w);
}

static __always_inline int miss(struct ebpf_stats *st, __u32 name)
{
	const struct ebpf_port *port = bpf_map_lookup_elem(&ports, &name);

	if (!port)
		return TC_ACT_UNSPEC;
	st->misses++;
	return MUTATE(601, port->miss, 0) ? (int)bpf_redirect(port->miss, BPF_F_INGRESS)
					  : TC_ACT_UNSPEC;
}

/* In other chains than the first. */
__attribute__((noinline)) int pass_on(struct __sk_buff *skb)
{
	struct ebpf_stats *st = get_stats();
	const struct work *w = get_work();

	for (__u32 i = 1; i < EBPF_PASSES; i++) {
		int verdict;

		if (!w || i + w->popped >= EBPF_PASSES)
			break;
		verdict = pass(skb);
		if (verdict == GIVE_UP)
			break;
		if (verdict != AGAIN)
			return verdict;
	}
	if (st)
		st->lost++;
	return TC_ACT_SHOT;
}

/* `name`: of the port that it came by. */
static __always_inline int forward(struct __sk_buff *skb, __u32 name)
{
	struct ebpf_stats *st = get_stats();
	struct work *w = get_work();
	int verdict;

	if (!w || !st)
		return TC_ACT_UNSPEC;
	for (int i = 0; i < 3; i++)
		w->word[i] = 0;
	forget_tunnel(w);
	w->origin = w->popped = 0;
	w->key.in_port = name;
	w->chain = 0;
	verdict = parse_usual(skb, w) ? pass_parsed(skb, w) : pass(skb);
	if (verdict == GIVE_UP)
		return miss(st, name);
	st->hits++;
	return verdict == AGAIN ? MUTATE(694, pass_on(skb), TC_ACT_SHOT) : verdict;
}

/* A full barrier, too. */
static __always_inline void count_run(__u64 *counter)
{
	__u64 before = __sync_fetch_and_add(counter, 1);

	barrier_var(before); /* else it would be none */
}

SEC("tc")
int sluice(struct __sk_buff *skb)
{
	const __u32 cpu = bpf_get_smp_processor_id();
	struct ebpf_runs *run = bpf_map_lookup_elem(&runs, &cpu);
	int verdict;

	if (!run)
		return TC_ACT_UNSPEC;
	count_run(&run->begun);
	verdict = forward(skb, skb->ifindex);
	count_run(&run->ended);
	return verdict;
}

/* At an ingress the kernel has taken the outer tag off, and keeps it beside the packet. What the
 * host sends may have it inside: it is brought into the same form. 0, or a verdict. */
static __always_inline int tag_aside(struct __sk_buff *skb)
{
	const __u8 *data = (const void *)(long)skb->data;
	const void *data_end = (const void *)(long)skb->data_end;
	__u16 type, tci;

	if (data + ETH_HLEN > (const __u8 *)data_end)
		return TC_ACT_UNSPEC;
	type = load16(data + 12);
	if (skb->vlan_present || !is_tag(type))
		return 0;
	if (data + ETH_HLEN + 4 > (const __u8 *)data_end || (__u16)skb->protocol != type)
		return TC_ACT_UNSPEC;
	tci = bpf_ntohs(load16(data + ETH_HLEN));
	return bpf_skb_vlan_pop(skb) || bpf_skb_vlan_push(skb, type, tci) ? TC_ACT_STOLEN : 0;
}

/* What the host sends. What no rule takes goes on to where the software path reads it. */
SEC("tc")
int sluice_host(struct __sk_buff *skb)
{
	const __u32 cpu = bpf_get_smp_processor_id(), bytes = bytes_of(skb);
	const __u32 name = skb->ifindex | EBPF_HOST;
	struct ebpf_runs *run = bpf_map_lookup_elem(&runs, &cpu);
	struct ebpf_traffic *c = bpf_map_lookup_elem(&hosts, &name);
	int verdict;

	/* A netdev on top of this one is a port, too, and a program is under way that sends there:
	 * what is by CPU is that one's. */
	if (!run || !c || run->begun != run->ended)
		return TC_ACT_UNSPEC;
	verdict = tag_aside(skb);
	if (verdict)
		return verdict;
	count_run(&run->begun);
	verdict = forward(skb, name);
	count_run(&run->ended);
	if (verdict == TC_ACT_UNSPEC)
		return verdict;
	c->rx_packets++;
	c->rx_bytes += bytes;
	/* Who sent it is told of an error by TC_ACT_SHOT. It was sent; what the switch does is
	 * another matter. */
	return verdict == TC_ACT_SHOT ? TC_ACT_STOLEN : verdict;
}
