/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: changes, and what there is of them.
 */
#include "ofctl/openflow/conn.h"

enum of_error of_serve_group_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_group_mod gm;
	enum of_error err = of_group_mod_decode(of_msg_body(msg, len), conn->version, &gm);

	if (err)
		return err;
	err = pl_group_mod(conn->agent->br, &gm);
	of_group_free(&gm.group);
	return err;
}

static void put_desc(void *ctx, const struct of_group_stats *gs)
{
	struct of_reply *rep = ctx;

	of_group_desc_encode(&rep->b, rep->conn->version, gs->group);
	of_reply_entry(rep);
}

enum of_error of_serve_group_desc(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	struct of_reply rep;

	of_reply_begin(&rep, conn, msg, OFPMP_GROUP_DESC, 0);
	/* 1.5 asks for one, or for all. */
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
	struct of_rd r = of_multipart_body(conn, msg, len);
	struct of_reply rep;

	of_reply_begin(&rep, conn, msg, OFPMP_GROUP, 0);
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
	of_reply_begin(&rep, conn, msg, OFPMP_GROUP_FEATURES, 0);
	of_group_features_encode(&rep.b, conn->version, PL_GROUPS_MAX);
	of_reply_end(&rep);
	return OFERR_OK;
}
