/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about what happened to rules: the audit now, and the last decisions.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/explain.h"
#include "ofctl/bridge/rpc.h"

#define LOG_LINES 100 /* unless it is said */

/* ---- audit ---- */

struct asked {
	struct rpc_call *call;
	struct offload_audit_info before[HAL_MAX_DEVICES];
};

static json_t *device_json(
	const struct offload_device_info *info, const struct offload_audit_info *before)
{
	const struct offload_audit_info *a = &info->audit;

	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "device", info->name, "done",
		a->passes > before->passes, "rules", (json_int_t)a->rules, "took_ms",
		(json_int_t)a->took_ms, "lost", (json_int_t)(a->lost - before->lost), "altered",
		(json_int_t)(a->altered - before->altered), "unwanted",
		(json_int_t)(a->unwanted - before->unwanted), "repaired",
		(json_int_t)(a->repaired - before->repaired));
}

static void print_audits(FILE *f, const json_t *list)
{
	const json_t *d;
	size_t i;

	if (!json_array_size(list))
		fprintf(f, "no device is open: there is nothing to compare\n");
	json_array_foreach (list, i, d) {
		if (!json_is_true(json_object_get(d, "done"))) {
			fprintf(f, "%s: not compared: it does not answer, or cannot list rules\n",
				rpc_text(d, "device"));
			continue;
		}
		fprintf(f, "%s: %lld rules compared in %lld ms: %lld missing, %lld altered, ",
			rpc_text(d, "device"), rpc_number(d, "rules"), rpc_number(d, "took_ms"),
			rpc_number(d, "lost"), rpc_number(d, "altered"));
		fprintf(f, "%lld unwanted; %lld repaired\n", rpc_number(d, "unwanted"),
			rpc_number(d, "repaired"));
	}
}

static void audited(void *arg)
{
	struct asked *a = arg;
	struct offload *ol = rpc_bridges(a->call)->cfg.ol;
	json_t *list = json_array();

	for (unsigned d = 0; d < offload_device_count(ol); d++) {
		struct offload_device_info info;

		if (!offload_device_info(ol, d, &info))
			json_array_append_new(list, device_json(&info, &a->before[d]));
	}
	rpc_reply_printed(a->call, list, print_audits);
	free(a);
}

static void audit(struct rpc_call *call)
{
	struct offload *ol = rpc_bridges(call)->cfg.ol;
	struct asked *a = calloc(1, sizeof(*a));

	if (!a) {
		rpc_error(call, "out of memory");
		return;
	}
	a->call = call;
	for (unsigned d = 0; d < offload_device_count(ol); d++) {
		struct offload_device_info info;

		if (!offload_device_info(ol, d, &info))
			a->before[d] = info.audit;
	}
	pipeline_audit(rpc_bridges(call)->cfg.pl, audited, a);
}

/* ---- log ---- */

static void print_log(FILE *f, const json_t *list)
{
	const json_t *d;
	size_t i;

	json_array_foreach (list, i, d) {
		const json_t *refusal = json_object_get(d, "refusal");
		char when[32];

		rpc_time(rpc_number(d, "when_ms"), when);
		fprintf(f, "%s %s: ", when, rpc_text(d, "device"));
		if (*rpc_text(d, "ufid")) {
			fprintf(f, "ufid:%s ", rpc_text(d, "ufid"));
			if (rpc_number(d, "recirc_id"))
				fprintf(f, "recirc_id(%#llx),", rpc_number(d, "recirc_id"));
			fprintf(f, "%s: ", rpc_text(d, "match"));
		}
		fprintf(f, "%s%s%s\n", rpc_text(d, "decision"), refusal ? ": " : "",
			rpc_text(refusal, "reason"));
	}
}

static void show_log(struct rpc_call *call)
{
	struct bridges *b = rpc_bridges(call);
	const char *what = rpc_arg(call, 0);
	struct hal_ufid ufid;
	unsigned long n = LOG_LINES;
	char *end;

	if (what && !hal_ufid_parse(what, &ufid)) {
		rpc_reply_printed(call, explain_log(b, 0, &ufid), print_log);
		return;
	}
	if (what) {
		n = strtoul(what, &end, 10);
		if (!*what || *end || *what == '-' || !n || n > OFFLOAD_DECISIONS) {
			rpc_error(call,
				"\"%s\" is neither a number of decisions from 1 to %d nor a ufid "
				"out of \"offload flows\"",
				what, OFFLOAD_DECISIONS);
			return;
		}
	}
	rpc_reply_printed(call, explain_log(b, (unsigned)n, NULL), print_log);
}

const struct rpc_command rpc_audit_commands[] = {
	{"offload/audit", "[--json]", 0, 0, audit},
	{"offload/log", "[COUNT|UFID] [--json]", 0, 1, show_log},
	{NULL, NULL, 0, 0, NULL},
};
