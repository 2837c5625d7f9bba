/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC command about what the open devices can do: the data that flows are judged by.
 */
#include <string.h>

#include "hal/action.h"
#include "hal/field.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/rpc.h"

static const char *mask_word(uint8_t kinds)
{
	return kinds & HAL_MATCH_ANY ? "any" : kinds & HAL_MATCH_PREFIX ? "prefix" : "exact";
}

static json_t *fields_json(const struct hal_caps *caps)
{
	json_t *match = json_object();

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (caps->match[i])
			json_object_set_new(
				match, hal_fields[i].name, json_string(mask_word(caps->match[i])));
	}
	return match;
}

static json_t *set_json(const struct hal_caps *caps)
{
	json_t *set = json_array();

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (caps->set[i])
			json_array_append_new(set, json_string(hal_fields[i].name));
	}
	return set;
}

static json_t *actions_json(const struct hal_caps *caps)
{
	json_t *actions = json_array();

	for (unsigned i = 0; i < ACTION_MAX; i++) {
		if (caps->action[i])
			json_array_append_new(actions, json_string(hal_action_name(i)));
	}
	return actions;
}

static json_t *objects_json(const struct hal_caps *caps)
{
	json_t *objects = json_object();

	for (unsigned i = 0; i < HAL_OBJECT_MAX; i++) {
		if (caps->object[i])
			json_object_set_new(objects, hal_object_name(i),
				json_integer((json_int_t)caps->max_objects[i]));
	}
	return objects;
}

static json_t *device_json(const struct hal_caps *caps)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:I, s:i, s:i, s:i, s:b, s:b, s:b, s:o}",
		"name", caps->name, "match", fields_json(caps), "actions", actions_json(caps),
		"set", set_json(caps), "set_masked", caps->set_masked, "max_rules",
		(json_int_t)caps->max_rules, "max_outputs", (int)caps->max_outputs, "max_vlan_tags",
		(int)caps->max_vlan_tags, "counter_bits", (int)caps->counter_bits, "chains",
		caps->chains, "resumes", caps->resumes, "survives_restart", caps->survives_restart,
		"objects", objects_json(caps));
}

/* ---- as text ---- */

#define COLUMNS 96

/* Words behind a heading, in lines that fit a terminal. */
struct list {
	FILE *f;
	size_t at;
};

static struct list list_begin(FILE *f, const char *heading)
{
	return (struct list){f, (size_t)fprintf(f, "  %s:", heading)};
}

static void list_add(struct list *l, const char *word, const char *more)
{
	const size_t len = strlen(word) + (*more ? strlen(more) + 3 : 1);

	if (l->at + len > COLUMNS)
		l->at = (size_t)fprintf(l->f, "\n   ") - 1;
	fprintf(l->f, *more ? " %s(%s)" : " %s", word, more);
	l->at += len;
}

static void print_array(FILE *f, const char *heading, const json_t *array)
{
	struct list l = list_begin(f, heading);
	const json_t *word;
	size_t i;

	json_array_foreach (array, i, word)
		list_add(&l, json_string_value(word), "");
	fprintf(f, "%s\n", json_array_size(array) ? "" : " nothing");
}

static void print_match(FILE *f, json_t *match)
{
	struct list l = list_begin(f, "matches");
	const char *name;
	json_t *kind;

	json_object_foreach (match, name, kind)
		list_add(&l, name, json_string_value(kind));
	fprintf(f, "\n");
}

static void print_objects(FILE *f, json_t *objects)
{
	struct list l = list_begin(f, "objects");
	const char *name;
	json_t *n;

	json_object_foreach (objects, name, n) {
		char room[24] = "any number";

		if (json_integer_value(n))
			snprintf(room, sizeof(room), "%lld", (long long)json_integer_value(n));
		list_add(&l, name, room);
	}
	fprintf(f, "%s\n", json_object_size(objects) ? "" : " none");
}

static bool is_so(const json_t *d, const char *key)
{
	return json_is_true(json_object_get(d, key));
}

static void print_device(FILE *f, const json_t *d)
{
	fprintf(f,
		"device %s: %lld rules, %lld VLAN tags, counters of %lld bits, outputs of a flow: ",
		rpc_text(d, "name"), rpc_number(d, "max_rules"), rpc_number(d, "max_vlan_tags"),
		rpc_number(d, "counter_bits"));
	if (rpc_number(d, "max_outputs"))
		fprintf(f, "%lld\n", rpc_number(d, "max_outputs"));
	else
		fprintf(f, "any number\n");
	print_match(f, json_object_get(d, "match"));
	print_array(f, "does", json_object_get(d, "actions"));
	print_array(f, is_so(d, "set_masked") ? "writes, in part too" : "writes, as a whole",
		json_object_get(d, "set"));
	print_objects(f, json_object_get(d, "objects"));
	fprintf(f, "  chains of rules: %s; rules outlive the daemon: %s\n",
		!is_so(d, "chains")   ? "no"
		: is_so(d, "resumes") ? "yes, software goes on where one ends"
				      : "yes, whole or not at all",
		is_so(d, "survives_restart") ? "yes" : "no");
}

static void print_devices(FILE *f, const json_t *list)
{
	const json_t *d;
	size_t i;

	if (!json_array_size(list))
		fprintf(f, "no device is open: everything runs in software\n");
	json_array_foreach (list, i, d)
		print_device(f, d);
}

static void capabilities(struct rpc_call *call)
{
	struct offload *ol = rpc_bridges(call)->cfg.ol;
	json_t *list = json_array();

	for (unsigned i = 0; i < offload_device_count(ol); i++) {
		struct hal_device *dev = offload_device(ol, i);

		if (dev)
			json_array_append_new(list, device_json(hal_device_caps(dev)));
	}
	rpc_reply_printed(call, list, print_devices);
}

const struct rpc_command rpc_capabilities_commands[] = {
	{"offload/capabilities", "[--json]", 0, 0, capabilities},
	{NULL, NULL, 0, 0, NULL},
};
