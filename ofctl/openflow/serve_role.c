/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles and asynchronous configuration (OpenFlow 1.3, 7.3.9 and 7.3.10; 1.4, 7.3.10 and 7.4.4).
 */
#include "ofctl/openflow/conn.h"

enum {
	OFPCR_ROLE_NOCHANGE = 0,
	OFPCR_ROLE_EQUAL = 1,
	OFPCR_ROLE_MASTER = 2,
	OFPCR_ROLE_SLAVE = 3,
};
#define OFPCRR_MASTER_REQUEST 0

#define REASONS13 0x7 /* of packet-ins */
#define REMOVED13 0xf /* of flow-removed */

#define ASYNC14_TYPES 6
#define ASYNC14_LAST 11
#define ASYNC15_LAST 15 /* flow statistics and the status of controllers: not told */
#define ASYNC14_LEN 8

/* 1.4 tells a master that another one took over. */
static void tell_role(struct of_conn *conn)
{
	struct of_buf b = {0};
	size_t start;

	if (conn->version < OFP14)
		return;
	start = of_begin(&b, conn->version, OFPT14_ROLE_STATUS, 0);
	of_put_u32(&b, OFPCR_ROLE_SLAVE);
	of_put_u8(&b, OFPCRR_MASTER_REQUEST);
	of_put_zeros(&b, 3);
	of_put_u64(&b, conn->agent->has_generation ? conn->agent->generation : UINT64_MAX);
	of_end(&b, start);
	of_conn_send(conn, &b);
}

/* There is one master at most. */
static void become_master(struct of_conn *conn)
{
	struct of_conn *other;

	LIST_FOREACH (other, &conn->agent->conns, entry)
		if (!of_conn_same_controller(conn, other) && other->role == OF_ROLE_MASTER &&
			!other->remote->main) {
			of_conn_set_role(other, OF_ROLE_SLAVE);
			tell_role(other);
		}
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

/* 1.5 (7.3.8): controllers have short ids of their own, which a request of 0 leaves alone. */
static bool id_in_use(const struct of_conn *conn, uint16_t id)
{
	const struct of_conn *other;

	LIST_FOREACH (other, &conn->agent->conns, entry)
		if (other != conn && other->short_id == id)
			return true;
	return false;
}

enum of_error of_serve_role(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	static const uint32_t wire[] = {OFPCR_ROLE_EQUAL, OFPCR_ROLE_MASTER, OFPCR_ROLE_SLAVE};
	struct of_rd r = of_msg_body(msg, len);
	uint32_t role = of_get_u32(&r);
	uint16_t id = of_get_u16(&r);
	struct of_buf b = {0};
	uint64_t generation;
	size_t start;

	of_skip(&r, 2);
	if (conn->version < OFP15)
		id = 0; /* padding */
	generation = of_get_u64(&r);
	if (role > OFPCR_ROLE_SLAVE)
		return OFERR_ROLE_BAD;
	if (id && id_in_use(conn, id))
		return OFERR_ROLE_ID_IN_USE;
	if (role >= OFPCR_ROLE_MASTER && is_stale(conn->agent, generation))
		return OFERR_ROLE_STALE;
	if (role == OFPCR_ROLE_MASTER)
		become_master(conn);
	else if (role != OFPCR_ROLE_NOCHANGE)
		of_conn_set_role(conn, role == OFPCR_ROLE_EQUAL ? OF_ROLE_OTHER : OF_ROLE_SLAVE);
	if (id)
		conn->short_id = id;
	start = of_begin(&b, conn->version, OFPT13_ROLE_REPLY, of_msg_xid(msg));
	of_put_u32(&b, wire[conn->role]);
	of_put_u16(&b, conn->short_id);
	of_put_zeros(&b, 2);
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

/* Properties of 1.4 by type: first what a slave gets, then what others do. What is behind flow
 * removed (role, table and forwarded requests) is not to be chosen. */
static uint32_t *async14(struct of_async *a, unsigned type)
{
	uint32_t *pairs[] = {a->packet_in, a->port_status, a->flow_removed};

	return type < ASYNC14_TYPES ? &pairs[type / 2][!(type % 2)] : NULL;
}

static void put_async14(struct of_buf *b, const struct of_async *a)
{
	struct of_async copy = *a;

	for (unsigned type = 0; type < ASYNC14_TYPES; type++) {
		of_put_u16(b, (uint16_t)type);
		of_put_u16(b, ASYNC14_LEN);
		of_put_u32(b, *async14(&copy, type));
	}
}

/* What is not named stays. */
static enum of_error read_async14(struct of_conn *conn, struct of_rd r)
{
	struct of_async a = conn->async;

	while (r.left) {
		struct of_rd value;
		uint16_t type;
		uint32_t *mask;

		if (!of_get_property(&r, &type, &value) || value.left != ASYNC14_LEN - 4)
			return OFERR_PROP_BAD_LEN;
		mask = async14(&a, type);
		if (mask)
			*mask = of_get_u32(&value);
		else if (conn->version >= OFP15 && type > ASYNC14_LAST && type <= ASYNC15_LAST)
			return OFERR_ASYNC_UNSUPPORTED;
		else if (type > ASYNC14_LAST)
			return OFERR_PROP_BAD_TYPE;
	}
	conn->async = a;
	if (!conn->miss_send_len)
		conn->miss_send_len = 128;
	return OFERR_OK;
}

enum of_error of_serve_get_async(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	const struct of_async *a = &conn->async;
	struct of_buf b = {0};
	size_t start = of_begin(&b, conn->version, OFPT13_GET_ASYNC_REPLY, of_msg_xid(msg));

	(void)len;
	if (conn->version >= OFP14) {
		put_async14(&b, a);
	} else {
		of_put_u32(&b, a->packet_in[0] & REASONS13);
		of_put_u32(&b, a->packet_in[1] & REASONS13);
		of_put_u32(&b, a->port_status[0]);
		of_put_u32(&b, a->port_status[1]);
		of_put_u32(&b, a->flow_removed[0] & REMOVED13);
		of_put_u32(&b, a->flow_removed[1] & REMOVED13);
	}
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
	return conn->version >= OFP14 ? read_async14(conn, of_msg_body(msg, len))
				      : of_read_async(conn, of_msg_body(msg, len));
}
