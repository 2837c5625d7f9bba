/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow tables' names and limits, as Bridge.flow_tables has them.
 */
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"

LOG_DEFINE(tables);

void tables_reconcile(struct bridge *br, const struct ovsdb_row *row)
{
	for (unsigned t = 0; t < OF_TABLES; t++) {
		const struct ovsdb_row *table = ovsdb_map_ref(row, "flow_tables", t);
		const char *policy = table ? ovsdb_string(table, "overflow_policy") : NULL;
		bool evicts = policy && !strcmp(policy, "evict");

		pl_bridge_set_table(br->pl, (uint8_t)t, table ? ovsdb_string(table, "name") : NULL,
			table ? (uint64_t)ovsdb_integer(table, "flow_limit", PL_FLOWS_MAX)
			      : PL_FLOWS_MAX);
		if (evicts && !br->evicts[t])
			log_warn("%s: table %u: overflow_policy \"evict\": flows are not evicted "
				 "here, more than its flow_limit are refused",
				pl_bridge_name(br->pl), t);
		br->evicts[t] = evicts;
	}
}
