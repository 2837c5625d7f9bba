/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel answers to the TC driver, from its first byte to rules and ports: nothing in it
 * may do harm. The corpus is what a kernel did answer (corpus/tc, made by capture.py).
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/tc/police.h"
#include "drivers/tc/tc.h"

#define SEQ 1u
#define REQUESTS 4u

static uint32_t to_ifindex(void *ctx, uint32_t port)
{
	(void)ctx;
	return port + 1;
}

static uint32_t to_port(void *ctx, uint32_t ifindex)
{
	(void)ctx;
	return ifindex ? ifindex & HAL_PORT_MAX : HAL_PORT_NONE;
}

static uint32_t to_policer(const void *meters, uint32_t id)
{
	(void)meters;
	return TC_METER_INDEX + id % TC_MAX_METERS;
}

static int to_meter(const void *meters, uint32_t index, uint32_t *id)
{
	(void)meters;
	*id = index - TC_METER_INDEX;
	return 0;
}

/* A filter all the way to a rule, as a dump takes it. */
static void take_filter(struct nlmsghdr *h)
{
	const struct tc_action_env env = {
		.ifindex = to_ifindex, .port = to_port, .policer = to_policer, .meter = to_meter};
	struct hal_program *program = NULL;
	struct hal_match m = {0};
	struct tc_filter f;

	if (tc_filter_parse(h, &f))
		return;
	if (tc_flower_decode(f.keys, f.place.protocol, &m) || !f.keys[TCA_FLOWER_ACT])
		return;
	if (!tc_actions_decode(f.keys[TCA_FLOWER_ACT], &m, &env, &program)) {
		char text[4096];

		hal_program_format(program, NULL, NULL, text, sizeof(text));
		hal_match_format(&m.value, &m.mask, true, text, sizeof(text));
	}
	free(program);
}

static int found(void *ctx, uint32_t ifindex)
{
	*(uint32_t *)ctx ^= ifindex;
	return 0;
}

static void take_standing(void *ctx, const struct tc_standing *s)
{
	*(uint32_t *)ctx ^= s->index;
}

static int take(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct netdev_link link = {0};
	struct tc_marker marker;

	take_filter(h);
	netdev_link_take(&link, h);
	tc_marker_take(&marker, h);
	netdev_qdisc_take(h, found, ctx);
	tc_standing_take(h, take_standing, ctx);
	(void)i;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netdev_answer answers[REQUESTS] = {0};
	uint32_t seen = 0;
	struct netdev_batch b = {.seq = SEQ,
		.n = REQUESTS,
		.answer = answers,
		.object = take,
		.ctx = &seen,
		.dump = size & 1};
	/* As long as the datagram, so that one byte too many is noticed. */
	uint8_t *datagram = malloc(size ? size : 1);

	if (!datagram)
		return 0;
	memcpy(datagram, data, size);
	netdev_batch_take(&b, datagram, size);
	free(datagram);
	return 0;
}
