/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters: raw and monotonic, unknown where the device cannot say, the last reading with the DEL.
 */
#include "contract.h"

static struct hal_raw_counter read_one(struct contract *ct, const struct hal_ufid *ufid)
{
	struct hal_raw_counter c = {0};
	int err = ct->drv.counters_read(ct->dev, ufid, 1, &c);

	EXPECT(ct, !err || (err == -EOPNOTSUPP && !ct->caps.counts_packets));
	return c;
}

static void unknown_is_said(struct contract *ct)
{
	const struct hal_ufid ufid[3] = {{{1, 2}}, {{0xc0117ac7, 1}}, {{5, 6}}};
	struct hal_raw_counter c[3];
	struct hal_rule rule;

	EXPECT(ct, !read_one(ct, &ufid[0]).known);
	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	memset(c, 0, sizeof(c));
	ct->drv.counters_read(ct->dev, ufid, 3, c);
	EXPECT(ct, !c[0].known && !c[2].known);
	EXPECT(ct, c[1].known == ct->caps.counts_packets);
	EXPECT(ct, c[1].packets == 0 && c[1].bytes == 0);
	contract_rule_free(&rule);
}

static void readings_rise(struct contract *ct)
{
	struct hal_raw_counter last = {0}, c;
	struct hal_completion done;
	struct hal_rule rule;

	if (!ct->caps.counts_packets || !ct->wires) {
		contract_skip(ct, "no counters, or no wires");
		return;
	}
	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	for (unsigned i = 1; i <= 5; i++) {
		EXPECT(ct, contract_send(ct, 1, 10));
		EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
		c = read_one(ct, &rule.ufid);
		EXPECT(ct, c.known && c.hit);
		EXPECT(ct, c.packets == i * 10);
		EXPECT(ct, !ct->caps.counts_bytes || c.bytes == c.packets * 60);
		EXPECT(ct, i == 1 || c.generation == last.generation);
		last = c;
		EXPECT(ct, !read_one(ct, &rule.ufid).hit);
	}
	EXPECT(ct, contract_send(ct, 1, 7)); /* after the last reading */
	EXPECT(ct, contract_receive(ct, 1, 7, 1000) == 7);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, &done) == 0);
	EXPECT(ct, done.final.known && done.final.packets == 57);
	EXPECT(ct, done.final.generation == last.generation);
	contract_rule_free(&rule);
}

/* Over a REPLACE a counter goes on, or says that it began anew; nothing is lost. */
static void replace_loses_nothing(struct contract *ct)
{
	struct hal_extender e = {0};
	struct hal_completion done;
	struct hal_counter total;
	struct hal_raw_counter c;
	struct hal_rule rule, other;

	if (!ct->caps.counts_packets || !ct->wires) {
		contract_skip(ct, "no counters, or no wires");
		return;
	}
	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	contract_rule(ct, &other, 1, BASE_PORT + 2);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
	EXPECT(ct, contract_do(ct, HAL_OP_REPLACE, &other, &done) == 0);
	if (done.final.known)
		hal_extend(&e, &done.final, ct->caps.counter_bits, NULL);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 2, 10, 1000) == 10);
	c = read_one(ct, &rule.ufid);
	hal_extend(&e, &c, ct->caps.counter_bits, &total);
	EXPECT(ct, total.packets == 20);
	contract_rule_free(&rule);
	contract_rule_free(&other);
}

/* Counters are those of the rule, not of the ufid's former life. */
static void new_life_new_counter(struct contract *ct)
{
	struct hal_rule rule;

	if (!ct->caps.counts_packets || !ct->wires) {
		contract_skip(ct, "no counters, or no wires");
		return;
	}
	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, NULL) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, read_one(ct, &rule.ufid).packets == 0);
	contract_rule_free(&rule);
}

const struct contract_check contract_counter_checks[] = {
	{"unknown counters are unknown", unknown_is_said},
	{"readings rise, the last one comes with the DEL", readings_rise},
	{"a REPLACE loses nothing", replace_loses_nothing},
	{"a new life starts at 0", new_life_new_counter},
	{0},
};
