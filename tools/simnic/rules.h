/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule memory of the eSwitch.
 *
 * What: rules by ufid, and for lookup one hash table for each combination of chain and mask (a
 * tuple), the tuples of a chain in falling order of their highest priority.
 * Threads: one.
 */
#ifndef SLUICE_TOOLS_SIMNIC_RULES_H
#define SLUICE_TOOLS_SIMNIC_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "drivers/sim/protocol.h"
#include "tools/simnic/key.h"

struct nic_tuple;

struct nic_rule {
	struct hal_ufid ufid;
	uint32_t chain, priority;
	uint64_t serial; /* grows with each rule: the order of a dump */
	union nic_key value, mask;
	struct nic_tuple *tuple;
	struct nic_rule *next_same_hash, *next_same_ufid_hash;
	TAILQ_ENTRY(nic_rule) by_serial;
	uint64_t packets, bytes, read_packets; /* read_packets: when a counter was last read */
	uint32_t len;                          /* bytes of wire */
	const uint8_t *actions;
	uint32_t actions_len;
	bool may_hand_up; /* a step of it may */
	uint8_t wire[];   /* as it came: struct sim_rule and TLVs */
};

TAILQ_HEAD(nic_rule_list, nic_rule);

struct nic_rules {
	struct nic_rule **ufids;
	uint32_t n_buckets; /* of ufids; a power of two */
	uint32_t n;
	uint64_t serial;
	struct nic_rule_list all; /* by serial */
	struct nic_tuple *tuples;
};

int nic_rules_init(struct nic_rules *rules); /* 0 or -ENOMEM */
void nic_rules_clear(struct nic_rules *rules);
void nic_rules_destroy(struct nic_rules *rules);

/* Makes a rule of its wire form (checked: lengths, fields known; not its steps), not yet in the
 * memory. 0,
 * -EBADMSG or -ENOMEM; -EOPNOTSUPP and *field for a field that this eSwitch has not. */
int nic_rule_parse(const uint8_t *wire, size_t len, struct nic_rule **out, uint32_t *field);

void nic_rule_free(struct nic_rule *rule); /* one that is not in the memory */

struct nic_rule *nic_rules_find(const struct nic_rules *rules, const struct hal_ufid *ufid);
int nic_rules_insert(struct nic_rules *rules, struct nic_rule *rule);  /* takes it; 0 or -ENOMEM */
void nic_rules_remove(struct nic_rules *rules, struct nic_rule *rule); /* and frees it */

/* The rule of the chain with the highest priority that covers the key, or NULL. */
struct nic_rule *nic_rules_lookup(
	const struct nic_rules *rules, uint32_t chain, const union nic_key *key);

#endif
