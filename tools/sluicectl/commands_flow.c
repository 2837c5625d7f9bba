/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about a bridge's flows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/rpc.h"

static int dump_flows(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofctl/dump-flows", w->args, w->n);
}

static int change(const struct options *o, const struct words *w, const char *method)
{
	char strict[64];

	snprintf(strict, sizeof(strict), "%s%s", method, w->with & WITH_STRICT ? "-strict" : "");
	return rpc_run_text(o, "result", strict, w->args, w->n);
}

static int add_flow(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/add-flow");
}

static int mod_flows(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/mod-flows");
}

static int del_flows(const struct options *o, const struct words *w)
{
	if (w->n == 1 && (w->with & WITH_STRICT))
		fail_usage("del-flows --strict %s: which flow? all of them are deleted without "
			   "--strict",
			w->args[0]);
	return change(o, w, "ofctl/del-flows");
}

static int fdb(const struct options *o, const struct words *w)
{
	return rpc_run(o, "fdb/show", w->args, w->n);
}

static int trace(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofproto/trace", w->args, w->n);
}

/* ---- add-flows ---- */

#define IN_FLIGHT 64 /* lines that are sent before an answer is waited for */

struct file {
	const char *name, *bridge;
	struct peer p;
	unsigned line;
	unsigned sent, answered, failed;
	unsigned line_of[IN_FLIGHT]; /* by request id */
};

static void take_answer(struct file *f)
{
	json_t *reply = peer_receive(&f->p), *error = json_object_get(reply, "error");
	json_int_t id = json_integer_value(json_object_get(reply, "id"));

	f->answered++;
	if (error && !json_is_null(error)) {
		f->failed++;
		warn("%s:%u: %s", f->name, f->line_of[(size_t)id % IN_FLIGHT],
			json_is_string(error) ? json_string_value(error) : "refused");
	}
	json_decref(reply);
}

/* A line may say what to do, as ovs-ofctl's files do; without that it is added. */
static const char *method_of(char **line)
{
	static const struct {
		const char *word, *method;
	} words[] = {
		{"add", "ofctl/add-flow"},
		{"modify", "ofctl/mod-flows"},
		{"modify_strict", "ofctl/mod-flows-strict"},
		{"delete", "ofctl/del-flows"},
		{"delete_strict", "ofctl/del-flows-strict"},
	};
	size_t n = strcspn(*line, " \t");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n && !strncmp(*line, words[i].word, n)) {
			*line += n + strspn(*line + n, " \t");
			return words[i].method;
		}
	return words[0].method;
}

static void send_line(struct file *f, char *line)
{
	const char *args[2] = {f->bridge, NULL};
	const char *method;
	long long id;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line)
		return;
	method = method_of(&line);
	args[1] = line;
	/* Answers come in any order, so a place is free only when all before it are there. */
	if (f->sent - f->answered == IN_FLIGHT || f->sent % IN_FLIGHT == 0)
		while (f->answered < f->sent)
			take_answer(f);
	id = rpc_send(&f->p, method, args, *line ? 2 : 1);
	f->line_of[(size_t)id % IN_FLIGHT] = f->line;
	f->sent++;
}

static int add_flows(const struct options *o, const struct words *w)
{
	struct file f = {.name = w->args[1], .bridge = w->args[0]};
	bool is_stdin = !strcmp(f.name, "-");
	FILE *in = is_stdin ? stdin : fopen(f.name, "re");
	char *line = NULL;
	size_t room = 0;

	if (!in)
		fail("%s: %s", f.name, strerror(errno));
	rpc_open(&f.p, o);
	while (getline(&line, &room, in) >= 0) {
		f.line++;
		send_line(&f, line);
	}
	while (f.answered < f.sent)
		take_answer(&f);
	free(line);
	if (!is_stdin)
		fclose(in);
	peer_close(&f.p);
	if (f.failed)
		warn("%s: %u of %u lines failed, the others are in force", f.name, f.failed,
			f.sent);
	return f.failed ? EXIT_FAILED : 0;
}

const struct command flow_commands[] = {
	{"dump-flows", "BRIDGE [MATCH]", "the flows of a bridge, with counters",
		"Packets that hardware handled are counted, too.\n\n"
		"Examples:\n"
		"  sluicectl dump-flows br0\n"
		"  sluicectl dump-flows br0 table=1\n"
		"  sluicectl dump-flows br0 \"ip,nw_dst=192.0.2.0/24\"\n"
		"  sluicectl dump-flows br0 cookie=0x5/-1 --json\n",
		1, 2, 0, NULL, dump_flows},
	{"add-flow", "BRIDGE FLOW", "add a flow",
		"The flow is in force everywhere, in devices too, when the command ends. A flow "
		"with "
		"the same\ntable, priority and match is replaced.\n\n"
		"Examples:\n"
		"  sluicectl add-flow br0 actions=NORMAL\n"
		"  sluicectl add-flow br0 "
		"priority=100,in_port=p1,ip,nw_dst=192.0.2.1,actions=output:2\n"
		"  sluicectl add-flow br0 \"table=1,tcp,tp_dst=80,actions=drop\"\n"
		"  sluicectl add-flow br0 dl_vlan=10,actions=strip_vlan,output:p2\n",
		2, 2, 0, NULL, add_flow},
	{"add-flows", "BRIDGE FILE", "add the flows of a file, one a line",
		"A line may begin with add, modify, modify_strict, delete or delete_strict; # "
		"begins a "
		"comment.\nA line that is refused does not stop the others; each is reported with "
		"its "
		"number.\n\n"
		"Examples:\n"
		"  sluicectl add-flows br0 flows.txt\n"
		"  generate-flows | sluicectl add-flows br0 -\n",
		2, 2, 0, NULL, add_flows},
	{"mod-flows", "BRIDGE FLOW", "change the actions of flows",
		"Without --strict, of every flow that is at least as narrow; with it, of the one "
		"with "
		"exactly\nthis match and priority.\n\n"
		"Examples:\n"
		"  sluicectl mod-flows br0 ip,actions=drop\n"
		"  sluicectl --strict mod-flows br0 priority=100,ip,actions=output:3\n",
		2, 2, WITH_STRICT, NULL, mod_flows},
	{"del-flows", "BRIDGE [MATCH]", "delete flows",
		"Without a match, all flows of the bridge.\n\n"
		"Examples:\n"
		"  sluicectl del-flows br0\n"
		"  sluicectl del-flows br0 tcp\n"
		"  sluicectl del-flows br0 cookie=0x5/-1\n"
		"  sluicectl --strict del-flows br0 priority=100,ip\n",
		1, 2, WITH_STRICT, NULL, del_flows},
	{"trace", "BRIDGE MATCH [ct_next=STATE]...", "follow a packet through the tables",
		"Nothing is sent and nothing is learned. What comes back from connection "
		"tracking begins a\nconnection, or is in the states that ct_next gives, one after "
		"the other.\n\n"
		"Examples:\n"
		"  sluicectl trace br0 in_port=1,tcp,nw_dst=192.0.2.1,tp_dst=80\n"
		"  sluicectl trace br0 in_port=1,tcp ct_next=trk,est\n",
		2, 8, 0, NULL, trace},
	{"fdb", "BRIDGE", "MAC addresses that a bridge has learned",
		"Examples:\n"
		"  sluicectl fdb br0\n"
		"  sluicectl call fdb/flush br0\n"
		"      forget them\n",
		1, 1, 0, NULL, fdb},
	{NULL},
};
