/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about ports.
 */
#include <stdint.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/nearest.h"

static struct row *referrer(
	const struct session *s, const char *table, const char *column, const struct row *to)
{
	const struct rows *rows = model_rows(&s->model, table);

	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted && row_refers(rows->list[i], column, to))
			return rows->list[i];
	return NULL;
}

struct row *bridge_of_port(const struct session *s, const struct row *port)
{
	return referrer(s, "Bridge", "ports", port);
}

struct row *port_of_interface(const struct session *s, const struct row *iface)
{
	return referrer(s, "Port", "interfaces", iface);
}

struct row *attach_port(struct session *s, struct row *bridge, const char *name, const char *type)
{
	struct row *port = model_insert(&s->model, "Port");
	struct row *iface = model_insert(&s->model, "Interface");

	row_set_string(iface, "name", name);
	row_set_string(iface, "type", type);
	row_set_string(port, "name", name);
	row_link(port, "interfaces", iface);
	row_link(bridge, "ports", port);
	return port;
}

void detach_port(struct session *s, struct row *bridge, struct row *port)
{
	const json_t *interfaces = row_get(port, "interfaces");
	size_t i;
	json_t *atom;

	json_array_foreach (interfaces, i, atom) {
		struct row *iface = model_referred(&s->model, "Interface", atom);

		if (iface)
			iface->deleted = true;
	}
	row_unlink(bridge, "ports", port);
	port->deleted = true;
}

static const char *bridge_name(const struct session *s, const struct row *port)
{
	const struct row *br = bridge_of_port(s, port);

	return br ? row_label(br) : "no bridge";
}

/* ---- add, delete ---- */

/* An existing port that --may-exist accepts: on this bridge, with the one interface. */
static bool is_there(struct session *s, const struct row *br, const char *name)
{
	const struct row *port = model_find(&s->model, "Port", "name", name);

	if (!port)
		return false;
	if (bridge_of_port(s, port) != br)
		fail("%s: it is a port of %s, not of %s (del-port %s detaches it)", name,
			bridge_name(s, port), row_label(br), name);
	return true;
}

static void need_free_name(struct session *s, const char *name)
{
	const struct row *port = model_find(&s->model, "Port", "name", name);
	const struct row *iface = model_find(&s->model, "Interface", "name", name);

	if (port)
		fail("%s: it is a port of %s already (--may-exist accepts it as it is, del-port %s "
		     "detaches it)",
			name, bridge_name(s, port), name);
	if (iface)
		port = port_of_interface(s, iface);
	if (iface)
		fail("%s: it is an interface of port %s already", name,
			port ? row_label(port) : "?");
}

static void add_port(struct session *s, const struct words *w)
{
	struct row *br = need_bridge(s, w->args[0]), *port;
	const char *name = w->args[1];

	row_rely(br, "ports");
	if ((w->with & WITH_MAY_EXIST) && is_there(s, br, name)) {
		port = model_find(&s->model, "Port", "name", name);
	} else {
		if (!*name)
			fail("add-port %s: a port needs a name", w->args[0]);
		need_free_name(s, name);
		port = attach_port(s, br, name, "");
	}
	for (unsigned i = 2; i < w->n; i++)
		set_column(s, port, w->args[i]);
}

static _Noreturn void no_port(const struct session *s, const char *name)
{
	const struct rows *rows = model_rows(&s->model, "Port");
	struct nearest near;

	nearest_start(&near, name);
	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i]->deleted)
			nearest_try(&near, row_label(rows->list[i]));
	fail("%s: there is no such port%s", name, nearest_hint(&near));
}

static void del_port(struct session *s, const struct words *w)
{
	struct row *wanted = w->n == 2 ? need_bridge(s, w->args[0]) : NULL, *br;
	const char *name = w->args[w->n - 1];
	struct row *port = model_find(&s->model, "Port", "name", name);

	if (!port && (w->with & WITH_IF_EXISTS))
		return;
	if (!port)
		no_port(s, name);
	br = bridge_of_port(s, port);
	if (wanted && br != wanted)
		fail("%s: it is a port of %s, not of %s", name, bridge_name(s, port), w->args[0]);
	if (!br)
		fail("%s: the port is attached to no bridge", name);
	if (!strcmp(row_label(br), name))
		fail("%s: it is the bridge's own port, which goes only with the bridge (del-br %s)",
			name, name);
	row_rely(br, "ports");
	detach_port(s, br, port);
}

/* ---- questions ---- */

/* Prints names in order, one a line. Takes the reference. */
static void print_names(struct session *s, json_t *names)
{
	size_t i;
	json_t *e;

	value_sort(names);
	if (!s->o->json)
		json_array_foreach (names, i, e)
			fprintf(s->out, "%s\n", json_string_value(e));
	print_json(s, names);
}

static void list_ports(struct session *s, const struct words *w)
{
	const struct row *br = need_bridge(s, w->args[0]);
	json_t *names = need(json_array()), *atom;
	size_t i;

	json_array_foreach (row_get(br, "ports"), i, atom) {
		const struct row *port = model_referred(&s->model, "Port", atom);

		if (port && strcmp(row_label(port), row_label(br)))
			json_array_append_new(names, json_string(row_label(port)));
	}
	print_names(s, names);
}

static void list_ifaces(struct session *s, const struct words *w)
{
	const struct row *br = need_bridge(s, w->args[0]);
	json_t *names = need(json_array()), *atom, *a;
	size_t i, k;

	json_array_foreach (row_get(br, "ports"), i, atom) {
		const struct row *port = model_referred(&s->model, "Port", atom), *iface;

		if (!port)
			continue;
		json_array_foreach (row_get(port, "interfaces"), k, a) {
			iface = model_referred(&s->model, "Interface", a);
			if (iface && strcmp(row_label(iface), row_label(br)))
				json_array_append_new(names, json_string(row_label(iface)));
		}
	}
	print_names(s, names);
}

static void print_bridge_of(struct session *s, const struct row *port, const char *name)
{
	const struct row *br = port ? bridge_of_port(s, port) : NULL;

	if (!br)
		no_port(s, name);
	if (!print_json(s, json_string(row_label(br))))
		fprintf(s->out, "%s\n", row_label(br));
}

static void port_to_br(struct session *s, const struct words *w)
{
	print_bridge_of(s, model_find(&s->model, "Port", "name", w->args[0]), w->args[0]);
}

static void iface_to_br(struct session *s, const struct words *w)
{
	const struct row *iface = model_find(&s->model, "Interface", "name", w->args[0]);

	print_bridge_of(s, iface ? port_of_interface(s, iface) : NULL, w->args[0]);
}

const struct command port_commands[] = {
	{"add-port", "BRIDGE PORT [COLUMN[:KEY]=VALUE]...", "attach a network device to a bridge",
		"The settings go to the port's row; what belongs to its interface (type, options) "
		"is "
		"set with\nanother command of the same transaction.\n\n"
		"Examples:\n"
		"  sluicectl add-port br0 eth1\n"
		"  sluicectl add-port br0 eth1 tag=10\n"
		"      an access port of VLAN 10\n"
		"  sluicectl add-port br0 eth1 trunks=10,20\n"
		"      a trunk of these VLANs\n"
		"  sluicectl --may-exist add-port br0 eth1\n"
		"  sluicectl add-port br0 p1 -- set Interface p1 options:device=sim\n"
		"      a port of the device that other_config:sluice-device names\n"
		"  sluicectl add-port br0 v1 -- set Interface v1 type=internal\n"
		"      an internal port: a network device that the switch makes\n"
		"  sluicectl add-port br0 p1 -- set Interface p1 ofport_request=5\n"
		"      with OpenFlow port number 5\n",
		2, ANY_NUMBER, WITH_MAY_EXIST, add_port, NULL},
	{"del-port", "[BRIDGE] PORT", "detach a port",
		"Examples:\n"
		"  sluicectl del-port eth1\n"
		"  sluicectl del-port br0 eth1\n"
		"      only if it is a port of br0\n"
		"  sluicectl --if-exists del-port eth1\n",
		1, 2, WITH_IF_EXISTS, del_port, NULL},
	{"list-ports", "BRIDGE", "the names of a bridge's ports",
		"Without the bridge's own port.\n\n"
		"Examples:\n"
		"  sluicectl list-ports br0\n",
		1, 1, 0, list_ports, NULL},
	{"list-ifaces", "BRIDGE", "the names of a bridge's interfaces",
		"A port has one interface, a bond several.\n\n"
		"Examples:\n"
		"  sluicectl list-ifaces br0\n",
		1, 1, 0, list_ifaces, NULL},
	{"port-to-br", "PORT", "the bridge that a port is attached to",
		"Examples:\n"
		"  sluicectl port-to-br eth1\n",
		1, 1, 0, port_to_br, NULL},
	{"iface-to-br", "INTERFACE", "the bridge that an interface belongs to",
		"Examples:\n"
		"  sluicectl iface-to-br eth1\n",
		1, 1, 0, iface_to_br, NULL},
	{NULL},
};
