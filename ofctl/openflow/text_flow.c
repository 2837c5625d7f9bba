/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading flows.
 */
#include "ofctl/openflow/flow_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/text.h"
#include "ofctl/openflow/wire.h"

#define DEFAULT_PRIORITY 32768

/* What a flow's text says besides its match. */
struct parser {
	const struct of_port_names *names;
	struct hal_match match;
	bool has_cookie, has_cookie_mask, has_table;
	uint64_t cookie, cookie_mask;
	uint64_t table, priority, idle, hard, importance;
	uint32_t out_port, out_group;
	uint16_t flags;
	char *actions; /* NULL: no "actions=" */
	struct of_err e;
};

static int parse_cookie(struct parser *p, char *value)
{
	char *mask = value ? strchr(value, '/') : NULL;

	if (mask)
		*mask++ = '\0';
	p->has_cookie = true;
	if (of_text_u64("cookie", value, UINT64_MAX, &p->cookie, &p->e))
		return -EINVAL;
	p->has_cookie_mask = mask != NULL;
	if (mask && of_text_u64("cookie's mask", mask, UINT64_MAX, &p->cookie_mask, &p->e))
		return -EINVAL;
	return 0;
}

static int parse_port(struct parser *p, const char *key, const char *value, uint32_t *port)
{
	if (value && of_port_parse(value, p->names, port))
		return 0;
	return of_text_bad(
		&p->e, "%s: \"%s\": expected a port's number or name", key, value ? value : "");
}

/* Names that dumps have and that say nothing about what the flow is. */
static bool is_statistic(const char *key)
{
	static const char *const names[] = {
		"duration", "n_packets", "n_bytes", "idle_age", "hard_age"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], key))
			return true;
	return false;
}

/* -ENOENT if `key` is none of a flow's properties. */
static int parse_property(struct parser *p, const char *key, char *value)
{
	const struct {
		const char *name;
		uint64_t max;
		uint64_t *v;
	} numbers[] = {
		{"priority", UINT16_MAX, &p->priority},
		{"idle_timeout", UINT16_MAX, &p->idle},
		{"hard_timeout", UINT16_MAX, &p->hard},
		{"importance", UINT16_MAX, &p->importance},
	};
	static const struct {
		const char *name;
		uint16_t flag;
	} flags[] = {
		{"send_flow_rem", OF_FLOW_SEND_REMOVED},
		{"check_overlap", OF_FLOW_CHECK_OVERLAP},
		{"reset_counts", OF_FLOW_RESET_COUNTS},
		{"no_packet_counts", OF_FLOW_NO_PACKET_COUNTS},
		{"no_byte_counts", OF_FLOW_NO_BYTE_COUNTS},
	};
	uint64_t v;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i].name, key))
			return of_text_u64(key, value, numbers[i].max, numbers[i].v, &p->e);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(flags[i].name, key) != 0)
			continue;
		p->flags |= flags[i].flag;
		return value ? of_text_bad(&p->e, "%s: it takes no value", key) : 0;
	}
	if (!strcmp(key, "table")) {
		p->has_table = true;
		return of_text_u64(key, value, OF_TABLES - 1, &p->table, &p->e);
	}
	if (!strcmp(key, "cookie"))
		return parse_cookie(p, value);
	if (!strcmp(key, "out_port"))
		return parse_port(p, key, value, &p->out_port);
	if (!strcmp(key, "out_group")) {
		if (of_text_u64(key, value, UINT32_MAX, &v, &p->e))
			return -EINVAL;
		p->out_group = (uint32_t)v;
		return 0;
	}
	return is_statistic(key) ? 0 : -ENOENT;
}

static int parse_match(struct parser *p, const char *key, char *value)
{
	uint32_t port;
	int err;

	if (!strcmp(key, "in_port")) {
		if (parse_port(p, key, value, &port))
			return -EINVAL;
		hal_match_set_u64(&p->match, FIELD_IN_PORT, port);
		return 0;
	}
	err = hal_match_parse_token(&p->match, key, value, p->e.text, p->e.n);
	if (err == -ENOENT)
		return of_text_bad(
			&p->e, "\"%s\": expected a field, a protocol or a property of a flow", key);
	return err;
}

static int check_prereq(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct parser *p = ctx;

	(void)value;
	(void)mask;
	if (hal_field_prereq_ok(id, &p->match.value, &p->match.mask))
		return 0;
	return of_text_bad(&p->e,
		"%s: the match says nothing about the protocol that has this field",
		hal_fields[id].name);
}

static int parse(char *text, struct parser *p)
{
	char *key, *value;
	int err;

	p->priority = DEFAULT_PRIORITY;
	p->out_port = OF_PORT_ANY;
	p->out_group = OF_GROUP_ANY;
	while (!(err = of_text_next(&text, &key, &value, &p->e))) {
		if (!strcmp(key, "actions") || !strcmp(key, "action")) {
			/* All that follows; the token ended at its first comma. */
			if (!value)
				return of_text_bad(&p->e, "%s: expected %s=ACTIONS", key, key);
			if (*text)
				value[strlen(value)] = ',';
			p->actions = value;
			err = -ENOENT;
			break;
		}
		err = parse_property(p, key, value);
		if (err == -ENOENT)
			err = parse_match(p, key, value);
		if (err)
			return err;
	}
	if (err != -ENOENT)
		return err;
	return hal_match_fields(
		&p->match.value, &p->match.mask, sizeof(p->match.value), check_prereq, p);
}

static void set_cookie_filter(const struct parser *p, uint64_t *cookie, uint64_t *mask)
{
	*mask = p->has_cookie_mask ? p->cookie_mask : p->has_cookie ? UINT64_MAX : 0;
	*cookie = p->cookie & *mask;
}

static bool is_delete(enum of_flow_mod_command command)
{
	return command == OF_FLOW_DELETE || command == OF_FLOW_DELETE_STRICT;
}

/* Fits the pieces to the command. */
static int build(struct parser *p, enum of_flow_mod_command command, struct of_flow_mod *fm)
{
	bool modify = command == OF_FLOW_MODIFY || command == OF_FLOW_MODIFY_STRICT;

	*fm = (struct of_flow_mod){
		.command = command,
		/* Users of the text know 1.0's modify, which adds what it does not find. */
		.version = modify ? OFP10 : OFP13,
		.table = p->has_table || !is_delete(command) ? (uint8_t)p->table : OF_TABLE_ALL,
		.priority = (uint16_t)p->priority,
		.match = p->match,
		.idle_timeout = (uint16_t)p->idle,
		.hard_timeout = (uint16_t)p->hard,
		.importance = (uint16_t)p->importance,
		.flags = p->flags,
		.buffer_id = OF_NO_BUFFER,
		.out_port = p->out_port,
		.out_group = p->out_group,
	};
	if (is_delete(command)) {
		set_cookie_filter(p, &fm->cookie, &fm->cookie_mask);
		return p->actions ? of_text_bad(&p->e, "actions: a delete takes none") : 0;
	}
	if (p->has_cookie_mask && !modify)
		return of_text_bad(&p->e, "cookie: expected a value without a mask");
	fm->cookie = p->cookie;
	fm->cookie_mask = p->has_cookie_mask ? p->cookie_mask : 0;
	if (!p->actions)
		return of_text_bad(&p->e, "expected actions=ACTIONS");
	return of_text_actions(p->actions, p->names, &p->match, &fm->ins.apply, &fm->ins, &p->e);
}

int of_flow_mod_parse(const char *text, enum of_flow_mod_command command,
	const struct of_port_names *names, struct of_flow_mod *fm, char *err, size_t n)
{
	struct parser p = {.names = names, .e = {err, n}};
	char *copy = strdup(text);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = parse(copy, &p);
	if (!ret) {
		ret = build(&p, command, fm);
		if (!ret && fm->ins.has_goto && fm->ins.goto_table <= fm->table)
			ret = of_text_bad(&p.e, "goto_table: expected a table after %u", fm->table);
		if (ret)
			of_instructions_free(&fm->ins);
	}
	free(copy);
	return ret;
}

int of_flow_filter_parse(const char *text, const struct of_port_names *names,
	struct of_flow_filter *filter, char *err, size_t n)
{
	struct parser p = {.names = names, .e = {err, n}};
	char *copy = strdup(text);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = parse(copy, &p);
	if (!ret && p.actions)
		ret = of_text_bad(&p.e, "actions: flows are not selected by them");
	if (!ret) {
		*filter = (struct of_flow_filter){
			.table = p.has_table ? (uint8_t)p.table : OF_TABLE_ALL,
			.match = p.match,
			.out_port = p.out_port,
			.out_group = p.out_group,
		};
		set_cookie_filter(&p, &filter->cookie, &filter->cookie_mask);
	}
	free(copy);
	return ret;
}

int of_match_parse(const char *text, const struct of_port_names *names, struct hal_match *match,
	char *err, size_t n)
{
	struct of_flow_filter f;
	int ret = of_flow_filter_parse(text, names, &f, err, n);

	if (!ret)
		*match = f.match;
	return ret;
}

int of_instructions_parse(const char *text, const struct of_port_names *names,
	struct of_instructions *ins, char *err, size_t n)
{
	struct of_err e = {err, n};
	char *copy = strdup(text);
	int ret;

	if (!copy)
		return -ENOMEM;
	*ins = (struct of_instructions){0};
	ret = of_text_actions(copy, names, NULL, &ins->apply, ins, &e);
	if (ret)
		of_instructions_free(ins);
	free(copy);
	return ret;
}
