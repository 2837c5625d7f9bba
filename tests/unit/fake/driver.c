/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver of the device in memory.
 */
#include "internal.h"

/* One thread at a time: a second one is noted. */
void fake_enter(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->in_call)
		f->overlaps++;
	f->in_call = true;
	while (f->block)
		pthread_cond_wait(&f->unblocked, &f->lock);
}

void fake_leave(struct fake *f)
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
	fake_enter(f);
	f->env = env ? *env : (struct hal_env){0};
	f->n_pending = 0;
	*caps = f->caps;
	*dev = f;
	fake_leave(f);
	return 0;
}

static void fake_close(void *dev)
{
	struct fake *f = dev;

	fake_enter(f);
	memset(f->ports, 0, sizeof(f->ports));
	memset(&f->env, 0, sizeof(f->env));
	if (!f->caps.survives_restart)
		fake_wipe(f);
	fake_leave(f);
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

	fake_enter(f);
	f->checks++;
	hal_cmatch_expand(rule->match, &m);
	if (f->no_field != FIELD_INVALID &&
		hal_match_fields(
			&m.value, &m.mask, sizeof(struct hal_key), refuse_field, &f->no_field))
		err = hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION, f->no_field,
			"not together with the rest");
	else if (!rule->priority)
		err = hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION, "it has no priority");
	fake_leave(f);
	return err;
}

void fake_put(struct fake *f, struct fake_rule *r, const struct hal_rule *rule)
{
	r->spoiled = false;
	free(r->match);
	free(r->program);
	r->ufid = rule->ufid;
	r->chain = rule->chain;
	r->priority = rule->priority;
	r->match = fake_dup_bytes(rule->match, sizeof(*rule->match) + 16u * rule->match->n);
	r->program = fake_dup_bytes(rule->program, sizeof(*rule->program) + rule->program->len);
	if (!r->used) {
		memset(&r->counter, 0, sizeof(r->counter));
		r->pps = 0;
		r->used = true;
		f->n_rules++;
	}
}

void fake_take(struct fake *f, struct fake_rule *r)
{
	free(r->match);
	free(r->program);
	memset(r, 0, sizeof(*r));
	f->n_rules--;
}

/* There is one: the caller has looked. */
struct fake_rule *fake_free_slot(struct fake *f)
{
	unsigned i = 0;

	while (f->rules[i].used)
		i++;
	return &f->rules[i];
}

/* What has come by the clock since it was last read. */
static void take_stream(struct fake_rule *r)
{
	const uint64_t now = hal_now_ms(), n = (now - r->streamed_ms) * r->pps / 1000;

	if (!n)
		return;
	r->counter.packets += n;
	r->counter.bytes += n * 64;
	r->counter.hit = true;
	r->streamed_ms = now;
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
	struct fake_rule *r = fake_find(f, &op->rule.ufid);

	if (op->type == HAL_OP_ADD && r) {
		fail(c, -EEXIST, HAL_REASON_DEVICE_ERROR, "the rule exists");
	} else if (op->type == HAL_OP_ADD && f->n_rules >= f->max_rules) {
		fail(c, -ENOSPC, HAL_REASON_NO_ROOM, "the table is full");
	} else if (op->type != HAL_OP_DEL && fake_lacks_object(f, op->rule.program)) {
		f->dangling++;
		fail(c, -EAGAIN, HAL_REASON_DEPENDS, "no such object");
	} else if (op->type != HAL_OP_ADD && !r) {
		fail(c, -ENOENT, HAL_REASON_DEVICE_ERROR, "no such rule");
	} else if (op->type == HAL_OP_DEL) {
		c->final = reading(f, r);
		fake_take(f, r);
	} else {
		if (r)
			c->final = reading(f, r);
		else
			r = fake_free_slot(f);
		fake_put(f, r, &op->rule);
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

	if (f->gone || fake_scripted(&f->reject, op->type)) {
		hal_refuse(&op->reason, f->gone ? HAL_REASON_DEVICE_GONE : f->reject.code,
			"scripted rejection");
		return false;
	}
	f->ops[op->type]++;
	if (fake_scripted(&f->late, op->type))
		c.error = hal_refuse(&c.reason, f->late.code, "scripted late error");
	else
		do_op(f, op, &c);
	if (!f->caps.resumes)
		fake_look_for_broken_chains(f);
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

	fake_enter(f);
	for (unsigned i = 0; i < n; i++) {
		ops[i].accepted = accept(f, &ops[i]);
		accepted += ops[i].accepted;
	}
	fake_leave(f);
	return accepted;
}

static int fake_poll(void *dev, struct hal_completion *out, unsigned max)
{
	struct fake *f = dev;
	unsigned n = 0;

	fake_enter(f);
	if (!f->hold)
		n = f->n_pending < max ? f->n_pending : max;
	memcpy(out, f->pending, n * sizeof(*out));
	f->n_pending -= n;
	memmove(f->pending, f->pending + n, f->n_pending * sizeof(*out));
	if (f->gone) {
		fake_leave(f);
		return -ENODEV;
	}
	fake_leave(f);
	return (int)n;
}

static int fake_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	struct fake *f = dev;
	int err = 0;

	fake_enter(f);
	if (f->gone)
		err = -ENODEV;
	for (unsigned i = 0; i < n && !err; i++) {
		struct fake_rule *r = fake_find(f, &ufids[i]);

		if (r)
			take_stream(r);
		out[i] = r ? reading(f, r) : (struct hal_raw_counter){0};
		if (r)
			r->counter.hit = false;
	}
	fake_leave(f);
	return err;
}

/* Where the next piece begins is the number of its first rule. */
static int fake_dump(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx)
{
	struct fake *f = dev;
	unsigned i = (unsigned)*at, n = 0;
	int err = 0;

	fake_enter(f);
	if (f->gone)
		err = -ENODEV;
	else if (f->no_dumps)
		err = -EOPNOTSUPP;
	f->dumps++;
	if (f->ghost && !i && !err) {
		const struct hal_dump_entry ghost = {
			.ufid = f->ghost->ufid,
			.match = (struct hal_cmatch *)(uintptr_t)f->ghost->match,
			.program = (struct hal_program *)(uintptr_t)f->ghost->program,
			.priority = f->ghost->priority,
		};

		err = cb(ctx, &ghost);
	}
	for (; i < MAX_RULES && !err && (!max || n < max); i++) {
		struct fake_rule *r = &f->rules[i];
		struct hal_dump_entry e = {
			.ufid = r->ufid,
			.match = r->spoiled ? NULL : r->match,
			.program = r->spoiled ? NULL : r->program,
			.chain = r->chain,
			.priority = r->priority,
			.counter = reading(f, r),
		};

		if (!r->used)
			continue;
		n++;
		err = cb(ctx, &e);
	}
	*at = !err && i < MAX_RULES ? i : 0;
	fake_leave(f);
	return err;
}

static int fake_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct fake *f = dev;
	int err = 0;

	fake_enter(f);
	if (f->gone) {
		err = hal_refuse(r, HAL_REASON_DEVICE_GONE, "it is gone");
	} else if (fake_port_slot(f, port) < MAX_PORTS) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "port %u is bound", port);
		err = -EEXIST;
	} else if (port == f->no_bind || fake_port_slot(f, 0) == MAX_PORTS) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s cannot be bound", handle->name);
		err = -ENODEV;
	} else {
		f->ports[fake_port_slot(f, 0)] = port;
	}
	fake_leave(f);
	return err;
}

static int fake_port_unbind(void *dev, uint32_t port)
{
	struct fake *f = dev;
	unsigned at;

	fake_enter(f);
	at = fake_port_slot(f, port);
	if (at < MAX_PORTS)
		f->ports[at] = 0;
	fake_leave(f);
	return at < MAX_PORTS ? 0 : -ENOENT;
}

static int fake_port_stats(void *dev, uint32_t port, struct hal_port_stats *out)
{
	struct fake *f = dev;

	fake_enter(f);
	out->rx_packets = port * 10ull;
	fake_leave(f);
	return 0;
}

static int fake_stats(void *dev, struct hal_device_stats *out)
{
	struct fake *f = dev;

	fake_enter(f);
	out->rules = f->n_rules;
	out->max_rules = f->max_rules;
	for (unsigned i = 0; i < MAX_PORTS; i++)
		out->ports += f->ports[i] != 0;
	out->generation = f->generation;
	out->alive = !f->gone;
	fake_leave(f);
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
