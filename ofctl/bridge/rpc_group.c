/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about groups and meters, as ovs-ofctl's users know them.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/rpc.h"
#include "ofctl/openflow/error.h"
#include "ofctl/openflow/group_text.h"

static uint32_t name_to_number(void *ctx, const char *name)
{
	return pl_port_by_name(ctx, name);
}

static struct of_port_names names_of(struct bridge *br)
{
	return (struct of_port_names){.by_name = name_to_number, .ctx = br->pl};
}

static const char *second_arg(struct rpc_call *call)
{
	return rpc_n_args(call) > 1 ? rpc_arg(call, 1) : "";
}

/* ---- changes ---- */

static void done(struct rpc_call *call)
{
	rpc_reply(call, "");
}

static void answer_mod(struct rpc_call *call, const char *text, enum of_error error)
{
	if (error)
		rpc_error(call, "%s: %s", text, of_error_text(error));
	else
		rpc_after_barrier(call, done);
}

static void group_mod(struct rpc_call *call, enum of_group_command command)
{
	struct bridge *br = rpc_bridge(call, 0);
	const char *text = second_arg(call);
	struct of_port_names names;
	struct of_group_mod gm;
	enum of_error error;
	char err[256];

	if (!br)
		return;
	names = names_of(br);
	if (of_group_mod_parse(text, command, &names, &gm, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		return;
	}
	error = pl_group_mod(br->pl, &gm);
	of_group_free(&gm.group);
	answer_mod(call, text, error);
}

static void add_group(struct rpc_call *call)
{
	group_mod(call, OF_GROUP_ADD);
}

static void mod_group(struct rpc_call *call)
{
	group_mod(call, OF_GROUP_MODIFY);
}

static void del_groups(struct rpc_call *call)
{
	group_mod(call, OF_GROUP_DELETE);
}

static void meter_mod(struct rpc_call *call, enum of_meter_command command)
{
	struct bridge *br = rpc_bridge(call, 0);
	const char *text = second_arg(call);
	struct of_meter_mod mm;
	char err[256];

	if (!br)
		return;
	if (of_meter_mod_parse(text, command, &mm, err, sizeof(err)))
		rpc_error(call, "%s", err);
	else
		answer_mod(call, text, pl_meter_mod(br->pl, &mm));
}

static void add_meter(struct rpc_call *call)
{
	meter_mod(call, OF_METER_ADD);
}

static void mod_meter(struct rpc_call *call)
{
	meter_mod(call, OF_METER_MODIFY);
}

static void del_meters(struct rpc_call *call)
{
	meter_mod(call, OF_METER_DELETE);
}

/* ---- listings ---- */

struct dump {
	struct of_port_names names;
	FILE *f;
	json_t *list;
};

static void put_line(struct dump *d, char *line)
{
	fprintf(d->f, " %s\n", line ? line : "");
	free(line);
}

static json_t *bucket_json(const struct of_bucket *b, const struct of_port_names *names)
{
	char *actions = of_actions_format(&b->actions, names);
	json_t *j = json_pack("{s:I, s:i, s:s}", "bucket_id", (json_int_t)b->id, "weight",
		b->weight, "actions", actions ? actions : "");
	char port[80];

	if (b->watch_port != OF_PORT_ANY)
		json_object_set_new(j, "watch_port",
			json_string(of_port_format(b->watch_port, names, port, sizeof(port))));
	if (b->watch_group != OF_GROUP_ANY)
		json_object_set_new(j, "watch_group", json_integer(b->watch_group));
	free(actions);
	return j;
}

static void dump_group(void *ctx, const struct of_group_stats *gs)
{
	const struct of_group *g = gs->group;
	struct dump *d = ctx;
	json_t *buckets;

	if (!d->list) {
		put_line(d, of_group_format(g, &d->names));
		return;
	}
	buckets = json_array();
	for (unsigned i = 0; i < g->n_buckets; i++)
		json_array_append_new(buckets, bucket_json(&g->buckets[i], &d->names));
	json_array_append_new(
		d->list, json_pack("{s:I, s:s, s:s, s:o}", "group_id", (json_int_t)g->id, "type",
				 of_group_type_name(g->type), "selection_method",
				 of_select_name(g->select), "buckets", buckets));
}

static void dump_group_stats(void *ctx, const struct of_group_stats *gs)
{
	struct dump *d = ctx;
	json_t *buckets;

	if (!d->list) {
		put_line(d, of_group_stats_format(gs));
		return;
	}
	buckets = json_array();
	for (unsigned i = 0; i < gs->group->n_buckets; i++)
		json_array_append_new(
			buckets, json_pack("{s:I, s:I, s:I}", "bucket_id",
					 (json_int_t)gs->group->buckets[i].id, "n_packets",
					 (json_int_t)gs->bucket_packets[i], "n_bytes",
					 (json_int_t)gs->bucket_bytes[i]));
	json_array_append_new(d->list,
		json_pack("{s:I, s:f, s:I, s:I, s:I, s:o}", "group_id", (json_int_t)gs->group->id,
			"duration", (double)gs->duration_ns / 1e9, "ref_count",
			(json_int_t)gs->ref_count, "n_packets", (json_int_t)gs->packets, "n_bytes",
			(json_int_t)gs->bytes, "buckets", buckets));
}

static json_t *band_json(const struct hal_band *b)
{
	bool remark = b->type == HAL_BAND_DSCP_REMARK;
	json_t *j = json_pack("{s:s, s:I, s:I}", "type", remark ? "dscp_remark" : "drop", "rate",
		(json_int_t)b->rate, "burst_size", (json_int_t)b->burst);

	if (remark)
		json_object_set_new(j, "prec_level", json_integer(b->prec_level));
	return j;
}

static void dump_meter(void *ctx, const struct of_meter_stats *ms)
{
	struct dump *d = ctx;
	json_t *bands;

	if (!d->list) {
		put_line(d, of_meter_format(ms));
		return;
	}
	bands = json_array();
	for (unsigned i = 0; i < ms->meter->n_bands; i++)
		json_array_append_new(bands, band_json(&ms->meter->band[i]));
	json_array_append_new(d->list,
		json_pack("{s:I, s:s, s:b, s:b, s:o}", "meter", (json_int_t)ms->id, "unit",
			ms->flags & OFPMF_PKTPS ? "pktps" : "kbps", "burst",
			ms->flags & OFPMF_BURST, "stats", ms->flags & OFPMF_STATS, "bands", bands));
}

static void dump_meter_stats(void *ctx, const struct of_meter_stats *ms)
{
	const struct hal_meter_stats *c = &ms->counters;
	struct dump *d = ctx;
	json_t *bands;

	if (!d->list) {
		put_line(d, of_meter_stats_format(ms));
		return;
	}
	bands = json_array();
	for (unsigned i = 0; i < ms->meter->n_bands; i++)
		json_array_append_new(
			bands, json_pack("{s:I, s:I}", "n_packets", (json_int_t)c->band_packets[i],
				       "n_bytes", (json_int_t)c->band_bytes[i]));
	json_array_append_new(
		d->list, json_pack("{s:I, s:I, s:f, s:I, s:I, s:o}", "meter", (json_int_t)ms->id,
				 "flow_count", (json_int_t)ms->flow_count, "duration",
				 (double)ms->duration_ns / 1e9, "n_packets", (json_int_t)c->packets,
				 "n_bytes", (json_int_t)c->bytes, "bands", bands));
}

/* What a listing asks of the pipeline, for the one with the id or for all. */
typedef int lister(struct pl_bridge *br, uint32_t id, struct dump *d);

static int list_groups(struct pl_bridge *br, uint32_t id, struct dump *d)
{
	return pl_group_list(br, id, dump_group, d);
}

static int list_group_stats(struct pl_bridge *br, uint32_t id, struct dump *d)
{
	return pl_group_list(br, id, dump_group_stats, d);
}

static int list_meters(struct pl_bridge *br, uint32_t id, struct dump *d)
{
	return pl_meter_list(br, id, dump_meter, d);
}

static int list_meter_stats(struct pl_bridge *br, uint32_t id, struct dump *d)
{
	return pl_meter_list(br, id, dump_meter_stats, d);
}

static void list(struct rpc_call *call, const char *key, uint32_t all, lister *each)
{
	struct bridge *br = rpc_bridge(call, 0);
	struct dump d = {0};
	char err[256];
	uint32_t id;

	if (!br)
		return;
	d.names = names_of(br);
	if (of_id_parse(second_arg(call), key, all, &id, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		return;
	}
	if (rpc_wants_json(call))
		d.list = json_array();
	else if (!(d.f = rpc_writer(call)))
		return;
	/* Of one that does not exist there is nothing to print. */
	each(br->pl, id, &d);
	if (d.list)
		rpc_reply_json(call, d.list);
	else
		rpc_reply_written(call);
}

static void dump_groups(struct rpc_call *call)
{
	list(call, "group_id", OF_GROUP_ALL_ID, list_groups);
}

static void group_stats_now(struct rpc_call *call)
{
	list(call, "group_id", OF_GROUP_ALL_ID, list_group_stats);
}

static void group_stats(struct rpc_call *call)
{
	rpc_after_refresh(call, group_stats_now);
}

static void dump_meters(struct rpc_call *call)
{
	list(call, "meter", OF_METER_ALL, list_meters);
}

static void meter_stats_now(struct rpc_call *call)
{
	list(call, "meter", OF_METER_ALL, list_meter_stats);
}

static void meter_stats(struct rpc_call *call)
{
	rpc_after_refresh(call, meter_stats_now);
}

const struct rpc_command rpc_group_commands[] = {
	{"ofctl/add-group", "BRIDGE GROUP", 2, 2, add_group},
	{"ofctl/mod-group", "BRIDGE GROUP", 2, 2, mod_group},
	{"ofctl/del-groups", "BRIDGE [group_id=ID]", 1, 2, del_groups},
	{"ofctl/dump-groups", "BRIDGE [group_id=ID]", 1, 2, dump_groups},
	{"ofctl/dump-group-stats", "BRIDGE [group_id=ID]", 1, 2, group_stats},
	{"ofctl/add-meter", "BRIDGE METER", 2, 2, add_meter},
	{"ofctl/mod-meter", "BRIDGE METER", 2, 2, mod_meter},
	{"ofctl/del-meters", "BRIDGE [meter=ID]", 1, 2, del_meters},
	{"ofctl/dump-meters", "BRIDGE [meter=ID]", 1, 2, dump_meters},
	{"ofctl/meter-stats", "BRIDGE [meter=ID]", 1, 2, meter_stats},
	{NULL, NULL, 0, 0, NULL},
};
