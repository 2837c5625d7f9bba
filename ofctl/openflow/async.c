/* SPDX-License-Identifier: Apache-2.0
 *
 * Asynchronous messages: which connections get them, by role, configuration and room.
 */
#include "ofctl/openflow/conn.h"

#define BIT(n) (1u << (n))

void of_async_default(struct of_async *a)
{
	/* OpenFlow 1.3, 6.3.6: masters and equals get everything but invalid TTLs, slaves the ports
	 * only. What 1.4 added is part of it. */
	*a = (struct of_async){
		.packet_in = {BIT(OF_REASON_NO_MATCH) | BIT(OF_REASON_ACTION) |
				      BIT(OF_REASON_ACTION_SET) | BIT(OF_REASON_GROUP) |
				      BIT(OF_REASON_PACKET_OUT),
			0},
		.port_status = {BIT(OF_PORT_ADD) | BIT(OF_PORT_DELETE) | BIT(OF_PORT_MODIFY),
			BIT(OF_PORT_ADD) | BIT(OF_PORT_DELETE) | BIT(OF_PORT_MODIFY)},
		.flow_removed = {BIT(OF_REMOVED_IDLE) | BIT(OF_REMOVED_HARD) |
					 BIT(OF_REMOVED_DELETE) | BIT(OF_REMOVED_GROUP) |
					 BIT(OF_REMOVED_METER) | BIT(OF_REMOVED_EVICTION),
			0},
	};
}

/* `mask` is one of the pairs in conn->async. A service connection asks for asynchronous messages
 * by setting a length of packet-ins. */
static bool wants(const struct of_conn *conn, const uint32_t mask[2], unsigned reason)
{
	if (!conn->version || conn->no_async || (conn->service && !conn->miss_send_len))
		return false;
	return mask[conn->role == OF_ROLE_SLAVE] & BIT(reason);
}

/* Takes a token of the connection's bucket for packet-ins. */
static bool within_rate(struct of_conn *conn)
{
	uint64_t now = of_now_ms();

	if (!conn->rate)
		return true;
	conn->tokens += (double)(now - conn->tokens_ms) * conn->rate / 1000;
	conn->tokens_ms = now;
	if (conn->tokens > conn->burst)
		conn->tokens = conn->burst ? conn->burst : 1;
	if (conn->tokens < 1)
		return false;
	conn->tokens -= 1;
	return true;
}

void of_async_packet_in(void *ctx, struct pl_bridge *br, const struct of_packet_in *pin)
{
	struct of_agent *agent = of_agent_find(ctx, br);
	const bool is_miss = pin->reason == OF_REASON_NO_MATCH;
	struct of_conn *conn;

	if (!agent)
		return;
	LIST_FOREACH (conn, &agent->conns, entry) {
		struct of_packet_in_count *count = &conn->remote->packet_in[is_miss];
		struct of_buf b = {0};

		if (!wants(conn, conn->async.packet_in,
			    of_packet_in_reason_to(conn->version, pin->reason)) ||
			conn->controller_id != pin->controller_id)
			continue;
		if (of_channel_congested(conn->ch) || !within_rate(conn)) {
			agent->stats.packet_ins_dropped++;
			count->dropped++;
			continue;
		}
		of_packet_in_encode(&b, conn->version, conn->packet_in_format, pin);
		of_conn_send(conn, &b);
		agent->stats.packet_ins_sent++;
		count->sent++;
	}
}

void of_async_flow_removed(void *ctx, struct pl_bridge *br, const struct of_flow_removed *fr)
{
	struct of_agent *agent = of_agent_find(ctx, br);
	struct of_conn *conn;

	if (!agent)
		return;
	LIST_FOREACH (conn, &agent->conns, entry) {
		struct of_buf b = {0};

		if (!wants(conn, conn->async.flow_removed,
			    of_removed_reason_to(conn->version, fr->reason)))
			continue;
		if (of_channel_congested(conn->ch)) {
			agent->stats.events_dropped++;
			continue;
		}
		of_flow_removed_encode(&b, conn->version, conn->nxm_flows, fr);
		of_conn_send(conn, &b);
	}
}

void of_async_port_status(
	void *ctx, struct pl_bridge *br, enum of_port_reason why, const struct of_port_desc *port)
{
	struct of_agent *agent = of_agent_find(ctx, br);
	struct of_conn *conn;

	if (!agent)
		return;
	LIST_FOREACH (conn, &agent->conns, entry) {
		struct of_buf b = {0};

		if (!wants(conn, conn->async.port_status, why))
			continue;
		if (of_channel_congested(conn->ch)) {
			agent->stats.events_dropped++;
			continue;
		}
		of_port_status_encode(&b, conn->version, why, port);
		of_conn_send(conn, &b);
	}
}
