/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics: requests are checked at once and answered when the pipeline's counters are fresh.
 */
#include "ofctl/openflow/conn.h"

struct flow_writer {
	struct of_reply rep;
	bool nx, counts; /* neither: as the version describes flows */
};

static void put_flow(void *ctx, const struct of_flow_stats *fs)
{
	struct flow_writer *w = ctx;

	if (w->nx)
		of_flow_stats_nx_encode(&w->rep.b, fs);
	else if (w->counts)
		of_flow_counts_encode(&w->rep.b, fs);
	else
		of_flow_stats_encode(&w->rep.b, w->rep.conn->version, fs);
	of_reply_entry(&w->rep);
}

static void add_flow(void *ctx, const struct of_flow_stats *fs)
{
	of_aggregate_add(ctx, fs);
}

static void answer_flows(struct of_conn *conn, const uint8_t *msg, size_t len, bool counts)
{
	struct flow_writer w = {.counts = counts};
	struct of_flow_filter f;

	if (of_flow_filter_decode(of_multipart_body(conn, msg, len), conn->version, &f))
		return;
	of_reply_begin(&w.rep, conn, msg, counts ? OFPMP15_FLOW_STATS : OFPMP_FLOW, 0);
	pl_flow_list(conn->agent->br, &f, put_flow, &w);
	of_reply_end(&w.rep);
}

static void answer_flow_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	answer_flows(conn, msg, len, false);
}

static void answer_flow_counts(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	answer_flows(conn, msg, len, true);
}

static void answer_aggregate(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_flow_filter f;
	struct of_aggregate agg = {0};
	struct of_reply rep;

	if (of_flow_filter_decode(of_multipart_body(conn, msg, len), conn->version, &f))
		return;
	pl_flow_list(conn->agent->br, &f, add_flow, &agg);
	of_reply_begin(&rep, conn, msg, OFPMP_AGGREGATE, 0);
	of_aggregate_encode(&rep.b, conn->version, &agg);
	of_reply_end(&rep);
}

/* What the request says is judged before counters are asked for. */
static enum of_error serve(struct of_conn *conn, const uint8_t *msg, size_t len,
	void (*answer)(struct of_conn *conn, const uint8_t *msg, size_t len))
{
	struct of_flow_filter f;
	enum of_error err =
		of_flow_filter_decode(of_multipart_body(conn, msg, len), conn->version, &f);

	if (!err)
		of_conn_after_refresh(conn, msg, len, answer);
	return err;
}

enum of_error of_serve_flow_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return serve(conn, msg, len, answer_flow_stats);
}

enum of_error of_serve_flow_counts(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return serve(conn, msg, len, answer_flow_counts);
}

enum of_error of_serve_aggregate(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return serve(conn, msg, len, answer_aggregate);
}

/* ---- Nicira's, with matches in NXM form ---- */

static enum of_error nx_request(struct of_conn *conn, const uint8_t *msg, size_t len,
	uint32_t *subtype, struct of_flow_filter *f)
{
	struct of_rd r = of_multipart_body(conn, msg, len);

	of_skip(&r, 4);
	*subtype = of_get_u32(&r);
	of_skip(&r, 4);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (*subtype != NXST_FLOW && *subtype != NXST_AGGREGATE)
		return OFERR_BAD_EXP_TYPE;
	return of_flow_filter_nx_decode(r, f);
}

static void answer_nx(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_aggregate agg = {0};
	struct flow_writer w = {.nx = true};
	struct of_flow_filter f;
	uint32_t subtype;

	if (nx_request(conn, msg, len, &subtype, &f))
		return;
	of_reply_begin(&w.rep, conn, msg, OFPMP_EXPERIMENTER, subtype);
	if (subtype == NXST_FLOW) {
		pl_flow_list(conn->agent->br, &f, put_flow, &w);
	} else {
		pl_flow_list(conn->agent->br, &f, add_flow, &agg);
		of_aggregate_encode(&w.rep.b, OFP10, &agg);
	}
	of_reply_end(&w.rep);
}

enum of_error of_serve_nx_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_flow_filter f;
	uint32_t subtype;
	enum of_error err = nx_request(conn, msg, len, &subtype, &f);

	if (!err)
		of_conn_after_refresh(conn, msg, len, answer_nx);
	return err;
}

/* ---- tables and ports ---- */

static void answer_table_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_reply rep;

	(void)len;
	of_reply_begin(&rep, conn, msg, OFPMP_TABLE, 0);
	for (unsigned t = 0; t < OF_TABLES; t++) {
		struct of_table_stats ts = {0};

		pl_table_stats(conn->agent->br, (uint8_t)t, &ts);
		ts.table = (uint8_t)t;
		of_table_stats_encode(&rep.b, conn->version, &ts);
		of_reply_entry(&rep);
	}
	of_reply_end(&rep);
}

enum of_error of_serve_table_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	of_conn_after_refresh(conn, msg, len, answer_table_stats);
	return OFERR_OK;
}

static uint32_t requested_port(const struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);

	return of_get_port(&r, conn->version);
}

static void put_port(void *ctx, const struct of_port_desc *p)
{
	struct of_reply *rep = ctx;
	struct of_port_stats ps;

	if (!pl_port_stats(rep->conn->agent->br, p->number, &ps))
		return;
	ps.number = p->number;
	of_port_stats_encode(&rep->b, rep->conn->version, &ps);
	of_reply_entry(rep);
}

static void answer_port_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	uint32_t port = requested_port(conn, msg, len);
	struct of_port_desc desc;
	struct of_reply rep;

	of_reply_begin(&rep, conn, msg, OFPMP_PORT_STATS, 0);
	if (port == OF_PORT_ANY)
		pl_port_list(conn->agent->br, put_port, &rep);
	else if (pl_port_desc(conn->agent->br, port, &desc)) /* it may be gone by now */
		put_port(&rep, &desc);
	of_reply_end(&rep);
}

enum of_error of_serve_port_stats(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	uint32_t port = requested_port(conn, msg, len);
	struct of_port_desc desc;

	if (port != OF_PORT_ANY && !pl_port_desc(conn->agent->br, port, &desc))
		return OFERR_BAD_PORT;
	of_conn_after_refresh(conn, msg, len, answer_port_stats);
	return OFERR_OK;
}
