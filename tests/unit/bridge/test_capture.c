/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules of devices carry packets of a capture.
 */
#include <stdlib.h>

#include "hal/action.h"
#include "hal/rule.h"
#include "ofctl/bridge/capture_what.h"
#include "test_bridge.h"

/* A rule for UDP packets from a port. */
static struct hal_cmatch *udp_from(uint32_t port, uint16_t tp_dst)
{
	struct hal_key key = {.in_port = rte_cpu_to_be_32(port),
		.eth_type = RTE_BE16(0x0800),
		.ip_proto = 17,
		.tp_dst = rte_cpu_to_be_16(tp_dst)};
	struct hal_key mask = {.in_port = port ? UINT32_MAX : 0,
		.eth_type = UINT16_MAX,
		.ip_proto = UINT8_MAX,
		.tp_dst = tp_dst ? UINT16_MAX : 0};

	return hal_cmatch_new_dp(&key, &mask);
}

/* Takes both over. */
static bool concerns(struct capture_what *what, struct hal_cmatch *match, struct hal_program *p)
{
	const struct hal_rule rule = {.match = match, .program = p};
	bool yes = capture_what_concerns(what, &rule);

	free(match);
	free(p);
	return yes;
}

static struct hal_program *drop(void)
{
	struct hal_builder b;

	hal_builder_init(&b);
	return hal_builder_finish(&b);
}

static struct hal_program *output(uint32_t port)
{
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_output(&b, port);
	return hal_builder_finish(&b);
}

/* A step whose arguments do not matter, then an output. */
static struct hal_program *step_then_output(enum hal_action_type type, size_t len, uint32_t port)
{
	struct hal_builder b;
	struct hal_action *a;

	hal_builder_init(&b);
	a = hal_builder_add(&b, type, len);
	CU_ASSERT_PTR_NOT_NULL(a);
	hal_build_output(&b, port);
	return hal_builder_finish(&b);
}

/* In a list of its own. */
static struct hal_program *cloned_output(uint32_t port)
{
	struct hal_builder b;
	uint32_t at;

	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_output(&b, port);
	hal_build_nested_end(&b, at);
	hal_build_output(&b, 9);
	return hal_builder_finish(&b);
}

static void ports(void)
{
	struct capture_what what = {.cfg = {.what = SWPATH_CAPTURE_PORTS}};

	what.cfg.ports = calloc(SWPATH_CAPTURE_PORT_WORDS, sizeof(uint64_t));
	swpath_capture_add_port(what.cfg.ports, 2);
	CU_ASSERT(concerns(&what, udp_from(2, 80), output(3)));
	CU_ASSERT(concerns(&what, udp_from(1, 80), output(2)));
	CU_ASSERT(concerns(&what, udp_from(1, 80), cloned_output(2)));
	CU_ASSERT(concerns(&what, udp_from(0, 80), output(3))); /* from any port */
	CU_ASSERT(concerns(&what, udp_from(2, 80), drop()));
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), output(3)));
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), cloned_output(3)));
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), drop()));
	capture_what_free(&what);
}

static void matches(void)
{
	struct capture_what what = {.cfg = {.what = SWPATH_CAPTURE_MATCH}};

	what.match = udp_from(0, 80);
	CU_ASSERT(concerns(&what, udp_from(1, 80), output(3)));
	CU_ASSERT(concerns(&what, udp_from(1, 0), output(3))); /* it may be one */
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 81), output(3)));
	/* Of one bridge. */
	what.cfg.ports = calloc(SWPATH_CAPTURE_PORT_WORDS, sizeof(uint64_t));
	swpath_capture_add_port(what.cfg.ports, 1);
	CU_ASSERT(concerns(&what, udp_from(1, 80), output(3)));
	CU_ASSERT_FALSE(concerns(&what, udp_from(2, 80), output(1)));
	capture_what_free(&what);
}

static void drops(void)
{
	struct capture_what what = {.cfg = {.what = SWPATH_CAPTURE_DROPS}};

	what.cfg.drops = UINT64_C(1) << SWPATH_DROP_ACTION;
	CU_ASSERT(concerns(&what, udp_from(1, 80), drop()));
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), output(2)));
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80),
		step_then_output(ACTION_METER, sizeof(struct hal_act_meter), 2)));
	what.cfg.drops = UINT64_C(1) << SWPATH_DROP_METER;
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), drop()));
	CU_ASSERT(concerns(&what, udp_from(1, 80),
		step_then_output(ACTION_METER, sizeof(struct hal_act_meter), 2)));
	/* Queues of the software path: no device's rule drops for them. */
	what.cfg.drops = UINT64_C(1) << SWPATH_DROP_TX_FULL;
	CU_ASSERT_FALSE(concerns(&what, udp_from(1, 80), output(2)));
}

void suite_capture(void)
{
	CU_pSuite s = CU_add_suite("capture", NULL, NULL);

	CU_add_test(s, "ports", ports);
	CU_add_test(s, "matches", matches);
	CU_add_test(s, "drops", drops);
}
