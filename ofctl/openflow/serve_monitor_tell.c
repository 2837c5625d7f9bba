/* SPDX-License-Identifier: Apache-2.0
 *
 * What flow monitors are told: flows that are there when they begin, changes, and after a pause
 * what it kept from them.
 */
#include "ofctl/openflow/monitor.h"

static void updates_begin(struct of_reply *rep, struct of_conn *conn, uint32_t xid)
{
	if (conn->version >= OFP14)
		of_reply_begin_xid(rep, conn, xid, OFPMP_FLOW_MONITOR, 0);
	else
		of_reply_begin_xid(rep, conn, xid, OFPMP_EXPERIMENTER,
			conn->version == OFP10 ? NXST_FLOW_MONITOR : ONFST_FLOW_MONITOR);
}

static bool is_about(const struct of_monitor *m, const struct of_flow_stats *f)
{
	return (m->table == OF_TABLE_ALL || m->table == f->table) &&
	       hal_cmatch_contains(m->match, f->match);
}

/* An old or a new output is enough. */
static bool sends_out(const struct of_monitor *m, const struct of_flow_change *c)
{
	return of_instructions_send_to(c->flow.ins, m->out_port, m->out_group) ||
	       (c->old && of_instructions_send_to(c->old, m->out_port, m->out_group));
}

/* ---- the flows at the beginning ---- */

/* Flows as they are, with xid 0 or that of a request. */

struct listing {
	struct of_conn *conn;
	struct of_reply rep;
	bool any;
};

static void put(struct listing *b, const struct of_flow_change *c, uint16_t flags)
{
	of_flow_change_encode(&b->rep.b, b->conn->version, c, flags & OF_MONITOR_INSTRUCTIONS);
	of_reply_entry(&b->rep);
	b->any = true;
}

static void tell_initial(void *ctx, const struct of_flow_stats *fs)
{
	struct listing *b = ctx;
	struct of_flow_change c = {.event = OF_FLOW_INITIAL, .flow = *fs};
	const struct of_monitor *m;
	uint16_t flags = 0;

	LIST_FOREACH (m, &b->conn->monitors->list, entry)
		if (m->fresh && m->flags & OF_MONITOR_INITIAL && is_about(m, fs) &&
			sends_out(m, &c))
			flags |= m->flags;
	if (!flags)
		return;
	put(b, &c, flags);
}

static void each_flow(struct of_conn *conn, const struct of_monitor *only,
	void (*cb)(void *ctx, const struct of_flow_stats *fs), void *ctx)
{
	struct of_flow_filter all = {
		.table = only ? only->table : OF_TABLE_ALL,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
	};

	if (only)
		hal_cmatch_expand(only->match, &all.match);
	pl_flow_list(conn->agent->br, &all, cb, ctx);
}

static bool any_begins(const struct of_monitors *mon)
{
	const struct of_monitor *m;

	LIST_FOREACH (m, &mon->list, entry)
		if (m->fresh && m->flags & OF_MONITOR_INITIAL)
			return true;
	return false;
}

void of_monitors_begin(struct of_conn *conn, const uint8_t *msg, const struct of_monitor *only)
{
	struct listing b = {.conn = conn};

	updates_begin(&b.rep, conn, of_msg_xid(msg));
	if (conn->monitors && any_begins(conn->monitors))
		each_flow(conn, only, tell_initial, &b);
	of_reply_end(&b.rep);
}

/* ---- changes ---- */

static void send_counted(struct of_conn *conn, uint64_t before)
{
	struct of_monitors *mon = conn->monitors;

	if (of_channel_sent(conn->ch) >= mon->end)
		mon->unread = 0;
	mon->end = of_channel_queued(conn->ch);
	mon->unread += mon->end - before;
}

static void pause(struct of_conn *conn)
{
	uint64_t before = of_channel_queued(conn->ch);
	struct of_buf b = {0};

	conn->monitors->paused = conn->monitors->seen;
	of_monitor_pause_encode(&b, conn->version, true);
	of_conn_send(conn, &b);
	send_counted(conn, before);
}

static void send_updates(struct of_conn *conn)
{
	struct of_monitors *mon = conn->monitors;
	uint64_t before = of_channel_queued(conn->ch), waiting;

	mon->telling = false;
	of_reply_end(&mon->updates);
	send_counted(conn, before);
	waiting = mon->end - of_channel_sent(conn->ch);
	if (!mon->paused && (mon->unread < waiting ? mon->unread : waiting) > MONITOR_BACKLOG)
		pause(conn);
}

static uint16_t wanted(const struct of_conn *conn, const struct of_flow_change *c)
{
	uint16_t flags = 0, event = (uint16_t)(1u << c->event);
	const struct of_monitor *m;

	LIST_FOREACH (m, &conn->monitors->list, entry)
		if (m->flags & event && is_about(m, &c->flow) && sends_out(m, c) &&
			!(m->flags & OF_MONITOR_ONLY_OWN && c->by != conn))
			flags |= m->flags;
	return flags;
}

/* While it is paused, it hears only that flows which it knew are gone. */
static bool is_kept_from(const struct of_monitors *mon, const struct of_flow_change *c)
{
	return mon->paused && (c->event != OF_FLOW_REMOVED || c->flow.added_seq > mon->paused);
}

static void tell(struct of_conn *conn, const struct of_flow_change *c)
{
	struct of_monitors *mon = conn->monitors;
	bool kept_from = is_kept_from(mon, c);
	uint16_t flags = kept_from ? 0 : wanted(conn, c);

	mon->seen = c->seq;
	if (!flags)
		return;
	if (!mon->telling) {
		mon->telling = true;
		updates_begin(&mon->updates, conn, 0);
	}
	if (c->by != conn || flags & OF_MONITOR_NO_ABBREV || mon->paused) {
		of_flow_change_encode(
			&mon->updates.b, conn->version, c, flags & OF_MONITOR_INSTRUCTIONS);
	} else if (mon->abbreviated && mon->abbrev_xid == c->xid) {
		return;
	} else {
		mon->abbreviated = true;
		mon->abbrev_xid = c->xid;
		of_flow_abbrev_encode(&mon->updates.b, conn->version, c->xid);
	}
	of_reply_entry(&mon->updates);
	if (mon->updates.b.len > MONITOR_BACKLOG)
		send_updates(conn);
}

void of_monitors_changed(void *ctx, struct pl_bridge *br, const struct of_flow_change *c)
{
	struct of_agent *agent = of_agent_find(ctx, br);
	struct of_conn *conn;

	if (agent)
		LIST_FOREACH (conn, &agent->conns, entry)
			if (conn->monitors)
				tell(conn, c);
}

void of_monitors_changes_end(void *ctx, struct pl_bridge *br, bool lost)
{
	struct of_agent *agent = of_agent_find(ctx, br);
	struct of_conn *conn;

	if (!agent)
		return;
	LIST_FOREACH (conn, &agent->conns, entry) {
		if (!conn->monitors)
			continue;
		if (conn->monitors->telling)
			send_updates(conn);
		conn->monitors->abbreviated = false;
		/* What it believes is wrong now; it has to begin anew. */
		if (lost)
			of_conn_close_soon(conn, "no memory for what its flow monitors are due");
	}
}

/* ---- after a pause ---- */

/* What became of a flow during the pause, as the monitors see it. A changed one may have had
 * another output before, so that does not count. */
static void tell_missed(void *ctx, const struct of_flow_stats *fs)
{
	struct listing *b = ctx;
	const struct of_monitors *mon = b->conn->monitors;
	struct of_flow_change c = {.event = OF_FLOW_MODIFIED, .flow = *fs};
	const struct of_monitor *m;
	uint16_t flags = 0;

	if (fs->changed_seq <= mon->paused)
		return;
	LIST_FOREACH (m, &mon->list, entry) {
		bool added = fs->added_seq > mon->paused && m->flags & OF_MONITOR_ADDED;
		bool modified = m->flags & OF_MONITOR_MODIFIED &&
				(fs->added_seq <= mon->paused || fs->changed_seq > fs->added_seq);

		if (!is_about(m, fs) || !(added ? sends_out(m, &c) : modified))
			continue;
		flags |= m->flags;
		if (added)
			c.event = OF_FLOW_ADDED;
	}
	if (!flags)
		return;
	put(b, &c, flags);
}

void of_monitors_resume(struct of_conn *conn)
{
	struct of_monitors *mon = conn->monitors;
	struct listing b = {.conn = conn};
	struct of_buf resumed = {0};

	if (!mon->paused || of_channel_sent(conn->ch) < mon->end)
		return;
	updates_begin(&b.rep, conn, 0);
	each_flow(conn, NULL, tell_missed, &b);
	if (b.any)
		of_reply_end(&b.rep);
	else
		of_buf_free(&b.rep.b);
	of_monitor_pause_encode(&resumed, conn->version, false);
	of_conn_send(conn, &resumed);
	mon->paused = 0;
	mon->unread = 0;
}
