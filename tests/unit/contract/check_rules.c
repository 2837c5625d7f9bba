/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations: ADD, REPLACE and DEL, each accepted or rejected and completed once.
 */
#include "contract.h"

#include <stdio.h>

static void add_and_del(struct contract *ct)
{
	struct hal_completion c;
	struct hal_rule rule;
	struct holdings h;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	h = contract_look(ct, &rule);
	EXPECT(ct, h.n == 1 && h.found && h.same);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, &c) == 0);
	EXPECT(ct, c.final.known == ct->caps.counts_packets);
	EXPECT(ct, c.final.packets == 0);
	EXPECT(ct, contract_look(ct, &rule).n == 0);
	contract_rule_free(&rule);
}

static void add_of_existing(struct contract *ct)
{
	struct hal_rule rule, other;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	contract_rule(ct, &other, 1, BASE_PORT + 2);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	if (!ct->flaky)
		EXPECT(ct, contract_op(ct, HAL_OP_ADD, &other, NULL) == -EEXIST);
	else
		EXPECT(ct, contract_op(ct, HAL_OP_ADD, &other, NULL) < 0);
	EXPECT(ct, contract_look(ct, &rule).same);
	contract_rule_free(&rule);
	contract_rule_free(&other);
}

static void unknown_rules(struct contract *ct)
{
	struct hal_rule rule;

	if (ct->flaky) {
		contract_skip(ct, "the script's errors would be taken for the answer");
		return;
	}
	contract_rule(ct, &rule, 7, BASE_PORT + 1);
	EXPECT(ct, contract_op(ct, HAL_OP_DEL, &rule, NULL) == -ENOENT);
	EXPECT(ct, contract_op(ct, HAL_OP_REPLACE, &rule, NULL) == -ENOENT);
	EXPECT(ct, contract_look(ct, &rule).n == 0);
	contract_rule_free(&rule);
}

static void replace(struct contract *ct)
{
	struct hal_rule rule, other;
	struct holdings h;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	contract_rule(ct, &other, 1, BASE_PORT + 2);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_REPLACE, &other, NULL) == 0);
	h = contract_look(ct, &other);
	EXPECT(ct, h.n == 1 && h.same);
	contract_rule_free(&rule);
	contract_rule_free(&other);
}

/* The device keeps nothing of the caller's memory once an operation has completed. */
static void memory_is_borrowed(struct contract *ct)
{
	struct hal_rule rule, again;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	contract_rule(ct, &again, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	memset((void *)(uintptr_t)rule.program->steps, 0xa5, rule.program->len);
	contract_rule_free(&rule);
	EXPECT(ct, contract_look(ct, &again).same);
	contract_rule_free(&again);
}

#define MANY 200

/* Submits until all are accepted, polls until all have completed; each must do so once. */
static unsigned run_many(struct contract *ct, struct hal_op *ops, unsigned n, uint8_t *seen)
{
	uint64_t end = hal_now_ms() + 20000;
	unsigned accepted = 0, done = 0, failed = 0;

	memset(seen, 0, n);
	for (unsigned i = 0; i < n; i++)
		ops[i].token = i;
	while ((accepted < n || done < n) && hal_now_ms() < end) {
		struct hal_completion c[32];
		int got;

		for (; accepted < n; accepted++) {
			if (ct->drv.submit(ct->dev, &ops[accepted], 1) != 1)
				break;
		}
		got = ct->drv.poll(ct->dev, c, 32);
		EXPECT(ct, got >= 0 && got <= 32);
		for (int i = 0; i < got; i++) {
			EXPECT(ct, c[i].token < n && !seen[c[i].token]);
			if (c[i].token < n)
				seen[c[i].token]++;
			failed += c[i].error != 0;
			done++;
		}
		if (got <= 0)
			contract_doze(1);
	}
	EXPECT(ct, done == n);
	return failed;
}

static void many_at_once(struct contract *ct)
{
	static struct hal_op ops[MANY];
	static uint8_t seen[MANY];
	unsigned failed;

	if (ct->caps.max_rules < MANY) {
		contract_skip(ct, "the device is too small");
		return;
	}
	for (unsigned i = 0; i < MANY; i++) {
		memset(&ops[i], 0, sizeof(ops[i]));
		ops[i].type = HAL_OP_ADD;
		contract_rule(ct, &ops[i].rule, i, BASE_PORT + 1);
	}
	failed = run_many(ct, ops, MANY, seen);
	EXPECT(ct, ct->flaky || !failed);
	EXPECT(ct, contract_look(ct, NULL).n + failed >= MANY);
	for (unsigned i = 0; i < MANY && !ct->flaky; i++)
		EXPECT(ct, contract_look(ct, &ops[i].rule).same);
	for (unsigned i = 0; i < MANY; i++)
		ops[i].type = HAL_OP_DEL;
	failed = run_many(ct, ops, MANY, seen);
	EXPECT(ct, ct->flaky || !failed);
	for (unsigned i = 0; i < MANY; i++)
		contract_rule_free(&ops[i].rule);
}

/* Operations on one ufid, submitted together, complete in their order. */
static void order_on_a_ufid(struct contract *ct)
{
	static const enum hal_op_type types[] = {
		HAL_OP_ADD, HAL_OP_REPLACE, HAL_OP_DEL, HAL_OP_ADD};
	struct hal_rule rule[4];
	struct hal_op ops[4];
	uint64_t end = hal_now_ms() + 5000;
	unsigned done = 0;

	if (ct->flaky) {
		contract_skip(ct, "the script may refuse one of them");
		return;
	}
	memset(ops, 0, sizeof(ops));
	for (unsigned i = 0; i < 4; i++) {
		contract_rule(ct, &rule[i], 1, BASE_PORT + 1 + i % 2);
		ops[i] = (struct hal_op){.type = types[i], .token = i, .rule = rule[i]};
	}
	EXPECT(ct, ct->drv.submit(ct->dev, ops, 4) == 4);
	while (done < 4 && hal_now_ms() < end) {
		struct hal_completion c;

		if (ct->drv.poll(ct->dev, &c, 1) != 1) {
			contract_doze(1);
			continue;
		}
		EXPECT(ct, c.token == done && !c.error);
		done++;
	}
	EXPECT(ct, done == 4);
	EXPECT(ct, contract_look(ct, &rule[3]).same);
	for (unsigned i = 0; i < 4; i++)
		contract_rule_free(&rule[i]);
}

/* Something says that a completion waits: the caller need not ask all the time. */
static void completions_wake(struct contract *ct)
{
	struct hal_completion c;
	struct hal_rule rule;
	struct hal_op op = {.type = HAL_OP_ADD};
	uint64_t end = hal_now_ms() + (ct->flaky ? 300 : 3000); /* the script may lose it */
	bool taken;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	op.rule = rule;
	ct->woken = 0;
	taken = ct->drv.submit(ct->dev, &op, 1) == 1;
	EXPECT(ct, ct->flaky || taken);
	while (taken && !ct->woken && ct->drv.poll(ct->dev, &c, 1) != 1 && hal_now_ms() < end)
		contract_doze(20);
	EXPECT(ct, hal_now_ms() < end || ct->flaky);
	for (unsigned i = 0; taken && i < 100 && ct->drv.poll(ct->dev, &c, 1) != 1; i++)
		contract_doze(5);
	contract_rule_free(&rule);
}

static void full_device(struct contract *ct)
{
	unsigned n = ct->caps.max_rules;
	struct hal_completion c;
	struct hal_rule rule, first;
	int err = 0;

	if (n > 1024 || ct->flaky) {
		contract_skip(ct, ct->flaky ? "the script decides" : "the device is too large");
		return;
	}
	for (unsigned i = 0; i < n && !err; i++) {
		contract_rule(ct, &rule, i, BASE_PORT + 1);
		err = contract_op(ct, HAL_OP_ADD, &rule, NULL);
		contract_rule_free(&rule);
	}
	EXPECT(ct, !err);
	contract_rule(ct, &rule, n, BASE_PORT + 1);
	EXPECT(ct, contract_op(ct, HAL_OP_ADD, &rule, &c) == -ENOSPC);
	EXPECT(ct, c.reason.code == HAL_REASON_NO_ROOM);
	contract_rule(ct, &first, 0, BASE_PORT + 1);
	EXPECT(ct, contract_op(ct, HAL_OP_DEL, &first, NULL) == 0);
	EXPECT(ct, contract_op(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_look(ct, &rule).n == n);
	contract_rule_free(&rule);
	contract_rule_free(&first);
}

static void survival(struct contract *ct)
{
	struct hal_rule rule;
	struct holdings h;

	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	contract_close(ct);
	contract_open(ct);
	h = contract_look(ct, &rule);
	if (ct->caps.survives_restart)
		EXPECT(ct, h.n == 1 && h.same);
	else
		EXPECT(ct, h.n == 0);
	contract_bind(ct);
	contract_rule_free(&rule);
}

const struct contract_check contract_rule_checks[] = {
	{"ADD and DEL", add_and_del},
	{"ADD of a rule that exists", add_of_existing},
	{"DEL and REPLACE of unknown rules", unknown_rules},
	{"REPLACE", replace},
	{"memory is borrowed", memory_is_borrowed},
	{"many at once, each completed once", many_at_once},
	{"order on one ufid", order_on_a_ufid},
	{"completions wake", completions_wake},
	{"a full device", full_device},
	{"rules over a restart", survival},
	{0},
};
