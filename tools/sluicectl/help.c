/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/help.h"

#include <string.h>

static const char introduction[] =
	"Usage: sluicectl [OPTION...] COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...\n"
	"\n"
	"Configures a running sluiced, programs its flows, and asks what it does and why. The "
	"words\n"
	"are those of ovs-vsctl and ovs-ofctl.\n"
	"\n"
	"Examples:\n"
	"  sluicectl add-br br0\n"
	"      make a bridge; its internal port is a network device of the same name\n"
	"  sluicectl add-port br0 eth1 tag=10\n"
	"      attach a network device as an access port of VLAN 10\n"
	"  sluicectl add-port br0 p1 -- set Interface p1 options:device=sim\n"
	"      several commands in one transaction: all happen, or none\n"
	"  sluicectl add-flow br0 in_port=p1,ip,actions=output:2\n"
	"  sluicectl dump-flows br0\n"
	"      what the OpenFlow tables hold, with counters\n"
	"  sluicectl offload explain \"br0 in_port=p1,ip\"\n"
	"      is it in hardware? if not, which field or action is the reason?\n"
	"  sluicectl show --json\n"
	"      every listing is there for programs, too\n";

static void print_usage(const struct command *c, int indent)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %s", c->name, c->usage);
	if (strlen(line) < 36)
		printf("%*s%-36s %s\n", indent, "", line, c->summary);
	else
		printf("%*s%s\n%*s%s\n", indent, "", line, indent + 37, "", c->summary);
}

void help_program(void)
{
	printf("%s\nOptions:\n", introduction);
	fflush(stdout);
	options_help();
	for (const struct command_group *g = command_groups; g->title; g++) {
		if (*g->title)
			printf("\n%s:\n", g->title);
		for (const struct command *c = g->commands; c->name; c++)
			print_usage(c, 2);
	}
	printf("\n\"sluicectl COMMAND --help\" shows examples. Exit status: 0 done, 1 failed, 2 "
	       "the "
	       "command line makes no sense.\n");
}

void help_command(const struct command *c)
{
	const char *space = "";

	printf("Usage: sluicectl ");
	for (unsigned bit = 1; bit <= WITH_LAST; bit <<= 1)
		if (c->with & bit) {
			printf("%s[%s%s]", space, options_name(bit), options_value(bit));
			space = " ";
		}
	printf("%s%s %s\n\n%s\n", space, c->name, c->usage, c->help);
}
