/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs to steps and back, and what steps say of a packet.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <rte_ether.h>

#include "hal/base/be.h"
#include "test_ebpf.h"

#define ROUNDS 5000

static struct hal_cmatch *match_of(uint16_t eth_type)
{
	struct hal_key value = {.eth_type = rte_cpu_to_be_16(eth_type)}, mask = {0};

	mask.eth_type = RTE_BE16(0xffff);
	return hal_cmatch_new_dp(&value, &mask);
}

static void add_set(struct hal_builder *b)
{
	enum hal_field_id id;
	uint8_t value[16], mask[16], ones[HAL_VALUE_MAX];

	do
		id = test_rand() % FIELD_MAX;
	while (!ebpf_set_can(id));
	hal_field_ones(id, ones);
	for (unsigned i = 0; i < hal_field_bytes(id); i++) {
		mask[i] = test_rand() % 2 ? ones[i] : ones[i] & (uint8_t)test_rand();
		value[i] = mask[i] & (uint8_t)test_rand();
	}
	hal_build_set(b, id, value, mask);
}

static void add_meter(struct hal_builder *b, uint32_t id)
{
	struct hal_act_meter *meter = hal_builder_add(b, ACTION_METER, sizeof(*meter));

	meter->meter = id;
}

/* Headers over IPv4 with options. */
static struct hal_act_tunnel_push *add_push(struct hal_builder *b, unsigned header_len)
{
	struct hal_act_tunnel_push *push =
		hal_builder_add(b, ACTION_TUNNEL_PUSH, sizeof(*push) + header_len);

	push->port = TEST_TUNNEL + test_rand() % 10;
	push->type = test_rand() % 2 ? HAL_TUNNEL_GENEVE : HAL_TUNNEL_VXLAN;
	push->flags = test_rand() % 4 * HAL_TUNNEL_INHERIT_TOS;
	push->header_len = (uint16_t)header_len;
	for (unsigned i = 0; i < header_len; i++)
		push->header[i] = (uint8_t)test_rand();
	memcpy(push->header + 12, "\x08\0\x45", 3);
	push->header[23] = IPPROTO_UDP;
	return push;
}

static struct hal_act_tunnel_pop *add_pop(struct hal_builder *b)
{
	struct hal_act_tunnel_pop *pop = hal_builder_add(b, ACTION_TUNNEL_POP, sizeof(*pop));

	pop->port = TEST_TUNNEL + test_rand() % 10;
	pop->type = test_rand() % 2 ? HAL_TUNNEL_GENEVE : HAL_TUNNEL_VXLAN;
	pop->flags = test_rand() % 2 ? HAL_TUNNEL_GBP : 0;
	return pop;
}

static struct hal_program *tunnel_program(void)
{
	struct hal_builder b;

	hal_builder_init(&b);
	if (test_rand() % 3 == 0) {
		add_pop(&b);
		return hal_builder_finish(&b);
	}
	if (test_rand() % 2)
		hal_build_output(&b, 1 + test_rand() % 80);
	if (test_rand() % 2)
		hal_build_push_vlan(&b, RTE_BE16(0x8100), rte_cpu_to_be_16(test_rand() & 0xefff));
	if (test_rand() % 2)
		add_meter(&b, 1);
	add_push(&b, 50 + test_rand() % (EBPF_HEADER_MAX - 49));
	hal_build_output(&b, 1 + test_rand() % 80);
	return hal_builder_finish(&b);
}

static struct hal_program *random_program(void)
{
	struct hal_act_recirc *recirc;
	struct hal_builder b;

	if (test_rand() % 8 == 0)
		return tunnel_program();

	hal_builder_init(&b);
	for (unsigned n = test_rand() % 12; n--;) {
		switch (test_rand() % 7) {
		case 0:
			hal_build_output(&b, 1 + test_rand() % (TEST_TUNNEL - 1));
			break;
		case 1:
			hal_build_push_vlan(&b,
				test_rand() % 2 ? RTE_BE16(0x8100) : RTE_BE16(0x88a8),
				rte_cpu_to_be_16(test_rand() & 0xefff));
			break;
		case 2:
			hal_build_plain(&b, ACTION_POP_VLAN);
			break;
		case 3:
			hal_build_plain(&b, test_rand() % 2 ? ACTION_DEC_TTL : ACTION_CT_CLEAR);
			break;
		case 4:
			add_meter(&b, 1);
			break;
		default:
			add_set(&b);
			break;
		}
	}
	if (test_rand() % 4 == 0) {
		recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
		recirc->id = test_rand();
	}
	return hal_builder_finish(&b);
}

static void there_and_back(void)
{
	struct hal_cmatch *match[2] = {
		match_of(RTE_ETHER_TYPE_IPV4), match_of(RTE_ETHER_TYPE_IPV6)};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_program *p = random_program(), *back = NULL;
		struct ebpf_code code;

		memset(&code, 0xa5, sizeof(code));
		CU_ASSERT_EQUAL_FATAL(
			ebpf_code_encode(match[i % 2], p, &test_ports, &code, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(ebpf_code_decode(match[i % 2], &code, &test_ports, &back), 0);
		CU_ASSERT(hal_program_equal(p, back));
		free(p);
		free(back);
	}
	free(match[0]);
	free(match[1]);
}

/* A step with another byte somewhere is another program, or none. */
static void altered(void)
{
	struct hal_cmatch *match = match_of(RTE_ETHER_TYPE_IPV4);

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_program *p = random_program(), *back = NULL;
		struct ebpf_code code;
		uint8_t *bytes = (uint8_t *)code.step;

		CU_ASSERT_EQUAL_FATAL(ebpf_code_encode(match, p, &test_ports, &code, NULL), 0);
		if (code.n) {
			bytes[test_rand() % (code.n * sizeof(code.step[0]))] ^=
				(uint8_t)(1u << test_rand() % 8);
			if (!ebpf_code_decode(match, &code, &test_ports, &back))
				CU_ASSERT_FALSE(hal_program_equal(p, back));
		}
		free(p);
		free(back);
	}
	free(match);
}

/* A meter of a former run may have the id of one of ours. */
static void meters_of_two_runs(void)
{
	struct hal_cmatch *match = match_of(RTE_ETHER_TYPE_IPV4);
	struct hal_program *p, *back = NULL;
	struct ebpf_code code = {0};
	struct hal_builder b;
	struct hal_reason r;

	hal_builder_init(&b);
	add_meter(&b, 4);
	hal_build_output(&b, 1);
	p = hal_builder_finish(&b);
	CU_ASSERT_EQUAL(ebpf_code_encode(match, p, &test_ports, &code, NULL), 0);
	CU_ASSERT(code.n == 2 && code.step[0].op == EBPF_METER && code.step[0].arg == 8);
	for (; code.step[0].arg < 10; code.step[0].arg++) {
		CU_ASSERT_EQUAL_FATAL(ebpf_code_decode(match, &code, &test_ports, &back), 0);
		CU_ASSERT(hal_program_equal(p, back));
		free(back);
	}
	code.step[0].arg = 2 * TEST_METERS;
	CU_ASSERT_EQUAL(ebpf_code_decode(match, &code, &test_ports, &back), -EINVAL);
	free(p);
	hal_builder_init(&b);
	add_meter(&b, TEST_METERS);
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT(r.code == HAL_REASON_DEPENDS && r.action == ACTION_METER);
	free(p);
	free(match);
}

/* One SET as it lies in a packet. */
static struct ebpf_code set_of(uint16_t eth_type, enum hal_field_id id, uint64_t value)
{
	struct hal_cmatch *match = match_of(eth_type);
	struct ebpf_code code = {0};
	uint8_t v[16] = {0}, ones[HAL_VALUE_MAX];
	struct hal_program *p;
	struct hal_builder b;

	hal_builder_init(&b);
	be_store(v, hal_field_bytes(id), value);
	hal_field_ones(id, ones);
	hal_build_set(&b, id, v, ones);
	p = hal_builder_finish(&b);
	CU_ASSERT_EQUAL(ebpf_code_encode(match, p, &test_ports, &code, NULL), 0);
	free(p);
	free(match);
	return code;
}

static bool is_step(const struct ebpf_code *code, uint8_t base, uint8_t at, uint8_t size,
	uint8_t sum, const char *value, const char *mask)
{
	const struct ebpf_step *s = &code->step[0];

	return code->n == 1 && s->op == EBPF_SET && s->base == base && s->at == at &&
	       s->size == size && s->sum == sum && !memcmp(&s->value, value, size) &&
	       !memcmp(&s->mask, mask, size);
}

static void places(void)
{
	struct ebpf_code c;

	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_IP_DSCP, 0x2e);
	CU_ASSERT(is_step(&c, EBPF_IPV4, 0, 2, EBPF_SUM_IP, "\x00\xb8", "\x00\xfc"));
	c = set_of(RTE_ETHER_TYPE_IPV6, FIELD_IP_DSCP, 0x2e);
	CU_ASSERT(is_step(&c, EBPF_IPV6, 0, 2, 0, "\x0b\x80", "\x0f\xc0"));
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_IP_TTL, 7);
	CU_ASSERT(is_step(&c, EBPF_IPV4, 8, 2, EBPF_SUM_IP, "\x07\x00", "\xff\x00"));
	c = set_of(RTE_ETHER_TYPE_IPV6, FIELD_IP_TTL, 7);
	CU_ASSERT(is_step(&c, EBPF_IPV6, 7, 1, 0, "\x07", "\xff"));
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_ICMPV4_CODE, 3);
	CU_ASSERT(is_step(&c, EBPF_L4, 0, 2, EBPF_SUM_L4, "\x00\x03", "\x00\xff"));
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_UDP_DST, 0x1234);
	CU_ASSERT(is_step(&c, EBPF_L4, 2, 2, EBPF_SUM_L4, "\x12\x34", "\xff\xff"));
	CU_ASSERT_EQUAL(c.step[0].proto, IPPROTO_UDP);
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_IPV4_DST, 0x0a000001);
	CU_ASSERT(is_step(&c, EBPF_IPV4, 16, 4, EBPF_SUM_IP | EBPF_SUM_PSEUDO, "\x0a\x00\x00\x01",
		"\xff\xff\xff\xff"));
	/* The bit that says in a key that there is a tag is not the packet's to be written. */
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_VLAN_VID, 0x1005);
	CU_ASSERT(c.step[0].op == EBPF_SET_VLAN && c.step[0].value == 5 && c.step[0].mask == 0xfff);
	c = set_of(RTE_ETHER_TYPE_IPV4, FIELD_NW_TOS, 0xfc);
	CU_ASSERT(is_step(&c, EBPF_IPV4, 0, 2, EBPF_SUM_IP, "\x00\xfc", "\x00\xfc"));
}

/* The packet itself goes with the last output, copies with those before. */
static void outputs(void)
{
	struct hal_cmatch *match = match_of(RTE_ETHER_TYPE_IPV4);
	struct ebpf_code code;
	struct hal_program *p;
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_output(&b, 1);
	hal_build_output(&b, 2);
	hal_build_plain(&b, ACTION_POP_VLAN);
	p = hal_builder_finish(&b);
	CU_ASSERT_EQUAL(ebpf_code_encode(match, p, &test_ports, &code, NULL), 0);
	CU_ASSERT(code.n == 3 && !code.step[0].last && code.step[1].last);
	CU_ASSERT(code.step[0].arg == TEST_IFINDEX + 1 && code.step[1].arg == TEST_IFINDEX + 2);
	free(p);
	free(match);
}

static void refusals(void)
{
	struct hal_cmatch *match = match_of(RTE_ETHER_TYPE_ARP);
	struct hal_act_recirc *recirc;
	struct ebpf_code code;
	struct hal_program *p;
	struct hal_builder b;
	struct hal_reason r;

	hal_builder_init(&b);
	hal_build_output(&b, 100);
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT(r.code == HAL_REASON_UNBOUND_PORT && r.port == 100);
	free(p);
	hal_builder_init(&b);
	hal_build_set(&b, FIELD_IP_TTL, (const uint8_t[]){3}, (const uint8_t[]){0xff});
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT_EQUAL(r.field, FIELD_IP_TTL);
	free(p);
	hal_builder_init(&b);
	recirc = hal_builder_add(&b, ACTION_RECIRC, sizeof(*recirc));
	recirc->id = 5;
	hal_build_output(&b, 1);
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT_EQUAL(r.action, ACTION_RECIRC);
	free(p);
	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(0x9100), 0);
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT_EQUAL(r.action, ACTION_PUSH_VLAN);
	free(p);
	hal_builder_init(&b);
	for (unsigned i = 0; i <= EBPF_STEPS; i++)
		hal_build_output(&b, 1);
	p = hal_builder_finish(&b);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT(strstr(r.text, "64 steps") != NULL);
	free(p);
	free(match);
}

static void expect_refused(struct hal_builder *b, enum hal_action_type action, const char *text)
{
	struct hal_cmatch *match = match_of(RTE_ETHER_TYPE_IPV4);
	struct hal_program *p = hal_builder_finish(b);
	struct ebpf_code code;
	struct hal_reason r;

	hal_reason_clear(&r);
	CU_ASSERT(ebpf_code_encode(match, p, &test_ports, &code, &r) < 0);
	CU_ASSERT_EQUAL(r.action, action);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, text));
	free(p);
	free(match);
}

/* What does not go into a tunnel exactly, or could not be handed up as it came. */
static void tunnels_refused(void)
{
	struct hal_builder b;

	hal_builder_init(&b);
	add_push(&b, 50)->flags = HAL_TUNNEL_CSUM;
	expect_refused(&b, ACTION_TUNNEL_PUSH, "checksum");
	hal_builder_init(&b);
	memcpy(add_push(&b, 70)->header + 12, "\x86\xdd\x60", 3);
	expect_refused(&b, ACTION_TUNNEL_PUSH, "IPv6");
	hal_builder_init(&b);
	add_push(&b, EBPF_HEADER_MAX + 4);
	expect_refused(&b, ACTION_TUNNEL_PUSH, "132 bytes");
	hal_builder_init(&b);
	add_push(&b, 50);
	add_push(&b, 50);
	expect_refused(&b, ACTION_TUNNEL_PUSH, "one tunnel");
	hal_builder_init(&b);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), 0);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), 0);
	add_push(&b, 50);
	expect_refused(&b, ACTION_TUNNEL_PUSH, "one tag");
	hal_builder_init(&b);
	add_push(&b, 50);
	add_meter(&b, 1);
	expect_refused(&b, ACTION_METER, "super-frame");
	hal_builder_init(&b);
	add_push(&b, 50)->port = 5;
	expect_refused(&b, ACTION_TUNNEL_PUSH, "no end of tunnels 5");
	hal_builder_init(&b);
	hal_build_output(&b, 1);
	add_pop(&b);
	expect_refused(&b, ACTION_TUNNEL_POP, "handed up as it came");
	hal_builder_init(&b);
	hal_build_output(&b, TEST_TUNNEL);
	expect_refused(&b, ACTION_MAX, "not on this device");
	hal_builder_init(&b);
	add_push(&b, 50);
	hal_build_set(&b, FIELD_UDP_DST, (const uint8_t[]){1, 2}, NULL);
	expect_refused(&b, ACTION_MAX, "tunnel's headers");
}

void add_code_suite(void)
{
	CU_pSuite suite = CU_add_suite("ebpf: programs", NULL, NULL);

	CU_add_test(suite, "programs there and back", there_and_back);
	CU_add_test(suite, "altered steps", altered);
	CU_add_test(suite, "meters of two runs", meters_of_two_runs);
	CU_add_test(suite, "where fields lie", places);
	CU_add_test(suite, "copies, and the packet itself", outputs);
	CU_add_test(suite, "what is refused", refusals);
	CU_add_test(suite, "what of tunnels is refused", tunnels_refused);
}
