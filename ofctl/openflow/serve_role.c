/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles and asynchronous configuration (OpenFlow 1.3, 7.3.9 and 7.3.10).
 */
#include "ofctl/openflow/conn.h"

enum {
	OFPCR_ROLE_NOCHANGE = 0,
	OFPCR_ROLE_EQUAL = 1,
	OFPCR_ROLE_MASTER = 2,
	OFPCR_ROLE_SLAVE = 3,
};

/* There is one master at most. */
static void become_master(struct of_conn *conn)
{
	struct of_conn *other;

	LIST_FOREACH (other, &conn->agent->conns, entry)
		if (other != conn && other->role == OF_ROLE_MASTER)
			of_conn_set_role(other, OF_ROLE_SLAVE);
	of_conn_set_role(conn, OF_ROLE_MASTER);
}

/* A generation older than the last one comes from a controller that does not know yet that another
 * took over. The distance is signed: numbers wrap. */
static bool is_stale(struct of_agent *agent, uint64_t generation)
{
	if (agent->has_generation && (int64_t)(generation - agent->generation) < 0)
		return true;
	agent->has_generation = true;
	agent->generation = generation;
	return false;
}

enum of_error of_serve_role(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	static const uint32_t wire[] = {OFPCR_ROLE_EQUAL, OFPCR_ROLE_MASTER, OFPCR_ROLE_SLAVE};
	struct of_rd r = of_msg_body(msg, len);
	uint32_t role = of_get_u32(&r);
	struct of_buf b = {0};
	uint64_t generation;
	size_t start;

	of_skip(&r, 4);
	generation = of_get_u64(&r);
	if (role > OFPCR_ROLE_SLAVE)
		return OFERR_ROLE_BAD;
	if (role >= OFPCR_ROLE_MASTER && is_stale(conn->agent, generation))
		return OFERR_ROLE_STALE;
	if (role == OFPCR_ROLE_MASTER)
		become_master(conn);
	else if (role != OFPCR_ROLE_NOCHANGE)
		of_conn_set_role(conn, role == OFPCR_ROLE_EQUAL ? OF_ROLE_OTHER : OF_ROLE_SLAVE);
	start = of_begin(&b, conn->version, OFPT13_ROLE_REPLY, of_msg_xid(msg));
	of_put_u32(&b, wire[conn->role]);
	of_put_zeros(&b, 4);
	of_put_u64(&b, conn->agent->has_generation ? conn->agent->generation : UINT64_MAX);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

enum of_error of_nx_role(struct of_conn *conn, const uint8_t *msg, struct of_rd r)
{
	uint32_t role = of_get_u32(&r);
	struct of_buf b = {0};
	size_t start;

	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	if (role > OF_ROLE_SLAVE)
		return OFERR_ROLE_BAD;
	if (role == OF_ROLE_MASTER)
		become_master(conn);
	else
		of_conn_set_role(conn, (enum of_role)role);
	start = of_begin_nicira(&b, conn->version, of_msg_xid(msg), NXT_ROLE_REPLY);
	of_put_u32(&b, role);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

enum of_error of_serve_get_async(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	const struct of_async *a = &conn->async;
	struct of_buf b = {0};
	size_t start = of_begin(&b, conn->version, OFPT13_GET_ASYNC_REPLY, of_msg_xid(msg));

	(void)len;
	of_put_u32(&b, a->packet_in[0]);
	of_put_u32(&b, a->packet_in[1]);
	of_put_u32(&b, a->port_status[0]);
	of_put_u32(&b, a->port_status[1]);
	of_put_u32(&b, a->flow_removed[0]);
	of_put_u32(&b, a->flow_removed[1]);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

enum of_error of_read_async(struct of_conn *conn, struct of_rd r)
{
	struct of_async a;

	a.packet_in[0] = of_get_u32(&r);
	a.packet_in[1] = of_get_u32(&r);
	a.port_status[0] = of_get_u32(&r);
	a.port_status[1] = of_get_u32(&r);
	a.flow_removed[0] = of_get_u32(&r);
	a.flow_removed[1] = of_get_u32(&r);
	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	conn->async = a;
	/* Who configures asynchronous messages wants some, even on a service connection. */
	if (!conn->miss_send_len)
		conn->miss_send_len = 128;
	return OFERR_OK;
}

enum of_error of_serve_set_async(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return of_read_async(conn, of_msg_body(msg, len));
}
