/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/hal/test.h"

static void test_set(void)
{
	for (unsigned i = 0; i < FIELD_MAX * 50; i++) {
		enum hal_field_id id = (enum hal_field_id)(i % FIELD_MAX);
		const char *name = hal_fields[id].name;
		unsigned bytes = hal_field_bytes(id);
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX], got[HAL_VALUE_MAX];
		struct hal_match m = {0};

		rnd_value(id, value);
		hal_match_set(&m, id, value, NULL);
		EXPECT(hal_field_all(id, &m.mask), name);
		hal_field_get(id, &m.value, got);
		EXPECT(!memcmp(got, value, bytes), name);
		/* set again: nothing is left of the former value and mask */
		rnd_value(id, value);
		rnd_mask(id, mask);
		hal_match_set(&m, id, value, mask);
		hal_field_get(id, &m.mask, got);
		EXPECT(!memcmp(got, mask, bytes), name);
		hal_field_get(id, &m.value, got);
		for (unsigned j = 0; j < bytes; j++)
			EXPECT(got[j] == (value[j] & mask[j]), name);
	}
}

/* Puts fields back together; fails if a bit comes twice. */
struct rebuilt {
	struct hal_match m;
	unsigned n;
	bool twice;
	bool seen[FIELD_MAX];
};

static int rebuild(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct rebuilt *r = ctx;
	uint8_t had[HAL_VALUE_MAX];

	hal_field_get(id, &r->m.mask, had);
	for (unsigned i = 0; i < hal_field_bytes(id); i++) {
		r->twice = r->twice || had[i] & mask[i];
		r->twice = r->twice || value[i] & ~mask[i];
	}
	hal_field_set(id, &r->m.value, value, mask);
	hal_field_set(id, &r->m.mask, mask, mask);
	r->seen[id] = true;
	r->n++;
	return 0;
}

/* Bits of a key that no packet ever sets: reserved members and the heads of members that are
 * wider than their field. */
static void drop_padding(struct hal_match *m)
{
	for (unsigned half = 0; half < 2; half++) {
		struct xlate_key *k = half ? &m->mask : &m->value;

		k->dp.reserved = 0;
		k->dp.reserved = 0;
		k->dp.pbb_isid &= RTE_BE32(0x00ffffff);
		k->dp.pbb_uca &= 1;
		k->dp.ipv6_flabel &= RTE_BE32(0x000fffff);
		k->dp.ipv6_exthdr &= RTE_BE16(0x01ff);
		k->dp.tcp_flags &= RTE_BE16(0x0fff);
	}
}

static bool is_icmp(const struct hal_match *m)
{
	bool v4 = m->mask.dp.eth_type == 0xffff && m->value.dp.eth_type == RTE_BE16(0x0800);
	bool v6 = m->mask.dp.eth_type == 0xffff && m->value.dp.eth_type == RTE_BE16(0x86dd);
	uint8_t proto = m->mask.dp.ip_proto == 0xff ? m->value.dp.ip_proto : 0;

	return (v4 && proto == 1) || (v6 && proto == 58);
}

static void random_match(struct hal_match *m)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8035, 0x8847, 0x1234};
	static const uint8_t protos[] = {1, 6, 17, 58, 132, 47};
	uint8_t *value = (uint8_t *)&m->value, *mask = (uint8_t *)&m->mask;

	rnd_bytes(&m->value, sizeof(m->value));
	rnd_bytes(&m->mask, sizeof(m->mask));
	for (size_t i = 0; i < sizeof(m->mask); i++) {
		unsigned kind = rnd_below(3);

		mask[i] = (uint8_t)(kind == 0 ? 0 : kind == 1 ? 0xff : mask[i]);
	}
	if (rnd_below(4)) {
		m->mask.dp.eth_type = 0xffff;
		m->value.dp.eth_type = rte_cpu_to_be_16(types[rnd_below(6)]);
	}
	if (rnd_below(4)) {
		m->mask.dp.ip_proto = 0xff;
		m->value.dp.ip_proto = protos[rnd_below(6)];
	}
	if (rnd_below(2))
		m->mask.dp.vlan[0].tci = rnd_below(2) ? RTE_BE16(0x1fff) : RTE_BE16(0xffff);
	for (size_t i = 0; i < sizeof(m->mask); i++)
		value[i] &= mask[i];
	drop_padding(m);
	if (is_icmp(m)) {
		m->value.dp.tp_src &= RTE_BE16(0xff);
		m->value.dp.tp_dst &= RTE_BE16(0xff);
		m->mask.dp.tp_src &= RTE_BE16(0xff);
		m->mask.dp.tp_dst &= RTE_BE16(0xff);
	}
}

/* Every bit of the mask is told of exactly once, whatever the mask. */
static void test_every_bit_once(void)
{
	for (unsigned i = 0; i < N_ROUNDS(20000); i++) {
		struct hal_match m;
		struct rebuilt r = {0};

		random_match(&m);
		CU_ASSERT_EQUAL(
			hal_match_fields(&m.value, &m.mask, sizeof(m.value), rebuild, &r), 0);
		EXPECT(!r.twice, "a bit came twice");
		EXPECT(!memcmp(&r.m, &m, sizeof(m)), "the match comes back");
		/* as a datapath key it ends earlier */
		r = (struct rebuilt){0};
		hal_match_fields(&m.value.dp, &m.mask.dp, sizeof(struct hal_key), rebuild, &r);
		EXPECT(!memcmp(&r.m.value.dp, &m.value.dp, sizeof(m.value.dp)) &&
				!memcmp(&r.m.mask.dp, &m.mask.dp, sizeof(m.mask.dp)),
			"the datapath match comes back");
		EXPECT(!r.seen[FIELD_METADATA] && !r.seen[FIELD_REG0], "dp fields only");
	}
}

static const struct {
	const char *match; /* tokens parted by blanks */
	enum hal_field_id ids[5];
	unsigned n;
} readings[] = {
	{"dl_vlan=5", {FIELD_VLAN_VID}, 1},
	{"dl_vlan=5 dl_vlan_pcp=3", {FIELD_VLAN_VID, FIELD_VLAN_PCP}, 2},
	{"dl_vlan=0xffff", {FIELD_VLAN_TCI}, 1},
	{"vlan_vid=0", {FIELD_VLAN_VID}, 1},
	{"vlan_tci=0x2000/0x6000", {FIELD_VLAN_TCI}, 1},
	{"vlan_tci=0x3005/0x3fff", {FIELD_VLAN_TCI}, 1},
	{"ip nw_src=1.2.3.4", {FIELD_ETH_TYPE, FIELD_IPV4_SRC}, 2},
	{"arp nw_src=1.2.3.4", {FIELD_ETH_TYPE, FIELD_ARP_SPA}, 2},
	{"arp arp_sha=1:2:3:4:5:6", {FIELD_ETH_TYPE, FIELD_ARP_SHA}, 2},
	{"tcp tp_src=5", {FIELD_ETH_TYPE, FIELD_IP_PROTO, FIELD_TCP_SRC}, 3},
	{"udp6 tp_dst=5", {FIELD_ETH_TYPE, FIELD_IP_PROTO, FIELD_UDP_DST}, 3},
	{"sctp tp_dst=5", {FIELD_ETH_TYPE, FIELD_IP_PROTO, FIELD_SCTP_DST}, 3},
	{"icmp icmp_type=8", {FIELD_ETH_TYPE, FIELD_IP_PROTO, FIELD_ICMPV4_TYPE}, 3},
	{"icmp6 icmp_type=135 nd_sll=1:2:3:4:5:6",
		{FIELD_ETH_TYPE, FIELD_IP_PROTO, FIELD_ICMPV6_TYPE, FIELD_ND_SLL}, 4},
	{"ip nw_tos=8", {FIELD_ETH_TYPE, FIELD_IP_DSCP}, 2},
	{"xreg0=1", {FIELD_REG0, FIELD_REG1}, 2},
	{"ct_state=+est ip ct_nw_src=1.2.3.4", {FIELD_CT_STATE, FIELD_ETH_TYPE, FIELD_CT_NW_SRC},
		3},
};

struct order {
	enum hal_field_id ids[16];
	unsigned n;
};

static int note(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct order *o = ctx;

	(void)value;
	(void)mask;
	if (o->n < 16)
		o->ids[o->n++] = id;
	return 0;
}

static void test_readings(void)
{
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
		struct hal_match m = {0};
		struct order o = {0};
		char copy[100], err[200], *save = NULL;

		snprintf(copy, sizeof(copy), "%s", readings[i].match);
		for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
			char *value = strchr(t, '=');

			if (value)
				*value++ = '\0';
			EXPECT(!hal_match_parse_token(&m, t, value, err, sizeof(err)), t);
		}
		hal_match_fields(&m.value, &m.mask, sizeof(m.value), note, &o);
		EXPECT(o.n == readings[i].n &&
				!memcmp(o.ids, readings[i].ids, o.n * sizeof(o.ids[0])),
			readings[i].match);
	}
}

static int stop_at_second(void *ctx, enum hal_field_id id, const uint8_t *v, const uint8_t *m)
{
	(void)id;
	(void)v;
	(void)m;
	return ++*(int *)ctx == 2 ? 42 : 0;
}

static void test_stops(void)
{
	struct hal_match m;
	int calls = 0;

	memset(&m, 0xff, sizeof(m));
	CU_ASSERT_EQUAL(
		hal_match_fields(&m.value, &m.mask, sizeof(m.value), stop_at_second, &calls), 42);
	CU_ASSERT_EQUAL(calls, 2);
}

CU_TestInfo match_tests[] = {
	{"set replaces", test_set},
	{"every bit once", test_every_bit_once},
	{"shared members by protocol", test_readings},
	{"stops when told", test_stops},
	CU_TEST_INFO_NULL,
};
