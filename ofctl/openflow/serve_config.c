/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests about the switch, its ports and its tables as a whole.
 */
#include "ofctl/openflow/conn.h"

#define CAP_FLOW_STATS 0x01
#define CAP_TABLE_STATS 0x02
#define CAP_PORT_STATS 0x04
#define CAP_GROUP_STATS 0x08  /* 1.3 */
#define CAP_ARP_MATCH_IP 0x80 /* 1.0 */
#define CAP_BUNDLES 0x200     /* 1.4 */

#define CONFIG_FRAG_MASK 0x3
#define CONFIG_FRAG_DROP 0x1
#define CONFIG_FRAG_REASM 0x2
#define CONFIG_INVALID_TTL 0x4 /* 1.0: Nicira's; 1.3: asynchronous configuration instead */

#define DEPRECATED_TABLE_CONFIG 0x3

struct port_writer {
	struct of_buf *b;
	uint8_t version;
};

static void put_port(void *ctx, const struct of_port_desc *p)
{
	struct port_writer *w = ctx;

	of_port_desc_encode(w->b, w->version, p);
}

enum of_error of_serve_features(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	bool v10 = conn->version == OFP10;
	struct of_buf b = {0};
	struct port_writer w = {&b, conn->version};
	size_t start = of_begin(&b, conn->version, OFPT_FEATURES_REPLY, of_msg_xid(msg));

	(void)len;
	of_put_u64(&b, pl_bridge_dpid(conn->agent->br));
	of_put_u32(&b, 0); /* buffers */
	of_put_u8(&b, OF_TABLES);
	of_put_u8(&b, v10 ? 0 : conn->remote->auxiliary_id);
	of_put_zeros(&b, 2);
	of_put_u32(&b, CAP_FLOW_STATS | CAP_TABLE_STATS | CAP_PORT_STATS |
			       (v10 ? CAP_ARP_MATCH_IP : CAP_GROUP_STATS) |
			       (conn->version >= OFP14 ? CAP_BUNDLES : 0));
	of_put_u32(&b, v10 ? OFPAT10_ALL : 0);
	if (v10)
		pl_port_list(conn->agent->br, put_port, &w);
	/* 1365 ports fill the message; the rest is in the port description multipart. */
	if (b.len - start > UINT16_MAX)
		of_buf_cut(&b, start + 32 + (UINT16_MAX - 32) / 48 * 48);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

enum of_error of_serve_get_config(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_buf b = {0};
	size_t start = of_begin(&b, conn->version, OFPT_GET_CONFIG_REPLY, of_msg_xid(msg));

	(void)len;
	of_put_u16(&b, (uint16_t)(conn->config_flags | conn->agent->fragments));
	of_put_u16(&b, conn->miss_send_len);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}

enum of_error of_serve_set_config(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_msg_body(msg, len);
	uint16_t flags = of_get_u16(&r), miss_send_len = of_get_u16(&r);
	uint16_t known = conn->version == OFP10 ? CONFIG_INVALID_TTL : 0;

	/* Fragments are dropped, or matched as they come (NORMAL and NX_MATCH alike), but not put
	 * together. What one controller says holds for the switch. */
	if ((flags & CONFIG_FRAG_MASK) == CONFIG_FRAG_REASM || flags & ~(known | CONFIG_FRAG_MASK))
		return OFERR_CONFIG_BAD_FLAGS;
	conn->agent->fragments = flags & CONFIG_FRAG_MASK;
	pl_bridge_set_drop_fragments(conn->agent->br, conn->agent->fragments == CONFIG_FRAG_DROP);
	conn->config_flags = flags & (uint16_t)~CONFIG_FRAG_MASK;
	conn->miss_send_len = miss_send_len;
	if (flags & CONFIG_INVALID_TTL)
		conn->async.packet_in[0] |= 1u << OF_REASON_INVALID_TTL;
	else if (known)
		conn->async.packet_in[0] &= ~(1u << OF_REASON_INVALID_TTL);
	return OFERR_OK;
}

enum of_error of_serve_port_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_port_mod pm;
	enum of_error err = of_port_mod_decode(of_msg_body(msg, len), conn->version, &pm);

	return err ? err : (enum of_error)pl_port_mod(conn->agent->br, &pm);
}

enum of_error of_serve_table_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_msg_body(msg, len);
	uint8_t table = of_get_u8(&r);
	uint32_t config;

	of_skip(&r, 3);
	config = of_get_u32(&r);
	if (table >= OF_TABLES && table != OF_TABLE_ALL)
		return OFERR_TABLE_MOD_BAD_TABLE;
	/* 1.3 deprecates what 1.1 could set here, and accepts it. */
	if (conn->version >= OFP14 && r.left)
		return OFERR_PROP_BAD_TYPE; /* eviction and vacancy have none to be set by */
	return config & ~DEPRECATED_TABLE_CONFIG ? OFERR_TABLE_MOD_BAD_CONFIG : OFERR_OK;
}

enum of_error of_serve_queue_config(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	bool v10 = conn->version == OFP10;
	struct of_rd r = of_msg_body(msg, len);
	uint32_t port = of_get_port(&r, conn->version);
	struct of_port_desc desc;
	struct of_buf b = {0};
	size_t start;

	/* A reserved port but ANY is none to be asked about (OpenFlow 1.3, 7.3.6). */
	if (port != OF_PORT_ANY &&
		(port >= OF_PORT_MAX || !pl_port_desc(conn->agent->br, port, &desc)))
		return OFERR_QUEUE_BAD_PORT;
	start = of_begin(&b, conn->version,
		v10 ? OFPT10_QUEUE_GET_CONFIG_REPLY : OFPT13_QUEUE_GET_CONFIG_REPLY,
		of_msg_xid(msg));
	of_put_port(&b, conn->version, port);
	of_put_zeros(&b, v10 ? 6 : 4);
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}
