/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about what is in hardware, what is not, and why.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/rpc.h"

static int offload(const struct options *o, const struct words *w)
{
	char method[80], *what;
	const char *args[1];
	int status;

	snprintf(method, sizeof(method), "offload/%s", w->args[0]);
	if (strcmp(w->args[0], "explain"))
		return rpc_run(o, method, w->args + 1, w->n - 1);
	if (w->n < 2)
		fail_usage("offload explain: explain what? a match, a cookie or a ufid, as in "
			   "\"sluicectl offload explain tcp,tp_dst=80\"");
	what = words_joined(w, 1);
	args[0] = what;
	status = rpc_run(o, method, args, 1);
	free(what);
	return status;
}

static int drops(const struct options *o, const struct words *w)
{
	return rpc_run(o, "drops", w->args, w->n);
}

const struct command offload_commands[] = {
	{"offload", "status|flows|explain|capabilities|audit|log ...",
		"what is in hardware, what is not, and why",
		"status           devices, the room they have, flows in hardware and refusals by "
		"reason,\n"
		"                 packets by path\n"
		"flows            each megaflow: match, actions, where it is, packets by path, and "
		"whether\n"
		"                 its place was verified\n"
		"capabilities     for each device what it can match, do and write, and its limits\n"
		"audit            compares what devices hold with what they should, repairs it, "
		"and says\n"
		"                 what was found\n"
		"log [COUNT|UFID] the last decisions (100, at most 10000), or all about one rule\n"
		"explain WHAT     for each device, whether the flow is there, or the field or "
		"action "
		"that\n"
		"                 keeps it out and what would let it in. WHAT is a match (with the "
		"bridge\n"
		"                 before it where there are several), cookie=COOKIE, or a ufid out "
		"of flows\n\n"
		"Examples:\n"
		"  sluicectl offload status\n"
		"  sluicectl offload flows --json\n"
		"  sluicectl offload explain tcp,tp_dst=80\n"
		"  sluicectl offload explain br0 in_port=p1,ip\n"
		"  sluicectl offload explain cookie=0x5\n"
		"  sluicectl offload capabilities\n"
		"  sluicectl offload audit\n"
		"  sluicectl offload log 20\n",
		1, ANY_NUMBER, 0, NULL, offload},
	{"drops", "", "packets that were dropped, by reason",
		"Examples:\n"
		"  sluicectl drops\n"
		"  sluicectl drops --json\n",
		0, 0, 0, NULL, drops},
	{NULL},
};
