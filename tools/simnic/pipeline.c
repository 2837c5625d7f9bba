/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/mutation.h"
#include "tools/simnic/nic.h"

#define MAX_CHAINS 32 /* that one packet may pass */

static void count(struct nic *nic, struct nic_rule *rule, uint32_t len)
{
	nic->hits++;
	rule->packets++;
	rule->bytes += MUTATE(202, len, 0);
}

/* A chain is entered with a new look at the headers, as they are by then. */
void nic_pipeline_run(struct nic *nic, struct nic_packet *p)
{
	union nic_key key;
	struct nic_rule *rule;

	for (unsigned i = 0; i < MAX_CHAINS; i++) {
		nic_parse(p, &key);
		if (!i)
			nic_checksum_normalise(p);
		rule = nic_rules_lookup(&nic->rules, p->recirc, &key);
		if (!rule) {
			nic->misses++;
			if (!nic_uplink_send(nic, p))
				nic->drops++;
			return;
		}
		count(nic, rule, p->len);
		if (!rule->actions_len)
			nic->drops++;
		if (!nic_actions_run(nic, p, rule->actions, rule->actions_len, &p->recirc))
			return;
	}
	nic->drops++;
}
