/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's extension messages that stock tools send.
 */
#include "ofctl/openflow/monitor.h"

static enum of_error set_flow_format(struct of_conn *conn, struct of_rd r)
{
	uint32_t format = of_get_u32(&r);

	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	if (format != NX_FLOW_FORMAT_OPENFLOW10 && format != NX_FLOW_FORMAT_NXM)
		return OFERR_EPERM;
	conn->nxm_flows = format == NX_FLOW_FORMAT_NXM;
	return OFERR_OK;
}

static enum of_error set_packet_in_format(struct of_conn *conn, struct of_rd r)
{
	uint32_t format = of_get_u32(&r);

	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	if (format > NX_PACKET_IN_2)
		return OFERR_EPERM;
	conn->packet_in_format = (uint8_t)format;
	return OFERR_OK;
}

static enum of_error set_table_ids(struct of_conn *conn, struct of_rd r)
{
	uint8_t on = of_get_u8(&r);

	of_skip(&r, 7);
	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	conn->table_ids = on;
	return OFERR_OK;
}

static enum of_error set_controller_id(struct of_conn *conn, struct of_rd r)
{
	uint16_t id;

	of_skip(&r, 6);
	id = of_get_u16(&r);
	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	conn->controller_id = id;
	return OFERR_OK;
}

static enum of_error flow_mod(struct of_conn *conn, const uint8_t *msg, struct of_rd r)
{
	struct of_flow_mod fm;
	enum of_error err;

	if (conn->role == OF_ROLE_SLAVE)
		return OFERR_IS_SLAVE;
	err = of_flow_mod_nx_decode(r, conn->table_ids, &fm);
	return err ? err : of_apply_flow_mod(conn, of_msg_xid(msg), &fm);
}

static enum of_error resume(struct of_conn *conn, struct of_rd r)
{
	struct of_resume res;
	struct hal_match fields;
	enum of_error err;

	if (conn->role == OF_ROLE_SLAVE)
		return OFERR_IS_SLAVE;
	err = of_resume_decode(r, &fields, &res);
	return err ? err : pl_resume(conn->agent->br, &res);
}

enum of_error of_serve_nicira(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	bool v10 = conn->version == OFP10;
	struct of_rd r = of_msg_body(msg, len);
	uint32_t subtype;

	of_skip(&r, 4);
	subtype = of_get_u32(&r);
	switch (subtype) {
	case NXT_ROLE_REQUEST:
		return of_nx_role(conn, msg, r);
	case NXT_SET_FLOW_FORMAT:
		return v10 ? set_flow_format(conn, r) : OFERR_BAD_EXP_TYPE;
	case NXT_FLOW_MOD:
		return v10 ? flow_mod(conn, msg, r) : OFERR_BAD_EXP_TYPE;
	case NXT_GROUP_MOD:
		return v10 ? of_serve_nx_group_mod(conn, r) : OFERR_BAD_EXP_TYPE;
	case NXT_FLOW_MOD_TABLE_ID:
		return v10 ? set_table_ids(conn, r) : OFERR_BAD_EXP_TYPE;
	case NXT_SET_PACKET_IN_FORMAT:
		return set_packet_in_format(conn, r);
	case NXT_FLOW_AGE: /* ages are always there */
		return r.left ? OFERR_BAD_LEN : OFERR_OK;
	case NXT_SET_ASYNC_CONFIG:
		return of_read_async(conn, r);
	case NXT_SET_CONTROLLER_ID:
		return set_controller_id(conn, r);
	case NXT_FLOW_MONITOR_CANCEL:
		return v10 ? of_serve_monitor_cancel(conn, r) : OFERR_BAD_EXP_TYPE;
	case NXT_TLV_TABLE_MOD:
		return of_serve_tlv_mod(conn, r);
	case NXT_TLV_TABLE_REQUEST:
		return of_serve_tlv_request(conn, msg, r);
	case NXT_RESUME:
		return resume(conn, r);
	case NXT_CT_FLUSH_ZONE:
		return of_serve_ct_flush_zone(conn, r);
	case NXT_CT_FLUSH:
		return of_serve_ct_flush(conn, r);
	default:
		return OFERR_BAD_EXP_TYPE;
	}
}
