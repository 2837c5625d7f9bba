/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports and meters as actions see them.
 */
#include "drivers/tc/tc.h"

static uint32_t ifindex_of(void *ctx, uint32_t port)
{
	const struct tc_port *p = tc_port_by_id(ctx, port);

	return p ? p->ifindex : 0;
}

static uint32_t port_of(void *ctx, uint32_t ifindex)
{
	const struct tc_port *p = tc_port_by_ifindex(ctx, ifindex);

	return p ? p->id : HAL_PORT_NONE;
}

static uint32_t index_of(const void *meters, uint32_t id)
{
	return tc_meter_index(meters, id);
}

static int meter_of(const void *meters, uint32_t index, uint32_t *id)
{
	return tc_meter_id(meters, index, id);
}

void tc_env(struct tc_dev *dev, struct tc_action_env *env)
{
	*env = (struct tc_action_env){
		.ifindex = ifindex_of,
		.port = port_of,
		.ctx = dev,
		.policer = index_of,
		.meter = meter_of,
		.meters = dev,
		.by_kernel = dev->policy != TC_POLICY_SKIP_SW,
		.writes_transport = dev->writes_transport,
	};
}
