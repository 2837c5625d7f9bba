/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow monitors come, are changed and go. A request may hold several; if one of them is refused,
 * all are.
 */
#include "ofctl/openflow/monitor.h"

#include <stdlib.h>

/* What is to become of one id. */
struct plan {
	STAILQ_ENTRY(plan) entry;
	enum of_monitor_command command;
	struct of_monitor *m; /* DELETE: only its id */
};
STAILQ_HEAD(plans, plan);

static void monitor_free(struct of_monitor *m)
{
	free(m->match);
	free(m);
}

static struct of_monitor *find(const struct of_conn *conn, uint32_t id)
{
	struct of_monitor *m;

	if (conn->monitors)
		LIST_FOREACH (m, &conn->monitors->list, entry)
			if (m->id == id)
				return m;
	return NULL;
}

static int monitors_open(struct of_conn *conn)
{
	if (conn->monitors)
		return 0;
	conn->monitors = calloc(1, sizeof(*conn->monitors));
	if (!conn->monitors)
		return -1;
	LIST_INIT(&conn->monitors->list);
	pl_bridge_monitor(conn->agent->br, true);
	return 0;
}

/* With the last monitor all goes: a connection that monitors nothing costs nothing. */
static void drop(struct of_conn *conn, struct of_monitor *m)
{
	LIST_REMOVE(m, entry);
	monitor_free(m);
	if (--conn->monitors->n)
		return;
	pl_bridge_monitor(conn->agent->br, false);
	free(conn->monitors);
	conn->monitors = NULL;
}

void of_monitors_free(struct of_conn *conn)
{
	while (conn->monitors)
		drop(conn, LIST_FIRST(&conn->monitors->list));
}

/* ---- plans ---- */

static void plan_free(struct plan *p)
{
	if (p->m)
		monitor_free(p->m);
	free(p);
}

static struct plan *plan_new(const struct of_monitor_request *req)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->command = req->command;
	p->m = calloc(1, sizeof(*p->m));
	if (!p->m)
		goto free_plan;
	*p->m = (struct of_monitor){
		.id = req->id,
		.flags = req->flags,
		.table = req->filter.table,
		.out_port = req->filter.out_port,
		.out_group = req->filter.out_group,
		.match = hal_cmatch_new(&req->filter.match),
		.fresh = true,
	};
	if (p->m->match)
		return p;
free_plan:
	plan_free(p);
	return NULL;
}

/* Whether there is one with the id once what was planned so far is done; `n`: how many there are
 * then. */
static bool will_be(const struct of_conn *conn, const struct plans *plans, uint32_t id, unsigned *n)
{
	bool is = find(conn, id) != NULL;
	const struct plan *p;

	*n = conn->monitors ? conn->monitors->n : 0;
	STAILQ_FOREACH (p, plans, entry) {
		*n += p->command == OF_MONITOR_ADD;
		*n -= p->command == OF_MONITOR_DELETE;
		if (p->m->id == id)
			is = p->command != OF_MONITOR_DELETE;
	}
	return is;
}

static enum of_error judge(
	const struct of_conn *conn, const struct plans *plans, const struct of_monitor_request *req)
{
	unsigned n;
	bool is = will_be(conn, plans, req->id, &n);

	if (req->command != OF_MONITOR_ADD)
		return is ? OFERR_OK : OFERR_MONITOR_UNKNOWN;
	if (is)
		return OFERR_MONITOR_EXISTS;
	return n < MONITORS_MAX ? OFERR_OK : OFERR_MONITOR_NO_ROOM;
}

static enum of_error make_plans(const struct of_conn *conn, struct of_rd r, struct plans *plans)
{
	struct of_monitor_request req;
	enum of_error err;
	struct plan *p;

	while (r.left) {
		err = of_monitor_decode(&r, conn->version, &req);
		if (!err)
			err = judge(conn, plans, &req);
		if (err)
			return err;
		p = plan_new(&req);
		if (!p)
			return OFERR_MONITOR_NO_ROOM;
		STAILQ_INSERT_TAIL(plans, p, entry);
	}
	return OFERR_OK;
}

static void carry_out(struct of_conn *conn, struct plan *p)
{
	struct of_monitor *old = find(conn, p->m->id);

	if (p->command != OF_MONITOR_DELETE) {
		LIST_INSERT_HEAD(&conn->monitors->list, p->m, entry);
		conn->monitors->n++;
		p->m = NULL;
	}
	if (old)
		drop(conn, old);
}

static bool brings_any(const struct plans *plans)
{
	const struct plan *p;

	STAILQ_FOREACH (p, plans, entry)
		if (p->command != OF_MONITOR_DELETE)
			return true;
	return false;
}

/* The one monitor of the request, so that only its flows have to be looked at; NULL: several. */
static const struct of_monitor *the_only(const struct of_conn *conn)
{
	const struct of_monitor *m, *only = NULL;

	LIST_FOREACH (m, &conn->monitors->list, entry) {
		if (m->fresh && only)
			return NULL;
		if (m->fresh)
			only = m;
	}
	return only;
}

enum of_error of_serve_monitor(struct of_conn *conn, const uint8_t *msg, struct of_rd r)
{
	struct plans plans = STAILQ_HEAD_INITIALIZER(plans);
	enum of_error err = make_plans(conn, r, &plans);
	struct of_monitor *m;
	struct plan *p;

	if (!err && brings_any(&plans) && monitors_open(conn))
		err = OFERR_MONITOR_NO_ROOM;
	while ((p = STAILQ_FIRST(&plans))) {
		STAILQ_REMOVE_HEAD(&plans, entry);
		if (!err)
			carry_out(conn, p);
		plan_free(p);
	}
	if (err)
		return err;
	of_monitors_begin(conn, msg, conn->monitors ? the_only(conn) : NULL);
	if (conn->monitors)
		LIST_FOREACH (m, &conn->monitors->list, entry)
			m->fresh = false;
	return OFERR_OK;
}

enum of_error of_serve_monitor_cancel(struct of_conn *conn, struct of_rd r)
{
	uint32_t id = of_get_u32(&r);
	struct of_monitor *m;

	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	m = find(conn, id);
	if (!m)
		return OFERR_MONITOR_UNKNOWN;
	drop(conn, m);
	return OFERR_OK;
}
