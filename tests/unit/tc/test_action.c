/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs to TC actions and back: what comes back does the same to a packet.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <rte_common.h>

#include "drivers/tc/action.h"
#include "test_tc.h"

#define ROUNDS 5000
#define MAX_OUTPUTS 40
#define IFINDEX 1000u /* of port 0 */

static uint32_t to_ifindex(void *ctx, uint32_t port)
{
	(void)ctx;
	return port && port < 100 ? IFINDEX + port : 0;
}

static uint32_t to_port(void *ctx, uint32_t ifindex)
{
	(void)ctx;
	return ifindex > IFINDEX && ifindex < IFINDEX + 100 ? ifindex - IFINDEX : 0;
}

static struct tc_action_env env = {
	.ifindex = to_ifindex, .port = to_port, .by_kernel = true, .writes_transport = true};

/* ---- what a program does to a key ---- */

struct outcome {
	unsigned n;
	struct {
		uint32_t port, recirc;
		struct hal_key key;
	} out[MAX_OUTPUTS];
};

static void push(struct hal_key *k, const struct hal_act_vlan *v)
{
	k->vlan[1] = k->vlan[0];
	k->vlan[0] = (struct hal_vlan){v->tpid, v->tci | RTE_BE16(HAL_VLAN_PRESENT)};
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
		case ACTION_PUSH_VLAN:
			push(&key, (const struct hal_act_vlan *)a);
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

static struct hal_program *random_program(const struct hal_match *m)
{
	struct hal_key now = m->value.dp;
	struct hal_act_recirc *recirc;
	struct hal_builder b;

	hal_builder_init(&b);
	for (unsigned n = test_rand() % 8; n; n--) {
		switch (test_rand() % 8) {
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

/* The whole message; *list is the program's attribute in it. */
static int encode(const struct hal_match *m, const struct hal_program *p, struct nl_msg **msg,
	struct nlattr **list, struct hal_reason *r)
{
	struct hal_rule rule = {.match = hal_cmatch_new(m), .program = p};
	struct nlattr *keys[TCA_FLOWER_MAX + 1];
	int err;

	*msg = nlmsg_alloc_size(8192);
	hal_reason_clear(r);
	err = tc_actions_encode(*msg, &rule, &env, r);
	free((void *)(uintptr_t)rule.match);
	if (!err && !nlmsg_parse(nlmsg_hdr(*msg), 0, keys, TCA_FLOWER_MAX, NULL))
		*list = keys[TCA_FLOWER_ACT];
	return err;
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

		env.by_kernel = i % 2;
		random_match(&m);
		p = random_program(&m);
		for (unsigned b = 0; b < sizeof(key); b++)
			((uint8_t *)&key)[b] =
				(uint8_t)((test_rand() & ~((uint8_t *)&m.mask.dp)[b]) |
					  ((uint8_t *)&m.value.dp)[b]);
		if (encode(&m, p, &msg, &list, &r)) {
			refused++;
			CU_ASSERT_NOT_EQUAL(r.code, HAL_REASON_NONE);
			CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
		} else {
			taken++;
			CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, &m, &env, &back), 0);
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

	CU_ASSERT_EQUAL_FATAL(encode(&m, &none, &msg, &list, &r), 0);
	CU_ASSERT_EQUAL_FATAL(tc_actions_decode(list, &m, &env, &back), 0);
	CU_ASSERT_EQUAL(back->len, 0);
	free(back);
	nlmsg_free(msg);
}

/* ---- refusals ---- */

static struct hal_reason refusal(const struct hal_match *m, struct hal_builder *b)
{
	struct hal_program *p = hal_builder_finish(b);
	struct nlattr *list;
	struct hal_reason r;
	struct nl_msg *msg;

	CU_ASSERT_NOT_EQUAL(encode(m, p, &msg, &list, &r), 0);
	CU_ASSERT_NOT_EQUAL(r.text[0], '\0');
	free(p);
	nlmsg_free(msg);
	return r;
}

static void refusals_name_the_step(void)
{
	static const uint8_t ones[HAL_VALUE_MAX] = {0xff, 0xff, 0xff, 0xff};
	struct hal_match m = {0};
	struct hal_builder b;
	struct hal_reason r;

	hal_builder_init(&b);
	hal_build_output(&b, 200);
	r = refusal(&m, &b);
	CU_ASSERT(r.code == HAL_REASON_UNBOUND_PORT && r.port == 200);

	hal_builder_init(&b);
	((struct hal_act_meter *)hal_builder_add(&b, ACTION_METER, sizeof(struct hal_act_meter)))
		->meter = 1;
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.code == HAL_REASON_UNSUPPORTED_ACTION && r.action == ACTION_METER);

	/* Addresses of what may be a fragment: sums would go wrong. */
	m.mask.dp.eth_type = RTE_BE16(0xffff);
	m.value.dp.eth_type = RTE_BE16(ETH_P_IP);
	memset(&m.mask.dp.vlan, 0xff, sizeof(m.mask.dp.vlan));
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT_EQUAL(r.field, FIELD_IPV4_SRC);

	/* Behind two tags the kernel writes to the wrong place. */
	m.mask.dp.ip_frag = 3;
	m.value.dp.vlan[0].tpid = m.value.dp.vlan[1].tpid = RTE_BE16(ETH_P_8021Q);
	env.by_kernel = true;
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IPV4_SRC, ones, ones);
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT(r.action == ACTION_SET && strstr(r.text, "two tags"));

	/* A jump is the end. */
	hal_builder_init(&b);
	((struct hal_act_recirc *)hal_builder_add(&b, ACTION_RECIRC, sizeof(struct hal_act_recirc)))
		->id = 7;
	hal_build_output(&b, 1);
	r = refusal(&m, &b);
	CU_ASSERT_EQUAL(r.action, ACTION_RECIRC);
}

/* Lengths and bytes that were altered make a filter a foreign one, or another program. */
static void damage_is_harmless(void)
{
	unsigned noticed = 0;

	env.by_kernel = false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_program *p, *back = NULL;
		struct hal_match m;
		struct hal_reason r;
		struct nlattr *list = NULL;
		struct nl_msg *msg;

		random_match(&m);
		p = random_program(&m);
		if (!encode(&m, p, &msg, &list, &r)) {
			uint8_t *at = nla_data(list);

			at[test_rand() % (unsigned)nla_len(list)] ^=
				(uint8_t)(1u << test_rand() % 8);
			noticed += tc_actions_decode(list, &m, &env, &back) != 0;
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
	CU_add_test(s, "refusals name the step", refusals_name_the_step);
	CU_add_test(s, "damage is harmless", damage_is_harmless);
}
