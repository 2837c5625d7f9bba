/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that change flows or send packets, and barriers.
 */
#include "ofctl/openflow/conn.h"

enum of_error of_apply_flow_mod(struct of_conn *conn, uint32_t xid, struct of_flow_mod *fm)
{
	enum of_error err;

	fm->by = conn;
	fm->xid = xid;
	err = pl_flow_mod(conn->agent->br, fm);

	of_instructions_free(&fm->ins);
	return err;
}

enum of_error of_serve_flow_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_msg_body(msg, len);
	struct of_flow_mod fm;
	enum of_error err = conn->version == OFP10 ? of_flow_mod10_decode(r, conn->table_ids, &fm)
						   : of_flow_mod13_decode(r, conn->version, &fm);

	return err ? err : of_apply_flow_mod(conn, of_msg_xid(msg), &fm);
}

enum of_error of_serve_packet_out(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_packet_out po;
	enum of_error err = of_packet_out_decode(of_msg_body(msg, len), conn->version, &po);

	if (err)
		return err;
	err = pl_packet_out(conn->agent->br, &po);
	of_actions_free(&po.actions);
	return err;
}

static void answer_barrier(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_buf b = {0};

	(void)len;
	of_end(&b, of_begin(&b, conn->version,
			   conn->version == OFP10 ? OFPT10_BARRIER_REPLY : OFPT13_BARRIER_REPLY,
			   of_msg_xid(msg)));
	of_conn_send(conn, &b);
}

enum of_error of_serve_barrier(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	of_conn_after_barrier(conn, msg, len, answer_barrier);
	return OFERR_OK;
}
