/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs to TC actions and back: what comes back does the same to a packet.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <rte_common.h>

#include "drivers/tc/action.h"
#include "drivers/tc/police.h"
#include "drivers/tc/tc.h"
#include "test_tc.h"

#define ROUNDS 5000
#define MAX_OUTPUTS 40

/* ---- what a program does to a key ---- */

struct outcome {
	unsigned n;
	struct {
		uint32_t port, recirc, meter;
		struct hal_key key;
	} out[MAX_OUTPUTS];
};

static void push(struct hal_key *k, const struct hal_act_vlan *v)
{
	k->vlan[1] = k->vlan[0];
	k->vlan[0] = (struct hal_vlan){v->tpid, v->tci | RTE_BE16(HAL_VLAN_PRESENT)};
}

static void push_label(struct hal_key *k, const struct hal_act_mpls *push)
{
	k->mpls_lse[2] = k->mpls_lse[1];
	k->mpls_lse[1] = k->mpls_lse[0];
	k->mpls_lse[0] = push->lse;
	k->eth_type = push->eth_type;
}

static void pop_label(struct hal_key *k, const struct hal_act_mpls *pop)
{
	k->mpls_lse[0] = k->mpls_lse[1];
	k->mpls_lse[1] = k->mpls_lse[2];
	k->mpls_lse[2] = 0;
	k->eth_type = pop->eth_type;
}

static void run(const struct hal_program *p, struct hal_key key, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	ACTION_FOR_EACH (a, p) {
		const struct hal_act_set *set = (const struct hal_act_set *)a;

		switch (a->type) {
		case ACTION_OUTPUT:
			o->out[o->n].port = ((const struct hal_act_output *)a)->port;
			o->out[o->n++].key = key;
			break;
		case ACTION_RECIRC:
			o->out[o->n].recirc = ((const struct hal_act_recirc *)a)->id;
			o->out[o->n++].key = key;
			break;
		case ACTION_METER:
			o->out[o->n].meter = ((const struct hal_act_meter *)a)->meter;
			o->out[o->n++].key = key;
			break;
		case ACTION_PUSH_VLAN:
			push(&key, (const struct hal_act_vlan *)a);
			break;
		case ACTION_PUSH_MPLS:
			push_label(&key, (const struct hal_act_mpls *)a);
			break;
		case ACTION_POP_MPLS:
			pop_label(&key, (const struct hal_act_mpls *)a);
			break;
		case ACTION_POP_VLAN:
			key.vlan[0] = key.vlan[1];
			memset(&key.vlan[1], 0, sizeof(key.vlan[1]));
			break;
		case ACTION_SET:
			hal_field_set(set->field, &key, set->value, set->mask);
			break;
		case ACTION_DEC_TTL:
			key.ip_ttl--;
			break;
		default:
			break;
		}
	}
}

/* ---- programs ---- */

static const enum hal_field_id fields[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_VID,
	FIELD_VLAN_PCP, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_SRC, FIELD_IPV6_DST,
	FIELD_IPV6_FLABEL, FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_IP_TTL, FIELD_TCP_SRC, FIELD_TCP_DST,
	FIELD_UDP_SRC, FIELD_UDP_DST, FIELD_ARP_OP, FIELD_ARP_SPA, FIELD_ARP_TPA, FIELD_ARP_SHA,
	FIELD_ARP_THA};

static void add_set(struct hal_builder *b, const struct hal_match *m, const struct hal_key *now)
{
	const enum hal_field_id id = fields[test_rand() % RTE_DIM(fields)];
	uint8_t value[HAL_VALUE_MAX] = {0}, mask[HAL_VALUE_MAX] = {0};
	const bool tag = id == FIELD_VLAN_VID || id == FIELD_VLAN_PCP;

	if (tag ? !now->vlan[0].tpid : !hal_field_prereq_ok(id, &m->value.dp, &m->mask.dp))
		return;
	hal_field_ones(id, mask);
	if (hal_fields[id].maskable == MASK_ANY && id != FIELD_VLAN_VID && test_rand() % 2)
		mask[test_rand() % hal_field_bytes(id)] &= 0x3c;
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		value[i] = (uint8_t)test_rand() & mask[i];
	if (id == FIELD_VLAN_VID)
		value[0] |= HAL_VLAN_PRESENT >> 8;
	hal_build_set(b, id, value, mask);
}

static bool is_mpls(rte_be16_t type)
{
	return type == RTE_BE16(ETH_P_MPLS_UC) || type == RTE_BE16(ETH_P_MPLS_MC);
}

static void add_label_step(
	struct hal_builder *b, enum hal_action_type type, rte_be16_t eth_type, struct hal_key *now)
{
	struct hal_act_mpls *step = hal_builder_add(b, type, sizeof(*step));

	step->eth_type = eth_type;
	if (type == ACTION_PUSH_MPLS)
		step->lse = rte_cpu_to_be_32(test_rand() | 0x8001);
	now->eth_type = eth_type;
}

static void add_label_set(struct hal_builder *b)
{
	static const enum hal_field_id parts[] = {
		FIELD_MPLS_LABEL, FIELD_MPLS_TC, FIELD_MPLS_BOS, FIELD_MPLS_TTL};
	const enum hal_field_id id = parts[test_rand() % RTE_DIM(parts)];
	uint8_t value[HAL_VALUE_MAX] = {0}, mask[HAL_VALUE_MAX] = {0};

	hal_field_ones(id, mask);
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		value[i] = (uint8_t)test_rand() & mask[i];
	hal_build_set(b, id, value, mask);
}

static void add_mpls(struct hal_builder *b, struct hal_key *now)
{
	static const rte_be16_t below[] = {
		RTE_BE16(ETH_P_IP), RTE_BE16(ETH_P_MPLS_UC), RTE_BE16(ETH_P_MPLS_MC)};

	switch (is_mpls(now->eth_type) ? test_rand() % 3 : 0) {
	case 0:
		add_label_step(b, ACTION_PUSH_MPLS, RTE_BE16(ETH_P_MPLS_UC), now);
		break;
	case 1:
		add_label_step(b, ACTION_POP_MPLS, below[test_rand() % RTE_DIM(below)], now);
		break;
	default:
		add_label_set(b);
		break;
	}
}

static struct hal_program *random_program(const struct hal_match *m)
{
	struct hal_key now = m->value.dp;
	struct hal_act_recirc *recirc;
	struct hal_builder b;

	hal_builder_init(&b);
	for (unsigned n = test_rand() % 8; n; n--) {
		switch (test_rand() % 10) {
		case 0:
		case 1:
			hal_build_output(&b, 1 + test_rand() % 99);
			break;
		case 2:
			if (now.vlan[1].tpid)
				break;
			hal_build_push_vlan(
				&b, RTE_BE16(ETH_P_8021Q), rte_cpu_to_be_16(test_rand() & 0xefff));
			now.vlan[1] = now.vlan[0];
			now.vlan[0].tpid = RTE_BE16(ETH_P_8021Q);
			break;
		case 3:
			if (!now.vlan[0].tpid)
				break;
			hal_build_plain(&b, ACTION_POP_VLAN);
			now.vlan[0] = now.vlan[1];
			now.vlan[1].tpid = 0;
			break;
		case 9:
			if (m->mask.dp.eth_type)
				add_mpls(&b, &now);
			break;
		case 8:
			test_add_meter(&b, 1 + test_rand() % TEST_METERS);
			break;
		case 4:
			if (m->mask.dp.eth_type &&
				(m->value.dp.eth_type == RTE_BE16(ETH_P_IP) ||
					m->value.dp.eth_type == RTE_BE16(ETH_P_IPV6)))
				hal_build_plain(&b, ACTION_DEC_TTL);
			break;
		default:
			add_set(&b, m, &now);
			break;
		}
	}
	if (test_rand() % 8) {
		hal_build_output(&b, 1 + test_rand() % 99);
	} else {
		recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
		recirc->id = 1 + test_rand() % TC_MAX_CHAIN;
	}
	return hal_builder_finish(&b);
}

/* As a NIC of one's own would run it: nothing is refused for the kernel's sake. */
static void do_the_same_when_they_come_back(void)
{
	unsigned taken = 0, refused = 0, same = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_program *p, *back = NULL;
		struct outcome want, is;
		struct hal_match m;
		struct hal_reason r;
		struct nl_msg *msg;
		struct nlattr *list = NULL;
		struct hal_key key;

		test_env.by_kernel = i % 2;
		random_match(&m);
		p = random_program(&m);
		for (unsigned b = 0; b < sizeof(key); b++)
			((uint8_t *)&key)[b] =
				(uint8_t)((test_rand() & ~((uint8_t *)&m.mask.dp)[b]) |
					  ((uint8_t *)&m.value.dp)[b]);
		if (test_encode(&m, p, &msg, &list, &r)) {
			refused++;
			CU_ASSERT_NOT_EQUAL(r.code, HAL_REASON_NONE);
			CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
		} else {
			taken++;
			CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, &m, &test_env, &back), 0);
			run(p, key, &want);
			run(back, key, &is);
			same += hal_program_equal(p, back);
			CU_ASSERT_EQUAL(want.n, is.n);
			CU_ASSERT_EQUAL(memcmp(&want, &is, sizeof(want)), 0);
		}
		free(back);
		free(p);
		nlmsg_free(msg);
	}
	CU_ASSERT(taken > ROUNDS / 2 && same > ROUNDS / 4);
	CU_ASSERT(refused > ROUNDS / 50);
}

static void drop_is_an_action(void)
{
	struct hal_match m = {0};
	struct hal_program *back = NULL, none = {0, 0};
	struct nlattr *list = NULL;
	struct hal_reason r;
	struct nl_msg *msg;

	CU_ASSERT_EQUAL_FATAL(test_encode(&m, &none, &msg, &list, &r), 0);
	CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, &m, &test_env, &back), 0);
	CU_ASSERT_EQUAL(back->len, 0);
	free(back);
	nlmsg_free(msg);
}

/* Lengths and bytes that were altered make a filter a foreign one, or another program. */
static void damage_is_harmless(void)
{
	unsigned noticed = 0;

	test_env.by_kernel = false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_program *p, *back = NULL;
		struct hal_match m;
		struct hal_reason r;
		struct nlattr *list = NULL;
		struct nl_msg *msg;

		random_match(&m);
		p = random_program(&m);
		if (!test_encode(&m, p, &msg, &list, &r)) {
			uint8_t *at = nla_data(list);

			at[test_rand() % (unsigned)nla_len(list)] ^=
				(uint8_t)(1u << test_rand() % 8);
			noticed += tc_actions_decode(list, &m, &test_env, &back) != 0;
			free(back);
		}
		free(p);
		nlmsg_free(msg);
	}
	CU_ASSERT(noticed > ROUNDS / 10);
}

void add_action_suite(void)
{
	CU_pSuite s = CU_add_suite("actions", NULL, NULL);

	CU_add_test(s, "do the same when they come back", do_the_same_when_they_come_back);
	CU_add_test(s, "a drop is an action", drop_is_an_action);
	CU_add_test(s, "damage is harmless", damage_is_harmless);
}
