/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipart requests ("stats" in 1.0) by type, and those about the switch as a whole.
 */
#include "ofctl/openflow/monitor.h"

#define TABLE_DESC_LEN 8

typedef enum of_error serve_fn(struct of_conn *conn, const uint8_t *msg, size_t len);

static size_t header_len(const struct of_conn *conn)
{
	return conn->version == OFP10 ? 12 : 16;
}

struct of_rd of_multipart_body(const struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return of_rd_make(msg + header_len(conn), len - header_len(conn));
}

static enum of_error serve_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	const struct of_agent *agent = conn->agent;
	struct of_reply rep;

	(void)len;
	of_reply_begin(&rep, conn, msg, OFPMP_DESC, 0);
	of_put_text(&rep.b, agent->manufacturer, 256);
	of_put_text(&rep.b, agent->hardware, 256);
	of_put_text(&rep.b, agent->software, 256);
	of_put_text(&rep.b, agent->serial, 32);
	of_put_text(&rep.b, agent->datapath, 256);
	of_reply_end(&rep);
	return OFERR_OK;
}

static void put_port(void *ctx, const struct of_port_desc *p)
{
	struct of_reply *rep = ctx;

	of_port_desc_encode(&rep->b, rep->conn->version, p);
	of_reply_entry(rep);
}

static enum of_error serve_port_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	uint32_t port = r.left ? of_get_u32(&r) : OF_PORT_ANY; /* 1.5 may ask for one */
	struct of_port_desc desc;
	struct of_reply rep;

	if (port != OF_PORT_ANY && !pl_port_desc(conn->agent->br, port, &desc))
		return OFERR_BAD_PORT;
	of_reply_begin(&rep, conn, msg, OFPMP_PORT_DESC, 0);
	if (port == OF_PORT_ANY)
		pl_port_list(conn->agent->br, put_port, &rep);
	else
		put_port(&rep, &desc);
	of_reply_end(&rep);
	return OFERR_OK;
}

static enum of_error serve_queue_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	uint32_t port = of_get_port(&r, conn->version), queue;
	struct of_port_desc desc;
	struct of_reply rep;

	if (conn->version == OFP10)
		of_skip(&r, 2);
	queue = of_get_u32(&r);
	/* 1.0 has OFPP_ALL where later versions have OFPP_ANY. */
	if (port != OF_PORT_ANY && port != OF_PORT_ALL &&
		!pl_port_desc(conn->agent->br, port, &desc))
		return OFERR_QUEUE_BAD_PORT;
	if (queue != UINT32_MAX)
		return OFERR_QUEUE_BAD_QUEUE;
	of_reply_begin(&rep, conn, msg, OFPMP_QUEUE, 0);
	of_reply_end(&rep);
	return OFERR_OK;
}

static enum of_error serve_table_features(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	struct of_reply rep;

	/* A body asks to change them. */
	if (r.left)
		return conn->role == OF_ROLE_SLAVE ? OFERR_IS_SLAVE : OFERR_TABLE_FEATURES_EPERM;
	of_reply_begin(&rep, conn, msg, OFPMP_TABLE_FEATURES, 0);
	for (unsigned t = 0; t < OF_TABLES; t++) {
		struct of_table_stats ts = {0};

		pl_table_stats(conn->agent->br, (uint8_t)t, &ts);
		ts.table = (uint8_t)t;
		of_table_features_encode(&rep.b, conn->version, &ts);
		of_reply_entry(&rep);
	}
	of_reply_end(&rep);
	return OFERR_OK;
}

/* 1.4: no table evicts flows or tells of its room. */
static enum of_error serve_table_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_reply rep;

	(void)len;
	of_reply_begin(&rep, conn, msg, OFPMP_TABLE_DESC, 0);
	for (unsigned t = 0; t < OF_TABLES; t++) {
		of_put_u16(&rep.b, TABLE_DESC_LEN);
		of_put_u8(&rep.b, (uint8_t)t);
		of_put_zeros(&rep.b, 5);
		of_reply_entry(&rep);
	}
	of_reply_end(&rep);
	return OFERR_OK;
}

/* No port has queues. */
static enum of_error serve_queue_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	uint32_t port = of_get_u32(&r), queue = of_get_u32(&r);
	struct of_port_desc desc;
	struct of_reply rep;

	if (port != OF_PORT_ANY && !pl_port_desc(conn->agent->br, port, &desc))
		return OFERR_QUEUE_BAD_PORT;
	if (queue != UINT32_MAX)
		return OFERR_QUEUE_BAD_QUEUE;
	of_reply_begin(&rep, conn, msg, OFPMP_QUEUE_DESC, 0);
	of_reply_end(&rep);
	return OFERR_OK;
}

static enum of_error serve_experimenter(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	uint32_t experimenter = of_get_u32(&r), subtype = of_get_u32(&r);

	if (conn->version == OFP13 && experimenter == EXP_ONF && !r.bad)
		return subtype == ONFST_FLOW_MONITOR ? of_serve_monitor(conn, msg, r)
						     : OFERR_BAD_EXP_TYPE;
	if (experimenter != EXP_NICIRA)
		return r.bad ? OFERR_BAD_LEN : OFERR_BAD_EXPERIMENTER;
	if (conn->version == OFP10 && !r.bad && subtype == NXST_FLOW_MONITOR) {
		of_skip(&r, 4);
		return r.bad ? OFERR_BAD_LEN : of_serve_monitor(conn, msg, r);
	}
	if (conn->version == OFP10 && !r.bad && subtype >= NXST_GROUP &&
		subtype <= NXST_GROUP_FEATURES)
		return of_serve_nx_groups(conn, msg, len, subtype);
	if (!r.bad && (subtype == NXST_IPFIX_BRIDGE || subtype == NXST_IPFIX_FLOW))
		return OFERR_NOT_CONFIGURED; /* nothing is exported */
	return conn->version == OFP10 ? of_serve_nx_stats(conn, msg, len) : OFERR_BAD_EXP_TYPE;
}

static enum of_error serve_monitor(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return of_serve_monitor(conn, msg, of_multipart_body(conn, msg, len));
}

#define ANY_LEN 0xffff
#define SINCE14(type) \
	((type) == OFPMP_TABLE_DESC || (type) == OFPMP_QUEUE_DESC || (type) == OFPMP_FLOW_MONITOR)

struct handler {
	uint16_t type;
	bool in10;
	uint16_t body10, body13; /* bytes; ANY_LEN: checked by the function */
	serve_fn *serve;
};

static const struct handler handlers[] = {
	{OFPMP_DESC, true, 0, 0, serve_desc},
	{OFPMP_FLOW, true, 44, ANY_LEN, of_serve_flow_stats},
	{OFPMP_AGGREGATE, true, 44, ANY_LEN, of_serve_aggregate},
	{OFPMP_TABLE, true, 0, 0, of_serve_table_stats},
	{OFPMP_PORT_STATS, true, 8, 8, of_serve_port_stats},
	{OFPMP_QUEUE, true, 8, 8, serve_queue_stats},
	{OFPMP_GROUP, false, 0, 8, of_serve_group_stats},
	{OFPMP_GROUP_DESC, false, 0, 0, of_serve_group_desc},
	{OFPMP_GROUP_FEATURES, false, 0, 0, of_serve_group_features},
	{OFPMP_METER, false, 0, 8, of_serve_meter_stats},
	{OFPMP_METER_CONFIG, false, 0, 8, of_serve_meter_config},
	{OFPMP_METER_FEATURES, false, 0, 0, of_serve_meter_features},
	{OFPMP_TABLE_FEATURES, false, 0, ANY_LEN, serve_table_features},
	{OFPMP_PORT_DESC, true, 0, 0, serve_port_desc}, /* in 1.0 as an extension */
	{OFPMP_TABLE_DESC, false, 0, 0, serve_table_desc},
	{OFPMP_QUEUE_DESC, false, 0, 8, serve_queue_desc},
	{OFPMP_FLOW_MONITOR, false, 0, ANY_LEN, serve_monitor},
	{OFPMP_EXPERIMENTER, true, ANY_LEN, ANY_LEN, serve_experimenter},
};

/* What 1.5 has beside them, or in another form. */
static const struct handler handlers15[] = {
	{OFPMP_GROUP_DESC, false, 0, 8, of_serve_group_desc},
	{OFPMP_PORT_DESC, false, 0, 8, serve_port_desc},
	{OFPMP15_FLOW_STATS, false, 0, ANY_LEN, of_serve_flow_counts},
	{OFPMP15_BUNDLE_FEATURES, false, 0, ANY_LEN, of_serve_bundle_features},
};

static const struct handler *find(const struct handler *h, size_t n, uint16_t type)
{
	for (size_t i = 0; i < n; i++)
		if (h[i].type == type)
			return &h[i];
	return NULL;
}

enum of_error of_serve_multipart(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	bool v10 = conn->version == OFP10;
	struct of_rd r = of_msg_body(msg, len);
	uint16_t type = of_get_u16(&r), flags = of_get_u16(&r), want;
	const struct handler *h = NULL;

	/* No request that is served has to be put together from several messages. */
	if (flags & OFPMPF_MORE)
		return OFERR_MULTIPART_OVERFLOW;
	if (conn->version >= OFP15)
		h = find(handlers15, sizeof(handlers15) / sizeof(handlers15[0]), type);
	if (!h)
		h = find(handlers, sizeof(handlers) / sizeof(handlers[0]), type);
	if (!h || (v10 && !h->in10) || (conn->version < OFP14 && SINCE14(type)))
		return OFERR_BAD_MULTIPART;
	want = v10 ? h->body10 : h->body13;
	if (want != ANY_LEN && len != header_len(conn) + want)
		return OFERR_BAD_LEN;
	return h->serve(conn, msg, len);
}
