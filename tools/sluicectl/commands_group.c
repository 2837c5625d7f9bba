/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about a bridge's groups and meters.
 */
#include "tools/sluicectl/command.h"
#include "tools/sluicectl/rpc.h"

static int change(const struct options *o, const struct words *w, const char *method)
{
	return rpc_run_text(o, "result", method, w->args, w->n);
}

static int add_group(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/add-group");
}

static int mod_group(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/mod-group");
}

static int del_groups(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/del-groups");
}

static int dump_groups(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofctl/dump-groups", w->args, w->n);
}

static int dump_group_stats(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofctl/dump-group-stats", w->args, w->n);
}

static int add_meter(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/add-meter");
}

static int mod_meter(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/mod-meter");
}

static int del_meters(const struct options *o, const struct words *w)
{
	return change(o, w, "ofctl/del-meters");
}

static int dump_meters(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofctl/dump-meters", w->args, w->n);
}

static int meter_stats(const struct options *o, const struct words *w)
{
	return rpc_run(o, "ofctl/meter-stats", w->args, w->n);
}

const struct command group_commands[] = {
	{"add-group", "BRIDGE GROUP", "add a group",
		"Flows send to it with the action group:ID. Types are all, select, indirect and ff "
		"(fast failover).\n\n"
		"Examples:\n"
		"  sluicectl add-group br0 group_id=1,type=all,bucket=output:1,bucket=output:2\n"
		"  sluicectl add-group br0 "
		"group_id=2,type=select,bucket=weight:2,output:1,bucket=weight:1,output:2\n"
		"  sluicectl add-group br0 \"group_id=3,type=select,selection_method=hash,"
		"fields(ip_src),bucket=output:1,bucket=output:2\"\n"
		"  sluicectl add-group br0 "
		"group_id=4,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2\n",
		2, 2, 0, NULL, add_group},
	{"mod-group", "BRIDGE GROUP", "change a group",
		"Its counters go on.\n\n"
		"Examples:\n"
		"  sluicectl mod-group br0 group_id=1,type=all,bucket=output:3\n",
		2, 2, 0, NULL, mod_group},
	{"del-groups", "BRIDGE [group_id=ID]", "delete groups",
		"Without an id, all groups of the bridge. Flows that send to a group go with "
		"it.\n\n"
		"Examples:\n"
		"  sluicectl del-groups br0\n"
		"  sluicectl del-groups br0 group_id=1\n",
		1, 2, 0, NULL, del_groups},
	{"dump-groups", "BRIDGE [group_id=ID]", "the groups of a bridge",
		"Examples:\n"
		"  sluicectl dump-groups br0\n"
		"  sluicectl dump-groups br0 group_id=1 --json\n",
		1, 2, 0, NULL, dump_groups},
	{"dump-group-stats", "BRIDGE [group_id=ID]", "counters of groups and their buckets",
		"Packets that hardware handled are counted, too.\n\n"
		"Examples:\n"
		"  sluicectl dump-group-stats br0\n",
		1, 2, 0, NULL, dump_group_stats},
	{"add-meter", "BRIDGE METER", "add a meter",
		"Flows pass it with the instruction meter:ID. Rates are in kb/s (kbps) or "
		"packets/s "
		"(pktps); a\nband without burst_size takes what comes in a second at its rate.\n\n"
		"Examples:\n"
		"  sluicectl add-meter br0 meter=1,kbps,bands=type=drop,rate=10000\n"
		"  sluicectl add-meter br0 "
		"meter=2,pktps,burst,bands=type=drop,rate=500,burst_size=50\n"
		"  sluicectl add-meter br0 "
		"meter=3,kbps,bands=type=dscp_remark,rate=5000,prec_level=1,type=drop,rate=9000\n",
		2, 2, 0, NULL, add_meter},
	{"mod-meter", "BRIDGE METER", "change a meter",
		"Its counters go on.\n\n"
		"Examples:\n"
		"  sluicectl mod-meter br0 meter=1,kbps,bands=type=drop,rate=20000\n",
		2, 2, 0, NULL, mod_meter},
	{"del-meters", "BRIDGE [meter=ID]", "delete meters",
		"Without an id, all meters of the bridge. Flows that pass a meter go with it.\n\n"
		"Examples:\n"
		"  sluicectl del-meters br0\n"
		"  sluicectl del-meters br0 meter=1\n",
		1, 2, 0, NULL, del_meters},
	{"dump-meters", "BRIDGE [meter=ID]", "the meters of a bridge",
		"Examples:\n"
		"  sluicectl dump-meters br0\n",
		1, 2, 0, NULL, dump_meters},
	{"meter-stats", "BRIDGE [meter=ID]", "counters of meters and their bands",
		"Examples:\n"
		"  sluicectl meter-stats br0\n"
		"  sluicectl meter-stats br0 meter=1 --json\n",
		1, 2, 0, NULL, meter_stats},
	{NULL},
};
