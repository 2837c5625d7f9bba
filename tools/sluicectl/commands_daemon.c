/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about the daemon itself, and help.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/help.h"
#include "tools/sluicectl/rpc.h"

static int version(const struct options *o, const struct words *w)
{
	(void)w;
	if (!o->json) {
		printf("sluicectl (Sluice) " SLUICE_VERSION "\n");
		fflush(stdout);
	}
	return rpc_run_text(o, "version", "version", NULL, 0);
}

/* "MODULE LEVEL" lines as an object. */
static int log_levels_json(const struct options *o)
{
	json_t *levels = need(json_object());
	char *err, *text, *line, *save;
	struct peer p;

	rpc_open(&p, o);
	text = rpc_ask(&p, "vlog/list", NULL, 0, &err);
	if (!text)
		fail("%s", err);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char module[64], level[16];

		if (sscanf(line, "%63s %15s", module, level) == 2)
			json_object_set_new(levels, module, json_string(level));
	}
	json_dumpf(levels, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(levels);
	free(text);
	peer_close(&p);
	return 0;
}

static int log_(const struct options *o, const struct words *w)
{
	if (w->n)
		return rpc_run_text(o, "result", "vlog/set", w->args, w->n);
	return o->json ? log_levels_json(o) : rpc_run_text(o, "levels", "vlog/list", NULL, 0);
}

static int call(const struct options *o, const struct words *w)
{
	return rpc_run(o, w->args[0], w->args + 1, w->n - 1);
}

static int help(const struct options *o, const struct words *w)
{
	struct words of = {.name = w->n ? w->args[0] : NULL};

	(void)o;
	if (!of.name) {
		help_program();
		return 0;
	}
	if (!command_named(of.name))
		command_find(&of);
	help_command(command_named(of.name));
	return 0;
}

const struct command daemon_commands[] = {
	{"version", "", "of sluicectl, the daemon, and DPDK",
		"Examples:\n"
		"  sluicectl version\n"
		"  sluicectl --version\n"
		"      of sluicectl alone, without a daemon\n",
		0, 0, 0, NULL, version},
	{"log", "[[MODULE:]LEVEL]...", "log levels; with arguments, set them",
		"LEVEL is off, err, warn, info or dbg.\n\n"
		"Examples:\n"
		"  sluicectl log\n"
		"  sluicectl log dbg\n"
		"  sluicectl log rpc:dbg sluiced:info\n",
		0, 16, 0, NULL, log_},
	{"call", "METHOD [ARGUMENT]...", "any method of the RPC socket",
		"What ovs-appctl does. With --json the daemon is asked for JSON, which not every "
		"method knows.\n\n"
		"Examples:\n"
		"  sluicectl call list-commands\n"
		"  sluicectl call coverage/show --json\n"
		"  sluicectl call exit\n"
		"      ends the daemon\n",
		1, ANY_NUMBER, 0, NULL, call},
	{"help", "[COMMAND]", "this text, or examples of a command",
		"Examples:\n"
		"  sluicectl help\n"
		"  sluicectl help add-port\n",
		0, 1, 0, NULL, help},
	{NULL},
};
