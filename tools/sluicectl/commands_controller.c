/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about a bridge's controllers, and what it does without one.
 */
#include <string.h>

#include "tools/sluicectl/command.h"

/* What a controller's target may begin with. */
static const char *const methods[] = {"tcp:", "ssl:", "unix:", "ptcp:", "pssl:", "punix:"};

static void check_target(const char *target)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strncmp(target, methods[i], strlen(methods[i])))
			return;
	fail("%s: expected a controller such as tcp:192.0.2.1:6653, ssl:HOST:PORT, unix:PATH, or "
	     "ptcp:PORT, pssl:PORT, punix:PATH to listen",
		target);
}

static void set_controller(struct session *s, const struct words *w)
{
	struct row *br = need_bridge(s, w->args[0]);

	for (unsigned i = 1; i < w->n; i++)
		check_target(w->args[i]);
	row_rely(br, "controller");
	row_set(br, "controller", json_array());
	for (unsigned i = 1; i < w->n; i++) {
		struct row *c = model_insert(&s->model, "Controller");

		row_set_string(c, "target", w->args[i]);
		row_link(br, "controller", c);
	}
}

static void get_controller(struct session *s, const struct words *w)
{
	const struct row *br = need_bridge(s, w->args[0]);
	json_t *targets = need(json_array()), *atom;
	size_t i;

	json_array_foreach (row_get(br, "controller"), i, atom) {
		const struct row *c = model_referred(&s->model, "Controller", atom);

		if (c && row_string(c, "target"))
			json_array_append_new(targets, json_string(row_string(c, "target")));
	}
	value_sort(targets);
	if (!s->o->json)
		json_array_foreach (targets, i, atom)
			fprintf(s->out, "%s\n", json_string_value(atom));
	print_json(s, targets);
}

static void del_controller(struct session *s, const struct words *w)
{
	struct row *br = need_bridge(s, w->args[0]);

	row_set(br, "controller", json_array());
}

static void set_fail_mode(struct session *s, const struct words *w)
{
	struct row *br = need_bridge(s, w->args[0]);

	if (strcmp(w->args[1], "standalone") && strcmp(w->args[1], "secure"))
		fail("%s: expected standalone (switch by MAC addresses while no controller "
		     "answers) "
		     "or secure (forward only what flows say)",
			w->args[1]);
	row_set_string(br, "fail_mode", w->args[1]);
}

static void get_fail_mode(struct session *s, const struct words *w)
{
	const char *mode = row_string(need_bridge(s, w->args[0]), "fail_mode");

	if (!print_json(s, mode ? json_string(mode) : json_null()) && mode)
		fprintf(s->out, "%s\n", mode);
}

static void del_fail_mode(struct session *s, const struct words *w)
{
	row_set_string(need_bridge(s, w->args[0]), "fail_mode", NULL);
}

const struct command controller_commands[] = {
	{"set-controller", "BRIDGE TARGET...", "let OpenFlow controllers drive a bridge",
		"Replaces the controllers that the bridge had. The bridge connects to tcp:, ssl: "
		"and "
		"unix:\ntargets, and listens at ptcp:, pssl: and punix: ones.\n\n"
		"Examples:\n"
		"  sluicectl set-controller br0 tcp:192.0.2.1:6653\n"
		"  sluicectl set-controller br0 tcp:192.0.2.1:6653 tcp:192.0.2.2:6653\n"
		"  sluicectl set-controller br0 ptcp:6653\n",
		2, ANY_NUMBER, 0, set_controller, NULL},
	{"get-controller", "BRIDGE", "a bridge's controllers",
		"Examples:\n"
		"  sluicectl get-controller br0\n"
		"  sluicectl list Controller\n"
		"      with their state\n",
		1, 1, 0, get_controller, NULL},
	{"del-controller", "BRIDGE", "forget a bridge's controllers",
		"Examples:\n"
		"  sluicectl del-controller br0\n",
		1, 1, 0, del_controller, NULL},
	{"set-fail-mode", "BRIDGE standalone|secure", "what to do without a controller",
		"standalone: switch by MAC addresses while no controller answers; this is the "
		"default.\n"
		"secure: forward only what flows say.\n\n"
		"Examples:\n"
		"  sluicectl set-fail-mode br0 secure\n",
		2, 2, 0, set_fail_mode, NULL},
	{"get-fail-mode", "BRIDGE", "print it; nothing if it was not set",
		"Examples:\n"
		"  sluicectl get-fail-mode br0\n",
		1, 1, 0, get_fail_mode, NULL},
	{"del-fail-mode", "BRIDGE", "back to the default, standalone",
		"Examples:\n"
		"  sluicectl del-fail-mode br0\n",
		1, 1, 0, del_fail_mode, NULL},
	{NULL},
};
