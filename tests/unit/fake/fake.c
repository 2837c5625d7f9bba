/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hal/walk.h"

#define MAX_FAKES 64
#define MAX_RULES 4096
#define MAX_PENDING 8192
#define MAX_PORTS 64
#define MAX_OBJECTS 1024

struct fake_rule {
	struct hal_ufid ufid;
	struct hal_cmatch *match;
	struct hal_program *program;
	uint32_t chain, priority;
	struct hal_raw_counter counter;
	bool used;
};

struct fake_object {
	enum hal_object_type type;
	uint32_t id, len;
	void *arg;
	struct hal_object_stats stats;
};

struct script {
	unsigned n;
	enum hal_op_type type;
	enum hal_reason_code code;
};

struct fake {
	char name[32];
	pthread_mutex_t lock;
	pthread_cond_t unblocked;
	struct hal_caps caps;
	struct hal_env env;
	struct fake_rule rules[MAX_RULES];
	unsigned n_rules, max_rules;
	struct hal_completion pending[MAX_PENDING];
	unsigned n_pending;
	uint32_t ports[MAX_PORTS];
	uint32_t no_bind;
	enum hal_field_id no_field;
	struct script reject, late;
	unsigned lose, repeat;
	uint32_t generation, counter_generation;
	bool hold, block, gone, in_call;
	unsigned ops[3], checks, overlaps, objects;
	struct fake_object object[MAX_OBJECTS]; /* arg NULL: free */
	struct script no_object;
	unsigned keep, dangling, broken;
};

static struct fake *fakes[MAX_FAKES];
static pthread_mutex_t fakes_lock = PTHREAD_MUTEX_INITIALIZER;

static void default_caps(struct fake *f)
{
	struct hal_caps *c = &f->caps;

	for (enum hal_field_id id = 0; id < FIELD_MAX; id++) {
		if (!hal_field_is_dp(id))
			continue;
		c->match[id] = HAL_MATCH_ANY | HAL_MATCH_PREFIX | HAL_MATCH_EXACT;
		c->set[id] = true;
	}
	strcpy(c->name, "fake");
	memset(c->action, true, sizeof(c->action));
	memset(c->object, true, sizeof(c->object));
	c->set_masked = c->chains = c->atomic_update = c->survives_restart = true;
	c->counts_packets = c->counts_bytes = c->priorities = true;
	c->max_rules = MAX_RULES;
	c->counter_bits = 64;
	c->max_ports = MAX_PORTS;
	c->max_vlan_tags = 2;
}

struct fake *fake_get(const char *name)
{
	struct fake *f = NULL;

	pthread_mutex_lock(&fakes_lock);
	for (unsigned i = 0; i < MAX_FAKES && !f; i++) {
		if (fakes[i] && strcmp(fakes[i]->name, name))
			continue;
		if (!fakes[i]) {
			fakes[i] = calloc(1, sizeof(*f));
			strncpy(fakes[i]->name, name, sizeof(f->name) - 1);
			pthread_mutex_init(&fakes[i]->lock, NULL);
			pthread_cond_init(&fakes[i]->unblocked, NULL);
			default_caps(fakes[i]);
			fakes[i]->max_rules = MAX_RULES;
			fakes[i]->no_field = FIELD_INVALID;
			fakes[i]->generation = fakes[i]->counter_generation = 1;
		}
		f = fakes[i];
	}
	pthread_mutex_unlock(&fakes_lock);
	return f;
}

static void wipe_objects(struct fake *f)
{
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		free(f->object[i].arg);
	memset(f->object, 0, sizeof(f->object));
	f->objects = 0;
}

static void wipe(struct fake *f)
{
	wipe_objects(f);
	for (unsigned i = 0; i < MAX_RULES; i++) {
		free(f->rules[i].match);
		free(f->rules[i].program);
	}
	memset(f->rules, 0, sizeof(f->rules));
	f->n_rules = 0;
}

void fake_free_all(void)
{
	for (unsigned i = 0; i < MAX_FAKES; i++) {
		if (!fakes[i])
			continue;
		wipe(fakes[i]);
		free(fakes[i]);
		fakes[i] = NULL;
	}
}

/* ---- scripts ---- */

#define WITH(F, ...)                              \
	do {                                      \
		pthread_mutex_lock(&(F)->lock);   \
		__VA_ARGS__;                      \
		pthread_mutex_unlock(&(F)->lock); \
	} while (0)

struct hal_caps *fake_caps(struct fake *f)
{
	return &f->caps;
}

void fake_reject(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code)
{
	WITH(f, f->reject = ((struct script){n, type, code}));
}

void fake_fail_late(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code)
{
	WITH(f, f->late = ((struct script){n, type, code}));
}

void fake_lose(struct fake *f, unsigned n)
{
	WITH(f, f->lose = n);
}

void fake_repeat(struct fake *f, unsigned n)
{
	WITH(f, f->repeat = n);
}

void fake_refuse_field(struct fake *f, enum hal_field_id id)
{
	WITH(f, f->no_field = id);
}

void fake_no_bind(struct fake *f, uint32_t port)
{
	WITH(f, f->no_bind = port);
}

void fake_max_rules(struct fake *f, unsigned n)
{
	WITH(f, f->max_rules = n; f->caps.max_rules = n);
}

static void wake(struct fake *f)
{
	if (f->env.wake)
		f->env.wake(f->env.wake_ctx);
}

void fake_hold(struct fake *f, bool hold)
{
	WITH(f, f->hold = hold);
	wake(f);
}

void fake_block(struct fake *f, bool block)
{
	WITH(f, f->block = block; pthread_cond_broadcast(&f->unblocked));
}

void fake_cut(struct fake *f)
{
	WITH(f, f->gone = true; f->n_pending = 0);
	wake(f);
}

void fake_kill(struct fake *f)
{
	WITH(f, f->gone = true; f->n_pending = 0; f->generation++; f->counter_generation++; wipe(f);
		memset(f->ports, 0, sizeof(f->ports)));
	wake(f);
}

void fake_revive(struct fake *f)
{
	WITH(f, f->gone = false);
}

void fake_reset(struct fake *f)
{
	WITH(f, f->generation++; f->counter_generation++; wipe(f);
		memset(f->ports, 0, sizeof(f->ports)));
}

static struct fake_rule *find(struct fake *f, const struct hal_ufid *ufid)
{
	for (unsigned i = 0, seen = 0; i < MAX_RULES && seen < f->n_rules; i++) {
		seen += f->rules[i].used;
		if (f->rules[i].used && hal_ufid_equal(&f->rules[i].ufid, ufid))
			return &f->rules[i];
	}
	return NULL;
}

bool fake_hit(struct fake *f, const struct hal_ufid *ufid, uint64_t packets, uint64_t bytes)
{
	struct fake_rule *r;
	uint64_t mask = f->caps.counter_bits < 64 ? (1ull << f->caps.counter_bits) - 1 : ~0ull;

	pthread_mutex_lock(&f->lock);
	r = find(f, ufid);
	if (r) {
		r->counter.packets = (r->counter.packets + packets) & mask;
		r->counter.bytes = (r->counter.bytes + bytes) & mask;
		r->counter.hit = true;
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

void fake_restart_counters(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	f->counter_generation++;
	for (unsigned i = 0; i < MAX_RULES; i++)
		f->rules[i].counter.packets = f->rules[i].counter.bytes = 0;
	pthread_mutex_unlock(&f->lock);
}

#define QUERY(TYPE, NAME, EXPR)      \
	TYPE NAME(struct fake *f)    \
	{                            \
		TYPE v;              \
		WITH(f, v = (EXPR)); \
		return v;            \
	}
QUERY(unsigned, fake_rules, f->n_rules)
QUERY(unsigned, fake_checks, f->checks)
QUERY(unsigned, fake_overlaps, f->overlaps)
QUERY(unsigned, fake_objects, f->objects)

unsigned fake_ops(struct fake *f, enum hal_op_type type)
{
	unsigned v;

	WITH(f, v = f->ops[type]);
	return v;
}

bool fake_has(struct fake *f, const struct hal_ufid *ufid)
{
	bool v;

	WITH(f, v = find(f, ufid) != NULL);
	return v;
}

bool fake_program_is(struct fake *f, const struct hal_ufid *ufid, const struct hal_program *program)
{
	struct fake_rule *r;
	bool v;

	WITH(f, r = find(f, ufid); v = r && hal_program_equal(r->program, program));
	return v;
}

static unsigned port_slot(const struct fake *f, uint32_t port)
{
	unsigned i = 0;

	while (i < MAX_PORTS && f->ports[i] != port)
		i++;
	return i;
}

bool fake_bound(struct fake *f, uint32_t port)
{
	bool v;

	WITH(f, v = port_slot(f, port) < MAX_PORTS);
	return v;
}

/* ---- the driver ---- */

/* One thread at a time: a second one is noted. */
static void enter(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->in_call)
		f->overlaps++;
	f->in_call = true;
	while (f->block)
		pthread_cond_wait(&f->unblocked, &f->lock);
}

static void leave(struct fake *f)
{
	f->in_call = false;
	pthread_mutex_unlock(&f->lock);
}

static int fake_open(const char *args, const struct hal_env *env, void **dev, struct hal_caps *caps,
	struct hal_reason *r)
{
	struct fake *f = fake_get(args);

	if (!f)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "too many fakes");
	if (!strcmp(args, "broken"))
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "it is broken");
	enter(f);
	f->env = env ? *env : (struct hal_env){0};
	f->n_pending = 0;
	*caps = f->caps;
	*dev = f;
	leave(f);
	return 0;
}

static void fake_close(void *dev)
{
	struct fake *f = dev;

	enter(f);
	memset(f->ports, 0, sizeof(f->ports));
	memset(&f->env, 0, sizeof(f->env));
	if (!f->caps.survives_restart)
		wipe(f);
	leave(f);
}

/* ---- objects and chains ---- */

static struct fake_object *find_object(struct fake *f, enum hal_object_type type, uint32_t id)
{
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		if (f->object[i].arg && f->object[i].type == type && f->object[i].id == id)
			return &f->object[i];
	return NULL;
}

struct naming {
	struct fake *f;
	enum hal_object_type type; /* HAL_OBJECT_MAX: look for what is not there */
	uint32_t id;
};

static int names_object(void *ctx, const struct hal_action *a)
{
	struct naming *n = ctx;
	enum hal_object_type type;
	uint32_t id;

	switch (a->type) {
	case ACTION_METER:
		type = HAL_OBJECT_METER;
		id = ((const struct hal_act_meter *)a)->meter;
		break;
	case ACTION_GROUP:
	case ACTION_MIRROR:
		type = a->type == ACTION_GROUP ? HAL_OBJECT_GROUP : HAL_OBJECT_MIRROR;
		id = ((const struct hal_act_object *)a)->id;
		break;
	case ACTION_TUNNEL_PUSH:
		type = HAL_OBJECT_TUNNEL;
		id = ((const struct hal_act_tunnel_push *)a)->port;
		break;
	case ACTION_TUNNEL_POP:
		type = HAL_OBJECT_TUNNEL;
		id = ((const struct hal_act_tunnel_pop *)a)->port;
		break;
	default:
		return 0;
	}
	if (n->type == HAL_OBJECT_MAX)
		return !find_object(n->f, type, id);
	return type == n->type && id == n->id;
}

static bool lacks_object(struct fake *f, const struct hal_program *p)
{
	struct naming n = {f, HAL_OBJECT_MAX, 0};

	return hal_program_walk(p, names_object, &n) > 0;
}

static bool is_named(struct fake *f, enum hal_object_type type, uint32_t id)
{
	struct naming n = {f, type, id};

	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && hal_program_walk(f->rules[i].program, names_object, &n) > 0)
			return true;
	return false;
}

static int leads_nowhere(void *ctx, const struct hal_action *a)
{
	struct fake *f = ctx;

	if (a->type != ACTION_RECIRC)
		return 0;
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && f->rules[i].chain == ((const struct hal_act_recirc *)a)->id)
			return 0;
	return 1;
}

static void look_for_broken_chains(struct fake *f)
{
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && hal_program_walk(f->rules[i].program, leads_nowhere, f) > 0)
			f->broken++;
}

static int refuse_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	(void)value, (void)mask;
	return id == *(enum hal_field_id *)ctx;
}

static int fake_check(void *dev, const struct hal_rule *rule, struct hal_reason *r)
{
	struct fake *f = dev;
	struct hal_match m;
	int err = 0;

	enter(f);
	f->checks++;
	hal_cmatch_expand(rule->match, &m);
	if (f->no_field != FIELD_INVALID &&
		hal_match_fields(
			&m.value, &m.mask, sizeof(struct hal_key), refuse_field, &f->no_field))
		err = hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION, f->no_field,
			"not together with the rest");
	leave(f);
	return err;
}

static bool scripted(struct script *s, enum hal_op_type type)
{
	if (!s->n || s->type != type)
		return false;
	if (s->n != UINT_MAX)
		s->n--;
	return true;
}

static void *dup_bytes(const void *from, size_t len)
{
	return memcpy(malloc(len), from, len);
}

static void put(struct fake *f, struct fake_rule *r, const struct hal_rule *rule)
{
	free(r->match);
	free(r->program);
	r->ufid = rule->ufid;
	r->chain = rule->chain;
	r->priority = rule->priority;
	r->match = dup_bytes(rule->match, sizeof(*rule->match) + 16u * rule->match->n);
	r->program = dup_bytes(rule->program, sizeof(*rule->program) + rule->program->len);
	if (!r->used) {
		memset(&r->counter, 0, sizeof(r->counter));
		r->used = true;
		f->n_rules++;
	}
}

static struct hal_raw_counter reading(const struct fake *f, const struct fake_rule *r)
{
	struct hal_raw_counter c = r->counter;

	c.known = f->caps.counts_packets;
	c.generation = f->counter_generation;
	return c;
}

static void fail(struct hal_completion *c, int err, enum hal_reason_code code, const char *text)
{
	c->error = err;
	hal_refuse(&c->reason, code, "%s", text);
	c->reason.error = -err;
}

static void do_op(struct fake *f, const struct hal_op *op, struct hal_completion *c)
{
	struct fake_rule *r = find(f, &op->rule.ufid);

	if (op->type == HAL_OP_ADD && r) {
		fail(c, -EEXIST, HAL_REASON_DEVICE_ERROR, "the rule exists");
	} else if (op->type == HAL_OP_ADD && f->n_rules >= f->max_rules) {
		fail(c, -ENOSPC, HAL_REASON_NO_ROOM, "the table is full");
	} else if (op->type != HAL_OP_DEL && lacks_object(f, op->rule.program)) {
		f->dangling++;
		fail(c, -EAGAIN, HAL_REASON_DEPENDS, "no such object");
	} else if (op->type != HAL_OP_ADD && !r) {
		fail(c, -ENOENT, HAL_REASON_DEVICE_ERROR, "no such rule");
	} else if (op->type == HAL_OP_DEL) {
		c->final = reading(f, r);
		free(r->match);
		free(r->program);
		memset(r, 0, sizeof(*r));
		f->n_rules--;
	} else {
		if (r)
			c->final = reading(f, r);
		for (unsigned i = 0; !r; i++)
			if (!f->rules[i].used)
				r = &f->rules[i];
		put(f, r, &op->rule);
	}
}

static void pend(struct fake *f, const struct hal_completion *c)
{
	if (f->n_pending < MAX_PENDING)
		f->pending[f->n_pending++] = *c;
}

static bool accept(struct fake *f, struct hal_op *op)
{
	struct hal_completion c = {.token = op->token};

	if (f->gone || scripted(&f->reject, op->type)) {
		hal_refuse(&op->reason, f->gone ? HAL_REASON_DEVICE_GONE : f->reject.code,
			"scripted rejection");
		return false;
	}
	f->ops[op->type]++;
	if (scripted(&f->late, op->type))
		c.error = hal_refuse(&c.reason, f->late.code, "scripted late error");
	else
		do_op(f, op, &c);
	if (!f->caps.resumes)
		look_for_broken_chains(f);
	if (f->lose) {
		f->lose--;
		return true;
	}
	pend(f, &c);
	if (f->repeat) {
		f->repeat--;
		pend(f, &c);
	}
	return true;
}

static int fake_submit(void *dev, struct hal_op *ops, unsigned n)
{
	struct fake *f = dev;
	int accepted = 0;

	enter(f);
	for (unsigned i = 0; i < n; i++) {
		ops[i].accepted = accept(f, &ops[i]);
		accepted += ops[i].accepted;
	}
	leave(f);
	return accepted;
}

static int fake_poll(void *dev, struct hal_completion *out, unsigned max)
{
	struct fake *f = dev;
	unsigned n = 0;

	enter(f);
	if (!f->hold)
		n = f->n_pending < max ? f->n_pending : max;
	memcpy(out, f->pending, n * sizeof(*out));
	f->n_pending -= n;
	memmove(f->pending, f->pending + n, f->n_pending * sizeof(*out));
	if (f->gone) {
		leave(f);
		return -ENODEV;
	}
	leave(f);
	return (int)n;
}

static int fake_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	struct fake *f = dev;
	int err = 0;

	enter(f);
	if (f->gone)
		err = -ENODEV;
	for (unsigned i = 0; i < n && !err; i++) {
		struct fake_rule *r = find(f, &ufids[i]);

		out[i] = r ? reading(f, r) : (struct hal_raw_counter){0};
		if (r)
			r->counter.hit = false;
	}
	leave(f);
	return err;
}

static int fake_dump(void *dev, hal_dump_cb *cb, void *ctx)
{
	struct fake *f = dev;
	int err = 0;

	enter(f);
	if (f->gone)
		err = -ENODEV;
	for (unsigned i = 0; i < MAX_RULES && !err; i++) {
		struct fake_rule *r = &f->rules[i];
		struct hal_dump_entry e = {
			.ufid = r->ufid,
			.match = r->match,
			.program = r->program,
			.chain = r->chain,
			.priority = r->priority,
			.counter = reading(f, r),
		};

		if (r->used)
			err = cb(ctx, &e);
	}
	leave(f);
	return err;
}

static int set_object(struct fake *f, const struct hal_object *obj, struct hal_reason *r)
{
	struct fake_object *o = find_object(f, obj->type, obj->id);

	if (f->gone)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "it is gone");
	if (obj->len > 4096)
		return hal_refuse(r, HAL_REASON_NO_ROOM, "too large");
	if (scripted(&f->no_object, HAL_OP_ADD))
		return hal_refuse(r, f->no_object.code, "scripted object refusal");
	for (unsigned i = 0; !o && i < MAX_OBJECTS; i++)
		if (!f->object[i].arg)
			o = &f->object[i];
	if (!o)
		return hal_refuse(r, HAL_REASON_NO_ROOM, "no room for objects");
	f->objects += !o->arg;
	free(o->arg);
	o->type = obj->type;
	o->id = obj->id;
	o->len = obj->len;
	o->arg = dup_bytes(obj->arg, obj->len);
	return 0;
}

static int fake_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct fake *f = dev;
	int err;

	enter(f);
	err = set_object(f, obj, r);
	leave(f);
	return err;
}

static int del_object(struct fake *f, enum hal_object_type type, uint32_t id)
{
	struct fake_object *o = find_object(f, type, id);

	if (f->gone)
		return -ENODEV;
	if (id == HAL_OBJECT_ALL) {
		for (unsigned i = 0; i < MAX_OBJECTS; i++)
			if (f->object[i].arg && f->object[i].type == type)
				del_object(f, type, f->object[i].id);
		return 0;
	}
	if (!o)
		return -ENOENT;
	if (f->keep) {
		f->keep--;
		return -EAGAIN;
	}
	if (is_named(f, type, id))
		return -EBUSY;
	free(o->arg);
	memset(o, 0, sizeof(*o));
	f->objects--;
	return 0;
}

static int fake_object_del(void *dev, enum hal_object_type type, uint32_t id)
{
	struct fake *f = dev;
	int err;

	enter(f);
	err = del_object(f, type, id);
	if (err == -EBUSY)
		f->dangling++;
	leave(f);
	return err;
}

static int fake_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	struct fake *f = dev;
	const struct fake_object *o;

	enter(f);
	o = find_object(f, type, id);
	if (o)
		*out = o->stats;
	leave(f);
	return o ? 0 : -ENOENT;
}

static int fake_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct fake *f = dev;
	int err = 0;

	enter(f);
	if (f->gone) {
		err = hal_refuse(r, HAL_REASON_DEVICE_GONE, "it is gone");
	} else if (port_slot(f, port) < MAX_PORTS) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "port %u is bound", port);
		err = -EEXIST;
	} else if (port == f->no_bind || port_slot(f, 0) == MAX_PORTS) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s cannot be bound", handle->name);
		err = -ENODEV;
	} else {
		f->ports[port_slot(f, 0)] = port;
	}
	leave(f);
	return err;
}

static int fake_port_unbind(void *dev, uint32_t port)
{
	struct fake *f = dev;
	unsigned at;

	enter(f);
	at = port_slot(f, port);
	if (at < MAX_PORTS)
		f->ports[at] = 0;
	leave(f);
	return at < MAX_PORTS ? 0 : -ENOENT;
}

static int fake_port_stats(void *dev, uint32_t port, struct hal_port_stats *out)
{
	struct fake *f = dev;

	enter(f);
	out->rx_packets = port * 10ull;
	leave(f);
	return 0;
}

static int fake_stats(void *dev, struct hal_device_stats *out)
{
	struct fake *f = dev;

	enter(f);
	out->rules = f->n_rules;
	out->max_rules = f->max_rules;
	for (unsigned i = 0; i < MAX_PORTS; i++)
		out->ports += f->ports[i] != 0;
	out->generation = f->generation;
	out->alive = !f->gone;
	leave(f);
	return 0;
}

const struct hal_driver fake_driver = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.check = fake_check,
	.submit = fake_submit,
	.poll = fake_poll,
	.counters_read = fake_counters_read,
	.dump = fake_dump,
	.object_set = fake_object_set,
	.object_del = fake_object_del,
	.object_stats = fake_object_stats,
	.port_bind = fake_port_bind,
	.port_unbind = fake_port_unbind,
	.port_stats = fake_port_stats,
	.stats = fake_stats,
};

/* ---- what tests ask of objects ---- */

QUERY(unsigned, fake_dangling, f->dangling)
QUERY(unsigned, fake_broken_chains, f->broken)

unsigned fake_objects_of(struct fake *f, enum hal_object_type type)
{
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		n += f->object[i].arg && f->object[i].type == type;
	pthread_mutex_unlock(&f->lock);
	return n;
}

const void *fake_object(struct fake *f, enum hal_object_type type, uint32_t id, uint32_t *len)
{
	const struct fake_object *o;

	WITH(f, o = find_object(f, type, id));
	if (o && len)
		*len = o->len;
	return o ? o->arg : NULL;
}

bool fake_count_object(
	struct fake *f, enum hal_object_type type, uint32_t id, const struct hal_object_stats *s)
{
	struct fake_object *o;

	WITH(f, o = find_object(f, type, id); if (o) o->stats = *s);
	return o;
}

void fake_refuse_objects(struct fake *f, unsigned n, enum hal_reason_code code)
{
	WITH(f, f->no_object = ((struct script){n, HAL_OP_ADD, code}));
}

void fake_keep_objects(struct fake *f, unsigned n)
{
	WITH(f, f->keep = n);
}

void fake_program(struct fake *f, const struct hal_ufid *ufid, char *buf, size_t n)
{
	const struct fake_rule *r;

	buf[0] = 0;
	WITH(f, r = find(f, ufid); if (r) hal_program_format(r->program, NULL, NULL, buf, n));
}

/* ---- rules ---- */

void fake_rule(struct hal_rule *rule, uint32_t n, uint32_t in_port, uint32_t out)
{
	struct hal_key key = {0}, mask = {0};
	struct hal_builder b;

	key.in_port = rte_cpu_to_be_32(in_port);
	memset(&mask.in_port, 0xff, sizeof(mask.in_port));
	memcpy(key.eth_dst, (uint8_t[]){2, 0, n >> 24, n >> 16, n >> 8, n}, 6);
	memset(mask.eth_dst, 0xff, 6);
	hal_builder_init(&b);
	if (out)
		hal_build_output(&b, out);
	memset(rule, 0, sizeof(*rule));
	rule->match = hal_cmatch_new_dp(&key, &mask);
	rule->program = hal_builder_finish(&b);
	rule->ufid = (struct hal_ufid){{0x1000 + n, in_port}};
	rule->priority = 1;
}

void fake_rule_free(struct hal_rule *rule)
{
	free((void *)(uintptr_t)rule->match);
	free((void *)(uintptr_t)rule->program);
}
