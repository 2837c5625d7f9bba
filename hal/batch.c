/* SPDX-License-Identifier: Apache-2.0
 *
 * All or nothing: a batch of operations with an undo log.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/log.h"
#include "hal/device.h"

LOG_DEFINE(hal_batch);

enum item_state { ITEM_OPEN, ITEM_DONE, ITEM_FAILED };

struct hal_batch {
	unsigned n, open;
	struct item {
		enum item_state state;
		int error;
		struct hal_reason reason;
		struct hal_held *former; /* REPLACE, DEL: what was there */
	} item[];
};

void hal_batch_completed(struct hal_batch *b, unsigned index, const struct hal_completion *c)
{
	struct item *it = &b->item[index];

	it->state = c->error ? ITEM_FAILED : ITEM_DONE;
	it->error = c->error;
	it->reason = c->reason;
	b->open--;
}

static struct hal_batch *batch_new(unsigned n)
{
	struct hal_batch *b = calloc(1, sizeof(*b) + n * sizeof(b->item[0]));

	if (b)
		b->n = n;
	return b;
}

static void batch_free(struct hal_batch *b)
{
	for (unsigned i = 0; b && i < b->n; i++)
		hal_held_free(b->item[i].former);
	free(b);
}

static int errno_of(const struct hal_reason *r)
{
	return r->error ? -r->error : hal_refuse(NULL, r->code, "%s", "");
}

/* Submits; what is rejected has failed already. */
static void batch_submit(struct hal_device *dev, struct hal_batch *b, struct hal_op *ops)
{
	b->open = hal_submit_batch(dev, ops, b->n, b);
	for (unsigned i = 0; i < b->n; i++) {
		if (ops[i].accepted)
			continue;
		b->item[i].state = ITEM_FAILED;
		b->item[i].reason = ops[i].reason;
		b->item[i].error = errno_of(&ops[i].reason);
	}
}

static void batch_wait(struct hal_device *dev, struct hal_batch *b, unsigned timeout_ms)
{
	const struct timespec nap = {.tv_nsec = 200000};
	uint64_t end = hal_now_ms() + timeout_ms;

	while (b->open) {
		int n = hal_collect(dev);

		if (n == -ENODEV || hal_now_ms() >= end)
			break;
		if (n <= 0)
			nanosleep(&nap, NULL);
	}
}

/* Nobody will wait any more for what is still in flight. It is undone when it succeeds (`undo`),
 * or left to itself. */
static void batch_abandon(struct hal_device *dev, struct hal_batch *b, bool undo)
{
	for (uint32_t i = 0; b->open && i < dev->n_flights; i++) {
		struct hal_flight *f = &dev->flights[i];

		if (!f->used || f->batch != b)
			continue;
		f->batch = NULL;
		f->internal = true;
		f->undo = undo;
		f->former = b->item[f->index].former;
		b->item[f->index].former = NULL;
		b->open--;
	}
}

/* The operation that takes another one back. False: there is nothing that could. */
static bool undo_op(enum hal_op_type type, const struct hal_ufid *ufid,
	const struct hal_held *former, struct hal_op *op)
{
	memset(op, 0, sizeof(*op));
	op->rule.ufid = *ufid;
	if (type == HAL_OP_ADD) {
		op->type = HAL_OP_DEL;
		return true;
	}
	if (!former)
		return false;
	op->type = type == HAL_OP_DEL ? HAL_OP_ADD : HAL_OP_REPLACE;
	hal_held_rule(former, &op->rule);
	return true;
}

/* Of an abandoned operation that succeeded late. */
void hal_undo(struct hal_device *dev, enum hal_op_type type, const struct hal_ufid *ufid,
	const struct hal_held *former)
{
	struct hal_batch *b = batch_new(1);
	struct hal_op op;

	if (!b || !undo_op(type, ufid, former, &op)) {
		log_warn("%s: a late operation of a failed batch could not be undone", dev->name);
		free(b);
		return;
	}
	batch_submit(dev, b, &op);
	batch_abandon(dev, b, false);
	batch_free(b);
}

static void undo_done(
	struct hal_device *dev, struct hal_batch *b, const struct hal_op *ops, unsigned timeout_ms)
{
	struct hal_batch *back = batch_new(b->n);
	struct hal_op *undo = calloc(b->n, sizeof(*undo));
	unsigned n = 0, failed = 0;

	if (!back || !undo)
		goto no_memory;
	for (unsigned i = b->n; i-- > 0;)
		if (b->item[i].state == ITEM_DONE &&
			undo_op(ops[i].type, &ops[i].rule.ufid, b->item[i].former, &undo[n]))
			n++;
	back->n = n;
	if (n) {
		batch_submit(dev, back, undo);
		batch_wait(dev, back, timeout_ms);
	}
	for (unsigned i = 0; i < n; i++)
		failed += back->item[i].state == ITEM_FAILED;
	if (failed)
		log_warn("%s: %u operations of a failed batch could not be undone", dev->name,
			failed);
	batch_abandon(dev, back, false);
	goto free_all;
no_memory:
	log_err("%s: a failed batch could not be undone: out of memory", dev->name);
free_all:
	batch_free(back);
	free(undo);
}

/* The first failure, in the order of the operations. */
static int first_failure(const struct hal_batch *b, struct hal_reason *r)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->item[i].state != ITEM_FAILED)
			continue;
		if (r)
			*r = b->item[i].reason;
		return b->item[i].error ? b->item[i].error : -EIO;
	}
	if (!b->open)
		return 0;
	hal_refuse(r, HAL_REASON_RETRY, "the device did not answer in time");
	return -ETIMEDOUT;
}

int hal_submit_all(struct hal_device *dev, struct hal_op *ops, unsigned n, unsigned timeout_ms,
	struct hal_reason *r)
{
	struct hal_batch *b = batch_new(n);
	int err = -ENOMEM;

	if (r)
		hal_reason_clear(r);
	if (!b)
		goto no_memory;
	for (unsigned i = 0; i < n; i++) {
		struct hal_held *h = hal_held_find(dev, &ops[i].rule.ufid);

		if (ops[i].type == HAL_OP_ADD || !h || !h->match)
			continue;
		b->item[i].former = hal_held_copy(h);
		if (!b->item[i].former)
			goto no_memory;
	}
	batch_submit(dev, b, ops);
	batch_wait(dev, b, timeout_ms);
	err = first_failure(b, r);
	if (err)
		undo_done(dev, b, ops, timeout_ms);
	batch_abandon(dev, b, true);
	batch_free(b);
	return err;
no_memory:
	batch_free(b);
	hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	return err;
}
