/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent over the pipeline that forwards nothing, for stock tools to talk to:
 * of-serve TARGET. Sends a packet-in every 100 ms to those who want one. Ends when its standard
 * input does.
 */
#include <event2/event.h>
#include <stdio.h>

#include "ofctl/openflow/agent.h"
#include "tests/unit/openflow/fake_pipeline.h"

static struct pipeline_ops ops;

static void ct_flush(void *ctx, const struct conntrack_match *match)
{
	(void)ctx;
	(void)match;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const uint8_t packet[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6};
	struct of_packet_in pin = {
		.reason = OF_REASON_ACTION,
		.table = 3,
		.cookie = 0x77,
		.in_port = 2,
		.metadata = 0x5,
		.data = packet,
		.len = sizeof(packet),
		.total_len = sizeof(packet),
	};

	(void)fd;
	(void)what;
	(void)arg;
	ops.packet_in(ops.ctx, fake_bridge(), &pin);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct of_agents *all = of_agents_create(base);
	struct of_agent *agent = of_agent_create(all, NULL, fake_bridge());
	struct event *input = event_new(base, 0, EV_READ, on_input, base);
	struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	struct timeval tv = {0, 100000};
	struct of_controller_config cfg = {.inactivity_probe_ms = -1};
	char err[256];

	of_agents_events(all, &ops);
	of_agents_set_ops(all, &(struct of_agents_ops){ct_flush, NULL});
	of_agent_set_fail_mode(agent, PL_FAIL_SECURE);
	if (argc < 2 || of_agent_listen(agent, argv[1], err, sizeof(err))) {
		fprintf(stderr, "%s\n", argc < 2 ? "usage: of-serve LISTEN [CONTROLLER]" : err);
		return 1;
	}
	if (argc > 2) {
		cfg.target = argv[2];
		of_agent_set_controllers(agent, &cfg, 1);
	}
	event_add(input, NULL);
	event_add(tick, &tv);
	event_base_dispatch(base);
	event_free(input);
	event_free(tick);
	of_agent_free(agent);
	of_agents_free(all);
	fake_reset();
	event_base_free(base);
	return 0;
}
