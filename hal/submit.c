/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on their way: accepted or rejected at submit, completed exactly once through poll.
 *
 * The driver never sees the caller's token: it gets the number of a flight record and its
 * generation, so that a completion for nothing, or for the second time, is known as such.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/device.h"

#define NO_FLIGHT UINT32_MAX

static int grow_flights(struct hal_device *dev)
{
	uint32_t n = dev->n_flights ? dev->n_flights * 2 : 64;
	struct hal_flight *f = realloc(dev->flights, n * sizeof(*f));

	if (!f)
		return -ENOMEM;
	memset(f + dev->n_flights, 0, (n - dev->n_flights) * sizeof(*f));
	for (uint32_t i = dev->n_flights; i < n; i++)
		f[i].next_free = i + 1 < n ? i + 1 : dev->free_flight;
	dev->free_flight = dev->n_flights;
	dev->flights = f;
	dev->n_flights = n;
	return 0;
}

static uint64_t driver_token(const struct hal_device *dev, uint32_t i)
{
	return (uint64_t)dev->flights[i].generation << 32 | i;
}

static void free_flight(struct hal_device *dev, uint32_t i)
{
	struct hal_flight *f = &dev->flights[i];
	uint32_t generation = f->generation + 1;

	memset(f, 0, sizeof(*f));
	f->generation = generation;
	f->next_free = dev->free_flight;
	dev->free_flight = i;
	dev->in_flight--;
}

/* Room in `ready` for a completion of everything in flight and `more`, so that none can be lost
 * for want of memory. */
static int reserve_ready(struct hal_device *dev, unsigned more)
{
	unsigned waiting = dev->n_ready - dev->next_ready;
	unsigned need = waiting + dev->in_flight + more;
	struct hal_completion *c;

	if (dev->next_ready) {
		memmove(dev->ready, dev->ready + dev->next_ready, waiting * sizeof(*c));
		dev->next_ready = 0;
		dev->n_ready = waiting;
	}
	if (need <= dev->cap_ready)
		return 0;
	need = need < 64 ? 64 : need * 2;
	c = realloc(dev->ready, need * sizeof(*c));
	if (!c)
		return -ENOMEM;
	dev->ready = c;
	dev->cap_ready = need;
	return 0;
}

int hal_ready_push(struct hal_device *dev, const struct hal_completion *c)
{
	if (dev->n_ready == dev->cap_ready && reserve_ready(dev, 1))
		return -ENOMEM;
	dev->ready[dev->n_ready++] = *c;
	return 0;
}

/* Takes a flight record for an operation and lets the driver see the HAL's copy of the rule. */
static int prepare(struct hal_device *dev, struct hal_op *op, struct hal_batch *batch, unsigned at,
	uint32_t *flight)
{
	struct hal_held *copy = NULL;
	struct hal_flight *f;
	uint32_t i;

	if (op->type != HAL_OP_DEL) {
		copy = hal_held_new(&op->rule);
		if (!copy)
			return -ENOMEM;
	}
	if (dev->free_flight == NO_FLIGHT && grow_flights(dev)) {
		hal_held_free(copy);
		return -ENOMEM;
	}
	i = dev->free_flight;
	f = &dev->flights[i];
	dev->free_flight = f->next_free;
	dev->in_flight++;
	f->used = true;
	f->type = op->type;
	f->token = op->token;
	f->ufid = op->rule.ufid;
	f->rule = copy;
	f->batch = batch;
	f->index = at;
	f->submitted_ms = hal_now_ms();
	op->token = driver_token(dev, i);
	if (copy) {
		op->rule.match = copy->match;
		op->rule.program = copy->program;
	}
	*flight = i;
	return 0;
}

static void reject(struct hal_op *op, int err)
{
	op->accepted = false;
	if (op->reason.code != HAL_REASON_NONE)
		return;
	hal_refuse(&op->reason, err == -ENODEV ? HAL_REASON_DEVICE_GONE : HAL_REASON_DEVICE_ERROR,
		"%s", err < 0 ? strerror(-err) : "the driver gave no reason");
	op->reason.error = err < 0 ? -err : 0;
}

#define RUN 64

/* Submits at most RUN operations. */
static unsigned submit_run(struct hal_device *dev, struct hal_op *ops, unsigned n,
	struct hal_batch *batch, unsigned at)
{
	struct hal_rule rules[RUN]; /* as the caller gave them */
	uint32_t flight[RUN];
	uint64_t token[RUN];
	unsigned accepted = 0, k;
	int got, err = reserve_ready(dev, n);

	for (k = 0; k < n && !err; k++) {
		hal_reason_clear(&ops[k].reason);
		ops[k].accepted = false;
		rules[k] = ops[k].rule;
		token[k] = ops[k].token;
		err = prepare(dev, &ops[k], batch, at + k, &flight[k]);
		if (err)
			break;
	}
	got = k ? dev->drv.submit(dev->priv, ops, k) : 0;
	for (unsigned i = 0; i < k; i++) {
		ops[i].token = token[i];
		ops[i].rule = rules[i];
		if (ops[i].accepted) {
			accepted++;
			continue;
		}
		reject(&ops[i], got < 0 ? got : 0);
		hal_held_free(dev->flights[flight[i]].rule);
		free_flight(dev, flight[i]);
	}
	for (unsigned i = k; i < n; i++) {
		ops[i].accepted = false;
		hal_refuse(&ops[i].reason, HAL_REASON_RETRY, "out of memory");
		ops[i].reason.error = ENOMEM;
	}
	return accepted;
}

unsigned hal_submit_batch(
	struct hal_device *dev, struct hal_op *ops, unsigned n, struct hal_batch *batch)
{
	unsigned accepted = 0;

	for (unsigned at = 0; at < n; at += RUN)
		accepted += submit_run(dev, ops + at, n - at < RUN ? n - at : RUN, batch, at);
	return accepted;
}

int hal_submit(struct hal_device *dev, struct hal_op *ops, unsigned n)
{
	return (int)hal_submit_batch(dev, ops, n, NULL);
}

static void explain_error(struct hal_completion *c)
{
	if (!c->error || c->reason.code != HAL_REASON_NONE)
		return;
	hal_refuse(&c->reason,
		c->error == -ENODEV      ? HAL_REASON_DEVICE_GONE
		: c->error == -ETIMEDOUT ? HAL_REASON_RETRY
					 : HAL_REASON_DEVICE_ERROR,
		"%s", strerror(-c->error));
	c->reason.error = -c->error;
}

static void complete(struct hal_device *dev, uint32_t i, struct hal_completion *c)
{
	struct hal_flight f = dev->flights[i];

	free_flight(dev, i);
	explain_error(c);
	c->token = f.token;
	hal_held_complete(dev, f.type, &f.ufid, f.rule, c);
	if (f.undo && !c->error)
		hal_undo(dev, f.type, &f.ufid, f.former);
	hal_held_free(f.former);
	if (f.batch)
		hal_batch_completed(f.batch, f.index, c);
	else if (!f.internal && !f.undo)
		hal_ready_push(dev, c); /* room was reserved at submit */
}

static void lose_all(struct hal_device *dev)
{
	for (uint32_t i = 0; i < dev->n_flights; i++) {
		struct hal_completion c = {.error = -ENODEV};

		if (dev->flights[i].used)
			complete(dev, i, &c);
	}
}

int hal_collect(struct hal_device *dev)
{
	struct hal_completion got[RUN];
	int n;

	memset(got, 0, sizeof(got));
	n = dev->drv.poll(dev->priv, got, RUN);
	if (n == -ENODEV)
		lose_all(dev);
	for (int k = 0; k < n && k < RUN; k++) {
		uint32_t i = (uint32_t)got[k].token, generation = (uint32_t)(got[k].token >> 32);

		if (i >= dev->n_flights || !dev->flights[i].used ||
			dev->flights[i].generation != generation) {
			dev->strays++;
			continue;
		}
		complete(dev, i, &got[k]);
	}
	return n;
}

int hal_poll(struct hal_device *dev, struct hal_completion *out, unsigned max)
{
	unsigned n = dev->n_ready - dev->next_ready;
	int got = 0;

	if (!n) {
		got = hal_collect(dev);
		n = dev->n_ready - dev->next_ready;
	}
	if (!n)
		return got < 0 ? got : 0;
	if (n > max)
		n = max;
	memcpy(out, dev->ready + dev->next_ready, n * sizeof(*out));
	dev->next_ready += n;
	if (dev->next_ready == dev->n_ready)
		dev->next_ready = dev->n_ready = 0;
	return (int)n;
}

unsigned hal_expire(struct hal_device *dev, unsigned age_ms)
{
	uint64_t now = hal_now_ms();
	unsigned n = 0;

	for (uint32_t i = 0; i < dev->n_flights; i++) {
		struct hal_completion c = {.error = -ETIMEDOUT};

		if (!dev->flights[i].used || now - dev->flights[i].submitted_ms < age_ms)
			continue;
		complete(dev, i, &c);
		n++;
	}
	return n;
}

unsigned hal_in_flight(const struct hal_device *dev)
{
	return dev->in_flight;
}

void hal_flights_free(struct hal_device *dev)
{
	for (uint32_t i = 0; i < dev->n_flights; i++) {
		hal_held_free(dev->flights[i].rule);
		hal_held_free(dev->flights[i].former);
	}
	free(dev->flights);
}
