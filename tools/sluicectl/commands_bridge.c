/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about bridges.
 */
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/nearest.h"
#include "tools/sluicectl/show.h"

struct row *need_bridge(const struct session *s, const char *name)
{
	struct row *br = model_find(&s->model, "Bridge", "name", name);
	const struct rows *rows = model_rows(&s->model, "Bridge");
	struct nearest near;

	if (br)
		return br;
	nearest_start(&near, name);
	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted)
			nearest_try(&near, row_label(rows->list[i]));
	fail("%s: there is no such bridge%s%s", name, nearest_hint(&near),
		near.best[0] ? "" : " (sluicectl list-br shows what there is)");
}

/* Ends the program if a bridge, port or interface has the name already. */
static void need_free_name(const struct session *s, const char *name)
{
	static const char *const tables[] = {"Bridge", "Port", "Interface"};
	static const char *const what[] = {"a bridge", "a port", "an interface"};

	for (size_t i = 0; i < 3; i++)
		if (model_find(&s->model, tables[i], "name", name))
			fail("%s: there is %s of this name already", name, what[i]);
}

static void add_br(struct session *s, const struct words *w)
{
	const char *name = w->args[0];
	struct row *root = model_root(&s->model), *br;

	row_rely(root, "bridges");
	if ((w->with & WITH_MAY_EXIST) && model_find(&s->model, "Bridge", "name", name))
		return;
	if (!*name || strchr(name, '/'))
		fail("\"%s\": expected a bridge's name, without \"/\"", name);
	need_free_name(s, name);
	br = model_insert(&s->model, "Bridge");
	row_set_string(br, "name", name);
	row_link(root, "bridges", br);
	attach_port(s, br, name, "internal");
}

static void del_br(struct session *s, const struct words *w)
{
	struct row *root = model_root(&s->model), *br;
	size_t i;
	json_t *atom, *ports;

	br = model_find(&s->model, "Bridge", "name", w->args[0]);
	if (!br && (w->with & WITH_IF_EXISTS))
		return;
	br = need_bridge(s, w->args[0]);
	row_rely(br, "ports");
	ports = row_copy(br, "ports");
	json_array_foreach (ports, i, atom) {
		struct row *port = model_referred(&s->model, "Port", atom);

		if (port)
			detach_port(s, br, port);
	}
	json_decref(ports);
	row_unlink(root, "bridges", br);
	br->deleted = true;
}

static void list_br(struct session *s, const struct words *w)
{
	const struct rows *rows = model_rows(&s->model, "Bridge");
	json_t *list = need(json_array());
	size_t i;
	json_t *name;

	(void)w;
	for (i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted)
			json_array_append_new(list, json_string(row_label(rows->list[i])));
	if (print_json(s, json_incref(list))) {
		json_decref(list);
		return;
	}
	json_array_foreach (list, i, name)
		fprintf(s->out, "%s\n", json_string_value(name));
	json_decref(list);
}

static void br_exists(struct session *s, const struct words *w)
{
	bool there = model_find(&s->model, "Bridge", "name", w->args[0]) != NULL;

	/* Status 2 is what scripts written for ovs-vsctl compare with. */
	print_json(s, json_boolean(there));
	if (!there)
		s->status = 2;
}

static void show_all(struct session *s, const struct words *w)
{
	(void)w;
	show(s);
}

const struct command bridge_commands[] = {
	{"add-br", "BRIDGE", "make a bridge",
		"Makes a bridge with one internal port: a network device of the same name, by "
		"which "
		"the\nhost itself is on the bridge.\n\n"
		"Examples:\n"
		"  sluicectl add-br br0\n"
		"  sluicectl --may-exist add-br br0\n"
		"      no error if it is there already\n"
		"  sluicectl add-br br0 -- set Bridge br0 fail_mode=secure\n"
		"      and forward nothing but what flows say\n",
		1, 1, WITH_MAY_EXIST, add_br, NULL},
	{"del-br", "BRIDGE", "remove a bridge with its ports",
		"Examples:\n"
		"  sluicectl del-br br0\n"
		"  sluicectl --if-exists del-br br0\n",
		1, 1, WITH_IF_EXISTS, del_br, NULL},
	{"list-br", "", "the names of all bridges",
		"Examples:\n"
		"  sluicectl list-br\n"
		"  sluicectl list-br --json\n",
		0, 0, 0, list_br, NULL},
	{"br-exists", "BRIDGE", "status 0 if there is such a bridge, else 2",
		"Prints nothing (with --json, true or false); the exit status is the answer.\n\n"
		"Examples:\n"
		"  sluicectl br-exists br0 && echo there it is\n",
		1, 1, 0, br_exists, NULL},
	{"show", "", "bridges, ports, interfaces and errors at a glance",
		"An interface that could not be set up shows its error here.\n\n"
		"Examples:\n"
		"  sluicectl show\n"
		"  sluicectl show --json\n",
		0, 0, 0, show_all, NULL},
	{NULL},
};
