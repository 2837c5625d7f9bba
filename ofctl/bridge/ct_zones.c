/* SPDX-License-Identifier: Apache-2.0
 *
 * Timeouts of connection tracking zones, as Datapath.ct_zones has them.
 *
 * The software path is one datapath, whatever name the database gives it: the zones of all rows of
 * Datapath that Open_vSwitch refers to count. Timeouts that only the kernel's connection tracking
 * has (tcp_unack and its like) are without effect.
 */
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"
#include "swpath/conntrack.h"

LOG_DEFINE(ct_zones);

static void read_policy(const struct ovsdb_row *policy, struct conntrack_timeouts *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < ovsdb_count(policy, "timeouts"); i++) {
		const char *name = ovsdb_string_at(policy, "timeouts", i);
		enum conntrack_timeout which = conntrack_timeout_by_name(name);

		if (which < CONNTRACK_TIMEOUT_MAX)
			t->seconds[which] = (uint32_t)ovsdb_value_integer_at(policy, "timeouts", i);
	}
}

static void apply(struct bridges *b, const struct ovsdb_row *datapath, uint64_t *wanted)
{
	for (size_t i = 0; i < ovsdb_count(datapath, "ct_zones"); i++) {
		uint16_t zone = (uint16_t)ovsdb_integer_at(datapath, "ct_zones", i);
		const struct ovsdb_row *row = ovsdb_ref(datapath, "ct_zones", i);
		const struct ovsdb_row *policy = row ? ovsdb_ref(row, "timeout_policy", 0) : NULL;
		struct conntrack_timeouts t;

		if (!policy)
			continue;
		read_policy(policy, &t);
		if (conntrack_set_timeouts(swpath_conntrack(b->cfg.sp), zone, &t))
			log_warn("zone %u: no memory for its timeouts", zone);
		wanted[zone / 64] |= UINT64_C(1) << zone % 64;
	}
}

void ct_zones_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	static const char *const tables[] = {"Datapath", "CT_Zone", "CT_Timeout_Policy"};
	uint64_t wanted[CT_ZONE_WORDS] = {0}, seqno = 1;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		seqno += ovsdb_table_seqno(b->cfg.db, tables[i]);
	if (seqno == b->ct_seqno)
		return;
	b->ct_seqno = seqno;
	for (size_t i = 0; i < ovsdb_count(root, "datapaths"); i++) {
		const struct ovsdb_row *datapath = ovsdb_ref(root, "datapaths", i);

		if (datapath)
			apply(b, datapath, wanted);
	}
	for (unsigned zone = 0; zone < CT_ZONE_WORDS * 64; zone++) {
		uint64_t bit = UINT64_C(1) << zone % 64;

		if (b->ct_zones[zone / 64] & bit && !(wanted[zone / 64] & bit))
			conntrack_set_timeouts(swpath_conntrack(b->cfg.sp), (uint16_t)zone, NULL);
	}
	memcpy(b->ct_zones, wanted, sizeof(wanted));
}
