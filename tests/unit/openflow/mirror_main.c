/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent over the pipeline that forwards nothing, for a peer that knows what it tells:
 * of-mirror TARGET SEED. Numbers come from the seed (fake_number()). A line "packet-in N" or
 * "port-status N" on standard input makes event N; what requests without an answer asked for is
 * written to standard output, a line each. Ends when its standard input does.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "ofctl/openflow/agent.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"
#include "tests/unit/openflow/fake_pipeline.h"

#define PACKET_MAX 200

static struct pipeline_ops ops;

/* ---- what was asked ---- */

static void print_hex(const uint8_t *data, size_t len)
{
	printf(" x");
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
}

static void end_line(void)
{
	printf("\n");
	fflush(stdout);
}

static void on_packet_out(const struct of_packet_out *po)
{
	static const uint8_t versions[] = {OFP10, OFP13, OFP15};

	printf("packet-out %u %u", po->buffer_id, po->in_port);
	print_hex(po->data, po->len);
	for (unsigned i = 0; i < sizeof(versions); i++) {
		struct of_buf b = {0};

		of_actions_encode(&b, versions[i], &po->actions);
		print_hex(b.data, b.len);
		of_buf_free(&b);
	}
	end_line();
}

static void on_port_mod(const struct of_port_mod *pm)
{
	printf("port-mod %u", pm->number);
	print_hex(pm->mac, sizeof(pm->mac));
	printf(" %u %u", pm->config, pm->mask);
	end_line();
}

static void on_resume(const struct of_resume *r)
{
	struct of_buf b = {0};

	printf("resume");
	print_hex(r->data, r->len);
	print_hex(r->continuation, r->continuation_len);
	of_oxm_encode(&b, OF_OXM_13, r->pipeline_fields);
	print_hex(b.data, b.len);
	of_buf_free(&b);
	end_line();
}

static void print_tuple(const struct conntrack_tuple *t)
{
	print_hex(t->src, sizeof(t->src));
	print_hex(t->dst, sizeof(t->dst));
	printf(" %u %u %u %u %u", ntohs(t->src_port), ntohs(t->dst_port), ntohs(t->id), t->type,
		t->code);
}

static void on_ct_flush(void *ctx, const struct conntrack_match *m)
{
	static const struct conntrack_match all;

	(void)ctx;
	m = m ? m : &all;
	printf("ct-flush %u %u %u %u", m->has, m->entry.zone, m->entry.proto, m->entry.ipv6);
	print_tuple(&m->entry.orig);
	print_tuple(&m->entry.reply);
	end_line();
}

/* ---- what happens ---- */

static void on_deleted(const struct of_flow_stats *fs)
{
	struct of_flow_removed fr = {.stats = *fs};

	fr.reason = (enum of_removed_reason)(fake_number(FAKE_EVENT, fs->cookie, 0) % 6);
	if (fs->flags & OF_FLOW_SEND_REMOVED)
		ops.flow_removed(ops.ctx, fake_bridge(), &fr);
}

static void packet_in(uint64_t n)
{
	uint64_t of = n * 16;
	uint8_t data[1024];
	struct hal_match fields = {0};
	struct of_packet_in pin = {
		.reason = (enum of_packet_in_reason)(fake_number(FAKE_EVENT, of, 0) % 6),
		.table = (uint8_t)(fake_number(FAKE_EVENT, of + 1, 0) % OF_TABLES),
		.cookie = fake_number(FAKE_EVENT, of + 2, 0),
		.in_port = 1 + (uint32_t)(fake_number(FAKE_EVENT, of + 3, 0) % 0xfeff),
		.metadata = fake_number(FAKE_EVENT, of + 4, 0),
		.len = fake_number(FAKE_EVENT, of + 5, 0) % PACKET_MAX,
		.userdata_len = fake_number(FAKE_EVENT, of + 6, 0) % PACKET_MAX,
		.continuation_len = fake_number(FAKE_EVENT, of + 7, 0) % PACKET_MAX,
		.pipeline_fields = &fields,
		.data = data,
		.userdata = data + PACKET_MAX,
	};

	pin.total_len = pin.len + fake_number(FAKE_EVENT, of + 8, 0) % 1000;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)fake_number(FAKE_DATA, n * 1024 + i, 0);
	if (pin.continuation_len)
		pin.continuation = data + (size_t)2 * PACKET_MAX;
	hal_match_set_u64(&fields, FIELD_TUNNEL_ID, fake_number(FAKE_EVENT, of + 9, 0));
	hal_match_set_u64(&fields, FIELD_REG0, (uint32_t)fake_number(FAKE_EVENT, of + 10, 0));
	ops.packet_in(ops.ctx, fake_bridge(), &pin);
}

static void port_status(uint64_t n)
{
	struct of_port_desc d;

	fake_describe(1 + (uint32_t)(fake_number(FAKE_EVENT, n * 16, 0) % 0xfeff), &d);
	ops.port_status(ops.ctx, fake_bridge(),
		(enum of_port_reason)(fake_number(FAKE_EVENT, n * 16 + 1, 0) % 3), &d);
}

static void run_line(const char *line)
{
	char what[32];
	unsigned n;

	if (sscanf(line, "%31s %u", what, &n) != 2)
		return;
	if (!strcmp(what, "packet-in"))
		packet_in(n);
	else if (!strcmp(what, "port-status"))
		port_status(n);
}

/* Lines are short and come one at a time: a read has whole ones. */
static void on_input(evutil_socket_t fd, short what, void *arg)
{
	char text[4096], *save = NULL;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	(void)what;
	if (n <= 0) {
		event_base_loopbreak(arg);
		return;
	}
	text[n] = '\0';
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		run_line(line);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct of_agents *all = of_agents_create(base);
	struct of_agent *agent = of_agent_create(all, NULL, fake_bridge());
	struct event *input = event_new(base, 0, EV_READ | EV_PERSIST, on_input, base);
	struct of_controller_config cfg = {.inactivity_probe_ms = -1};
	int ret = argc != 3;

	if (ret) {
		fprintf(stderr, "usage: of-mirror CONTROLLER SEED\n");
		goto out;
	}
	log_set_level(NULL, LOG_LEVEL_OFF);
	fake_seed = strtoull(argv[2], NULL, 0);
	fake_hooks = (struct fake_hooks){on_packet_out, on_port_mod, on_resume, on_deleted};
	of_agents_events(all, &ops);
	of_agents_set_ops(all, &(struct of_agents_ops){on_ct_flush, NULL});
	of_agent_set_versions(agent, 1u << OFP10 | 1u << OFP13 | 1u << OFP14 | 1u << OFP15);
	of_agent_set_fail_mode(agent, PL_FAIL_SECURE);
	cfg.target = argv[1];
	of_agent_set_controllers(agent, &cfg, 1);
	event_add(input, NULL);
	event_base_dispatch(base);
out:
	event_free(input);
	of_agent_free(agent);
	of_agents_free(all);
	fake_reset();
	event_base_free(base);
	return ret;
}
