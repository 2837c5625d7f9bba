/* SPDX-License-Identifier: Apache-2.0
 *
 * What a controller sends, from its first byte to the pipeline's door, in every version. The agent
 * is the real one; its channel is a stream in memory, and its pipeline forwards nothing. What is
 * decoded is encoded, and that is decoded and encoded again, to the same bytes.
 *
 * The first byte of an input says which connection it is: bits 0 and 1 its version, or
 * bit 4 with one of them that it is 1.5, bit 2 whether it is a service connection, bit 3 whether
 * there are options in the TLV table. The rest are messages, whose version and type need not be
 * right.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "hal/tlv.h"
#include "ofctl/openflow/conn.h"
#include "tests/unit/openflow/fake_pipeline.h"

struct of_channel {
	const struct of_channel_ops *ops;
	void *ctx;
	bool over; /* closed by its owner */
};

static struct of_channel channel;
static struct of_agents *agents;
static struct pipeline_ops events;

/* ---- the channel: one at a time, and what is sent is forgotten ---- */

struct of_channel *of_channel_accept(struct event_base *base, int fd, struct ssl_st *ssl,
	const struct of_channel_ops *ops, void *ctx)
{
	(void)base;
	(void)ssl;
	(void)fd;
	channel = (struct of_channel){.ops = ops, .ctx = ctx};
	return &channel;
}

int of_channel_connect(struct event_base *base, struct evdns_base *dns, const struct of_target *t,
	struct ssl_st *ssl, const struct of_channel_ops *ops, void *ctx, struct of_channel **out)
{
	(void)dns;
	(void)t;
	*out = of_channel_accept(base, -1, ssl, ops, ctx);
	return 0;
}

void of_channel_free(struct of_channel *ch)
{
	ch->over = true;
}

void of_channel_send(struct of_channel *ch, struct of_buf *b)
{
	(void)ch;
	of_buf_free(b);
}

uint64_t of_channel_queued(const struct of_channel *ch)
{
	(void)ch;
	return 0;
}

uint64_t of_channel_sent(const struct of_channel *ch)
{
	(void)ch;
	return 0;
}

bool of_channel_congested(const struct of_channel *ch)
{
	(void)ch;
	return false;
}

void of_channel_suspend(struct of_channel *ch)
{
	(void)ch;
}

void of_channel_resume(struct of_channel *ch)
{
	(void)ch;
}

uint64_t of_channel_idle_ms(const struct of_channel *ch)
{
	(void)ch;
	return 0;
}

uint64_t of_now_ms(void)
{
	return 1000;
}

/* ---- round trips ---- */

static bool decode_flow_mod(uint8_t version, struct of_rd r, struct of_buf *b)
{
	struct of_flow_mod fm;

	if (version == OFP10 ? of_flow_mod10_decode(r, false, &fm)
			     : of_flow_mod13_decode(r, version, &fm))
		return false;
	of_flow_mod_encode(b, version, 1, &fm);
	of_instructions_free(&fm.ins);
	return true;
}

static bool decode_group_mod(uint8_t version, struct of_rd r, struct of_buf *b)
{
	struct of_group_mod gm;

	if (of_group_mod_decode(r, version, &gm))
		return false;
	of_group_mod_encode(b, version, 1, &gm);
	of_group_free(&gm.group);
	return true;
}

static bool decode_meter_mod(uint8_t version, struct of_rd r, struct of_buf *b)
{
	struct of_meter_mod mm;

	(void)version;
	if (of_meter_mod_decode(r, &mm))
		return false;
	of_meter_mod_encode(b, 1, &mm);
	return true;
}

static void put_packet_out15(struct of_buf *b, struct of_packet_out *po)
{
	size_t len, actions;

	of_put_zeros(b, OFP_HEADER_LEN);
	of_put_u32(b, po->buffer_id);
	len = b->len;
	of_put_zeros(b, 4);
	hal_match_set_u64(&po->fields, FIELD_IN_PORT, po->in_port);
	of_match13_encode(b, OFP15, &po->fields);
	actions = b->len;
	of_actions_encode(b, OFP15, &po->actions);
	of_set_u16(b, len, b->len - actions);
	of_put_bytes(b, po->data, po->len);
	of_actions_free(&po->actions);
}

static bool decode_packet_out(uint8_t version, struct of_rd r, struct of_buf *b)
{
	struct of_packet_out po;

	if (of_packet_out_decode(r, version, &po))
		return false;
	if (version == OFP15) {
		put_packet_out15(b, &po);
		return true;
	}
	of_put_zeros(b, OFP_HEADER_LEN);
	of_put_u32(b, po.buffer_id);
	of_put_port(b, version, po.in_port);
	of_put_u16(b, 0);
	if (version != OFP10)
		of_put_zeros(b, 6);
	of_actions_encode(b, version, &po.actions);
	of_set_u16(b, OFP_HEADER_LEN + (version == OFP10 ? 6 : 8),
		b->len - OFP_HEADER_LEN - (version == OFP10 ? 8 : 16));
	of_put_bytes(b, po.data, po.len);
	of_actions_free(&po.actions);
	return true;
}

static bool decode_hello(uint8_t version, struct of_rd r, struct of_buf *b)
{
	uint32_t versions;

	(void)version;
	if (of_hello_decode(r.p - OFP_HEADER_LEN, r.left + OFP_HEADER_LEN, &versions))
		return false;
	of_hello_encode(b, versions & 0xfe, 1);
	return versions & 0xfe;
}

static void round_trip(const uint8_t *msg, size_t len)
{
	bool (*decode)(uint8_t version, struct of_rd r, struct of_buf * b) = NULL;
	uint8_t version = msg[0];
	struct of_buf a = {0}, b = {0};

	if (msg[1] == OFPT_HELLO)
		decode = decode_hello;
	else if (version != OFP10 && version != OFP13 && version != OFP14 && version != OFP15)
		return;
	else if (msg[1] == OFPT_FLOW_MOD)
		decode = decode_flow_mod;
	else if (msg[1] == OFPT_PACKET_OUT)
		decode = decode_packet_out;
	else if (version != OFP10 && msg[1] == OFPT13_GROUP_MOD)
		decode = decode_group_mod;
	else if (version != OFP10 && msg[1] == OFPT13_METER_MOD)
		decode = decode_meter_mod;
	/* What does not fit into a message is not sent. */
	if (decode && decode(version, of_msg_body(msg, len), &a) && !a.failed && a.len <= 65535) {
		if (!decode(version, of_msg_body(a.data, a.len), &b) || a.len != b.len ||
			memcmp(a.data, b.data, a.len))
			abort();
	}
	of_buf_free(&a);
	of_buf_free(&b);
}

/* ---- a connection's life ---- */

/* The answer for all tables, which no input changes, takes as long as hundreds of messages: it is
 * given a few times only. */
static bool is_known(const uint8_t *msg, size_t len)
{
	static unsigned asked;

	if (len != OFP_HEADER_LEN + 8 || msg[0] == OFP10 || msg[1] != OFPT13_MULTIPART_REQUEST ||
		msg[8] || msg[9] != OFPMP_TABLE_FEATURES)
		return false;
	return asked++ >= 64;
}

/* Cuts the stream as a channel does. */
static void deliver_all(const uint8_t *data, size_t size)
{
	while (!channel.over && size >= OFP_HEADER_LEN) {
		size_t len = (size_t)(data[2] << 8 | data[3]);
		uint8_t *msg;

		if (len < OFP_HEADER_LEN || len > size)
			break;
		/* As long as the message, so that one byte too many is noticed. */
		msg = malloc(len);
		if (!msg)
			break;
		memcpy(msg, data, len);
		round_trip(msg, len);
		if (!is_known(msg, len))
			channel.ops->message(channel.ctx, msg, len);
		free(msg);
		data += len;
		size -= len;
	}
}

static void hello(uint8_t version)
{
	const uint8_t msg[OFP_HEADER_LEN] = {version, OFPT_HELLO, 0, OFP_HEADER_LEN};

	channel.ops->message(channel.ctx, msg, sizeof(msg));
}

/* What the pipeline may tell at any time, in the form that the connection asked for. */
static void tell(void)
{
	static const uint8_t frame[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6};
	static const struct hal_match fields;
	const struct of_packet_in pin = {.reason = OF_REASON_ACTION,
		.in_port = 2,
		.pipeline_fields = &fields,
		.data = frame,
		.len = sizeof(frame),
		.total_len = sizeof(frame)};
	const struct of_port_desc port = {.number = 2, .name = "p2"};

	events.packet_in(events.ctx, fake_bridge(), &pin);
	events.port_status(events.ctx, fake_bridge(), OF_PORT_MODIFY, &port);
}

static void ct_flush(void *ctx, const struct conntrack_match *match)
{
	(void)ctx;
	(void)match;
}

static void start(void)
{
	log_set_level(NULL, LOG_LEVEL_OFF);
	agents = of_agents_create(event_base_new());
	of_agents_events(agents, &events);
	of_agents_set_ops(agents, &(struct of_agents_ops){ct_flush, NULL});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t versions[] = {0, OFP10, OFP13, OFP14};
	const struct of_controller_config cfg = {.target = "unix:/nowhere"};
	struct of_agent *agent;
	struct of_remote *remote;
	int err;

	if (!size)
		return 0;
	if (!agents)
		start();
	agent = of_agent_create(agents, NULL, fake_bridge());
	of_agent_set_fail_mode(agent, PL_FAIL_SECURE);
	of_agent_set_versions(agent, 1u << OFP10 | 1u << OFP13 | 1u << OFP14 | 1u << OFP15);
	remote = of_remote_new(agent, &cfg, data[0] & 4);
	if (data[0] & 8) {
		hal_tlv_add(0, 0x102, 0x80, 4);
		hal_tlv_add(5, 0x102, 0x81, 124);
	}
	of_conn_new(remote, -1, NULL, NULL, &err);
	if (data[0] & 3)
		hello(data[0] & 16 ? OFP15 : versions[data[0] & 3]);
	deliver_all(data + 1, size - 1);
	if (!channel.over)
		tell();
	of_remote_free(remote);
	of_agent_free(agent);
	fake_reset();
	hal_tlv_clear();
	rcu_reclaim();
	return 0;
}
