/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about offload: which flow is where, and why.
 *
 * Everything is put together as JSON first; the text form is printed from that, so that the two
 * never differ.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/explain.h"
#include "ofctl/bridge/rpc.h"

/* ---- status ---- */

static void print_objects(FILE *f, const json_t *d)
{
	const json_t *n, *objects = json_object_get(d, "objects");
	const char *name;

	fprintf(f, "  connections: %lld, %lld wait for room", rpc_number(d, "connections"),
		rpc_number(d, "connections_waiting"));
	json_object_foreach ((json_t *)(uintptr_t)objects, name, n)
		fprintf(f, ", %ss: %lld", name, (long long)json_integer_value(n));
	fprintf(f, "\n");
}

static void print_audit(FILE *f, const json_t *d)
{
	const json_t *a = json_object_get(d, "audit");
	char when[32];

	if (!rpc_number(a, "passes")) {
		fprintf(f, "  audits: none yet\n");
		return;
	}
	rpc_time(rpc_number(a, "ended_ms"), when);
	fprintf(f, "  audits: %lld, the last at %s over %lld rules; found so far: %lld missing, ",
		rpc_number(a, "passes"), when, rpc_number(a, "rules"), rpc_number(a, "lost"));
	fprintf(f, "%lld altered, %lld unwanted; %lld repaired\n", rpc_number(a, "altered"),
		rpc_number(a, "unwanted"), rpc_number(a, "repaired"));
}

static void print_status(FILE *f, const json_t *j)
{
	const json_t *devices = json_object_get(j, "devices"), *d;
	const json_t *packets = json_object_get(j, "packets");
	const json_t *mf = json_object_get(j, "megaflows");
	size_t i;

	if (!json_array_size(devices))
		fprintf(f, "no device is open: everything runs in software%s%s\n",
			*rpc_text(j, "error") ? ": " : "", rpc_text(j, "error"));
	json_array_foreach (devices, i, d) {
		const json_t *n;
		const char *reason;

		fprintf(f, "device %s: %s%s%s, ", rpc_text(d, "name"),
			json_is_true(json_object_get(d, "alive")) ? "alive" : "not alive",
			*rpc_text(d, "text") ? ", " : "", rpc_text(d, "text"));
		fprintf(f, rpc_number(d, "max_rules") ? "%lld of %lld rules" : "%lld rules",
			rpc_number(d, "rules"), rpc_number(d, "max_rules"));
		fprintf(f, ", %lld ports\n", rpc_number(d, "ports"));
		fprintf(f, "  megaflows: %lld placed, %lld pending\n", rpc_number(d, "placed"),
			rpc_number(d, "pending"));
		json_object_foreach ((json_t *)(uintptr_t)json_object_get(d, "refused"), reason, n)
			fprintf(f, "    refused, %s: %lld\n", reason,
				(long long)json_integer_value(n));
		print_objects(f, d);
		fprintf(f, "  leaked packets: %lld, lag of the last barrier: %lld ms\n",
			rpc_number(d, "leaked_packets"), rpc_number(d, "lag_ms"));
		print_audit(f, d);
	}
	fprintf(f, "megaflows: %lld, %lld in hardware, ", rpc_number(mf, "total"),
		rpc_number(mf, "hardware"));
	if (rpc_number(mf, "kernel"))
		fprintf(f, "%lld in the kernel, ", rpc_number(mf, "kernel"));
	fprintf(f, "%lld in software\n", rpc_number(mf, "software"));
	fprintf(f, "packets: %lld in hardware, %lld in software\n", rpc_number(packets, "hardware"),
		rpc_number(packets, "software"));
}

static void status_now(struct rpc_call *call)
{
	rpc_reply_printed(call, explain_status(rpc_bridges(call)), print_status);
}

static void status(struct rpc_call *call)
{
	rpc_after_refresh(call, status_now);
}

/* ---- flows ---- */

static void print_refusals(FILE *f, const json_t *list, const char *indent)
{
	const json_t *r;
	size_t i;

	json_array_foreach (list, i, r) {
		fprintf(f, "%s%s: %s\n", indent, rpc_text(r, "device"), rpc_text(r, "reason"));
		if (*rpc_text(r, "advice"))
			fprintf(f, "%s  to unblock it: %s\n", indent, rpc_text(r, "advice"));
	}
}

static void print_chain(FILE *f, const json_t *m)
{
	if (rpc_number(m, "recirc_id"))
		fprintf(f, "recirc_id(%#llx),", rpc_number(m, "recirc_id"));
}

static void print_flow(FILE *f, const json_t *m)
{
	const json_t *p = json_object_get(m, "packets");
	bool placed = strcmp(rpc_text(m, "where"), "software") != 0;

	print_chain(f, m);
	fprintf(f, "%s actions:%s\n", rpc_text(m, "match"), rpc_text(m, "actions"));
	fprintf(f, "  ufid:%s in %s%s%s%s, packets: hardware %lld, software %lld\n",
		rpc_text(m, "ufid"), rpc_text(m, "where"), placed ? " (" : "",
		placed ? rpc_text(m, "device") : "",
		!placed                                        ? ""
		: json_is_true(json_object_get(m, "verified")) ? ", verified)"
							       : ", not verified)",
		rpc_number(p, "hardware"), rpc_number(p, "software"));
	print_refusals(f, json_object_get(m, "refusals"), "    ");
}

static void print_flows(FILE *f, const json_t *list)
{
	const json_t *m;
	size_t i;

	json_array_foreach (list, i, m)
		print_flow(f, m);
}

static void flows_now(struct rpc_call *call)
{
	rpc_reply_printed(call, explain_flows(rpc_bridges(call), NULL), print_flows);
}

static void flows(struct rpc_call *call)
{
	rpc_after_refresh(call, flows_now);
}

/* ---- explain ---- */

/* Where the rest of a megaflow's packets' way is. */
static void print_parts(FILE *f, const json_t *chains)
{
	const json_t *c, *p;
	size_t i, k;

	json_array_foreach (chains, i, c) {
		const json_t *parts = json_object_get(c, "parts");

		fprintf(f, "  recirc(%#llx) leads to %s\n", rpc_number(c, "recirc_id"),
			json_array_size(parts) ? "these:" : "no megaflow: no packet went on there");
		json_array_foreach (parts, k, p) {
			bool hardware = !strcmp(rpc_text(p, "where"), "hardware");

			fprintf(f, "    %s actions: %s\n      in %s%s%s\n", rpc_text(p, "match"),
				rpc_text(p, "actions"), rpc_text(p, "where"), hardware ? ": " : "",
				rpc_text(p, "device"));
			print_refusals(f, json_object_get(p, "refusals"), "      ");
		}
	}
}

static void print_explain(FILE *f, const json_t *j)
{
	const json_t *list = json_object_get(j, "megaflows"), *m, *d;
	size_t i, k;

	if (*rpc_text(j, "note"))
		fprintf(f, "%s\n", rpc_text(j, "note"));
	json_array_foreach (list, i, m) {
		print_chain(f, m);
		fprintf(f, "%s\n  actions: %s\n", rpc_text(m, "match"), rpc_text(m, "actions"));
		json_array_foreach (json_object_get(m, "devices"), k, d) {
			fprintf(f, "  %s: %s\n", rpc_text(d, "device"), rpc_text(d, "verdict"));
			if (*rpc_text(d, "advice"))
				fprintf(f, "    to unblock it: %s\n", rpc_text(d, "advice"));
		}
		print_parts(f, json_object_get(m, "chains"));
	}
}

static void explain_now(struct rpc_call *call)
{
	char err[256] = "";
	json_t *j = explain_what(rpc_bridges(call), rpc_arg(call, 0), err, sizeof(err));

	if (j)
		rpc_reply_printed(call, j, print_explain);
	else
		rpc_error(call, "%s", err);
}

static void explain(struct rpc_call *call)
{
	rpc_after_refresh(call, explain_now);
}

/* ---- dpctl ---- */

static bool dpctl_more;

static void print_dpctl(FILE *f, const json_t *list)
{
	const json_t *m;
	size_t i;

	json_array_foreach (list, i, m) {
		const json_t *p = json_object_get(m, "packets"), *b = json_object_get(m, "bytes");
		long long used = rpc_number(m, "used_ms");

		if (dpctl_more)
			fprintf(f, "ufid:%s, ", rpc_text(m, "ufid"));
		fprintf(f, rpc_number(m, "recirc_id") ? "recirc_id(%#llx)," : "recirc_id(%llu),",
			rpc_number(m, "recirc_id"));
		fprintf(f, "%s, packets:%lld, bytes:%lld, used:", rpc_text(m, "match"),
			rpc_number(p, "hardware") + rpc_number(p, "software"),
			rpc_number(b, "hardware") + rpc_number(b, "software"));
		if (used < 0)
			fprintf(f, "never");
		else
			fprintf(f, "%lld.%03llds", used / 1000, used % 1000);
		if (!strcmp(rpc_text(m, "where"), "hardware"))
			fprintf(f, ", offloaded:yes, dp:%s", rpc_text(m, "device"));
		else if (dpctl_more)
			fprintf(f, ", dp:sluice");
		fprintf(f, ", actions:%s\n", rpc_text(m, "actions"));
	}
}

static void dpctl_now(struct rpc_call *call)
{
	const char *type = NULL;

	dpctl_more = false;
	for (int i = 0; i < rpc_n_args(call); i++) {
		const char *a = rpc_arg(call, i);

		if (!strcmp(a, "-m") || !strcmp(a, "--more"))
			dpctl_more = true;
		else if (!strncmp(a, "type=", 5))
			type = a + 5;
	}
	rpc_reply_printed(call, explain_flows(rpc_bridges(call), type), print_dpctl);
}

static void dpctl(struct rpc_call *call)
{
	rpc_after_refresh(call, dpctl_now);
}

const struct rpc_command rpc_offload_commands[] = {
	{"offload/status", "[--json]", 0, 0, status},
	{"offload/flows", "[--json]", 0, 0, flows},
	{"offload/explain", "MATCH|COOKIE|UFID [--json]", 1, 1, explain},
	{"dpctl/dump-flows", "[-m] [type=offloaded|non-offloaded] [DP]", 0, 4, dpctl},
	{NULL, NULL, 0, 0, NULL},
};
