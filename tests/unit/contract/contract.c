/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <net/if.h>
#include <stdio.h>
#include <time.h>

void contract_fail(struct contract *ct, const char *file, int line, const char *what)
{
	if (!ct->check_failed)
		printf("FAILED  %s\n", ct->check);
	printf("        %s:%d: %s\n", file, line, what);
	ct->check_failed = true;
}

void contract_skip(struct contract *ct, const char *why)
{
	printf("skipped %s: %s\n", ct->check, why);
	ct->check_skipped = true;
}

void contract_doze(unsigned ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&ts, NULL);
}

/* ---- device ---- */

static void woken(void *ctx)
{
	((struct contract *)ctx)->woken++;
}

void contract_open(struct contract *ct)
{
	struct hal_reason r;
	int err;

	hal_reason_clear(&r);
	ct->env.wake = woken;
	ct->env.wake_ctx = ct;
	memset(&ct->caps, 0, sizeof(ct->caps));
	err = ct->drv.open(ct->args, &ct->env, &ct->dev, &ct->caps, &r);
	if (!err)
		return;
	printf("%s:%s cannot be opened: %s\n", ct->listed->name, ct->args, r.text);
	exit(1);
}

void contract_close(struct contract *ct)
{
	ct->drv.close(ct->dev);
	ct->dev = NULL;
}

void contract_handle(const struct contract *ct, unsigned i, struct hal_port_handle *h)
{
	*h = (struct hal_port_handle){.kind = HAL_PORT_NETDEV};
	if (ct->port_name)
		snprintf(h->name, sizeof(h->name), "%s%u", ct->port_name, i);
	else
		snprintf(h->name, sizeof(h->name), "slc%u", i + 1);
	h->index = ct->wires ? if_nametoindex(h->name) : i + 1;
}

void contract_bind(struct contract *ct)
{
	for (unsigned i = 0; i < PORTS; i++) {
		struct hal_port_handle h;
		struct hal_reason r;
		int err;

		hal_reason_clear(&r);
		contract_handle(ct, i, &h);
		err = ct->drv.port_bind(ct->dev, BASE_PORT + i, &h, &r);
		if (err && err != -EOPNOTSUPP)
			printf("        port %u: %s\n", BASE_PORT + i, r.text);
		EXPECT(ct, !err || err == -EOPNOTSUPP);
	}
}

/* ---- rules ---- */

void contract_rule(struct contract *ct, struct hal_rule *rule, uint32_t n, uint32_t out)
{
	struct hal_key key = {0}, mask = {0};
	struct hal_builder b;

	key.in_port = rte_cpu_to_be_32(BASE_PORT);
	memset(&mask.in_port, 0xff, sizeof(mask.in_port));
	memcpy(key.eth_dst, (uint8_t[]){2, 0, n >> 24, n >> 16, n >> 8, n}, 6);
	memset(mask.eth_dst, 0xff, 6);
	key.eth_type = rte_cpu_to_be_16(0x88b5); /* IEEE 802, local experimental */
	mask.eth_type = 0xffff;
	hal_caps_need(ct->caps.need, ct->caps.n_needs, &key, &mask);
	hal_builder_init(&b);
	if (out)
		hal_build_output(&b, out);
	memset(rule, 0, sizeof(*rule));
	rule->match = hal_cmatch_new_dp(&key, &mask);
	rule->program = hal_builder_finish(&b);
	rule->ufid = (struct hal_ufid){{0xc0117ac7, n}};
	rule->priority = 1;
}

void contract_rule_free(struct hal_rule *rule)
{
	free((void *)(uintptr_t)rule->match);
	free((void *)(uintptr_t)rule->program);
}

int contract_op(struct contract *ct, enum hal_op_type type, const struct hal_rule *rule,
	struct hal_completion *c)
{
	static uint64_t token;
	struct hal_op op = {.type = type, .token = ++token * 0x9e3779b97f4a7c15ull, .rule = *rule};
	struct hal_completion mine, extra;
	uint64_t end;
	int n;

	if (!c)
		c = &mine;
	memset(c, 0, sizeof(*c));
	hal_reason_clear(&op.reason);
	n = ct->drv.submit(ct->dev, &op, 1);
	EXPECT(ct, n == (op.accepted ? 1 : 0));
	if (!op.accepted) {
		EXPECT(ct, op.reason.code != HAL_REASON_NONE);
		EXPECT(ct, op.reason.text[0]);
		c->reason = op.reason;
		return op.reason.error ? -op.reason.error
				       : hal_refuse(NULL, op.reason.code, "%s", "");
	}
	for (end = hal_now_ms() + 5000; hal_now_ms() < end; contract_doze(1)) {
		n = ct->drv.poll(ct->dev, c, 1);
		EXPECT(ct, n >= 0);
		if (n == 1)
			break;
	}
	if (n != 1)
		return 1;
	EXPECT(ct, c->token == op.token);
	EXPECT(ct, c->error <= 0);
	EXPECT(ct, !c->error == (c->reason.code == HAL_REASON_NONE));
	EXPECT(ct, ct->drv.poll(ct->dev, &extra, 1) == 0);
	return c->error;
}

int contract_do(struct contract *ct, enum hal_op_type type, const struct hal_rule *rule,
	struct hal_completion *c)
{
	static int last;
	struct hal_completion mine;
	int err = 0;

	if (!c)
		c = &mine;
	for (unsigned i = 0; i < 20; i++) {
		struct holdings h;

		err = contract_op(ct, type, rule, c);
		if (err && !ct->flaky && last != err)
			printf("        refused: %s (%s)\n", c->reason.text, strerror(-err));
		last = err;
		if (!err || !ct->flaky)
			return err;
		/* A late error may have come after the deed. */
		h = contract_look(ct, rule);
		if (type == HAL_OP_ADD && h.same)
			return 0;
	}
	return err;
}

struct look {
	const struct hal_rule *rule;
	struct holdings h;
};

static int look_one(void *ctx, const struct hal_dump_entry *e)
{
	struct look *l = ctx;

	l->h.n++;
	if (!l->rule || !hal_ufid_equal(&e->ufid, &l->rule->ufid))
		return 0;
	l->h.found = true;
	l->h.counter = e->counter;
	l->h.same = e->match && hal_cmatch_equal(e->match, l->rule->match) &&
		    hal_program_equal(e->program, l->rule->program) && e->chain == l->rule->chain &&
		    e->priority == l->rule->priority;
	return 0;
}

/* In pieces of any size, or all at once. */
static int dump(struct contract *ct, unsigned max, hal_dump_cb *cb, void *ctx)
{
	uint64_t at = 0;
	int err;

	do {
		err = ct->drv.dump(ct->dev, &at, max, cb, ctx);
	} while (!err && at);
	return err;
}

struct holdings contract_look(struct contract *ct, const struct hal_rule *rule)
{
	struct look l = {.rule = rule}, piecemeal = {.rule = rule};

	EXPECT(ct, dump(ct, 0, look_one, &l) == 0);
	EXPECT(ct, dump(ct, 2, look_one, &piecemeal) == 0);
	EXPECT(ct, piecemeal.h.n == l.h.n && piecemeal.h.same == l.h.same);
	return l.h;
}

/* ---- running ---- */

static int purge_one(void *ctx, const struct hal_dump_entry *e)
{
	struct hal_ufid **at = ctx;

	*(*at)++ = e->ufid;
	return 0;
}

/* What a check left behind would be held against the next one. */
static void purge(struct contract *ct)
{
	static struct hal_ufid left[8192], *end;

	end = left;
	dump(ct, 0, purge_one, &end);
	for (struct hal_ufid *u = left; u < end; u++) {
		const struct hal_rule rule = {.ufid = *u};

		contract_do(ct, HAL_OP_DEL, &rule, NULL);
	}
}

static void run_list(struct contract *ct, const struct contract_check *list)
{
	for (; list->name; list++) {
		ct->check = list->name;
		ct->check_failed = ct->check_skipped = false;
		list->run(ct);
		purge(ct);
		if (ct->check_failed)
			ct->failed++;
		else if (ct->check_skipped)
			ct->skipped++;
		else
			ct->passed++;
		if (!ct->check_failed && !ct->check_skipped)
			printf("ok      %s\n", ct->check);
		fflush(stdout);
	}
}

static int find_driver(struct contract *ct, const char *spec)
{
	const char *colon = strchr(spec, ':');

	for (unsigned i = 0; colon && hal_drivers[i]; i++) {
		if (strncmp(hal_drivers[i]->name, spec, (size_t)(colon - spec)))
			continue;
		ct->listed = hal_drivers[i];
		ct->drv = *hal_drivers[i];
		hal_driver_fill(&ct->drv);
		ct->args = colon + 1;
		return 0;
	}
	printf("%s: no such driver in this build\n", spec);
	return -ENOENT;
}

int contract_run(struct contract *ct, const char *spec)
{
	if (find_driver(ct, spec))
		return 1;
	printf("contract of %s%s%s\n", spec, ct->wires ? ", with wires" : ", without wires",
		ct->flaky ? ", scripted faults" : "");
	ct->check = "open";
	contract_open(ct);
	if (ct->caps.kernel_ports && !ct->wires) {
		fprintf(stderr, "%s: its ports would be netdevs of this host: --wires\n", spec);
		contract_close(ct);
		return 1;
	}
	contract_bind(ct);
	purge(ct); /* of a former run */
	run_list(ct, contract_open_checks);
	run_list(ct, contract_rule_checks);
	run_list(ct, contract_counter_checks);
	run_list(ct, contract_port_checks);
	run_list(ct, contract_object_checks);
	contract_close(ct);
	printf("%s: %u passed, %u failed, %u skipped\n", spec, ct->passed, ct->failed, ct->skipped);
	return ct->failed != 0;
}
