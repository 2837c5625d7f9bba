/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver contract: what hal/hal_driver.h promises, checked against any driver.
 *
 * What: contract_run() opens a device by its spec and runs every check against the driver's own
 * slots; what the device is for (fields, room, counters) is taken from its capabilities. Checks
 * that a device gives no ground for say "skipped" and why.
 *
 *   wire end slcp1 ---- slc1 = port 1 \
 *   wire end slcp2 ---- slc2 = port 2  > device
 *   wire end slcp3 ---- slc3 = port 3 /
 *
 * Without wires (no privileges, or a driver without netdev ports) ports get handles that only a
 * model can bind, and no packets are sent.
 */
#ifndef SLUICE_TESTS_CONTRACT_H
#define SLUICE_TESTS_CONTRACT_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/device.h"
#include "hal/hal.h"

#define PORTS 3
#define BASE_PORT 1 /* datapath ids BASE_PORT to BASE_PORT + PORTS - 1 */

struct contract {
	const struct hal_driver *listed;
	struct hal_driver drv; /* with every slot filled */
	const char *args;
	bool flaky; /* operations may fail by script: they are tried again */
	bool wires; /* veth pairs or the like are there */
	/* Of netdevs, with their numbers from 0 on behind; NULL: slc and slcp, from 1 on */
	const char *port_name, *wire_name;
	int wire[PORTS]; /* packet sockets on their far ends */
	struct hal_env env;
	void *dev;
	struct hal_caps caps;
	_Atomic unsigned woken;
	const char *check; /* running now */
	unsigned failed, passed, skipped;
	bool check_failed, check_skipped;
};

/* Runs all checks and prints a line for each. 0, or 1 if one failed. */
int contract_run(struct contract *ct, const char *spec);

/* ---- for the checks ---- */

#define EXPECT(CT, COND)                                                \
	do {                                                            \
		if (!(COND))                                            \
			contract_fail((CT), __FILE__, __LINE__, #COND); \
	} while (0)
void contract_fail(struct contract *ct, const char *file, int line, const char *what);
void contract_skip(struct contract *ct, const char *why);

/* Operations run to their completion, for at most 5 s. Returns the errno of the outcome (rejected
 * or completed), 1 if it never completed; checks that it completes once and with its token. */
int contract_op(struct contract *ct, enum hal_op_type type, const struct hal_rule *rule,
	struct hal_completion *c);
/* The same, tried again while a flaky device refuses by its script. */
int contract_do(struct contract *ct, enum hal_op_type type, const struct hal_rule *rule,
	struct hal_completion *c);

/* A rule that the device can do, the `n`th: from port BASE_PORT to `out` (0: drop). */
void contract_rule(struct contract *ct, struct hal_rule *rule, uint32_t n, uint32_t out);
void contract_rule_free(struct hal_rule *rule);

/* What the device holds. */
struct holdings {
	unsigned n;
	bool found; /* the rule looked for */
	bool same;  /* with its match, program, chain and priority */
	struct hal_raw_counter counter;
};
struct holdings contract_look(struct contract *ct, const struct hal_rule *rule);

void contract_open(struct contract *ct);
void contract_close(struct contract *ct);
void contract_bind(struct contract *ct);
void contract_handle(const struct contract *ct, unsigned i, struct hal_port_handle *h);

/* Frames that the `n`th rule matches, onto the wire of port 1; and what comes out elsewhere. */
bool contract_send(struct contract *ct, uint32_t n, unsigned frames);
unsigned contract_receive(struct contract *ct, unsigned wire, unsigned want, unsigned ms);
void contract_doze(unsigned ms);

/* ---- the checks ---- */
struct contract_check {
	const char *name;
	void (*run)(struct contract *ct);
};
extern const struct contract_check contract_open_checks[], contract_rule_checks[],
	contract_port_checks[], contract_counter_checks[], contract_object_checks[];

/* wires.c: 0, or -errno */
int wires_make(struct contract *ct);

#endif
