/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel ports on the running kernel, in a network namespace of the test's own:
 *
 *   port a -- slua0 (10.9.9.1) ===veth=== slub0 -- port b
 *
 * Skipped, and said so, where namespaces may not be made.
 */
#ifndef SLUICE_TESTS_UNIT_SWPATH_PORT_KERNEL_RIG_H
#define SLUICE_TESTS_UNIT_SWPATH_PORT_KERNEL_RIG_H

#include <stdbool.h>

#include "tests/unit/swpath_port/frames.h"
#include "tests/unit/swpath_port/test.h"

enum { WAIT_MS = 2000, QUIET_MS = 300 };

extern bool rig_allowed;

#define NEEDS_NAMESPACE()         \
	do {                      \
		if (!rig_allowed) \
			return;   \
	} while (0)

int rig_set_up(void);
int rig_run(const char *fmt, ...); /* a command's status */
unsigned rig_lines(const char *cmd, const char *word);
void rig_wait_carrier(const char *name);
uint32_t rig_ifindex(const char *name); /* 0: there is none */

struct swpath_port *rig_netdev(const char *name);
void rig_open(struct swpath_port **a, struct swpath_port **b);
void rig_close(struct swpath_port *a, struct swpath_port *b);

struct rte_mbuf *rig_receive(struct swpath_port *p, int timeout_ms);
bool rig_crosses(struct swpath_port *from, struct swpath_port *to, struct rte_mbuf *m,
	const uint8_t *want, unsigned len);
/* How often it was dropped for this reason; for another it is not. */
uint64_t rig_tx_drop(struct swpath_port *p, struct rte_mbuf *m, enum swpath_drop why);
bool rig_host_answers(struct swpath_port *from, int wait_ms);

#endif
