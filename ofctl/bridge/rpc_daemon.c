/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about the daemon itself: version, log levels, drops, exit.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/rpc.h"
#include "ofctl/bridge/version.h"

static void version(struct rpc_call *call)
{
	rpc_reply(call, "sluiced (Sluice) " SLUICE_VERSION "\n" SLUICE_DPDK_VERSION "\n");
}

static void list_commands(struct rpc_call *call)
{
	FILE *f = rpc_writer(call);

	if (!f)
		return;
	rpc_list(f);
	rpc_reply_written(call);
}

static void exit_daemon(struct rpc_call *call)
{
	struct bridges *b = rpc_bridges(call);

	rpc_reply(call, "");
	event_base_loopexit(b->cfg.base, NULL);
}

/* ---- log levels ---- */

static void vlog_line(void *ctx, const char *name, enum log_level level)
{
	fprintf(ctx, "%-20s %s\n", name, log_level_name(level));
}

static void vlog_list(struct rpc_call *call)
{
	FILE *f = rpc_writer(call);

	if (!f)
		return;
	log_modules(vlog_line, f);
	rpc_reply_written(call);
}

/* "LEVEL", "MODULE:LEVEL" or "MODULE:DESTINATION:LEVEL" (there is one destination). */
static bool set_one(const char *spec)
{
	const char *colon = strchr(spec, ':'), *last = strrchr(spec, ':');
	int level = log_level_parse(last ? last + 1 : spec);
	char module[64];

	if (level < 0)
		return false;
	if (!colon)
		return !log_set_level(NULL, (enum log_level)level);
	snprintf(module, sizeof(module), "%.*s", (int)(colon - spec), spec);
	return !log_set_level(module, (enum log_level)level);
}

static void vlog_set(struct rpc_call *call)
{
	for (int i = 0; i < rpc_n_args(call); i++)
		if (!set_one(rpc_arg(call, i))) {
			rpc_error(call,
				"%s: expected LEVEL or MODULE:LEVEL, with LEVEL off, err, warn, "
				"info or dbg, and MODULE as vlog/list shows it",
				rpc_arg(call, i));
			return;
		}
	rpc_reply(call, "");
}

/* ---- drops ---- */

static void drops_now(struct rpc_call *call)
{
	struct swpath_stats stats;
	FILE *f;

	swpath_stats_read(rpc_bridges(call)->cfg.sp, &stats);
	if (rpc_wants_json(call)) {
		json_t *j = json_object();

		for (int d = 0; d < SWPATH_DROP_MAX; d++)
			json_object_set_new(j, swpath_drop_name((enum swpath_drop)d),
				json_integer((json_int_t)stats.drops[d]));
		rpc_reply_json(call, j);
		return;
	}
	f = rpc_writer(call);
	if (!f)
		return;
	for (int d = 0; d < SWPATH_DROP_MAX; d++)
		fprintf(f, "%-16s %12llu  %s\n", swpath_drop_name((enum swpath_drop)d),
			(unsigned long long)stats.drops[d],
			swpath_drop_meaning((enum swpath_drop)d));
	rpc_reply_written(call);
}

static void coverage(struct rpc_call *call)
{
	struct swpath_stats s;
	struct pipeline_stats p;

	swpath_stats_read(rpc_bridges(call)->cfg.sp, &s);
	pipeline_stats_read(rpc_bridges(call)->cfg.pl, &p);
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"packets", s.packets},
		{"cache_hits", s.cache_hits},
		{"classifier_hits", s.classifier_hits},
		{"young_hits", s.young_hits},
		{"translated", s.translated},
		{"masks", s.masks},
		{"megaflows", p.megaflows},
		{"retranslations", p.retranslations},
		{"retired", p.retired},
		{"raced", p.raced},
		{"effects_dropped", p.effects_dropped},
		{"recircs", p.recircs},
		{"translations_failed", p.failed},
		{"recircs_exhausted", p.failed_recirc},
		{"recircs_gone", p.failed_gone},
		{"width_checks", p.width_checks},
		{"width_violations", p.width_violations},
		{"worker_sleeps", s.worker_sleeps},
	};
	json_t *json = json_object();
	char text[2048];
	size_t n = 0;

	for (unsigned i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		json_object_set_new(
			json, counters[i].name, json_integer((json_int_t)counters[i].value));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %llu\n", counters[i].name,
			(unsigned long long)counters[i].value);
	}
	if (rpc_wants_json(call)) {
		rpc_reply_json(call, json);
		return;
	}
	json_decref(json);
	rpc_reply(call, text);
}

const struct rpc_command rpc_daemon_commands[] = {
	{"version", "", 0, 0, version},
	{"list-commands", "", 0, 0, list_commands},
	{"exit", "[--cleanup]", 0, 1, exit_daemon},
	{"vlog/list", "", 0, 0, vlog_list},
	{"vlog/set", "[MODULE:]LEVEL...", 1, 16, vlog_set},
	{"drops", "[--json]", 0, 0, drops_now},
	{"coverage/show", "[--json]", 0, 0, coverage},
	{NULL, NULL, 0, 0, NULL},
};
