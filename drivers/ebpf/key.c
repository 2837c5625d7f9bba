/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches as masks and keys of hash maps, and back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/mutation.h"

#define SAME(MEMBER)                                                                              \
	_Static_assert(offsetof(struct ebpf_headers, MEMBER) == offsetof(struct hal_key, MEMBER), \
		"the program's key is the head of a datapath key")
SAME(in_port);
SAME(eth_dst);
SAME(vlan);
SAME(ip_proto);
SAME(tp_src);
SAME(ipv4_src);
SAME(ipv6_src);
SAME(mpls_lse);
SAME(ipv6_exthdr);
SAME(pbb_isid);
SAME(nd_target);
SAME(arp_tha);
_Static_assert(sizeof(struct ebpf_headers) == EBPF_WORDS * 8 &&
		       offsetof(struct ebpf_headers, tun) == EBPF_HEAD_WORDS * 8,
	"whole words");
_Static_assert(offsetof(struct ebpf_headers, rest) == offsetof(struct hal_key, ct_label),
	"what follows is not known to the program");

/* The words of tunnels, in a datapath key. */
#define TUNNEL_WORD (offsetof(struct hal_key, tun_flags) / 8)
#define SAME_TUNNEL(MEMBER)                                                      \
	_Static_assert(offsetof(struct ebpf_tunnel, MEMBER) + TUNNEL_WORD * 8 == \
			       offsetof(struct hal_key, tun_##MEMBER),           \
		"what is known of a tunnel lies together")
SAME_TUNNEL(flags);
SAME_TUNNEL(ttl);
SAME_TUNNEL(gbp_flags);
SAME_TUNNEL(id);
SAME_TUNNEL(ipv4_dst);
SAME_TUNNEL(ipv6_dst);
SAME_TUNNEL(opts_present);

static const uint32_t widths[EBPF_CLASSES] = {EBPF_NARROW, EBPF_MIDDLE, EBPF_WIDE};

unsigned ebpf_class_of(const struct ebpf_mask *mask)
{
	for (unsigned class = 0; class < EBPF_CLASSES; class ++)
		if (mask->words == widths[class])
			return class;
	return EBPF_CLASSES;
}

size_t ebpf_class_size(unsigned class)
{
	return sizeof(struct ebpf_key4) + (widths[class] - EBPF_NARROW) * sizeof(uint64_t);
}

void ebpf_key_write(void *out, unsigned class, uint32_t mask, uint32_t chain, const uint64_t *w)
{
	struct ebpf_key20 *key = out;

	_Static_assert(offsetof(struct ebpf_key4, w) == offsetof(struct ebpf_key20, w),
		"keys differ by their length only");
	key->mask = mask;
	key->chain = chain;
	memcpy(key->w, w, widths[class] * sizeof(*w));
}

/* Where the program has a word of a datapath key; EBPF_WORDS: nowhere. */
static unsigned to_program(unsigned word)
{
	if (word < EBPF_HEAD_WORDS)
		return word;
	if (word < TUNNEL_WORD || word - TUNNEL_WORD >= EBPF_WORDS - EBPF_HEAD_WORDS)
		return EBPF_WORDS;
	return (unsigned)(word - TUNNEL_WORD + EBPF_HEAD_WORDS);
}

static unsigned from_program(unsigned word)
{
	return word < EBPF_HEAD_WORDS ? word : (unsigned)(word - EBPF_HEAD_WORDS + TUNNEL_WORD);
}

/* ---- to keys ---- */

/* The input port as it is named there. The chain has a place of its own. */
static int name_port(const struct ebpf_dev *dev, struct hal_match *m, struct hal_reason *r)
{
	struct hal_key *value = &m->value.dp, *mask = &m->mask.dp;
	const uint32_t port = rte_be_to_cpu_32(value->in_port);
	int err;

	value->recirc_id = mask->recirc_id = 0;
	if (!mask->in_port)
		return 0;
	if (mask->in_port != UINT32_MAX)
		return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_MASK, FIELD_DP_PORT,
			"the input port is matched wholly or not at all");
	value->in_port = ebpf_port_key(dev, port);
	if (value->in_port)
		return 0;
	err = hal_refuse(r, HAL_REASON_UNBOUND_PORT, "port %u is not on this device", port);
	if (r)
		r->port = port;
	return err;
}

int ebpf_key_encode(const struct ebpf_dev *dev, const struct hal_cmatch *match,
	struct ebpf_key *key, struct hal_reason *r)
{
	uint64_t value[HAL_KEY_WORDS], mask[HAL_KEY_WORDS];
	struct hal_match m;
	unsigned n = 0;
	int err;

	hal_cmatch_expand(match, &m);
	err = name_port(dev, &m, r);
	if (err)
		return err;
	memset(key, 0, sizeof(*key));
	memcpy(value, &m.value.dp, sizeof(value));
	memcpy(mask, &m.mask.dp, sizeof(mask));
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++) {
		if (!mask[i])
			continue;
		if (to_program(i) == EBPF_WORDS ||
			(i == EBPF_HEAD_WORDS - 1 && memcmp(m.mask.dp.ct_label, "\0\0\0\0", 4)))
			return hal_refuse(r, HAL_REASON_UNSUPPORTED_FIELD,
				"the match has bits that the program does not look at");
		if (n == EBPF_KEY_WORDS)
			return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
				"a rule looks at %u words of a key at most", EBPF_KEY_WORDS);
		key->mask.index[n] = (uint8_t)to_program(i);
		key->mask.mask[n] = mask[i];
		key->w[n++] = value[i] & mask[i];
	}
	key->mask.n = n;
	for (unsigned class = 0; !key->mask.words; class ++)
		if (n <= MUTATE(631, widths[class], widths[class] + 1))
			key->mask.words = widths[class];
	return 0;
}

/* ---- and back ---- */

struct hal_cmatch *ebpf_key_decode(const struct ebpf_dev *dev, const struct ebpf_key *key)
{
	uint64_t value[HAL_KEY_WORDS] = {0}, mask[HAL_KEY_WORDS] = {0};
	struct hal_match m = {0};

	if (key->mask.n > EBPF_KEY_WORDS || key->mask.n > key->mask.words)
		return NULL;
	for (unsigned i = 0; i < key->mask.n; i++) {
		const unsigned at = key->mask.index[i];

		if (at >= EBPF_WORDS || (i && at <= key->mask.index[i - 1]) ||
			key->w[i] & ~key->mask.mask[i])
			return NULL;
		value[from_program(at)] = key->w[i];
		mask[from_program(at)] = key->mask.mask[i];
	}
	memcpy(&m.value.dp, value, sizeof(value));
	memcpy(&m.mask.dp, mask, sizeof(mask));
	if (m.mask.dp.in_port) {
		const uint32_t port = ebpf_port_of(dev, m.value.dp.in_port);

		if (port == HAL_PORT_NONE)
			return NULL;
		m.value.dp.in_port = rte_cpu_to_be_32(port);
	}
	return hal_cmatch_new_dp(&m.value.dp, &m.mask.dp);
}
