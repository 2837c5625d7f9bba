/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of actions share: a device with ports and meters, and programs written for it.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>

#include "drivers/tc/police.h"
#include "drivers/tc/tc.h"
#include "test_tc.h"

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

static uint32_t to_policer(const void *meters, uint32_t id)
{
	(void)meters;
	return id && id <= TEST_METERS ? TC_METER_INDEX + id : 0;
}

static int to_meter(const void *meters, uint32_t index, uint32_t *id)
{
	(void)meters;
	*id = index - TC_METER_INDEX;
	return *id && *id <= TEST_METERS ? 0 : -ENOENT;
}

struct tc_action_env test_env = {.ifindex = to_ifindex,
	.port = to_port,
	.policer = to_policer,
	.meter = to_meter,
	.by_kernel = true,
	.writes_transport = true};

int test_encode(const struct hal_match *m, const struct hal_program *p, struct nl_msg **msg,
	struct nlattr **list, struct hal_reason *r)
{
	struct hal_rule rule = {.match = hal_cmatch_new(m), .program = p};
	struct nlattr *keys[TCA_FLOWER_MAX + 1];
	int err;

	*msg = nlmsg_alloc_size(8192);
	hal_reason_clear(r);
	err = tc_actions_encode(*msg, &rule, &test_env, r);
	free((void *)(uintptr_t)rule.match);
	if (!err && !nlmsg_parse(nlmsg_hdr(*msg), 0, keys, TCA_FLOWER_MAX, NULL))
		*list = keys[TCA_FLOWER_ACT];
	return err;
}

void test_add_meter(struct hal_builder *b, uint32_t id)
{
	struct hal_act_meter *step = hal_builder_add(b, ACTION_METER, sizeof(*step));

	step->meter = id;
}
