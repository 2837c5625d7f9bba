/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about flows, as ovs-ofctl's users know them.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/explain.h"
#include "ofctl/bridge/rpc.h"
#include "ofctl/openflow/error.h"
#include "ofctl/openflow/flow_text.h"

static uint32_t name_to_number(void *ctx, const char *name)
{
	return pl_port_by_name(ctx, name);
}

static struct of_port_names names_of(struct bridge *br)
{
	return (struct of_port_names){.by_name = name_to_number, .ctx = br->pl};
}

/* ---- dump-flows ---- */

struct dump {
	struct of_port_names names;
	FILE *f;
	json_t *list;
};

static json_t *flow_json(const struct of_flow_stats *fs, const struct of_port_names *names)
{
	char match[2048];
	char *actions = of_instructions_format(fs->ins, names);
	json_t *j;

	hal_cmatch_format(fs->match, match, sizeof(match));
	j = json_pack("{s:i, s:i, s:s, s:s, s:I, s:I, s:I, s:f, s:i, s:i}", "table", fs->table,
		"priority", fs->priority, "match", match, "actions", actions ? actions : "",
		"cookie", (json_int_t)fs->cookie, "n_packets", (json_int_t)fs->packets, "n_bytes",
		(json_int_t)fs->bytes, "duration", (double)fs->duration_ns / 1e9, "idle_timeout",
		fs->idle_timeout, "hard_timeout", fs->hard_timeout);
	free(actions);
	return j;
}

static void dump_flow(void *ctx, const struct of_flow_stats *fs)
{
	struct dump *d = ctx;
	char *line;

	if (d->list) {
		json_array_append_new(d->list, flow_json(fs, &d->names));
		return;
	}
	line = of_flow_stats_format(fs, &d->names);
	fprintf(d->f, " %s\n", line ? line : "");
	free(line);
}

static void dump_flows_now(struct rpc_call *call)
{
	struct bridge *br = rpc_bridge(call, 0);
	struct of_flow_filter filter;
	struct dump d = {0};
	char err[256];

	if (!br)
		return;
	d.names = names_of(br);
	if (of_flow_filter_parse(rpc_n_args(call) > 1 ? rpc_arg(call, 1) : "", &d.names, &filter,
		    err, sizeof(err))) {
		rpc_error(call, "%s", err);
		return;
	}
	if (rpc_wants_json(call)) {
		d.list = json_array();
		pl_flow_list(br->pl, &filter, dump_flow, &d);
		rpc_reply_json(call, d.list);
		return;
	}
	d.f = rpc_writer(call);
	if (!d.f)
		return;
	pl_flow_list(br->pl, &filter, dump_flow, &d);
	rpc_reply_written(call);
}

static void dump_flows(struct rpc_call *call)
{
	rpc_after_refresh(call, dump_flows_now);
}

/* ---- flow-mods ---- */

static void done(struct rpc_call *call)
{
	rpc_reply(call, "");
}

static void flow_mod(struct rpc_call *call, enum of_flow_mod_command command)
{
	struct bridge *br = rpc_bridge(call, 0);
	const char *text = rpc_n_args(call) > 1 ? rpc_arg(call, 1) : "";
	struct of_port_names names;
	struct of_flow_mod fm;
	enum of_error error;
	char err[256];

	if (!br)
		return;
	names = names_of(br);
	if (of_flow_mod_parse(text, command, &names, &fm, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		return;
	}
	error = pl_flow_mod(br->pl, &fm);
	of_instructions_free(&fm.ins);
	if (error)
		rpc_error(call, "%s: %s", text, of_error_text(error));
	else
		rpc_after_barrier(call, done);
}

static void add_flow(struct rpc_call *call)
{
	flow_mod(call, OF_FLOW_ADD);
}

static void mod_flows(struct rpc_call *call)
{
	flow_mod(call, OF_FLOW_MODIFY);
}

static void mod_flows_strict(struct rpc_call *call)
{
	flow_mod(call, OF_FLOW_MODIFY_STRICT);
}

static void del_flows(struct rpc_call *call)
{
	flow_mod(call, OF_FLOW_DELETE);
}

static void del_flows_strict(struct rpc_call *call)
{
	flow_mod(call, OF_FLOW_DELETE_STRICT);
}

/* ---- fdb, trace ---- */

struct fdb {
	FILE *f;
	json_t *list;
};

static void fdb_entry(void *ctx, const struct pl_fdb_entry *e)
{
	struct fdb *d = ctx;
	char mac[18], port[12];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", e->mac[0], e->mac[1], e->mac[2],
		e->mac[3], e->mac[4], e->mac[5]);
	if (e->port == OF_PORT_LOCAL)
		snprintf(port, sizeof(port), "LOCAL");
	else
		snprintf(port, sizeof(port), "%u", e->port);
	if (d->list)
		json_array_append_new(
			d->list, json_pack("{s:s, s:i, s:s, s:i}", "port", port, "vlan", e->vlan,
					 "mac", mac, "age", (int)e->age_s));
	else
		fprintf(d->f, "%5s  %4u  %s  %3u\n", port, e->vlan, mac, e->age_s);
}

static void fdb_show(struct rpc_call *call)
{
	struct bridge *br = rpc_bridge(call, 0);
	struct fdb d = {0};

	if (!br)
		return;
	if (rpc_wants_json(call)) {
		d.list = json_array();
		pl_fdb_list(br->pl, fdb_entry, &d);
		rpc_reply_json(call, d.list);
		return;
	}
	d.f = rpc_writer(call);
	if (!d.f)
		return;
	fprintf(d.f, " port  VLAN  MAC                Age\n");
	pl_fdb_list(br->pl, fdb_entry, &d);
	rpc_reply_written(call);
}

static void fdb_flush(struct rpc_call *call)
{
	struct bridge *br = rpc_bridge(call, 0);

	if (!br)
		return;
	pl_fdb_flush(br->pl);
	rpc_reply(call, "table successfully flushed");
}

#define CT_NEXT_MAX 16

struct trace_args {
	int bridge, match; /* arguments that are them, -1: missing */
	uint32_t ct_next[CT_NEXT_MAX];
	unsigned n_ct_next;
};

/* "trk,est", "trk|est" or "+trk+est". */
static bool trace_ct_state(struct rpc_call *call, struct trace_args *t, const char *text)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
	char flags[64], err[256];
	rte_be32_t state;

	snprintf(flags, sizeof(flags), "%s", text ? text : "");
	for (char *p = flags; (p = strchr(p, ','));)
		*p = '|';
	if (t->n_ct_next == CT_NEXT_MAX ||
		hal_field_parse(FIELD_CT_STATE, flags, value, mask, err, sizeof(err))) {
		rpc_error(call, "ct_next=%s: expected at most %d times flags like trk,est",
			text ? text : "", CT_NEXT_MAX);
		return false;
	}
	memcpy(&state, value, sizeof(state));
	t->ct_next[t->n_ct_next++] = rte_be_to_cpu_32(state);
	return true;
}

/* Options may stand anywhere, and in the form of ovs-appctl. */
static bool trace_args(struct rpc_call *call, struct trace_args *t)
{
	*t = (struct trace_args){.bridge = -1, .match = -1};
	for (int i = 0; i < rpc_n_args(call); i++) {
		const char *a = rpc_arg(call, i);

		if (!strcmp(a, "--ct-next")) {
			if (!trace_ct_state(call, t, rpc_arg(call, ++i)))
				return false;
		} else if (!strncmp(a, "ct_next=", 8)) {
			if (!trace_ct_state(call, t, a + 8))
				return false;
		} else if (t->bridge < 0) {
			t->bridge = i;
		} else if (t->match < 0) {
			t->match = i;
		} else {
			rpc_error(call, "%s: expected BRIDGE MATCH [ct_next=STATE]...", a);
			return false;
		}
	}
	if (t->match < 0)
		rpc_error(call, "expected BRIDGE MATCH [ct_next=STATE]...");
	return t->match >= 0;
}

struct tracing {
	struct bridges *b;
	json_t *megaflows;
};

/* The megaflow that a part of the way ends in, with the names of ports. */
static void trace_result(void *ctx, FILE *out, const struct hal_megaflow *mf)
{
	struct tracing *t = ctx;
	json_t *m = explain_throw_away(t->b, mf), *d;
	size_t i;

	fprintf(out, "Megaflow: %s\nDatapath actions: %s\n",
		json_string_value(json_object_get(m, "match")),
		json_string_value(json_object_get(m, "actions")));
	json_array_foreach (json_object_get(m, "devices"), i, d)
		fprintf(out, "Device %s: %s\n", json_string_value(json_object_get(d, "device")),
			json_string_value(json_object_get(d, "verdict")));
	json_array_append_new(t->megaflows, m);
}

static void trace(struct rpc_call *call)
{
	struct tracing t = {.megaflows = json_array()};
	struct of_port_names names;
	struct hal_match match;
	struct trace_args args;
	struct bridge *br;
	char err[256], *text;

	br = trace_args(call, &args) ? rpc_bridge(call, args.bridge) : NULL;
	if (!br)
		goto free_list;
	names = names_of(br);
	if (of_match_parse(rpc_arg(call, args.match), &names, &match, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		goto free_list;
	}
	t.b = br->all;
	text = pipeline_trace(br->pl, &match.value, args.ct_next, args.n_ct_next, trace_result, &t);
	if (!text)
		rpc_error(call, "out of memory");
	else if (rpc_wants_json(call))
		rpc_reply_json(
			call, json_pack("{s:s, s:O}", "trace", text, "megaflows", t.megaflows));
	else
		rpc_reply(call, text);
	free(text);
free_list:
	json_decref(t.megaflows);
}

const struct rpc_command rpc_flow_commands[] = {
	{"ofctl/dump-flows", "BRIDGE [MATCH]", 1, 2, dump_flows},
	{"ofctl/add-flow", "BRIDGE FLOW", 2, 2, add_flow},
	{"ofctl/mod-flows", "BRIDGE FLOW", 2, 2, mod_flows},
	{"ofctl/mod-flows-strict", "BRIDGE FLOW", 2, 2, mod_flows_strict},
	{"ofctl/del-flows", "BRIDGE [MATCH]", 1, 2, del_flows},
	{"ofctl/del-flows-strict", "BRIDGE FLOW", 2, 2, del_flows_strict},
	{"fdb/show", "BRIDGE", 1, 1, fdb_show},
	{"fdb/flush", "BRIDGE", 1, 1, fdb_flush},
	{"ofproto/trace", "BRIDGE MATCH [ct_next=STATE]...", 2, 2 + 2 * CT_NEXT_MAX, trace},
	{NULL, NULL, 0, 0, NULL},
};
