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

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static long long number_of(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

/* Runs `print` into a string and answers with it. */
static void reply_printed(struct rpc_call *call, json_t *j, void (*print)(FILE *f, const json_t *j))
{
	FILE *f;

	if (!j) {
		rpc_error(call, "out of memory");
		return;
	}
	if (rpc_wants_json(call)) {
		rpc_reply_json(call, j);
		return;
	}
	f = rpc_writer(call);
	if (f) {
		print(f, j);
		rpc_reply_written(call);
	}
	json_decref(j);
}

/* ---- status ---- */

static void print_objects(FILE *f, const json_t *d)
{
	const json_t *n, *objects = json_object_get(d, "objects");
	const char *name;

	fprintf(f, "  connections: %lld, %lld wait for room", number_of(d, "connections"),
		number_of(d, "connections_waiting"));
	json_object_foreach ((json_t *)(uintptr_t)objects, name, n)
		fprintf(f, ", %ss: %lld", name, (long long)json_integer_value(n));
	fprintf(f, "\n");
}

static void print_status(FILE *f, const json_t *j)
{
	const json_t *devices = json_object_get(j, "devices"), *d;
	const json_t *packets = json_object_get(j, "packets");
	const json_t *mf = json_object_get(j, "megaflows");
	size_t i;

	if (!json_array_size(devices))
		fprintf(f, "no device is open: everything runs in software%s%s\n",
			*text_of(j, "error") ? ": " : "", text_of(j, "error"));
	json_array_foreach (devices, i, d) {
		const json_t *n;
		const char *reason;

		fprintf(f, "device %s: %s%s%s, ", text_of(d, "name"),
			json_is_true(json_object_get(d, "alive")) ? "alive" : "not alive",
			*text_of(d, "text") ? ", " : "", text_of(d, "text"));
		fprintf(f, number_of(d, "max_rules") ? "%lld of %lld rules" : "%lld rules",
			number_of(d, "rules"), number_of(d, "max_rules"));
		fprintf(f, ", %lld ports\n", number_of(d, "ports"));
		fprintf(f, "  megaflows: %lld placed, %lld pending\n", number_of(d, "placed"),
			number_of(d, "pending"));
		json_object_foreach ((json_t *)(uintptr_t)json_object_get(d, "refused"), reason, n)
			fprintf(f, "    refused, %s: %lld\n", reason,
				(long long)json_integer_value(n));
		print_objects(f, d);
		fprintf(f, "  leaked packets: %lld, lag of the last barrier: %lld ms\n",
			number_of(d, "leaked_packets"), number_of(d, "lag_ms"));
	}
	fprintf(f, "megaflows: %lld, %lld in hardware, ", number_of(mf, "total"),
		number_of(mf, "hardware"));
	if (number_of(mf, "kernel"))
		fprintf(f, "%lld in the kernel, ", number_of(mf, "kernel"));
	fprintf(f, "%lld in software\n", number_of(mf, "software"));
	fprintf(f, "packets: %lld in hardware, %lld in software\n", number_of(packets, "hardware"),
		number_of(packets, "software"));
}

static void status_now(struct rpc_call *call)
{
	reply_printed(call, explain_status(rpc_bridges(call)), print_status);
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
		fprintf(f, "%s%s: %s\n", indent, text_of(r, "device"), text_of(r, "reason"));
		if (*text_of(r, "advice"))
			fprintf(f, "%s  to unblock it: %s\n", indent, text_of(r, "advice"));
	}
}

static void print_chain(FILE *f, const json_t *m)
{
	if (number_of(m, "recirc_id"))
		fprintf(f, "recirc_id(%#llx),", number_of(m, "recirc_id"));
}

static void print_flow(FILE *f, const json_t *m)
{
	const json_t *p = json_object_get(m, "packets");
	bool placed = strcmp(text_of(m, "where"), "software") != 0;

	print_chain(f, m);
	fprintf(f, "%s actions:%s\n", text_of(m, "match"), text_of(m, "actions"));
	fprintf(f, "  ufid:%s in %s%s%s%s, packets: hardware %lld, software %lld\n",
		text_of(m, "ufid"), text_of(m, "where"), placed ? " (" : "",
		placed ? text_of(m, "device") : "",
		!placed                                        ? ""
		: json_is_true(json_object_get(m, "verified")) ? ", verified)"
							       : ", not verified)",
		number_of(p, "hardware"), number_of(p, "software"));
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
	reply_printed(call, explain_flows(rpc_bridges(call), NULL), print_flows);
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

		fprintf(f, "  recirc(%#llx) leads to %s\n", number_of(c, "recirc_id"),
			json_array_size(parts) ? "these:" : "no megaflow: no packet went on there");
		json_array_foreach (parts, k, p) {
			bool hardware = !strcmp(text_of(p, "where"), "hardware");

			fprintf(f, "    %s actions: %s\n      in %s%s%s\n", text_of(p, "match"),
				text_of(p, "actions"), text_of(p, "where"), hardware ? ": " : "",
				text_of(p, "device"));
			print_refusals(f, json_object_get(p, "refusals"), "      ");
		}
	}
}

static void print_explain(FILE *f, const json_t *j)
{
	const json_t *list = json_object_get(j, "megaflows"), *m, *d;
	size_t i, k;

	if (*text_of(j, "note"))
		fprintf(f, "%s\n", text_of(j, "note"));
	json_array_foreach (list, i, m) {
		print_chain(f, m);
		fprintf(f, "%s\n  actions: %s\n", text_of(m, "match"), text_of(m, "actions"));
		json_array_foreach (json_object_get(m, "devices"), k, d) {
			fprintf(f, "  %s: %s\n", text_of(d, "device"), text_of(d, "verdict"));
			if (*text_of(d, "advice"))
				fprintf(f, "    to unblock it: %s\n", text_of(d, "advice"));
		}
		print_parts(f, json_object_get(m, "chains"));
	}
}

static void explain_now(struct rpc_call *call)
{
	char err[256] = "";
	json_t *j = explain_what(rpc_bridges(call), rpc_arg(call, 0), err, sizeof(err));

	if (j)
		reply_printed(call, j, print_explain);
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
		long long used = number_of(m, "used_ms");

		if (dpctl_more)
			fprintf(f, "ufid:%s, ", text_of(m, "ufid"));
		fprintf(f, number_of(m, "recirc_id") ? "recirc_id(%#llx)," : "recirc_id(%llu),",
			number_of(m, "recirc_id"));
		fprintf(f, "%s, packets:%lld, bytes:%lld, used:", text_of(m, "match"),
			number_of(p, "hardware") + number_of(p, "software"),
			number_of(b, "hardware") + number_of(b, "software"));
		if (used < 0)
			fprintf(f, "never");
		else
			fprintf(f, "%lld.%03llds", used / 1000, used % 1000);
		if (!strcmp(text_of(m, "where"), "hardware"))
			fprintf(f, ", offloaded:yes, dp:%s", text_of(m, "device"));
		else if (dpctl_more)
			fprintf(f, ", dp:sluice");
		fprintf(f, ", actions:%s\n", text_of(m, "actions"));
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
	reply_printed(call, explain_flows(rpc_bridges(call), type), print_dpctl);
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
