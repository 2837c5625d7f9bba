/* SPDX-License-Identifier: Apache-2.0
 *
 * What the datapath can do, for those who ask the database (ovs-vswitchd.conf.db(5), table
 * Datapath), as ovn-controller does.
 */
#include "ofctl/bridge/bridge_priv.h"

/* Of the software path: what a device lacks is done there. */
void datapath_write_capabilities(const struct ovsdb_row *root, struct ovsdb_txn *txn)
{
	static const struct ovsdb_pair capabilities[] = {
		{"check_pkt_len", "true"},
		{"clone", "true"},
		{"ct_clear", "true"},
		{"ct_eventmask", "false"},
		{"ct_flush", "true"},
		{"ct_label", "true"},
		{"ct_mark", "true"},
		{"ct_orig_tuple", "true"},
		{"ct_orig_tuple6", "true"},
		{"ct_state", "true"},
		{"ct_state_nat", "true"},
		{"ct_timeout", "true"},
		{"ct_zero_snat", "true"},
		{"ct_zone", "true"},
		{"explicit_drop_action", "true"},
		{"lb_output_action", "false"},
		{"masked_set_action", "true"},
		{"max_hash_alg", "1"},
		{"max_vlan_headers", "2"},
		{"nd_ext", "false"},
		{"recirc", "true"},
		{"sample_nesting", "0"},
		{"tnl_push_pop", "true"},
		{"trunc", "true"},
		{"ufid", "true"},
	};

	for (size_t i = 0; i < ovsdb_count(root, "datapaths"); i++) {
		const struct ovsdb_row *row = ovsdb_ref(root, "datapaths", i);

		if (row)
			ovsdb_set_map(ovsdb_edit(txn, row), "capabilities", capabilities,
				sizeof(capabilities) / sizeof(capabilities[0]));
	}
}
