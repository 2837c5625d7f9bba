/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/match_text.h"

#define TEXT_MAX 4096

static const char *port_name(void *ctx, uint32_t port)
{
	struct iface *i = iface_by_dp_port(ctx, port);

	return i ? i->want.name : NULL;
}

/* ---- one megaflow ---- */

/* The input port of a datapath match by name, the rest as usual. */
void explain_match(struct bridges *b, const struct hal_cmatch *cm, char *buf, size_t n)
{
	struct hal_match m;
	struct iface *in;
	size_t used = 0;

	hal_cmatch_expand(cm, &m);
	in = iface_by_dp_port(b, rte_be_to_cpu_32(m.value.dp.in_port));
	if (in && m.mask.dp.in_port) {
		m.value.dp.in_port = m.mask.dp.in_port = 0;
		used = (size_t)snprintf(buf, n, "in_port(%s),", in->want.name);
	}
	m.value.dp.recirc_id = m.mask.dp.recirc_id = 0;
	if (hal_match_format(&m.value, &m.mask, true, buf + used, n - used) == 0 && used)
		buf[used - 1] = '\0';
}

json_t *explain_refusal(struct bridges *b, const char *device, const struct hal_reason *r)
{
	char text[320];
	json_t *j;

	if (r->code == HAL_REASON_UNBOUND_PORT && port_name(b, r->port))
		snprintf(text, sizeof(text), "%s: %s %s is not bound to it",
			hal_reason_name(r->code),
			r->action == ACTION_OUTPUT ? "output" : "input port",
			port_name(b, r->port));
	else
		hal_reason_format(r, text, sizeof(text));
	j = json_pack("{s:s, s:s, s:s, s:s, s:I}", "device", device, "code",
		hal_reason_name(r->code), "reason", text, "advice", hal_reason_advice(r->code),
		"since_ms", (json_int_t)r->since_ms);
	if (r->field < FIELD_MAX)
		json_object_set_new(j, "field", json_string(hal_fields[r->field].name));
	if (r->action < ACTION_MAX)
		json_object_set_new(j, "action", json_string(hal_action_name(r->action)));
	if (r->code == HAL_REASON_UNBOUND_PORT && port_name(b, r->port))
		json_object_set_new(j, "port", json_string(port_name(b, r->port)));
	if (r->text[0])
		json_object_set_new(j, "text", json_string(r->text));
	return j;
}

bool explain_places(struct bridges *b, const struct hal_megaflow *mf, json_t *j)
{
	json_t *refusals = json_array();
	const char *where = "software";

	for (unsigned d = 0; d < offload_device_count(b->cfg.ol); d++) {
		struct hal_device *dev = offload_device(b->cfg.ol, d);
		struct hal_offload_slot slot;

		if (!dev)
			continue;
		offload_slot_read(b->cfg.ol, mf, d, &slot);
		if (slot.placement == PLACEMENT_PLACED) {
			where = slot.in_kernel ? "kernel" : "hardware";
			json_object_set_new(j, "device", json_string(hal_device_name(dev)));
			json_object_set_new(j, "verified", json_boolean(slot.verified));
			json_object_set_new(j, "leaked", json_integer((json_int_t)slot.leaked));
		} else if (slot.placement == PLACEMENT_REFUSED) {
			json_array_append_new(
				refusals, explain_refusal(b, hal_device_name(dev), &slot.reason));
		}
	}
	json_object_set_new(j, "where", json_string(where));
	if (!strcmp(where, "software"))
		json_object_set_new(j, "verified", json_false());
	json_object_set_new(j, "refusals", refusals);
	return !strcmp(where, "hardware");
}

json_t *explain_megaflow(struct bridges *b, const struct hal_megaflow *mf)
{
	char match[TEXT_MAX], actions[TEXT_MAX], ufid[HAL_UFID_STR];

	hal_ufid_format(&mf->ufid, ufid);
	explain_match(b, mf->match, match, sizeof(match));
	hal_program_format(mf->program, port_name, b, actions, sizeof(actions));
	return json_pack("{s:s, s:I, s:s, s:s}", "ufid", ufid, "recirc_id", (json_int_t)mf->chain,
		"match", match, "actions", actions);
}

static json_t *info_json(struct bridges *b, const struct pl_megaflow_info *info)
{
	json_t *j = explain_megaflow(b, info->mf), *cookies = json_array();

	for (unsigned i = 0; i < info->n_cookies; i++) {
		char text[24];

		snprintf(text, sizeof(text), "0x%" PRIx64, info->cookies[i]);
		json_array_append_new(cookies, json_string(text));
	}
	json_object_set_new(j, "cookies", cookies);
	json_object_set_new(j, "packets",
		json_pack("{s:I, s:I}", "hardware", (json_int_t)info->hw_packets, "software",
			(json_int_t)info->sw_packets));
	json_object_set_new(j, "bytes",
		json_pack("{s:I, s:I}", "hardware", (json_int_t)info->hw_bytes, "software",
			(json_int_t)info->sw_bytes));
	json_object_set_new(j, "used_ms",
		json_integer(info->used_ms == UINT64_MAX ? -1 : (json_int_t)info->used_ms));
	return j;
}

/* ---- flows ---- */

struct collect {
	struct bridges *b;
	const char *type;
	json_t *list;
	uint64_t total, hardware, kernel;
};

static void collect_flow(void *ctx, const struct pl_megaflow_info *info)
{
	struct collect *c = ctx;
	json_t *j = info_json(c->b, info);
	bool offloaded = explain_places(c->b, info->mf, j);

	if (c->type && !strcmp(c->type, offloaded ? "non-offloaded" : "offloaded"))
		json_decref(j);
	else
		json_array_append_new(c->list, j);
}

json_t *explain_flows(struct bridges *b, const char *type)
{
	struct collect c = {.b = b, .type = type, .list = json_array()};

	pipeline_megaflows(b->cfg.pl, collect_flow, &c);
	return c.list;
}

/* ---- status ---- */

static json_t *objects_json(const struct offload_device_info *i)
{
	json_t *j = json_object();

	for (int t = 0; t < HAL_OBJECT_MAX; t++)
		if (i->objects[t] && t != HAL_OBJECT_CONNECTION)
			json_object_set_new(j, hal_object_name((enum hal_object_type)t),
				json_integer((json_int_t)i->objects[t]));
	return j;
}

static json_t *audit_json(const struct offload_audit_info *a)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "passes",
		(json_int_t)a->passes, "rules", (json_int_t)a->rules, "took_ms",
		(json_int_t)a->took_ms, "ended_ms", (json_int_t)a->ended_ms, "lost",
		(json_int_t)a->lost, "altered", (json_int_t)a->altered, "unwanted",
		(json_int_t)a->unwanted, "repaired", (json_int_t)a->repaired);
}

static json_t *device_json(const struct offload_device_info *i)
{
	json_t *refused = json_object();

	for (int r = 1; r < HAL_REASON_MAX; r++)
		if (i->refused_by[r])
			json_object_set_new(refused, hal_reason_name((enum hal_reason_code)r),
				json_integer((json_int_t)i->refused_by[r]));
	return json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, "
			 "s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"name", i->name, "alive", i->stats.alive, "text", i->stats.text, "rules",
		(json_int_t)i->stats.rules, "max_rules", (json_int_t)i->stats.max_rules, "ports",
		(json_int_t)i->stats.ports, "placed", (json_int_t)i->placed, "pending",
		(json_int_t)i->pending, "refused", refused, "hit_packets",
		(json_int_t)i->stats.hit_packets, "miss_packets", (json_int_t)i->stats.miss_packets,
		"dropped_packets", (json_int_t)i->stats.dropped_packets, "accepted_ops",
		(json_int_t)i->accepted_ops, "failed_ops", (json_int_t)i->failed_ops, "objects",
		objects_json(i), "connections", (json_int_t)i->connections, "connections_waiting",
		(json_int_t)i->connections_waiting, "quarantined", (json_int_t)i->quarantined,
		"resets", (json_int_t)i->resets, "replayed", (json_int_t)i->replayed, "adopted",
		(json_int_t)i->adopted, "removed_foreign", (json_int_t)i->removed_foreign,
		"leaked_packets", (json_int_t)i->leaked_packets, "lag_ms", (json_int_t)i->lag_ms,
		"audit", audit_json(&i->audit));
}

static void count_flow(void *ctx, const struct pl_megaflow_info *info)
{
	struct collect *c = ctx;

	c->total++;
	for (unsigned d = 0; d < offload_device_count(c->b->cfg.ol); d++) {
		struct hal_offload_slot slot;

		if (!offload_device(c->b->cfg.ol, d))
			continue;
		offload_slot_read(c->b->cfg.ol, info->mf, d, &slot);
		if (slot.placement == PLACEMENT_PLACED) {
			++*(slot.in_kernel ? &c->kernel : &c->hardware);
			break;
		}
	}
}

json_t *explain_status(struct bridges *b)
{
	struct collect c = {.b = b};
	struct swpath_stats sw;
	json_t *devices = json_array();
	uint64_t hits = 0;

	for (unsigned d = 0; d < offload_device_count(b->cfg.ol); d++) {
		struct offload_device_info info;

		if (offload_device_info(b->cfg.ol, d, &info))
			continue;
		hits += info.stats.hit_packets;
		json_array_append_new(devices, device_json(&info));
	}
	pipeline_megaflows(b->cfg.pl, count_flow, &c);
	swpath_stats_read(b->cfg.sp, &sw);
	return json_pack("{s:o, s:s, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:I}}", "devices", devices,
		"error", b->device_error, "packets", "hardware", (json_int_t)hits, "software",
		(json_int_t)sw.packets, "megaflows", "total", (json_int_t)c.total, "hardware",
		(json_int_t)c.hardware, "kernel", (json_int_t)c.kernel, "software",
		(json_int_t)(c.total - c.hardware - c.kernel));
}

/* ---- explain ---- */

struct query {
	struct bridges *b;
	bool by_ufid, by_cookie;
	struct hal_ufid ufid;
	uint64_t cookie;
	struct bridge *br;      /* by match */
	struct hal_match match; /* over the datapath key */
	uint32_t dp_port;
	struct hal_cmatch *cm;
	json_t *list;
};

static const char *placed_verdict(const struct hal_offload_slot *slot)
{
	if (slot->in_kernel)
		return slot->verified ? "placed in the kernel, not in hardware; its counter moved"
				      : "placed in the kernel, not in hardware";
	return slot->verified ? "placed, verified: its counter moved" : "placed, not verified yet";
}

/* What each device says of the megaflow. */
static json_t *verdicts(struct bridges *b, const struct hal_megaflow *mf, bool live)
{
	struct hal_match m;
	json_t *list = json_array();
	struct hal_rule rule = {
		.ufid = mf->ufid, .match = mf->match, .program = mf->program, .chain = mf->chain};

	hal_cmatch_expand(mf->match, &m);
	for (unsigned d = 0; d < offload_device_count(b->cfg.ol); d++) {
		struct hal_device *dev = offload_device(b->cfg.ol, d);
		struct hal_offload_slot slot = {0};
		struct hal_reason reason;
		json_t *j;

		if (!dev)
			continue;
		if (live)
			offload_slot_read(b->cfg.ol, mf, d, &slot);
		hal_reason_clear(&reason);
		if (slot.placement == PLACEMENT_REFUSED)
			reason = slot.reason;
		else if (slot.placement != PLACEMENT_PLACED)
			offload_explain(
				b->cfg.ol, d, &rule, rte_be_to_cpu_32(m.value.dp.in_port), &reason);
		if (slot.placement == PLACEMENT_PLACED) {
			j = json_pack("{s:s, s:b, s:s, s:I}", "device", hal_device_name(dev),
				"placed", 1, "verdict", placed_verdict(&slot), "leaked",
				(json_int_t)slot.leaked);
		} else if (reason.code != HAL_REASON_NONE) {
			j = explain_refusal(b, hal_device_name(dev), &reason);
			json_object_set_new(j, "placed", json_false());
			json_object_set(j, "verdict", json_object_get(j, "reason"));
		} else {
			j = json_pack("{s:s, s:b, s:s}", "device", hal_device_name(dev), "placed",
				0, "verdict",
				live ? "not placed yet; it could be" : "it could be placed there");
		}
		json_array_append_new(list, j);
	}
	if (!json_array_size(list))
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s, s:s}", "device", "software", "placed", 0,
				      "verdict", "no device is open: it runs in software", "advice",
				      "set other_config:hw-offload=true, and "
				      "other_config:sluice-device if it is not to be the "
				      "kernel"));
	return list;
}

json_t *explain_throw_away(struct bridges *b, const struct hal_megaflow *mf)
{
	json_t *m = explain_megaflow(b, mf);

	json_object_set_new(m, "devices", verdicts(b, mf, false));
	return m;
}

static bool selected(const struct query *q, const struct pl_megaflow_info *info)
{
	if (q->by_ufid)
		return hal_ufid_equal(&q->ufid, &info->mf->ufid);
	if (q->by_cookie) {
		for (unsigned i = 0; i < info->n_cookies; i++)
			if (info->cookies[i] == q->cookie)
				return true;
		return false;
	}
	return hal_cmatch_overlap(q->cm, info->mf->match);
}

static void explain_one(void *ctx, const struct pl_megaflow_info *info)
{
	struct query *q = ctx;
	json_t *j;

	if (!selected(q, info))
		return;
	j = info_json(q->b, info);
	json_object_set_new(j, "devices", verdicts(q->b, info->mf, true));
	explain_parts_want(info->mf, j);
	json_array_append_new(q->list, j);
}

/* The match over OpenFlow's key, as one over the datapath's. */
static int read_match(struct query *q, const char *what, char *err, size_t n)
{
	bool named;

	if (match_text_read(q->b, what, &q->br, &named, &q->match, err, n))
		return -1;
	q->cm = hal_cmatch_new_dp(&q->match.value.dp, &q->match.mask.dp);
	return q->cm ? 0 : -1;
}

static int read_query(struct query *q, const char *what, char *err, size_t n)
{
	char *end;

	if (!hal_ufid_parse(what, &q->ufid)) {
		q->by_ufid = true;
		return 0;
	}
	if (!strncmp(what, "cookie=", 7))
		what += 7;
	q->cookie = strtoull(what, &end, 0);
	if (*what && !*end) {
		q->by_cookie = true;
		return 0;
	}
	return read_match(q, what, err, n);
}

/* What the first packet would get, and what it would get each time that it comes back. */
static void probe_one(struct query *q)
{
	struct hal_megaflow *mfs[16];
	unsigned n = pipeline_probe(q->br->pl, &q->match.value, mfs, 16);

	for (unsigned i = 0; i < n; i++) {
		json_t *m = explain_throw_away(q->b, mfs[i]);

		explain_parts_want(mfs[i], m);
		json_array_append_new(q->list, m);
	}
	for (unsigned i = 0; i < n; i++)
		pipeline_probe_free(mfs[i]);
}

#define MAX_PROBES 8

/* Where a packet comes in decides: without a port it is asked for one after the other. */
static void probe_ports(struct query *q, char *names, size_t n)
{
	unsigned probes = 0, left = 0;
	size_t used = 0;
	struct iface *i;

	LIST_FOREACH (i, &q->br->ifaces, link) {
		if (!i->open || i->dp_port == HAL_PORT_NONE)
			continue;
		if (probes == MAX_PROBES || used >= n) {
			left++;
			continue;
		}
		q->match.value.in_port_of = rte_cpu_to_be_32(i->cfg.number);
		q->match.value.dp.in_port = rte_cpu_to_be_32(i->dp_port);
		probe_one(q);
		used += (size_t)snprintf(
			names + used, n - used, "%s%s", probes++ ? ", " : "", i->want.name);
	}
	if (left && used < n)
		snprintf(names + used, n - used, " (and %u more that were not asked)", left);
}

/* No packet has used such a flow: says what the first one would get. */
static void probe(struct query *q, json_t *j)
{
	char names[400] = "", note[600];

	if (q->match.mask.in_port_of) {
		probe_one(q);
		snprintf(note, sizeof(note),
			"no packet of this kind was seen lately; this is what the first one would "
			"get:");
	} else {
		probe_ports(q, names, sizeof(names));
		snprintf(note, sizeof(note),
			"no packet of this kind was seen lately and no in_port is given; this is "
			"what the first one would get from %s:",
			*names ? names : "a port, if one were open");
	}
	json_object_set_new(j, "note", json_string(note));
}

json_t *explain_what(struct bridges *b, const char *what, char *err, size_t n)
{
	struct query q = {.b = b};
	json_t *j;

	if (read_query(&q, what, err, n))
		return NULL;
	q.list = json_array();
	j = json_pack("{s:O}", "megaflows", q.list);
	pipeline_megaflows(b->cfg.pl, explain_one, &q);
	if (!json_array_size(q.list) && q.cm)
		probe(&q, j);
	else if (!json_array_size(q.list))
		json_object_set_new(j, "note",
			json_string("no megaflow has this ufid or uses a flow with this cookie: "
				    "no packet used it lately"));
	explain_parts_fill(b, q.list);
	json_decref(q.list);
	free(q.cm);
	return j;
}
