/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports, and packets through them.
 */
#include "contract.h"

#include <stdio.h>

static bool has_ports(struct contract *ct)
{
	if (ct->listed->port_bind)
		return true;
	contract_skip(ct, "the driver binds no ports");
	return false;
}

static void bind_errors(struct contract *ct)
{
	struct hal_port_handle h;
	struct hal_reason r;

	if (!has_ports(ct))
		return;
	contract_handle(ct, 0, &h);
	hal_reason_clear(&r);
	EXPECT(ct, ct->drv.port_bind(ct->dev, BASE_PORT, &h, &r) == -EEXIST);
	EXPECT(ct, r.code != HAL_REASON_NONE && r.text[0]);
	EXPECT(ct, ct->drv.port_bind(ct->dev, BASE_PORT, &h, NULL) == -EEXIST);
	EXPECT(ct, ct->drv.port_unbind(ct->dev, BASE_PORT + 77) == -ENOENT);
	if (!ct->wires)
		return;
	h = (struct hal_port_handle){.kind = HAL_PORT_NETDEV, .index = 999999, .name = "slcnone"};
	hal_reason_clear(&r);
	EXPECT(ct, ct->drv.port_bind(ct->dev, BASE_PORT + 50, &h, &r) < 0);
	EXPECT(ct, r.code != HAL_REASON_NONE && r.text[0]);
	EXPECT(ct, ct->drv.port_unbind(ct->dev, BASE_PORT + 50) == -ENOENT);
}

static void unbind_and_again(struct contract *ct)
{
	struct hal_port_handle h;
	struct hal_reason r;

	if (!has_ports(ct))
		return;
	contract_handle(ct, 2, &h);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(ct, ct->drv.port_unbind(ct->dev, BASE_PORT + 2) == 0);
		EXPECT(ct, ct->drv.port_unbind(ct->dev, BASE_PORT + 2) == -ENOENT);
		EXPECT(ct, ct->drv.port_bind(ct->dev, BASE_PORT + 2, &h, &r) == 0);
	}
}

static void port_statistics(struct contract *ct)
{
	struct hal_port_stats a = {0}, b = {0};
	int err = ct->drv.port_stats(ct->dev, BASE_PORT, &a);

	if (err == -EOPNOTSUPP || !ct->wires) {
		contract_skip(ct, "no port statistics, or no wires");
		return;
	}
	EXPECT(ct, !err);
	EXPECT(ct, contract_send(ct, 5, 10));
	contract_doze(100);
	EXPECT(ct, ct->drv.port_stats(ct->dev, BASE_PORT, &b) == 0);
	EXPECT(ct, b.rx_packets == a.rx_packets + 10);
	EXPECT(ct, b.rx_bytes > a.rx_bytes);
}

/* Hits go where the rule says, by the device alone. */
static void packets_hit(struct contract *ct)
{
	struct hal_rule rule, other;

	if (!ct->wires) {
		contract_skip(ct, "no wires");
		return;
	}
	contract_rule(ct, &rule, 1, BASE_PORT + 1);
	contract_rule(ct, &other, 1, BASE_PORT + 2);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 1, 10, 1000) == 10);
	EXPECT(ct, contract_receive(ct, 2, 1, 50) == 0);
	EXPECT(ct, contract_send(ct, 2, 10)); /* another destination: a miss */
	EXPECT(ct, contract_receive(ct, 1, 1, 50) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_REPLACE, &other, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 2, 10, 1000) == 10);
	EXPECT(ct, contract_receive(ct, 1, 1, 50) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	EXPECT(ct, contract_receive(ct, 2, 1, 50) == 0);
	contract_rule_free(&rule);
	contract_rule_free(&other);
}

static void packets_drop(struct contract *ct)
{
	struct hal_completion c;
	struct hal_rule rule;

	if (!ct->wires) {
		contract_skip(ct, "no wires");
		return;
	}
	contract_rule(ct, &rule, 1, 0);
	EXPECT(ct, contract_do(ct, HAL_OP_ADD, &rule, NULL) == 0);
	EXPECT(ct, contract_send(ct, 1, 10));
	contract_doze(100);
	EXPECT(ct, contract_receive(ct, 1, 1, 20) + contract_receive(ct, 2, 1, 20) == 0);
	EXPECT(ct, contract_do(ct, HAL_OP_DEL, &rule, &c) == 0);
	EXPECT(ct, !c.final.known || c.final.packets == 10);
	contract_rule_free(&rule);
}

const struct contract_check contract_port_checks[] = {
	{"errors of binding", bind_errors},
	{"unbound and bound again", unbind_and_again},
	{"port statistics", port_statistics},
	{"packets that hit", packets_hit},
	{"packets that are dropped", packets_drop},
	{0},
};
