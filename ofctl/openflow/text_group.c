/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing groups.
 */
#include "ofctl/openflow/group_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/text.h"

static const char *const types[] = {"all", "select", "indirect", "ff"};
static const char *const selects[] = {"default", "hash", "dp_hash"};

const char *of_group_type_name(enum of_group_type type)
{
	return types[type];
}

const char *of_select_name(enum of_select select)
{
	return selects[select];
}

/* ---- reading ---- */

struct parser {
	const struct of_port_names *names;
	struct of_group g;
	bool has_id, has_type;
	struct of_err e;
};

static int parse_type(struct parser *p, const char *value)
{
	if (value && !strcmp(value, "fast_failover"))
		value = "ff";
	for (unsigned i = 0; i < 4; i++)
		if (value && !strcmp(types[i], value)) {
			p->g.type = (enum of_group_type)i;
			p->has_type = true;
			return 0;
		}
	return of_text_bad(
		&p->e, "type: \"%s\": expected all, select, indirect or ff", value ? value : "");
}

static int parse_select(struct parser *p, const char *value)
{
	for (unsigned i = 1; i < 3; i++)
		if (value && !strcmp(selects[i], value)) {
			p->g.select = (enum of_select)i;
			return 0;
		}
	return of_text_bad(
		&p->e, "selection_method: \"%s\": expected hash or dp_hash", value ? value : "");
}

/* The field with this name; stock tools print IPv4 addresses as ip_src and ip_dst here. */
static enum hal_field_id field_of(const char *name)
{
	if (!strcmp(name, "ip_src"))
		return FIELD_IPV4_SRC;
	if (!strcmp(name, "ip_dst"))
		return FIELD_IPV4_DST;
	return hal_field_by_name(name, strlen(name));
}

static int parse_fields(struct parser *p, char *value)
{
	char *name, *bits;
	int err = 0;

	while (value && !(err = of_text_next(&value, &name, &bits, &p->e))) {
		enum hal_field_id id = field_of(name);
		uint8_t v[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

		if (id == FIELD_INVALID)
			return of_text_bad(&p->e, "fields: \"%s\": no such field", name);
		hal_field_ones(id, v);
		if (bits && hal_field_parse(id, bits, v, mask, p->e.text, p->e.n))
			return -EINVAL;
		hal_field_set(id, &p->g.fields.mask, v, NULL);
	}
	return err == -ENOENT ? 0 : err;
}

static int parse_property(struct parser *p, const char *key, char *value)
{
	uint64_t v;

	if (!strcmp(key, "group_id")) {
		if (value && !strcmp(value, "all")) {
			v = OF_GROUP_ALL_ID;
		} else if (of_text_u64(key, value, OF_GROUP_MAX, &v, &p->e)) {
			return -EINVAL;
		}
		p->g.id = (uint32_t)v;
		p->has_id = true;
		return 0;
	}
	if (!strcmp(key, "type"))
		return parse_type(p, value);
	if (!strcmp(key, "selection_method"))
		return parse_select(p, value);
	if (!strcmp(key, "selection_method_param"))
		return of_text_u64(key, value, UINT64_MAX, &p->g.select_param, &p->e);
	if (!strcmp(key, "fields"))
		return parse_fields(p, value);
	return of_text_bad(&p->e,
		"\"%s\": expected group_id, type, selection_method, selection_method_param, fields "
		"or bucket",
		key);
}

/* -ENOENT: it is not the bucket's, but an action. */
static int parse_bucket_property(
	struct parser *p, struct of_bucket *b, const char *key, char *value)
{
	uint64_t v;

	if (!strcmp(key, "weight")) {
		if (of_text_u64(key, value, UINT16_MAX, &v, &p->e))
			return -EINVAL;
		b->weight = (uint16_t)v;
		return 0;
	}
	if (!strcmp(key, "bucket_id")) {
		if (of_text_u64(key, value, OF_GROUP_MAX, &v, &p->e))
			return -EINVAL;
		b->id = (uint32_t)v;
		return 0;
	}
	if (!strcmp(key, "watch_group")) {
		if (of_text_u64(key, value, OF_GROUP_MAX, &v, &p->e))
			return -EINVAL;
		b->watch_group = (uint32_t)v;
		return 0;
	}
	if (strcmp(key, "watch_port") != 0)
		return -ENOENT;
	if (value && of_port_parse(value, p->names, &b->watch_port))
		return 0;
	return of_text_bad(
		&p->e, "watch_port: \"%s\": expected a port's number or name", value ? value : "");
}

/* Puts apart what is the bucket's and what are actions; these are collected in `actions`, which has
 * room for all of `text`. */
static int split_bucket(struct parser *p, struct of_bucket *b, const char *text, char *actions)
{
	char *copy = strdup(text), *rest = copy, *key, *value;
	int err = copy ? 0 : -ENOMEM;

	*actions = '\0';
	while (!err && !(err = of_text_next(&rest, &key, &value, &p->e))) {
		const char *from = text + (key - copy), *to = text + (rest - copy);

		if (!strcmp(key, "actions") || !strcmp(key, "action")) {
			from = value ? text + (value - copy) : to;
		} else {
			err = parse_bucket_property(p, b, key, value);
			if (err != -ENOENT)
				continue;
			err = 0;
		}
		strncat(actions, from, (size_t)(to - from));
		if (*to == '\0')
			strcat(actions, ",");
	}
	free(copy);
	return err == -ENOENT ? 0 : err;
}

static int parse_bucket(struct parser *p, const char *text)
{
	struct of_bucket b = {.id = p->g.n_buckets,
		.weight = p->g.type == OF_GROUP_SELECT,
		.watch_port = OF_PORT_ANY,
		.watch_group = OF_GROUP_ANY};
	struct of_bucket *more = realloc(p->g.buckets, (p->g.n_buckets + 1) * sizeof(*more));
	char *actions = malloc(2 * strlen(text) + 2);
	int err = -ENOMEM;

	if (more)
		p->g.buckets = more;
	if (more && actions)
		err = split_bucket(p, &b, text, actions);
	if (!err)
		err = of_text_actions(actions, p->names, NULL, &b.actions, NULL, &p->e);
	free(actions);
	if (err) {
		of_actions_free(&b.actions);
		return err;
	}
	p->g.buckets[p->g.n_buckets++] = b;
	return 0;
}

/* The next "bucket=" or "bucket:" that begins a word, or NULL. */
static char *find_bucket(char *s)
{
	for (char *at = s; (at = strstr(at, "bucket")); at += 6)
		if ((at == s || strchr(", \t\n", at[-1])) && (at[6] == '=' || at[6] == ':'))
			return at;
	return NULL;
}

static int parse(char *text, struct parser *p)
{
	char *bucket = find_bucket(text), *key, *value;
	int err;

	if (bucket)
		bucket[0] = '\0';
	while (!(err = of_text_next(&text, &key, &value, &p->e))) {
		err = parse_property(p, key, value);
		if (err)
			return err;
	}
	if (err != -ENOENT)
		return err;
	while (bucket) {
		char *next = find_bucket(bucket + 7);

		if (next)
			next[0] = '\0';
		err = parse_bucket(p, bucket + 7);
		if (err)
			return err;
		bucket = next;
	}
	return 0;
}

static int check(struct parser *p, enum of_group_command command)
{
	if (command == OF_GROUP_DELETE) {
		if (!p->has_id)
			p->g.id = OF_GROUP_ALL_ID;
		return p->g.n_buckets || p->has_type
			       ? of_text_bad(&p->e, "to delete a group takes its id alone")
			       : 0;
	}
	if (!p->has_id || p->g.id == OF_GROUP_ALL_ID)
		return of_text_bad(&p->e, "expected group_id=ID");
	if (!p->has_type)
		return of_text_bad(&p->e, "expected type=all, select, indirect or ff");
	if (p->g.select != OF_SELECT_DEFAULT && p->g.type != OF_GROUP_SELECT)
		return of_text_bad(&p->e, "selection_method: expected type=select beside it");
	return 0;
}

int of_group_mod_parse(const char *text, enum of_group_command command,
	const struct of_port_names *names, struct of_group_mod *gm, char *err, size_t n)
{
	struct parser p = {.names = names, .e = {err, n}};
	char *copy = strdup(text);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = parse(copy, &p);
	if (!ret)
		ret = check(&p, command);
	free(copy);
	if (ret)
		of_group_free(&p.g);
	else
		*gm = (struct of_group_mod){command, OF_BUCKET_ALL, p.g};
	return ret;
}

int of_id_parse(const char *text, const char *key, uint32_t all, uint32_t *id, char *err, size_t n)
{
	struct of_err e = {err, n};
	size_t len = strlen(key);
	uint64_t v;

	if (!strncmp(text, key, len) && text[len] == '=')
		text += len + 1;
	*id = all;
	if (!*text || !strcmp(text, "all"))
		return 0;
	if (of_text_u64(key, text, UINT32_MAX, &v, &e))
		return -EINVAL;
	*id = (uint32_t)v;
	return 0;
}

/* ---- printing ---- */

static void put_fields(struct of_text *t, const struct hal_match *fields)
{
	struct xlate_key left = fields->mask;
	static const uint8_t zero[HAL_VALUE_MAX];
	const char *comma = "";

	of_text_put(t, ",fields(");
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		enum hal_field_id id = (enum hal_field_id)i;
		uint8_t mask[HAL_VALUE_MAX];
		char bits[256];

		if (!hal_field_any(id, &left))
			continue;
		hal_field_get(id, &left, mask);
		of_text_put(t, "%s%s", comma, hal_fields[i].name);
		if (!hal_field_all(id, &left)) {
			hal_field_format(id, mask, NULL, bits, sizeof(bits));
			of_text_put(t, "=%s", bits);
		}
		hal_field_set(id, &left, zero, NULL);
		comma = ",";
	}
	of_text_put(t, ")");
}

static void put_bucket(struct of_text *t, const struct of_group *g, const struct of_bucket *b,
	const struct of_port_names *names)
{
	char port[80];

	of_text_put(t, ",bucket=bucket_id:%u,", b->id);
	if (b->weight != (g->type == OF_GROUP_SELECT))
		of_text_put(t, "weight:%u,", b->weight);
	if (b->watch_port != OF_PORT_ANY)
		of_text_put(t, "watch_port:%s,",
			of_port_format(b->watch_port, names, port, sizeof(port)));
	if (b->watch_group != OF_GROUP_ANY)
		of_text_put(t, "watch_group:%u,", b->watch_group);
	of_text_put(t, "actions=");
	of_text_put_actions(t, &b->actions, names);
	if (!b->actions.n)
		of_text_put(t, "drop");
}

char *of_group_format(const struct of_group *g, const struct of_port_names *names)
{
	static const struct xlate_key none;
	struct of_text t = {0};

	of_text_put(&t, "group_id=%u,type=%s", g->id, types[g->type]);
	if (g->select != OF_SELECT_DEFAULT)
		of_text_put(&t, ",selection_method=%s", selects[g->select]);
	if (g->select_param)
		of_text_put(&t, ",selection_method_param=%" PRIu64, g->select_param);
	if (memcmp(&g->fields.mask, &none, sizeof(none)) != 0)
		put_fields(&t, &g->fields);
	for (unsigned i = 0; i < g->n_buckets; i++)
		put_bucket(&t, g, &g->buckets[i], names);
	return of_text_take(&t);
}

char *of_group_stats_format(const struct of_group_stats *gs)
{
	struct of_text t = {0};

	of_text_put(&t,
		"group_id=%u,duration=%.3fs,ref_count=%u,packet_count=%" PRIu64
		",byte_count=%" PRIu64,
		gs->group->id, (double)gs->duration_ns / 1e9, gs->ref_count, gs->packets,
		gs->bytes);
	for (unsigned i = 0; i < gs->group->n_buckets; i++)
		of_text_put(&t, ",bucket%u:packet_count=%" PRIu64 ",byte_count=%" PRIu64,
			gs->group->buckets[i].id, gs->bucket_packets[i], gs->bucket_bytes[i]);
	return of_text_take(&t);
}
