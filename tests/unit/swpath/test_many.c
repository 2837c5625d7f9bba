/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of one program run together, step by step, against the same packets run one by one: what
 * leaves is the same, byte for byte and in order, and so are the drops.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/field.h"
#include "rig.h"
#include "swpath/port/segment.h"

#define ROUNDS 2000
#define TOGETHER 2 /* the ports that packets leave by */
#define ALONE 3

static const enum hal_field_id fields[] = {FIELD_ETH_SRC, FIELD_ETH_DST, FIELD_VLAN_VID,
	FIELD_VLAN_PCP, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_SRC, FIELD_IPV6_DST,
	FIELD_IPV6_FLABEL, FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_IP_TTL, FIELD_TCP_SRC, FIELD_TCP_DST,
	FIELD_UDP_SRC, FIELD_UDP_DST, FIELD_SCTP_DST, FIELD_ICMPV4_CODE, FIELD_ICMPV4_TYPE,
	FIELD_ICMPV6_CODE, FIELD_ND_TARGET, FIELD_ND_SLL, FIELD_ARP_SPA, FIELD_ARP_OP,
	FIELD_MPLS_LABEL, FIELD_MPLS_TTL, FIELD_PKT_MARK};

static void random_set(struct hal_builder *b)
{
	enum hal_field_id id = fields[test_rand() % RTE_DIM(fields)];
	unsigned n = hal_field_bytes(id);
	uint8_t value[16], mask[16];

	for (unsigned i = 0; i < n; i++) {
		value[i] = (uint8_t)test_rand();
		mask[i] = test_rand() % 2 ? 0xff : (uint8_t)test_rand();
	}
	if (hal_fields[id].bits % 8)
		mask[0] &= (uint8_t)(0xff >> (8 - hal_fields[id].bits % 8));
	for (unsigned i = 0; i < n; i++)
		value[i] &= mask[i];
	hal_build_set(b, id, value, mask);
}

/* Into a tunnel, over IPv4; nothing depends on what the addresses are. */
static void push_tunnel(struct hal_builder *b)
{
	static const uint8_t header[] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0, 0x45, 0, 0, 0, 0,
		0, 0x40, 0, 64, 17, 0, 0, 172, 16, 0, 1, 172, 16, 0, 2, 0, 0, 0x12, 0xb5, 0, 0, 0,
		0, 8, 0, 0, 0, 0, 0, 42, 0};
	struct hal_act_tunnel_push *act;
	uint32_t len = RTE_ALIGN_CEIL((uint32_t)(sizeof(*act) + sizeof(header)), 4);

	act = hal_builder_add(b, ACTION_TUNNEL_PUSH, len);
	act->port = 4;
	act->flags = test_rand() % 2 ? HAL_TUNNEL_INHERIT_TOS | HAL_TUNNEL_INHERIT_TTL : 0;
	act->header_len = sizeof(header);
	memcpy(act->header, header, sizeof(header));
}

/* At most one tunnel: identifications of IPv4 packets are counted in the order of the steps. */
static void random_edit(struct hal_builder *b, bool *tunnel)
{
	switch (test_rand() % 8) {
	case 0:
		hal_build_push_vlan(
			b, RTE_BE16(0x8100), RTE_BE16(0x1000 | (uint16_t)(test_rand() & 0xfff)));
		break;
	case 1:
		hal_build_plain(b, ACTION_POP_VLAN);
		break;
	case 2:
		hal_build_plain(b, ACTION_DEC_TTL);
		break;
	case 3:
		if (!*tunnel)
			push_tunnel(b);
		*tunnel = true;
		break;
	default:
		random_set(b);
		break;
	}
}

static struct hal_program *random_program(void)
{
	struct hal_builder b;
	struct hal_program *program;
	bool tunnel = false;

	hal_builder_init(&b);
	for (unsigned n = 1 + test_rand() % 5; n; n--)
		random_edit(&b, &tunnel);
	hal_build_output(&b, TOGETHER);
	program = hal_builder_finish(&b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(program);
	return program;
}

struct subject {
	struct rte_mbuf *m;
	struct hal_key key;
	bool parsed;
};

/* Now and then all are alike. Of some the headers are not known yet, some are shared. */
static void random_packets(struct subject *s, unsigned n)
{
	enum frame_kind kind = test_rand() % FRAME_KINDS;
	bool alike = test_rand() % 2;

	for (unsigned i = 0; i < n; i++) {
		struct frame f;

		if (!alike)
			kind = test_rand() % FRAME_KINDS;
		frame_make(&f, kind, test_rand() % 3, test_rand() % 100);
		memset(&s[i], 0, sizeof(s[i]));
		s[i].m = test_mbuf(&f, test_rand() % 4 ? 0 : 15 + test_rand() % 40);
		s[i].parsed = test_rand() % 4;
		s[i].key.in_port = rte_cpu_to_be_32(1);
	}
}

static void make(struct swpath_packet *p, struct subject *s, struct hal_key *key)
{
	*key = s->key;
	*p = (struct swpath_packet){.m = rte_pktmbuf_copy(s->m, test_pool(), 0, UINT32_MAX),
		.pool = test_pool(),
		.key = key,
		.key_stale = true,
		.layers_stale = true};
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->m);
	if (s->parsed)
		swpath_packet_key(p);
}

/* The OUTPUT at the end names another port. */
static void run_alone(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const struct hal_program *program)
{
	uint8_t steps[1024] __attribute__((aligned(8)));
	struct hal_act_output *out;

	CU_ASSERT_FATAL(program->len <= sizeof(steps));
	memcpy(steps, program->steps, program->len);
	out = (struct hal_act_output *)(void *)(steps + program->len - sizeof(*out));
	CU_ASSERT_EQUAL_FATAL(out->a.type, ACTION_OUTPUT);
	out->port = ALONE;
	for (unsigned i = 0; i < n; i++)
		swpath_execute(w, &p[i], steps, program->len, 0);
	swpath_flush(w);
}

static bool same_frames(struct rig *r)
{
	unsigned n = fake_sent(r->sp, TOGETHER);

	if (fake_sent(r->sp, ALONE) != n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct rte_mbuf *a = fake_frame(r->sp, TOGETHER, i);
		struct frame f = {.len = rte_pktmbuf_pkt_len(fake_frame(r->sp, ALONE, i))};
		const void *bytes =
			rte_pktmbuf_read(fake_frame(r->sp, ALONE, i), 0, (uint32_t)f.len, f.b);

		if (!test_same_bytes(a, bytes, f.len))
			return false;
	}
	return true;
}

static void together_and_alone(void)
{
	struct swpath_packet p[SWPATH_BURST];
	struct subject s[SWPATH_BURST];
	struct hal_key key[SWPATH_BURST];
	unsigned sent = 0, dropped = 0;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct hal_program *program = random_program();
		struct swpath_worker w = r.sp->worker[0]; /* the real one sleeps */
		unsigned n = 2 + test_rand() % 7;
		uint64_t drops[SWPATH_DROP_MAX];

		w.ip_id = 1;
		memset(w.drops, 0, sizeof(w.drops));
		random_packets(s, n);
		for (unsigned i = 0; i < n; i++)
			make(&p[i], &s[i], &key[i]);
		swpath_execute_many(&w, p, n, program->steps, program->len);
		swpath_flush(&w);
		memcpy(drops, w.drops, sizeof(drops));
		w.ip_id = 1;
		memset(w.drops, 0, sizeof(w.drops));
		for (unsigned i = 0; i < n; i++)
			make(&p[i], &s[i], &key[i]);
		run_alone(&w, p, n, program);
		CU_ASSERT(!memcmp(drops, w.drops, sizeof(drops)));
		CU_ASSERT(same_frames(&r));
		sent += fake_sent(r.sp, TOGETHER);
		dropped += n - fake_sent(r.sp, TOGETHER);
		fake_forget(r.sp, TOGETHER);
		fake_forget(r.sp, ALONE);
		for (unsigned i = 0; i < n; i++)
			rte_pktmbuf_free(s[i].m);
		free(program);
	}
	CU_ASSERT(sent > ROUNDS && dropped > ROUNDS / 4);
	rig_close(&r);
}

void suite_many(void)
{
	CU_pSuite s = CU_add_suite("many packets", NULL, NULL);

	CU_add_test(s, "together and alone", together_and_alone);
}
