/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule operations, in batches: what is new is written and entered, then former rules are taken out,
 * and one grace period later their last counters are read and their numbers free again.
 *
 * A batch holds one operation of a rule at most, so the order of operations on one rule is that of
 * batches.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/mutation.h"

struct request {
	const struct hal_op *op;
	struct ebpf_rule *rule; /* NULL: answered without the maps */
	uint32_t slot;          /* ADD, REPLACE: the new one; DEL: the former */
	uint32_t former;        /* REPLACE */
	int error;
	char text[100];
	struct hal_raw_counter final;
};

struct batch {
	struct ebpf_dev *dev;
	struct request req[EBPF_BATCH];
	unsigned n;
	/* keys of one hash map, and whose they are */
	uint8_t keys[EBPF_BATCH * sizeof(struct ebpf_key20)];
	uint32_t entries[EBPF_BATCH];
	struct request *of[EBPF_BATCH];
};

static int reserve(struct ebpf_dev *dev, unsigned n)
{
	struct hal_completion *more;

	if (dev->cap_done - dev->n_done >= n)
		return 0;
	more = realloc(dev->done, (dev->n_done + n) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	dev->done = more;
	dev->cap_done = dev->n_done + n;
	return 0;
}

static enum hal_reason_code code_of(int err)
{
	switch (-err) {
	case ENOSPC:
	case E2BIG:
		return HAL_REASON_NO_ROOM;
	case EAGAIN:
	case EBUSY:
	case ENOMEM:
	case EINTR:
		return HAL_REASON_RETRY;
	default:
		return HAL_REASON_DEVICE_ERROR;
	}
}

static void finish(struct ebpf_dev *dev, const struct request *req)
{
	struct hal_completion c = {
		.token = req->op->token, .error = req->error, .final = req->final};

	hal_reason_clear(&c.reason);
	if (c.error) {
		hal_refuse(&c.reason, code_of(c.error), "%s",
			req->text[0] ? req->text : strerror(-c.error));
		c.reason.error = -c.error;
	}
	dev->done[dev->n_done++] = c;
}

/* ---- the kernel's part ---- */

static unsigned gather(struct batch *b, enum hal_op_type type, unsigned class)
{
	const size_t size = ebpf_class_size(class);
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		struct request *req = &b->req[i];
		unsigned own;

		if (!req->rule || req->op->type != type ||
			ebpf_class_of(&b->dev->masks.mask[req->rule->mask]) != class)
			continue;
		ebpf_rule_key(b->dev, req->rule, b->keys + n * size, &own);
		b->entries[n] = req->rule->entry;
		b->of[n++] = req;
	}
	return n;
}

/* One batch call stops at the first that fails; it goes on behind that. */
static void run(struct batch *b, enum hal_op_type type, unsigned class)
{
	const size_t size = ebpf_class_size(class);
	const int fd = b->dev->maps.rules[class];
	const unsigned n = gather(b, type, class);

	for (unsigned at = 0; at < n; at++) {
		uint32_t count = n - at;
		int err = type == HAL_OP_ADD
				  ? bpf_map_update_batch(
					    fd, b->keys + at * size, b->entries + at, &count, NULL)
				  : bpf_map_delete_batch(fd, b->keys + at * size, &count, NULL);

		if (!err)
			break;
		if (count > n - at) /* it did not say */
			count = 0;
		at += count;
		if (at < n && type == HAL_OP_ADD)
			b->of[at]->error = err;
		/* What is not there any more is as good as deleted. */
		if (at < n && type == HAL_OP_DEL && err != -ENOENT)
			b->of[at]->error = err;
	}
}

static void switch_slots(struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct request *req = &b->req[i];

		if (req->rule && req->op->type == HAL_OP_REPLACE)
			__atomic_store_n(&b->dev->maps.entries[req->rule->entry].slot,
				MUTATE(641, req->slot, req->former), __ATOMIC_RELEASE);
	}
}

/* ---- settling ---- */

static void read_final(struct ebpf_dev *dev, struct request *req, uint32_t slot)
{
	ebpf_slot_count(dev, slot, &req->final);
	req->final.generation = req->rule->generation;
	req->final.hit = req->final.packets != req->rule->packets;
}

static void settle(struct ebpf_dev *dev, struct request *req)
{
	struct ebpf_rule *rule = req->rule;

	rule->pending = false;
	switch (req->op->type) {
	case HAL_OP_ADD:
		if (req->error)
			ebpf_rule_drop(dev, rule);
		break;
	case HAL_OP_REPLACE:
		read_final(dev, req, MUTATE(642, req->former, req->slot));
		ebpf_slot_free(dev, req->former);
		rule->slot = req->slot;
		rule->generation = MUTATE(643, ++dev->generation, rule->generation);
		rule->packets = 0;
		break;
	case HAL_OP_DEL:
		if (req->error) /* it is tried again: a DEL does not fail */
			break;
		read_final(dev, req, rule->slot);
		ebpf_rule_drop(dev, rule);
		break;
	}
}

static void flush(struct batch *b)
{
	bool ends = false;

	for (unsigned class = 0; class < EBPF_CLASSES; class ++)
		run(b, HAL_OP_ADD, class);
	switch_slots(b);
	for (unsigned class = 0; class < EBPF_CLASSES; class ++)
		run(b, HAL_OP_DEL, class);
	for (unsigned i = 0; i < b->n; i++)
		ends |= b->req[i].rule && b->req[i].op->type != HAL_OP_ADD;
	if (ends)
		ebpf_grace(b->dev);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->req[i].rule)
			settle(b->dev, &b->req[i]);
		finish(b->dev, &b->req[i]);
	}
	b->n = 0;
}

/* ---- submitting ---- */

static void reject(struct hal_op *op)
{
	op->accepted = false;
	if (op->reason.code == HAL_REASON_NONE)
		hal_refuse(&op->reason, HAL_REASON_RETRY, "out of memory");
}

static struct request *enter(struct batch *b, struct hal_op *op, struct ebpf_rule *rule)
{
	struct request *req = &b->req[b->n++];

	*req = (struct request){.op = op, .rule = rule};
	op->accepted = true;
	if (rule)
		rule->pending = true;
	return req;
}

/* In its turn, like the others. */
static void answer(struct batch *b, struct hal_op *op, int error, const char *text)
{
	struct request *req = enter(b, op, NULL);

	req->error = error;
	snprintf(req->text, sizeof(req->text), "%s", text);
}

/* Meters and ends of tunnels are made once it is known that the rule could be. */
static int64_t any_meter(const void *dev, uint32_t id)
{
	(void)dev, (void)id;
	return 0;
}

static uint32_t port_or_end(const void *dev, uint32_t port)
{
	const uint32_t ifindex = ebpf_port_key(dev, port);

	return ifindex ? ifindex : EBPF_TUNNEL;
}

static const struct ebpf_ports *ports_of(
	const struct ebpf_dev *dev, bool to_send, struct ebpf_ports *out)
{
	*out = (struct ebpf_ports){
		.ifindex =
			to_send ? (uint32_t(*)(const void *, uint32_t))ebpf_port_key : port_or_end,
		.port = (uint32_t(*)(const void *, uint32_t))ebpf_port_of,
		.ctx = dev,
		.meter = to_send ? ebpf_meter_number : any_meter,
		.meter_id = ebpf_meter_id,
	};
	return out;
}

/* `to_send`: its objects have to be there. */
static int encode(const struct ebpf_dev *dev, const struct hal_rule *rule, bool to_send,
	struct ebpf_key *key, struct ebpf_code *code, struct hal_reason *r)
{
	struct ebpf_ports ports;
	int err = ebpf_key_encode(dev, rule->match, key, r);

	if (err && (to_send || r->code != HAL_REASON_UNBOUND_PORT))
		return err;
	hal_reason_clear(r);
	err = ebpf_tunnel_check(dev, rule, !to_send, r);
	return err ? err
		   : ebpf_code_encode(
			     rule->match, rule->program, ports_of(dev, to_send, &ports), code, r);
}

/* A rule's numbers; whatever is missing has a reason. */
static struct ebpf_rule *make_rule(struct ebpf_dev *dev, struct hal_op *op)
{
	struct hal_reason *r = &op->reason;
	struct hal_cmatch *match = NULL;
	struct ebpf_rule *rule;
	struct ebpf_code code;
	struct ebpf_key key;
	uint32_t entry;
	int64_t slot;
	int mask;

	if (encode(dev, &op->rule, true, &key, &code, r))
		return NULL;
	mask = ebpf_mask_hold(dev, &key.mask, r);
	if (mask < 0)
		return NULL;
	slot = ebpf_slot_write(dev, &op->rule.ufid, &code, r);
	if (slot < 0)
		goto drop_mask;
	entry = pool_take(&dev->entries);
	if (entry == POOL_NONE) {
		hal_refuse(r, HAL_REASON_NO_ROOM, "all %u rules are in use", (unsigned)EBPF_RULES);
		goto free_slot;
	}
	match = hal_cmatch_copy(op->rule.match);
	rule = match ? ebpf_rule_new(dev, &op->rule.ufid, match, op->rule.chain, entry) : NULL;
	if (!rule)
		goto free_entry;
	rule->mask = (uint32_t)mask;
	rule->slot = (uint32_t)slot;
	__atomic_store_n(&dev->maps.entries[entry].slot, rule->slot, __ATOMIC_RELEASE);
	return rule;

free_entry:
	free(match);
	pool_put(&dev->entries, entry);
free_slot:
	ebpf_slot_free(dev, (uint32_t)slot);
drop_mask:
	ebpf_mask_drop(dev, (uint32_t)mask);
	return NULL;
}

static void submit_add(struct batch *b, struct hal_op *op)
{
	struct ebpf_rule *rule = ebpf_rule_of_match(b->dev, op->rule.match, op->rule.chain);

	if (rule && rule->pending) {
		flush(b);
		rule = ebpf_rule_of_match(b->dev, op->rule.match, op->rule.chain);
	}
	if (rule) {
		answer(b, op, -EAGAIN, "another rule has the same match");
		return;
	}
	rule = make_rule(b->dev, op);
	if (rule)
		enter(b, op, rule);
	else
		reject(op);
}

static void submit_replace(struct batch *b, struct hal_op *op, struct ebpf_rule *rule)
{
	struct request *req;
	struct ebpf_code code;
	struct ebpf_key key;
	int64_t slot;

	if (encode(b->dev, &op->rule, true, &key, &code, &op->reason)) {
		reject(op);
		return;
	}
	if (rule->chain != op->rule.chain || !hal_cmatch_equal(rule->match, op->rule.match)) {
		hal_refuse(&op->reason, HAL_REASON_UNSUPPORTED_COMBINATION,
			"a rule's entry cannot move");
		reject(op);
		return;
	}
	slot = ebpf_slot_write(b->dev, &op->rule.ufid, &code, &op->reason);
	if (slot < 0) {
		reject(op);
		return;
	}
	req = enter(b, op, rule);
	req->slot = (uint32_t)slot;
	req->former = rule->slot;
}

static void submit_one(struct batch *b, struct hal_op *op)
{
	struct ebpf_rule *rule = ebpf_rule_find(b->dev, &op->rule.ufid);

	if (b->n == EBPF_BATCH || (rule && rule->pending)) {
		flush(b);
		rule = ebpf_rule_find(b->dev, &op->rule.ufid);
	}
	if (op->type == HAL_OP_ADD && rule && !ebpf_rule_is_there(b->dev, rule)) {
		ebpf_grace(b->dev);
		ebpf_rule_drop(b->dev, rule);
		rule = NULL;
	}
	if (op->type == HAL_OP_ADD && rule)
		answer(b, op, -EEXIST, "the rule is there already");
	else if (op->type != HAL_OP_ADD && !rule)
		answer(b, op, -ENOENT, "there is no such rule");
	else if (op->type == HAL_OP_ADD)
		submit_add(b, op);
	else if (op->type == HAL_OP_REPLACE)
		submit_replace(b, op, rule);
	else
		enter(b, op, rule);
}

int ebpf_submit(void *ctx, struct hal_op *ops, unsigned n)
{
	struct ebpf_dev *dev = ctx;
	struct batch *b = malloc(sizeof(*b));
	const int err = b ? reserve(dev, n) : -ENOMEM;
	int accepted = 0;

	if (b) {
		b->dev = dev;
		b->n = 0;
	}
	for (unsigned i = 0; i < n; i++) {
		hal_reason_clear(&ops[i].reason);
		if (err)
			reject(&ops[i]);
		else
			submit_one(b, &ops[i]);
	}
	if (!err)
		flush(b);
	free(b);
	for (unsigned i = 0; i < n; i++)
		accepted += ops[i].accepted;
	if (accepted && dev->env.wake)
		dev->env.wake(dev->env.wake_ctx);
	return accepted;
}

int ebpf_poll(void *ctx, struct hal_completion *out, unsigned max)
{
	struct ebpf_dev *dev = ctx;
	unsigned n = dev->n_done - dev->first_done;

	if (n > max)
		n = max;
	memcpy(out, dev->done + dev->first_done, n * sizeof(*out));
	dev->first_done += n;
	if (dev->first_done == dev->n_done)
		dev->first_done = dev->n_done = 0;
	return (int)n;
}

int ebpf_check(void *ctx, const struct hal_rule *rule, struct hal_reason *r)
{
	struct hal_reason mine;
	struct ebpf_code code;
	struct ebpf_key key;

	if (!r)
		r = &mine;
	hal_reason_clear(r);
	return encode(ctx, rule, false, &key, &code, r);
}
