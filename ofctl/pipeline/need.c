/* SPDX-License-Identifier: Apache-2.0
 *
 * What a decision needs of the packet, and how little of it the megaflow has to match.
 */
#include <errno.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/conjunction.h"
#include "ofctl/pipeline/xlate_more.h"

#define VLAN_OFFSET offsetof(struct hal_key, vlan)
#define PAYLOAD_OFFSET offsetof(struct hal_key, ip_proto)
#define LSE_OFFSET offsetof(struct hal_key, mpls_lse)
#define PORT_OFFSET offsetof(struct hal_key, tp_src)
#define TTL_OFFSET offsetof(struct hal_key, ip_ttl)

/* Moves `need` (bytes of the current key) into the original packet's mask where the two differ:
 * tags and labels may have moved, and a TTL that was decremented depends on all its bits. */
static void need_bytes(struct xlate *x, const uint8_t *need, size_t from, size_t len)
{
	uint8_t *wc = (uint8_t *)&x->wc;

	for (size_t i = from; i < from + len && i < sizeof(x->wc); i++) {
		uint8_t bits = need[i - from];

		if (!bits)
			continue;
		if (x->ct_swapped && xlate_swapped_offset(i) != i) {
			/* As it is before and after the lookup: no other tag, label or TTL. */
			wc[xlate_swapped_offset(i)] |= bits;
			continue;
		}
		if (i >= VLAN_OFFSET && i < VLAN_OFFSET + sizeof(x->wc.vlan)) {
			size_t tag = (i - VLAN_OFFSET) / sizeof(struct hal_vlan);
			size_t rest = (i - VLAN_OFFSET) % sizeof(struct hal_vlan);

			if (x->vlan_from[tag] >= 0)
				wc[VLAN_OFFSET +
					(size_t)x->vlan_from[tag] * sizeof(struct hal_vlan) +
					rest] |= bits;
		} else if (i >= LSE_OFFSET && i < LSE_OFFSET + sizeof(x->wc.mpls_lse)) {
			int8_t lse = x->lse_from[(i - LSE_OFFSET) / 4];

			if (lse == XLATE_UNPARSED)
				x->error = -EOPNOTSUPP;
			else if (lse >= 0)
				wc[LSE_OFFSET + (size_t)lse * 4 + (i - LSE_OFFSET) % 4] |= bits;
		} else if (x->unparsed && i >= PAYLOAD_OFFSET && i < LSE_OFFSET) {
			/* It would take a look below the label. */
			x->error = -EOPNOTSUPP;
		} else if (x->outer == XLATE_OUTER_UNPARSED ||
			   (x->outer && i >= PORT_OFFSET && i < PORT_OFFSET + 2)) {
			x->error = -EOPNOTSUPP; /* each packet has its own */
			x->lost = true;
		} else if (i == TTL_OFFSET && x->ttl_dec) {
			wc[i] = 0xff;
		} else {
			wc[i] |= bits;
		}
	}
}

void xlate_need_word(struct xlate *x, unsigned word, uint64_t bits)
{
	uint64_t *known = (uint64_t *)&x->known;
	uint64_t fresh = bits & ~known[word];

	if (!fresh)
		return;
	known[word] |= fresh;
	if (word < HAL_KEY_WORDS)
		need_bytes(x, (const uint8_t *)&fresh, word * 8u, 8);
}

void xlate_need_mask(struct xlate *x, const struct xlate_key *mask)
{
	const uint64_t *m = (const uint64_t *)mask;

	for (unsigned i = 0; i < XLATE_KEY_WORDS; i++)
		if (m[i])
			xlate_need_word(x, i, m[i]);
}

void xlate_need_tag(
	struct xlate *x, int8_t from, const struct hal_vlan *known, struct hal_vlan bits)
{
	if (from < 0)
		return;
	x->wc.vlan[from].tpid |= bits.tpid & (rte_be16_t)~known->tpid;
	x->wc.vlan[from].tci |= bits.tci & (rte_be16_t)~known->tci;
}

void xlate_need_field(struct xlate *x, enum hal_field_id id)
{
	struct xlate_key mask = {0};
	uint8_t ones[HAL_VALUE_MAX];

	memset(ones, 0xff, sizeof(ones));
	hal_field_set(id, &mask, ones, NULL);
	hal_field_prereq_mask(id, &mask);
	xlate_need_mask(x, &mask);
}

/* How a member is needed to tell a packet from a flow that does not match it. */
struct member {
	uint16_t offset, size;
	uint8_t layer; /* 2: nothing below, 3: the ethertype, 4: the protocol too, 5: and its type
			*/
	bool prefix;   /* up to the first differing bit; else all that the flow matches */
};

#define MEMBER(name, layer, prefix)                                                                \
	{                                                                                          \
		offsetof(struct hal_key, name), sizeof(((struct hal_key *)0)->name), layer, prefix \
	}

/* In the order of preference: what devices match most readily, and lower layers, come first. */
static const struct member members[] = {
	MEMBER(eth_type, 2, false),
	MEMBER(tun_id, 2, false),
	MEMBER(pkt_mark, 2, false),
	MEMBER(ct_state, 2, false),
	MEMBER(ct_zone, 2, false),
	MEMBER(ct_mark, 2, false),
	MEMBER(ip_proto, 3, false),
	MEMBER(arp_op, 3, false),
	MEMBER(ip_frag, 3, false),
	MEMBER(vlan, 2, false),
	MEMBER(ipv4_dst, 3, true),
	MEMBER(ipv4_src, 3, true),
	MEMBER(ipv6_dst, 3, true),
	MEMBER(ipv6_src, 3, true),
	MEMBER(eth_dst, 2, false),
	MEMBER(eth_src, 2, false),
	MEMBER(tp_dst, 4, true),
	MEMBER(tp_src, 4, true),
	MEMBER(ip_tos, 3, false),
	MEMBER(tcp_flags, 4, false),
	MEMBER(ip_ttl, 3, false),
	MEMBER(mpls_lse, 3, false),
	MEMBER(arp_sha, 5, false),
	MEMBER(arp_tha, 5, false),
	MEMBER(nd_target, 5, true),
	MEMBER(ipv6_flabel, 3, false),
};

static bool member_differs(const uint8_t *diff, const struct member *m)
{
	for (unsigned i = 0; i < m->size; i++)
		if (diff[m->offset + i])
			return true;
	return false;
}

/* Needs of one member what tells the packet from the flow. Tags count one by one. */
static void need_member(
	struct xlate *x, const uint8_t *mask, const uint8_t *diff, const struct member *m)
{
	struct xlate_key need = {0};
	uint8_t *n = (uint8_t *)&need;

	if (m->layer >= 3)
		memcpy(n + offsetof(struct hal_key, eth_type),
			mask + offsetof(struct hal_key, eth_type), 2);
	if (m->layer >= 4)
		n[offsetof(struct hal_key, ip_proto)] = mask[offsetof(struct hal_key, ip_proto)];
	if (m->layer >= 5) /* of neighbour discovery; ARP has none */
		memcpy(n + offsetof(struct hal_key, tp_src),
			mask + offsetof(struct hal_key, tp_src), 4);
	for (unsigned i = m->offset; i < m->offset + m->size; i++) {
		if (!m->prefix) {
			n[i] = mask[i];
			continue;
		}
		if (!diff[i]) {
			n[i] = 0xff;
			continue;
		}
		n[i] = (uint8_t)(0xff00 >> (__builtin_clz(diff[i]) - 24 + 1));
		break;
	}
	xlate_need_mask(x, &need);
}

/* Makes sure that no packet of the megaflow matches `f`, which this packet does not. */
static void disprove(struct xlate *x, const struct flow *f)
{
	const uint64_t *key = (const uint64_t *)&x->key, *known = (const uint64_t *)&x->known;
	const struct hal_cmatch *m = f->match;
	struct xlate_key diff = {0}, mask = {0};
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, m->map) {
		uint64_t d = (key[i] ^ m->w[m->n + j]) & m->w[j];

		if (d & known[i])
			return;
		((uint64_t *)&diff)[i] = d;
		((uint64_t *)&mask)[i] = m->w[j++];
	}
	for (unsigned k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
		if (!member_differs((const uint8_t *)&diff, &members[k]))
			continue;
		need_member(x, (const uint8_t *)&mask, (const uint8_t *)&diff, &members[k]);
		return;
	}
	xlate_need_mask(x, &mask);
}

/* Up to so many flows of a subtable are told from the packet one by one; beyond, the packet's
 * whole value under the subtable's mask is needed, which no flow there has. */
#define DISPROVE_MAX 64

/* True if it matters whether the packet matches `f`. A clause that it meets can only be missed from
 * there on, which makes no conjunction complete; and what more is met of one that is complete
 * changes nothing. */
static bool matters(const struct xlate *x, const struct flow *f, int above,
	const struct conj_won *conj, bool plain)
{
	if (f->priority <= above)
		return false;
	if (!f->clause)
		return true;
	if (plain || hal_cmatch_covers(f->match, &x->key))
		return false;
	return !(conj && f->priority == conj->priority && conj_only_of(f, conj->id));
}

void xlate_unwildcard(struct xlate *x, const struct flow_table *t, const struct flow *winner,
	const struct conj_won *conj, bool plain)
{
	const struct subtable_vec *vec = atomic_load_explicit(&t->subtables, memory_order_acquire);
	int above = conj ? conj->priority - 1 : winner ? winner->priority : -1;
	unsigned i, j = 0;

	if (winner)
		WORDS_FOR_EACH (i, winner->match->map)
			xlate_need_word(x, i, MUTATE(3, winner->match->w[j++], 0));
	for (unsigned s = 0; vec && s < vec->n; s++) {
		const struct subtable *sub = vec->sub[s];

		if (MUTATE(4, (int)atomic_load(&sub->max_priority) <= above, s > 0))
			break;
		if (atomic_load(&sub->n) > DISPROVE_MAX) {
			j = 0;
			WORDS_FOR_EACH (i, sub->mask->map)
				xlate_need_word(x, i, sub->mask->w[j++]);
			continue;
		}
		HMAP_FOR_EACH (f, struct flow, node, &sub->flows)
			if (matters(x, f, above, conj, plain) && MUTATE(5, 1, 0))
				disprove(x, f);
	}
}
