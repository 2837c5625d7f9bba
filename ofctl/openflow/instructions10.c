/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions for those who speak OpenFlow 1.0, which has none: actions of the extension that come
 * nearest. A jump is a resubmit to the later table; the action set has no counterpart and is left
 * out.
 */
#include "ofctl/openflow/actions.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

void of_instructions_encode10(struct of_buf *b, const struct of_instructions *ins)
{
	of_actions_encode(b, OFP10, &ins->apply);
	if (ins->has_metadata) {
		size_t start = of_action_nx_begin(b, NXAST_WRITE_METADATA);

		of_put_zeros(b, 6);
		of_put_u64(b, ins->metadata);
		of_put_u64(b, ins->metadata_mask);
		of_action_end(b, start);
	}
	if (ins->has_goto) {
		struct of_action jump = {
			.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = ins->goto_table};

		of_action_nx_encode(b, OFP10, &jump);
	}
}
