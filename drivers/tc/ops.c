/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule operations: made into requests, sent in batches, completed by the kernel's answers.
 *
 * The kernel answers before the system call returns, so a submitted operation is complete when
 * tc_submit() is; it is told by tc_poll(). A request that nobody answered (no memory for it) leaves
 * the rule in doubt: it is deleted, and the operation fails. A deletion does not fail: what the
 * kernel refuses to delete it is asked for again, until it is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"
#include "hal/mutation.h"

#define LEAVE_MS 50 /* until a deletion is tried again */

/* One operation: one request, and for a REPLACE a reading of the former filter before it. */
struct request {
	const struct hal_op *op;
	struct tc_rule *rule;
	struct nl_msg *read, *msg;
	struct netdev_answer answer;
	struct hal_raw_counter former; /* REPLACE, DEL */
	unsigned uncounted;
	bool for_card; /* what no card took is not wanted: the kernel echoes what became of it */
	bool in_hw;
};

struct batch {
	struct request req[NETDEV_BATCH / 2];
	unsigned n;
	/* what the messages are of, while they are answered */
	struct tc_dev *dev;
	struct nl_msg *msg[NETDEV_BATCH];
	struct request *of[NETDEV_BATCH];
};

/* ---- completing ---- */

/* Room for so many more: what is accepted has to complete. 0 or -ENOMEM. */
static int reserve(struct tc_dev *dev, unsigned n)
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
		return HAL_REASON_NO_ROOM;
	case EAGAIN:
	case EBUSY:
	case ENOMEM:
	case ENOBUFS:
	case EINTR:
		return HAL_REASON_RETRY;
	case EOPNOTSUPP:
	case EINVAL:
		return HAL_REASON_UNSUPPORTED_COMBINATION;
	default:
		return HAL_REASON_DEVICE_ERROR;
	}
}

static void finish(struct tc_dev *dev, const struct request *req)
{
	struct hal_completion c = {
		.token = req->op->token, .error = req->answer.error, .final = req->former};

	hal_reason_clear(&c.reason);
	if (c.error) {
		hal_refuse(&c.reason, code_of(c.error), "%s",
			req->answer.text[0] ? req->answer.text : strerror(-c.error));
		c.reason.error = -c.error;
	}
	dev->done[dev->n_done++] = c;
}

/* An answer that needs no kernel. */
static void complete_now(struct tc_dev *dev, struct hal_op *op, int error, const char *text)
{
	struct request req = {.op = op, .answer = {.error = error}};

	op->accepted = true;
	snprintf(req.answer.text, sizeof(req.answer.text), "%s", text);
	finish(dev, &req);
}

/* ---- the kernel's answers ---- */

static int take_object(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct batch *b = ctx;
	struct request *req = b->of[i];
	struct tc_filter f;

	if (tc_filter_parse(h, &f) || f.place.handle != req->rule->place.handle || !f.has_cookie ||
		!hal_ufid_equal(&f.ufid, &req->rule->ufid))
		return 0; /* somebody put another one there */
	if (b->msg[i] == req->msg && req->op->type != HAL_OP_DEL)
		req->in_hw = f.flags & TCA_CLS_FLAGS_IN_HW;
	else
		tc_rule_count(b->dev, req->rule, &f, &req->former);
	return 0;
}

static void take_back(struct tc_dev *dev, struct tc_rule *rule)
{
	struct nl_msg *msg = tc_filter_request(RTM_DELTFILTER, 0, &rule->place);
	struct netdev_answer answer;

	if (msg)
		netdev_channel_run(dev->ch, &msg, 1, &answer, NULL, NULL);
	nlmsg_free(msg);
}

/* A filter that is not there any more is as good as deleted: what was last read of it is its end.
 */
static void settle_del(struct tc_dev *dev, struct request *req)
{
	const struct tc_rule *rule = req->rule;

	if (!req->former.known)
		req->former = (struct hal_raw_counter){.packets = rule->packets,
			.bytes = rule->bytes,
			.generation = rule->generation,
			.known = true};
	if (req->answer.error == -ENOENT || req->answer.error == -EINVAL ||
		req->answer.error == -ENODEV)
		req->answer.error = 0;
	req->answer.text[0] = '\0';
	if (!req->answer.error)
		tc_rule_drop(dev, req->rule);
}

/* What became of a deletion is told once its filter is gone. */
static bool is_leaving(struct tc_dev *dev, const struct request *req)
{
	struct tc_rule *rule = req->rule;

	if (req->op->type != HAL_OP_DEL || !req->answer.error)
		return false;
	rule->leaving = true;
	rule->leaving_token = req->op->token;
	dev->leave_next = netdev_now_ms() + LEAVE_MS;
	dev->n_leaving++;
	return true;
}

/* Somebody else has the handle, or the match. */
static void try_elsewhere(struct batch *b, struct request *req)
{
	struct tc_dev *dev = b->dev;
	const uint32_t former = req->rule->place.handle;

	req->rule = tc_rule_elsewhere(dev, req->rule);
	if (!req->rule) {
		req->answer.error = -ENOSPC;
		return;
	}
	tc_filter_set_handle(req->msg, req->rule->place.handle);
	memset(&req->answer, 0, sizeof(req->answer));
	b->of[0] = req;
	b->msg[0] = req->msg;
	netdev_channel_run(dev->ch, b->msg, 1, &req->answer, take_object, b);
	if (req->answer.error != -EEXIST)
		return;
	tc_number_free(dev, former);
	req->answer.error = -EAGAIN;
	snprintf(req->answer.text, sizeof(req->answer.text),
		"somebody else's filter has the same match");
}

static void settle_add(struct tc_dev *dev, struct request *req)
{
	struct tc_rule *rule = req->rule;

	if (req->answer.error) {
		if (rule)
			tc_rule_drop(dev, rule);
		return;
	}
	rule->uncounted = req->uncounted;
}

static void settle_replace(struct tc_dev *dev, struct request *req)
{
	struct tc_rule *rule = req->rule;

	if (req->answer.error) { /* the rule may be gone */
		req->former.known = false;
		return;
	}
	rule->uncounted = req->uncounted;
	if (MUTATE(528, true, false))
		rule->generation = ++dev->generation;
	rule->packets = rule->bytes = 0;
}

/* Takes a filter back that is the kernel's alone. In place of another it leaves nothing there, and
 * what is missing is added anew, which then says why it cannot be. */
static void check_taken(struct tc_dev *dev, struct request *req)
{
	struct netdev_answer *a = &req->answer;

	if (a->error || !req->for_card || req->in_hw)
		return;
	take_back(dev, req->rule);
	if (!a->text[0])
		snprintf(a->text, sizeof(a->text), "no card took the rule");
	a->error = req->op->type == HAL_OP_ADD ? -EOPNOTSUPP : -ENOENT;
	if (req->op->type == HAL_OP_REPLACE)
		tc_rule_drop(dev, req->rule);
}

static void settle(struct tc_dev *dev, struct request *req)
{
	if (req->rule && !req->answer.done) { /* whether it was done nobody knows */
		req->answer.error = -EAGAIN;
		if (req->op->type != HAL_OP_DEL)
			take_back(dev, req->rule);
	}
	if (req->rule) {
		req->rule->pending = false;
		check_taken(dev, req);
	}
	switch (req->op->type) {
	case HAL_OP_ADD:
		settle_add(dev, req);
		break;
	case HAL_OP_REPLACE:
		settle_replace(dev, req);
		break;
	case HAL_OP_DEL:
		settle_del(dev, req);
		break;
	}
	if (!req->answer.error && req->op->type != HAL_OP_DEL) {
		tc_rule_remember(dev, req->rule, &req->op->rule);
		tc_meters_hold(dev, req->rule, req->op->rule.program);
	}
	if (!is_leaving(dev, req))
		finish(dev, req);
}

/* Sends what the batch has and completes it. */
static void flush(struct batch *b)
{
	struct netdev_answer answers[NETDEV_BATCH];
	unsigned n = 0;

	b->dev->batch++;
	if (!b->n)
		return;
	for (unsigned i = 0; i < b->n; i++) {
		struct request *req = &b->req[i];

		if (req->read) {
			b->of[n] = req;
			b->msg[n++] = req->read;
		}
		b->of[n] = req;
		b->msg[n++] = req->msg;
	}
	memset(answers, 0, sizeof(answers));
	netdev_channel_run(b->dev->ch, b->msg, n, answers, take_object, b);
	for (unsigned i = 0; i < n; i++)
		if (b->msg[i] == b->of[i]->msg)
			b->of[i]->answer = answers[i];
	for (unsigned i = 0; i < b->n; i++) {
		struct request *req = &b->req[i];

		if (req->op->type == HAL_OP_ADD && req->answer.error == -EEXIST)
			try_elsewhere(b, req);
		nlmsg_free(req->read);
		nlmsg_free(req->msg);
		settle(b->dev, req);
	}
	b->n = 0;
}

/* ---- submitting ---- */

static void reject(struct hal_op *op, int err)
{
	op->accepted = false;
	if (err == -ENOMEM || op->reason.code == HAL_REASON_NONE)
		hal_refuse(&op->reason, HAL_REASON_RETRY, "out of memory, or the rule is too long");
}

static struct request *next_request(struct batch *b, struct hal_op *op)
{
	struct request *req = &b->req[b->n];

	memset(req, 0, sizeof(*req));
	req->op = op;
	return req;
}

static void enter(struct batch *b, struct request *req)
{
	((struct hal_op *)(uintptr_t)req->op)->accepted = true;
	req->rule->pending = true;
	if (++b->n == NETDEV_BATCH / 2)
		flush(b);
}

static void ask_for_card(struct tc_dev *dev, struct request *req, const struct tc_place *place)
{
	const struct tc_port *in = tc_port_by_ifindex(dev, place->ifindex);

	req->for_card = dev->policy == TC_POLICY_SKIP_SW && in && in->indirect;
	if (req->for_card)
		nlmsg_hdr(req->msg)->nlmsg_flags |= NLM_F_ECHO;
}

static void submit_add(struct batch *b, struct hal_op *op)
{
	struct request *req = next_request(b, op);
	struct tc_place place;
	int err;

	err = tc_filter_make(
		b->dev, &op->rule, NLM_F_CREATE | NLM_F_EXCL, &place, &req->msg, &op->reason);
	if (err) {
		reject(op, err);
		return;
	}
	req->rule = tc_rule_new(b->dev, &op->rule.ufid);
	if (!req->rule) {
		nlmsg_free(req->msg);
		reject(op, hal_refuse(&op->reason, HAL_REASON_NO_ROOM, "all %u rules are in use",
				   TC_MAX_RULES));
		return;
	}
	place.handle = req->rule->place.handle;
	req->rule->place = place;
	ask_for_card(b->dev, req, &place);
	tc_filter_set_handle(req->msg, place.handle);
	req->uncounted = tc_uncounted(op->rule.match);
	enter(b, req);
}

static bool same_place(const struct tc_place *a, const struct tc_place *b)
{
	return a->ifindex == b->ifindex && a->chain == b->chain && a->prio == b->prio &&
	       a->protocol == b->protocol;
}

static void submit_replace(struct batch *b, struct hal_op *op, struct tc_rule *rule)
{
	struct request *req = next_request(b, op);
	struct tc_place place;
	int err;

	err = tc_filter_make(
		b->dev, &op->rule, NLM_F_CREATE | NLM_F_REPLACE, &place, &req->msg, &op->reason);
	if (!err && !same_place(&place, &rule->place))
		err = hal_refuse(&op->reason, HAL_REASON_UNSUPPORTED_COMBINATION,
			"a rule's filter cannot move");
	if (!err) {
		req->read = tc_filter_request(RTM_GETTFILTER, 0, &rule->place);
		err = req->read ? 0 : -ENOMEM;
	}
	if (err) {
		nlmsg_free(req->msg);
		reject(op, err);
		return;
	}
	req->rule = rule;
	ask_for_card(b->dev, req, &place);
	tc_filter_set_handle(req->msg, rule->place.handle);
	req->uncounted = tc_uncounted(op->rule.match);
	enter(b, req);
}

/* The kernel echoes what it deletes, with its counters. */
static void submit_del(struct batch *b, struct hal_op *op, struct tc_rule *rule)
{
	struct request *req = next_request(b, op);

	req->msg = tc_filter_request(RTM_DELTFILTER, NLM_F_ECHO, &rule->place);
	if (!req->msg) {
		reject(op, -ENOMEM);
		return;
	}
	req->rule = rule;
	enter(b, req);
}

static void submit_one(struct batch *b, struct hal_op *op)
{
	struct tc_rule *rule = tc_rule_find(b->dev, &op->rule.ufid);

	if (rule && rule->pending) {
		flush(b);
		rule = tc_rule_find(b->dev, &op->rule.ufid);
	}
	if (op->type == HAL_OP_ADD && rule && !rule->leaving)
		complete_now(b->dev, op, -EEXIST, "the rule is there already");
	else if (rule && rule->leaving)
		reject(op, hal_refuse(&op->reason, HAL_REASON_RETRY,
				   "the kernel has not deleted its filter yet"));
	else if (op->type != HAL_OP_ADD && !rule)
		complete_now(b->dev, op, -ENOENT, "there is no such rule");
	else if (op->type == HAL_OP_ADD)
		submit_add(b, op);
	else if (op->type == HAL_OP_REPLACE)
		submit_replace(b, op, rule);
	else
		submit_del(b, op, rule);
}

int tc_submit(void *ctx, struct hal_op *ops, unsigned n)
{
	struct tc_dev *dev = ctx;
	struct batch b = {.dev = dev};
	const int err = reserve(dev, n);
	int accepted = 0;

	for (unsigned i = 0; i < n; i++) {
		hal_reason_clear(&ops[i].reason);
		if (err)
			reject(&ops[i], err);
		else
			submit_one(&b, &ops[i]);
	}
	flush(&b);
	for (unsigned i = 0; i < n; i++)
		accepted += ops[i].accepted;
	if (accepted && dev->env.wake)
		dev->env.wake(dev->env.wake_ctx);
	return accepted;
}

static void leave(struct tc_dev *dev)
{
	struct hal_op ops[NETDEV_BATCH / 2];
	struct batch b = {.dev = dev};
	unsigned n = 0;

	dev->leave_next = netdev_now_ms() + LEAVE_MS;
	if (reserve(dev, RTE_DIM(ops)))
		return;
	HMAP_FOR_EACH (rule, struct tc_rule, node, &dev->rules) {
		if (!rule->leaving || n == RTE_DIM(ops))
			continue;
		rule->leaving = false;
		dev->n_leaving--;
		ops[n] = (struct hal_op){
			.type = HAL_OP_DEL, .token = rule->leaving_token, .rule.ufid = rule->ufid};
		n++;
	}
	for (unsigned i = 0; i < n; i++)
		submit_one(&b, &ops[i]);
	flush(&b);
}

int tc_poll(void *ctx, struct hal_completion *out, unsigned max)
{
	struct tc_dev *dev = ctx;
	unsigned n;

	if (dev->n_leaving && netdev_now_ms() >= dev->leave_next)
		leave(dev);
	n = dev->n_done - dev->first_done;

	if (n > max)
		n = max;
	memcpy(out, dev->done + dev->first_done, n * sizeof(*out));
	dev->first_done += n;
	if (dev->first_done == dev->n_done)
		dev->first_done = dev->n_done = 0;
	return (int)n;
}

int tc_check(void *ctx, const struct hal_rule *rule, struct hal_reason *r)
{
	struct tc_place place;
	struct nl_msg *msg = NULL;
	int err;

	if (r)
		hal_reason_clear(r);
	err = tc_filter_make(ctx, rule, 0, &place, &msg, r);
	nlmsg_free(msg);
	if (err == -ENOMEM)
		err = hal_refuse(r, HAL_REASON_RETRY, "out of memory, or the rule is too long");
	return err;
}
