/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: changes, and what there is of them.
 */
#include "ofctl/openflow/conn.h"

enum of_error of_serve_meter_mod(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_meter_mod mm;
	enum of_error err = of_meter_mod_decode(of_msg_body(msg, len), &mm);

	return err ? err : pl_meter_mod(conn->agent->br, &mm);
}

static uint32_t requested(const struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);

	return of_get_u32(&r);
}

static void ignore(void *ctx, const struct of_meter_stats *ms)
{
	(void)ctx;
	(void)ms;
}

/* Of one that does not exist nothing can be said. */
static enum of_error check_requested(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	uint32_t id = requested(conn, msg, len);

	if (id != OF_METER_ALL && pl_meter_list(conn->agent->br, id, ignore, NULL))
		return OFERR_METER_UNKNOWN;
	return OFERR_OK;
}

static void put_config(void *ctx, const struct of_meter_stats *ms)
{
	struct of_reply *rep = ctx;

	of_meter_config_encode(&rep->b, ms);
	of_reply_entry(rep);
}

enum of_error of_serve_meter_config(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	enum of_error err = check_requested(conn, msg, len);
	struct of_reply rep;

	if (err)
		return err;
	of_reply_begin(&rep, conn, msg, OFPMP_METER_CONFIG, 0);
	pl_meter_list(conn->agent->br, requested(conn, msg, len), put_config, &rep);
	of_reply_end(&rep);
	return OFERR_OK;
}

static void put_stats(void *ctx, const struct of_meter_stats *ms)
{
	struct of_reply *rep = ctx;

	of_meter_stats_encode(&rep->b, ms);
	of_reply_entry(rep);
}

static void answer_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_reply rep;

	of_reply_begin(&rep, conn, msg, OFPMP_METER, 0);
	pl_meter_list(conn->agent->br, requested(conn, msg, len), put_stats, &rep);
	of_reply_end(&rep);
}

enum of_error of_serve_meter_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	enum of_error err = check_requested(conn, msg, len);

	if (!err)
		of_conn_after_refresh(conn, msg, len, answer_stats);
	return err;
}

enum of_error of_serve_meter_features(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_reply rep;

	(void)len;
	of_reply_begin(&rep, conn, msg, OFPMP_METER_FEATURES, 0);
	of_meter_features_encode(&rep.b, PL_METERS_MAX);
	of_reply_end(&rep);
	return OFERR_OK;
}
