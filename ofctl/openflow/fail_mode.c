/* SPDX-License-Identifier: Apache-2.0
 *
 * What a bridge does when no controller tells it what to do.
 *
 * A bridge without controllers in mode standalone has one ordinary flow that forwards normally,
 * which users may replace. With controllers it starts empty, and forwards as a learning switch
 * only while none of them was connected for three probe intervals. In mode secure it does neither.
 */
#include "ofctl/openflow/conn.h"

#include <errno.h>
#include <event2/event.h>

#include "hal/base/log.h"

LOG_DEFINE(fail_mode);

#define PROBES 3
#define DEFAULT_PROBE_MS 5000

bool of_agent_has_controllers(const struct of_agent *agent)
{
	const struct of_remote *remote;

	LIST_FOREACH (remote, &agent->controllers, entry)
		if (remote->primary)
			return true;
	return false;
}

static bool is_connected(const struct of_agent *agent)
{
	const struct of_remote *remote;

	LIST_FOREACH (remote, &agent->controllers, entry)
		if (remote->primary && remote->n_up)
			return true;
	return false;
}

static unsigned patience_ms(const struct of_agent *agent)
{
	const struct of_remote *remote;
	unsigned probe = 0;

	LIST_FOREACH (remote, &agent->controllers, entry)
		if (remote->primary && remote->probe_ms > probe)
			probe = remote->probe_ms;
	return PROBES * (probe ? probe : DEFAULT_PROBE_MS);
}

static void on_alone(evutil_socket_t fd, short what, void *arg)
{
	struct of_agent *agent = arg;

	(void)fd;
	(void)what;
	log_warn("%s: no controller is connected, forwarding as a learning switch",
		pl_bridge_name(agent->br));
	pl_bridge_set_standalone(agent->br, true);
}

void of_fail_mode_update(struct of_agent *agent)
{
	unsigned ms = patience_ms(agent);
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (agent->fail_mode != PL_FAIL_STANDALONE || !of_agent_has_controllers(agent) ||
		is_connected(agent)) {
		event_del(agent->alone);
		pl_bridge_set_standalone(agent->br, false);
	} else if (!event_pending(agent->alone, EV_TIMEOUT, NULL)) {
		event_add(agent->alone, &tv);
	}
}

static void add_normal_flow(struct of_agent *agent)
{
	struct of_action normal = {.type = OFACT_OUTPUT, .port = OF_PORT_NORMAL};
	struct of_flow_mod fm = {
		.command = OF_FLOW_ADD,
		.version = OFP13,
		.buffer_id = OF_NO_BUFFER,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
		.ins.apply = {1, &normal},
	};
	enum of_error err = pl_flow_mod(agent->br, &fm);

	if (err)
		log_err("%s: the flow that forwards normally was refused: %s",
			pl_bridge_name(agent->br), of_error_text(err));
}

void of_fail_mode_reset(struct of_agent *agent)
{
	pl_flow_flush(agent->br);
	if (agent->fail_mode == PL_FAIL_STANDALONE && !of_agent_has_controllers(agent))
		add_normal_flow(agent);
}

int of_fail_mode_init(struct of_agent *agent)
{
	agent->alone = event_new(agent->all->base, -1, 0, on_alone, agent);
	if (!agent->alone)
		return -ENOMEM;
	if (agent->fail_mode == PL_FAIL_STANDALONE)
		add_normal_flow(agent);
	return 0;
}

void of_fail_mode_free(struct of_agent *agent)
{
	event_free(agent->alone);
}
