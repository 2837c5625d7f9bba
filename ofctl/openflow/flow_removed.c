/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow-removed (OpenFlow 1.0, 5.4.3; OpenFlow 1.3 and 1.5, 7.4.2) and Nicira's for 1.0.
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/oxs.h"
#include "ofctl/openflow/wire.h"

uint8_t of_removed_reason_to(uint8_t version, enum of_removed_reason reason)
{
	enum of_removed_reason last = version == OFP10   ? OF_REMOVED_DELETE
				      : version == OFP13 ? OF_REMOVED_GROUP
							 : OF_REMOVED_EVICTION;

	return (uint8_t)(reason <= last ? reason : OF_REMOVED_DELETE);
}

static void encode10(struct of_buf *b, const struct of_flow_removed *fr, const struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;
	size_t start = of_begin(b, OFP10, OFPT_FLOW_REMOVED, 0);

	of_match10_encode(b, m);
	of_put_u64(b, fs->cookie);
	of_put_u16(b, fs->priority);
	of_put_u8(b, of_removed_reason_to(OFP10, fr->reason));
	of_put_zeros(b, 1);
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->idle_timeout);
	of_put_zeros(b, 2);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_end(b, start);
}

static void encode13(struct of_buf *b, uint8_t version, const struct of_flow_removed *fr,
	const struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;
	size_t start = of_begin(b, version, OFPT_FLOW_REMOVED, 0);

	of_put_u64(b, fs->cookie);
	of_put_u16(b, fs->priority);
	of_put_u8(b, of_removed_reason_to(version, fr->reason));
	of_put_u8(b, fs->table);
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_match13_encode(b, version, m);
	of_end(b, start);
}

static void encode15(struct of_buf *b, const struct of_flow_removed *fr, const struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;
	size_t start = of_begin(b, OFP15, OFPT_FLOW_REMOVED, 0);

	of_put_u8(b, fs->table);
	of_put_u8(b, of_removed_reason_to(OFP15, fr->reason));
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_u64(b, fs->cookie);
	of_match13_encode(b, OFP15, m);
	of_oxs_put_flow(b, fs, false);
	of_end(b, start);
}

static void encode_nx(struct of_buf *b, const struct of_flow_removed *fr, const struct hal_match *m)
{
	const struct of_flow_stats *fs = &fr->stats;
	size_t start = of_begin_nicira(b, OFP10, 0, NXT_FLOW_REMOVED), match_len;

	of_put_u64(b, fs->cookie);
	of_put_u16(b, fs->priority);
	of_put_u8(b, of_removed_reason_to(OFP10, fr->reason));
	of_put_u8(b, (uint8_t)(fs->table + 1)); /* 0: not known */
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->idle_timeout);
	match_len = b->len;
	of_put_u16(b, 0);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_nxm_encode(b, match_len, m);
	of_end(b, start);
}

void of_flow_removed_encode(
	struct of_buf *b, uint8_t version, bool nxm, const struct of_flow_removed *fr)
{
	struct hal_match m;

	hal_cmatch_expand(fr->stats.match, &m);
	if (version >= OFP15)
		encode15(b, fr, &m);
	else if (version != OFP10)
		encode13(b, version, fr, &m);
	else if (nxm)
		encode_nx(b, fr, &m);
	else
		encode10(b, fr, &m);
}
