/* SPDX-License-Identifier: Apache-2.0
 *
 * Which function serves which message, what lengths it may have, and who may send it.
 */
#include "ofctl/openflow/conn.h"

#include <string.h>

#define SLAVE_OK 0x1 /* a slave may send it (OpenFlow 1.3, 6.3.6) */
#define EXACT 0x2    /* no byte more than the shortest */

typedef enum of_error serve_fn(struct of_conn *conn, const uint8_t *msg, size_t len);

struct handler {
	uint8_t type;
	uint8_t flags;
	uint16_t min_len;
	serve_fn *serve;
};

static enum of_error serve_echo(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_buf b = {0};
	size_t start = of_begin(&b, conn->version, OFPT_ECHO_REPLY, of_msg_xid(msg));

	of_put_bytes(&b, msg + OFP_HEADER_LEN, len - OFP_HEADER_LEN);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

/* An answer to our echo requests; an error that a controller may tell us. */
static enum of_error serve_nothing(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	(void)conn;
	(void)msg;
	(void)len;
	return OFERR_OK;
}

static enum of_error serve_experimenter(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_msg_body(msg, len);
	uint32_t experimenter = of_get_u32(&r);

	if (experimenter == EXP_ONF && conn->version == OFP13)
		return of_serve_onf(conn, msg, len);
	return experimenter == EXP_NICIRA ? of_serve_nicira(conn, msg, len)
					  : OFERR_BAD_EXPERIMENTER;
}

static const struct handler handlers10[] = {
	{OFPT_ERROR, SLAVE_OK, 12, serve_nothing},
	{OFPT_ECHO_REQUEST, SLAVE_OK, 8, serve_echo},
	{OFPT_ECHO_REPLY, SLAVE_OK, 8, serve_nothing},
	{OFPT_EXPERIMENTER, SLAVE_OK, 16, serve_experimenter},
	{OFPT_FEATURES_REQUEST, SLAVE_OK | EXACT, 8, of_serve_features},
	{OFPT_GET_CONFIG_REQUEST, SLAVE_OK | EXACT, 8, of_serve_get_config},
	{OFPT_SET_CONFIG, SLAVE_OK | EXACT, 12, of_serve_set_config},
	{OFPT_PACKET_OUT, 0, 16, of_serve_packet_out},
	{OFPT_FLOW_MOD, 0, 72, of_serve_flow_mod},
	{OFPT10_PORT_MOD, EXACT, 32, of_serve_port_mod},
	{OFPT10_STATS_REQUEST, SLAVE_OK, 12, of_serve_multipart},
	{OFPT10_BARRIER_REQUEST, SLAVE_OK | EXACT, 8, of_serve_barrier},
	{OFPT10_QUEUE_GET_CONFIG_REQUEST, SLAVE_OK | EXACT, 12, of_serve_queue_config},
};

static const struct handler handlers13[] = {
	{OFPT_ERROR, SLAVE_OK, 12, serve_nothing},
	{OFPT_ECHO_REQUEST, SLAVE_OK, 8, serve_echo},
	{OFPT_ECHO_REPLY, SLAVE_OK, 8, serve_nothing},
	{OFPT_EXPERIMENTER, SLAVE_OK, 16, serve_experimenter},
	{OFPT_FEATURES_REQUEST, SLAVE_OK | EXACT, 8, of_serve_features},
	{OFPT_GET_CONFIG_REQUEST, SLAVE_OK | EXACT, 8, of_serve_get_config},
	{OFPT_SET_CONFIG, SLAVE_OK | EXACT, 12, of_serve_set_config},
	{OFPT_PACKET_OUT, 0, 24, of_serve_packet_out},
	{OFPT_FLOW_MOD, 0, 56, of_serve_flow_mod},
	{OFPT13_GROUP_MOD, 0, 16, of_serve_group_mod},
	{OFPT13_PORT_MOD, EXACT, 40, of_serve_port_mod},
	{OFPT13_TABLE_MOD, EXACT, 16, of_serve_table_mod},
	{OFPT13_MULTIPART_REQUEST, SLAVE_OK, 16, of_serve_multipart},
	{OFPT13_BARRIER_REQUEST, SLAVE_OK | EXACT, 8, of_serve_barrier},
	{OFPT13_QUEUE_GET_CONFIG_REQUEST, SLAVE_OK | EXACT, 16, of_serve_queue_config},
	{OFPT13_ROLE_REQUEST, SLAVE_OK | EXACT, 24, of_serve_role},
	{OFPT13_GET_ASYNC_REQUEST, SLAVE_OK | EXACT, 8, of_serve_get_async},
	{OFPT13_SET_ASYNC, SLAVE_OK | EXACT, 32, of_serve_set_async},
	{OFPT13_METER_MOD, 0, 16, of_serve_meter_mod},
};

/* Properties may follow what was fixed before; queues are described by multipart. */
static const struct handler handlers14[] = {
	{OFPT13_PORT_MOD, 0, 32, of_serve_port_mod},
	{OFPT13_TABLE_MOD, 0, 16, of_serve_table_mod},
	{OFPT13_SET_ASYNC, SLAVE_OK, 8, of_serve_set_async},
	{OFPT14_BUNDLE_CONTROL, 0, 16, of_serve_bundle_control},
	{OFPT14_BUNDLE_ADD_MESSAGE, 0, 24, of_serve_bundle_add},
};

static const struct handler *find(const struct handler *h, size_t n, uint8_t type)
{
	for (size_t i = 0; i < n; i++)
		if (h[i].type == type)
			return &h[i];
	return NULL;
}

enum of_error of_serve(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	const struct handler *h;

	if (conn->version == OFP10)
		h = find(handlers10, sizeof(handlers10) / sizeof(handlers10[0]), msg[1]);
	else
		h = find(handlers13, sizeof(handlers13) / sizeof(handlers13[0]), msg[1]);
	if (conn->version >= OFP14) {
		const struct handler *h14 =
			find(handlers14, sizeof(handlers14) / sizeof(handlers14[0]), msg[1]);

		h = msg[1] == OFPT13_QUEUE_GET_CONFIG_REQUEST ? NULL : h14 ? h14 : h;
	}
	if (!h)
		return OFERR_BAD_TYPE;
	if (len < h->min_len || (h->flags & EXACT && len != h->min_len))
		return OFERR_BAD_LEN;
	if (conn->role == OF_ROLE_SLAVE && !(h->flags & SLAVE_OK))
		return OFERR_IS_SLAVE;
	return h->serve(conn, msg, len);
}
