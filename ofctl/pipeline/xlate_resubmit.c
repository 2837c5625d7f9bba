/* SPDX-License-Identifier: Apache-2.0
 *
 * resubmit: another table lookup in between.
 */
#include <errno.h>
#include <string.h>

#include "ofctl/pipeline/xlate_more.h"

/* Members of the key that hold the packet's addresses, and where those of the first packet of its
 * connection are. */
static const struct {
	uint16_t now, first, size;
} tuple[] = {
#define PAIR(A, B)                                                        \
	{                                                                 \
		offsetof(struct hal_key, A), offsetof(struct hal_key, B), \
			sizeof(((struct hal_key *)0)->A)                  \
	}
	PAIR(ip_proto, ct_nw_proto),
	PAIR(tp_src, ct_tp_src),
	PAIR(tp_dst, ct_tp_dst),
	PAIR(ipv4_src, ct_nw_src),
	PAIR(ipv4_dst, ct_nw_dst),
	PAIR(ipv6_src, ct_ipv6_src),
	PAIR(ipv6_dst, ct_ipv6_dst),
#undef PAIR
};
#define TUPLE (sizeof(tuple) / sizeof(tuple[0]))

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = a[i];

		a[i] = b[i];
		b[i] = c;
	}
}

static void swap_tuple(struct xlate *x)
{
	struct xlate_key *keys[] = {&x->key, &x->known, &x->written};

	for (unsigned k = 0; k < 3; k++) {
		uint8_t *p = (uint8_t *)keys[k];

		for (unsigned i = 0; i < TUPLE; i++)
			swap_bytes(p + tuple[i].now, p + tuple[i].first, tuple[i].size);
	}
	x->ct_swapped = !x->ct_swapped;
}

size_t xlate_swapped_offset(size_t i)
{
	for (unsigned t = 0; t < TUPLE; t++) {
		if (i >= tuple[t].now && i < tuple[t].now + tuple[t].size)
			return i - tuple[t].now + tuple[t].first;
		if (i >= tuple[t].first && i < tuple[t].first + tuple[t].size)
			return i - tuple[t].first + tuple[t].now;
	}
	return i;
}

/* The first packet's tuple is there for tracked IP packets. */
static bool has_first_tuple(struct xlate *x)
{
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);
	struct xlate_key need = {0};

	need.dp.eth_type = 0xffff;
	need.dp.ct_nw_proto = 0xff;
	xlate_need_mask(x, &need);
	return x->key.dp.ct_nw_proto && (type == 0x0800 || type == 0x86dd);
}

struct flow *xlate_lookup_first_tuple(struct xlate *x, uint8_t table)
{
	struct flow *f;

	swap_tuple(x);
	f = xlate_lookup(x, table);
	swap_tuple(x);
	return f;
}

void xlate_resubmit(struct xlate *x, const struct of_action *a)
{
	uint8_t table = a->table == OF_TABLE_ALL ? x->table : a->table;
	rte_be32_t in_port =
		a->port == OF_PORT_IN_PORT ? x->key.in_port_of : rte_cpu_to_be_32(a->port);
	bool deeper = table <= x->table;

	if (x->depth >= XLATE_MAX_DEPTH) {
		x->error = -ELOOP;
		return;
	}
	if (a->with_ct && !has_first_tuple(x))
		return;
	x->depth += deeper;
	x->first_tuple = a->with_ct;
	xlate_table(x, table, in_port);
	x->depth -= deeper;
}
