/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/command.h"

#include <string.h>

#include "tools/sluicectl/nearest.h"

const struct command_group command_groups[] = {
	{"Bridges", bridge_commands},
	{"Ports", port_commands},
	{"Controllers", controller_commands},
	{"Flows", flow_commands},
	{"Groups and meters", group_commands},
	{"Offload", offload_commands},
	{"Packets", capture_commands},
	{"Any row of the database", list_commands},
	{"", row_commands},
	{"The daemon", daemon_commands},
	{NULL, NULL},
};

const struct command *command_named(const char *name)
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *c = g->commands; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

static _Noreturn void unknown(const char *name)
{
	struct nearest near;

	nearest_start(&near, name);
	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *c = g->commands; c->name; c++)
			nearest_try(&near, c->name);
	fail_usage("%s: unknown command%s (\"sluicectl --help\" lists them all)", name,
		nearest_hint(&near));
}

const struct command *command_find(const struct words *w)
{
	const struct command *c = command_named(w->name);
	unsigned strange;

	if (!c)
		unknown(w->name);
	strange = w->with & ~c->with;
	if (strange)
		fail_usage("%s does not take %s", c->name, options_name(strange & -strange));
	if (w->n < c->min || w->n > c->max)
		fail_usage("%s: %s arguments\n  usage: sluicectl %s %s\n  examples: sluicectl %s "
			   "--help",
			c->name, w->n < c->min ? "too few" : "too many", c->name, c->usage,
			c->name);
	return c;
}

bool print_json(struct session *s, json_t *json)
{
	if (s->o->json) {
		json_dumpf(need(json), s->out, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', s->out);
	}
	json_decref(json);
	return s->o->json;
}
