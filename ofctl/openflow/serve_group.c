/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: changes, and what there is of them.
 */
#include "ofctl/openflow/conn.h"

static enum of_error group_mod(struct of_conn *conn, struct of_rd body)
{
	struct of_group_mod gm;
	enum of_error err = of_group_mod_decode(body, conn->version, &gm);

	if (err)
		return err;
	err = pl_group_mod(conn->agent->br, &gm);
	of_group_free(&gm.group);
	return err;
}

enum of_error of_serve_group_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return group_mod(conn, of_msg_body(msg, len));
}

enum of_error of_serve_nx_group_mod(struct of_conn *conn, struct of_rd r)
{
	return conn->role == OF_ROLE_SLAVE ? OFERR_IS_SLAVE : group_mod(conn, r);
}

/* ---- statistics; in 1.0 they are Nicira's ---- */

static struct of_rd body_of(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);

	if (conn->version == OFP10)
		of_skip(&r, 12); /* whose they are, and which */
	return r;
}

static void begin(struct of_reply *rep, struct of_conn *conn, const uint8_t *msg, uint16_t type,
	uint32_t nicira)
{
	bool v10 = conn->version == OFP10;

	of_reply_begin(rep, conn, msg, v10 ? OFPMP_EXPERIMENTER : type, v10 ? nicira : 0);
}

static void put_desc(void *ctx, const struct of_group_stats *gs)
{
	struct of_reply *rep = ctx;

	of_group_desc_encode(&rep->b, rep->conn->version, gs->group);
	of_reply_entry(rep);
}

enum of_error of_serve_group_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = body_of(conn, msg, len);
	struct of_reply rep;

	begin(&rep, conn, msg, OFPMP_GROUP_DESC, NXST_GROUP_DESC);
	/* 1.5 and Nicira's ask for one, or for all. */
	pl_group_list(conn->agent->br, r.left ? of_get_u32(&r) : OF_GROUP_ALL_ID, put_desc, &rep);
	of_reply_end(&rep);
	return OFERR_OK;
}

static void put_stats(void *ctx, const struct of_group_stats *gs)
{
	struct of_reply *rep = ctx;

	of_group_stats_encode(&rep->b, gs);
	of_reply_entry(rep);
}

/* A group that does not exist has no statistics: the answer is empty, as Open vSwitch's is. */
static void answer_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = body_of(conn, msg, len);
	struct of_reply rep;

	begin(&rep, conn, msg, OFPMP_GROUP, NXST_GROUP);
	pl_group_list(conn->agent->br, of_get_u32(&r), put_stats, &rep);
	of_reply_end(&rep);
}

enum of_error of_serve_group_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	of_conn_after_refresh(conn, msg, len, answer_stats);
	return OFERR_OK;
}

enum of_error of_serve_group_features(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_reply rep;

	(void)len;
	begin(&rep, conn, msg, OFPMP_GROUP_FEATURES, NXST_GROUP_FEATURES);
	of_group_features_encode(&rep.b, conn->version, PL_GROUPS_MAX);
	of_reply_end(&rep);
	return OFERR_OK;
}

enum of_error of_serve_nx_groups(
	struct of_conn *conn, const uint8_t *msg, size_t len, uint32_t subtype)
{
	const size_t left = body_of(conn, msg, len).left;

	if (left != (subtype == NXST_GROUP_FEATURES ? 0 : 8))
		return OFERR_BAD_LEN;
	switch (subtype) {
	case NXST_GROUP:
		return of_serve_group_stats(conn, msg, len);
	case NXST_GROUP_DESC:
		return of_serve_group_desc(conn, msg, len);
	default:
		return of_serve_group_features(conn, msg, len);
	}
}
