/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule operations: submitted, sent, completed; lost completions found out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/sim/codec.h"
#include "drivers/sim/sim.h"

#define SLOT(ID) ((ID) & (SIM_MAX_OPS - 1))

static void set_state(struct sim_op *op, enum sim_op_state state)
{
	op->state = state;
	op->since_ms = sim_now_ms();
}

/* ---- completing ---- */

/* The next operation on the ufid may go. */
static void release_waiting(struct sim_dev *dev, const struct hal_ufid *ufid)
{
	struct sim_op *op;

	TAILQ_FOREACH (op, &dev->in_flight, next) {
		if (!hal_ufid_equal(&op->ufid, ufid))
			continue;
		if (op->state == OP_WAITING)
			set_state(op, OP_QUEUED);
		return;
	}
}

static void fill_reason(struct hal_reason *r, const struct sim_done *done)
{
	struct timespec ts;

	hal_reason_clear(r);
	if (!done->error)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	r->code = done->reason && done->reason < HAL_REASON_MAX ? done->reason
								: HAL_REASON_DEVICE_ERROR;
	r->field = done->field < FIELD_MAX ? done->field : FIELD_INVALID;
	r->action = done->action < ACTION_MAX ? done->action : ACTION_MAX;
	r->port = done->port;
	r->error = -done->error;
	r->since_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	snprintf(r->text, sizeof(r->text), "%s", done->text);
}

static void complete(struct sim_dev *dev, struct sim_op *op, const struct sim_done *done)
{
	op->completion = (struct hal_completion){.token = op->token, .error = done->error};
	fill_reason(&op->completion.reason, done);
	sim_counter_copy(&done->final, &op->completion.final);
	TAILQ_REMOVE(&dev->in_flight, op, next);
	TAILQ_INSERT_TAIL(&dev->done, op, next);
	set_state(op, OP_DONE);
	release_waiting(dev, &op->ufid);
}

static void fail(struct sim_dev *dev, struct sim_op *op, int error, enum hal_reason_code code,
	const char *text)
{
	struct sim_done done = {
		.error = error, .reason = code, .field = FIELD_MAX, .action = ACTION_MAX};

	snprintf(done.text, sizeof(done.text), "%s", text);
	complete(dev, op, &done);
}

void sim_op_done(struct sim_dev *dev, uint32_t id, const struct sim_done *done)
{
	struct sim_op *op = &dev->ops[SLOT(id)];

	if (op->id != id || (op->state != OP_SENT && op->state != OP_ASKED))
		return; /* decided otherwise meanwhile */
	/* A rule that exists is deleted in the end, whatever the device says now. */
	if (op->type == HAL_OP_DEL && done->error && done->error != -ENOENT)
		set_state(op, OP_RESTING);
	else
		complete(dev, op, done);
}

/* The completion was lost; what the device holds now decides. */
void sim_op_got(struct sim_dev *dev, uint32_t id, const uint8_t *body, size_t len)
{
	struct sim_op *op = &dev->ops[SLOT(id)];
	struct sim_done done = {.field = FIELD_MAX, .action = ACTION_MAX};
	struct sim_got got;
	bool as_wanted;

	if (op->state != OP_ASKED || op->ask_id != id || len < sizeof(got))
		return;
	memcpy(&got, body, sizeof(got));
	if (op->type == HAL_OP_DEL) {
		if (got.presence == SIM_PRESENT) {
			set_state(op, OP_RESTING);
			return;
		}
		if (got.presence == SIM_DELETED)
			done.final = got.counter;
		complete(dev, op, &done);
		return;
	}
	as_wanted =
		got.presence == SIM_PRESENT &&
		len - sizeof(got) == op->len - sizeof(struct sim_msg) &&
		!memcmp(body + sizeof(got), op->msg + sizeof(struct sim_msg), len - sizeof(got));
	if (as_wanted)
		complete(dev, op, &done);
	else
		fail(dev, op, -EIO, HAL_REASON_DEVICE_ERROR,
			"the device never answered, and does not hold the rule");
}

void sim_ops_fail(struct sim_dev *dev)
{
	struct sim_op *op;

	while ((op = TAILQ_FIRST(&dev->in_flight)))
		fail(dev, op, -ENODEV, HAL_REASON_DEVICE_GONE, "the device is gone");
}

/* ---- submitting ---- */

static struct sim_op *op_alloc(struct sim_dev *dev)
{
	for (unsigned i = 0; i < SIM_MAX_OPS; i++) {
		uint32_t id = ++dev->next_id;
		struct sim_op *op = &dev->ops[SLOT(id)];

		if (op->state != OP_FREE)
			continue;
		op->id = id;
		return op;
	}
	return NULL;
}

static bool ufid_in_flight(const struct sim_dev *dev, const struct hal_ufid *ufid)
{
	const struct sim_op *op;

	TAILQ_FOREACH (op, &dev->in_flight, next) {
		if (hal_ufid_equal(&op->ufid, ufid))
			return true;
	}
	return false;
}

/* Writes the message of the operation. 0 or -errno with a reason. */
static int encode(struct sim_op *op, const struct hal_op *from, struct hal_reason *r)
{
	static const uint32_t types[] = {
		[HAL_OP_ADD] = SIM_ADD, [HAL_OP_REPLACE] = SIM_REPLACE, [HAL_OP_DEL] = SIM_DEL};
	const struct sim_msg head = {types[from->type], op->id};
	uint8_t buf[SIM_MSG_MAX];
	int len = sizeof(struct hal_ufid);

	memcpy(buf, &head, sizeof(head));
	if (from->type == HAL_OP_DEL)
		memcpy(buf + sizeof(head), &from->rule.ufid, sizeof(struct hal_ufid));
	else
		len = sim_rule_encode(
			&from->rule, buf + sizeof(head), sizeof(buf) - sizeof(head) - 256, r);
	if (len < 0)
		return len;
	op->len = sizeof(head) + (size_t)len;
	op->msg = malloc(op->len);
	if (!op->msg)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	memcpy(op->msg, buf, op->len);
	return 0;
}

static int accept_op(struct sim_dev *dev, struct hal_op *from)
{
	struct hal_reason *r = &from->reason;
	struct sim_op *op;
	int err;

	hal_reason_clear(r);
	if (dev->fd < 0)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "the device is gone");
	if (dev->stalled)
		return hal_refuse(r, HAL_REASON_RETRY, "the device is stalled");
	op = op_alloc(dev);
	if (!op)
		return hal_refuse(r, HAL_REASON_RETRY, "%u operations are in flight", SIM_MAX_OPS);
	err = encode(op, from, r);
	if (err)
		return err;
	op->type = from->type;
	op->token = from->token;
	op->ufid = from->rule.ufid;
	set_state(op, ufid_in_flight(dev, &op->ufid) ? OP_WAITING : OP_QUEUED);
	TAILQ_INSERT_TAIL(&dev->in_flight, op, next);
	return 0;
}

/* Moves each operation on as far as it can go now. */
static void advance(struct sim_dev *dev)
{
	uint64_t now = sim_now_ms();
	struct sim_op *op;

	TAILQ_FOREACH (op, &dev->in_flight, next) {
		uint64_t age = now > op->since_ms ? now - op->since_ms : 0;
		struct {
			struct sim_msg head;
			struct hal_ufid ufid;
		} get = {{SIM_GET, 0}, op->ufid};

		if (op->state == OP_RESTING && age >= SIM_REST_MS)
			op->state = OP_QUEUED;
		if (op->state == OP_QUEUED) {
			if (sim_send(dev, op->msg, op->len))
				return; /* no room now, or gone */
			set_state(op, OP_SENT);
		} else if ((op->state == OP_SENT || op->state == OP_ASKED) && age >= SIM_OP_MS &&
			   !dev->stalled) {
			/* The answer finds the operation by its slot. */
			op->ask_id = get.head.id = (dev->next_id += SIM_MAX_OPS,
				(dev->next_id & ~(SIM_MAX_OPS - 1)) | SLOT(op->id));
			if (sim_send(dev, &get, sizeof(get)))
				return;
			set_state(op, OP_ASKED);
			/* Nothing was heard since it was sent: whatever comes next ends that. */
			dev->stalled = now - dev->heard_ms >= SIM_OP_MS;
		}
	}
}

int sim_submit(void *priv, struct hal_op *ops, unsigned n)
{
	struct sim_dev *dev = priv;
	int accepted = 0;

	sim_receive(dev);
	for (unsigned i = 0; i < n; i++) {
		ops[i].accepted = !accept_op(dev, &ops[i]);
		accepted += ops[i].accepted;
	}
	advance(dev);
	return accepted;
}

int sim_poll(void *priv, struct hal_completion *out, unsigned max)
{
	struct sim_dev *dev = priv;
	struct sim_op *op;
	unsigned n = 0;

	if (dev->fd < 0 && !dev->lost)
		sim_link_retry(dev);
	sim_receive(dev);
	advance(dev);
	while (n < max && (op = TAILQ_FIRST(&dev->done))) {
		out[n++] = op->completion;
		TAILQ_REMOVE(&dev->done, op, next);
		free(op->msg);
		op->msg = NULL;
		op->state = OP_FREE;
	}
	if (n)
		return (int)n;
	if (dev->lost) {
		dev->lost = false;
		return -ENODEV;
	}
	return dev->fd < 0 ? -ENODEV : 0;
}
