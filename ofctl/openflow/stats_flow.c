/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow and aggregate statistics (OpenFlow 1.0, 5.3.5; OpenFlow 1.3, 7.3.5.2 and 7.3.5.3; OpenFlow
 * 1.5, 7.3.5.2 and 7.3.5.4; Nicira's with its matches).
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/oxs.h"
#include "ofctl/openflow/wire.h"

static enum of_error decode10(struct of_rd r, struct of_flow_filter *f)
{
	enum of_error err = of_match10_decode(&r, &f->match);

	if (err)
		return err;
	f->table = of_get_u8(&r);
	of_skip(&r, 1);
	f->out_port = of_port_from16(of_get_u16(&r));
	return r.bad || r.left ? OFERR_BAD_LEN : OFERR_OK;
}

static enum of_error decode13(struct of_rd r, struct of_flow_filter *f)
{
	enum of_error err;

	f->table = of_get_u8(&r);
	of_skip(&r, 3);
	f->out_port = of_get_u32(&r);
	f->out_group = of_get_u32(&r);
	of_skip(&r, 4);
	f->cookie = of_get_u64(&r);
	f->cookie_mask = of_get_u64(&r);
	if (r.bad)
		return OFERR_BAD_LEN;
	err = of_match13_decode(&r, &f->match);
	if (err)
		return err;
	return r.left ? OFERR_BAD_LEN : OFERR_OK;
}

static enum of_error check_table(const struct of_flow_filter *f)
{
	return f->table < OF_TABLES || f->table == OF_TABLE_ALL ? OFERR_OK : OFERR_BAD_TABLE_ID;
}

enum of_error of_flow_filter_decode(struct of_rd r, uint8_t version, struct of_flow_filter *f)
{
	enum of_error err;

	*f = (struct of_flow_filter){.out_group = OF_GROUP_ANY};
	err = version == OFP10 ? decode10(r, f) : decode13(r, f);
	return err ? err : check_table(f);
}

enum of_error of_flow_filter_nx_decode(struct of_rd r, struct of_flow_filter *f)
{
	uint16_t match_len;
	enum of_error err;

	*f = (struct of_flow_filter){.out_group = OF_GROUP_ANY};
	f->out_port = of_port_from16(of_get_u16(&r));
	match_len = of_get_u16(&r);
	f->table = of_get_u8(&r);
	of_skip(&r, 3);
	if (r.bad)
		return OFERR_BAD_LEN;
	err = of_nxm_decode(&r, match_len, &f->match, &f->cookie, &f->cookie_mask);
	if (err)
		return err;
	return r.left ? OFERR_BAD_LEN : check_table(f);
}

static void put_flow10(struct of_buf *b, const struct of_flow_stats *fs, const struct hal_match *m)
{
	of_put_u8(b, fs->table);
	of_put_zeros(b, 1);
	of_match10_encode(b, m);
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_zeros(b, 6);
	of_put_u64(b, fs->cookie);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_instructions_encode10(b, fs->ins);
}

static void put_flow13(struct of_buf *b, uint8_t version, const struct of_flow_stats *fs,
	const struct hal_match *m)
{
	of_put_u8(b, fs->table);
	of_put_zeros(b, 1);
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_u16(b, fs->flags);
	of_put_u16(b, version >= OFP14 ? fs->importance : 0);
	of_put_zeros(b, 2);
	of_put_u64(b, fs->cookie);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_match13_encode(b, version, m);
	of_instructions_encode(b, version, fs->ins);
}

/* What describes the flow, with its counters in between. */
static void put_flow15(struct of_buf *b, uint8_t version, const struct of_flow_stats *fs,
	const struct hal_match *m)
{
	of_put_zeros(b, 2);
	of_put_u8(b, fs->table);
	of_put_zeros(b, 1);
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_u16(b, fs->flags);
	of_put_u16(b, fs->importance);
	of_put_u64(b, fs->cookie);
	of_match13_encode(b, version, m);
	of_oxs_put_flow(b, fs, true);
	of_instructions_encode(b, version, fs->ins);
}

void of_flow_stats_encode(struct of_buf *b, uint8_t version, const struct of_flow_stats *fs)
{
	size_t start = b->len;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	of_put_u16(b, 0);
	if (version == OFP10)
		put_flow10(b, fs, &m);
	else if (version >= OFP15)
		put_flow15(b, version, fs, &m);
	else
		put_flow13(b, version, fs, &m);
	of_set_u16(b, start, b->len - start);
}

/* An age in seconds plus one; 0 would mean that it is not known. */
static uint16_t age(uint64_t ms)
{
	uint64_t s = ms / 1000 + 1;

	return s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
}

void of_flow_stats_nx_encode(struct of_buf *b, const struct of_flow_stats *fs)
{
	size_t start = b->len, match_len;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	of_put_u16(b, 0);
	of_put_u8(b, fs->table);
	of_put_zeros(b, 1);
	of_put_duration(b, fs->duration_ns);
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	match_len = b->len;
	of_put_u16(b, 0);
	of_put_u16(b, age(fs->idle_age_ms));
	of_put_u16(b, age(fs->hard_age_ms));
	of_put_u64(b, fs->cookie);
	of_put_u64(b, fs->packets);
	of_put_u64(b, fs->bytes);
	of_nxm_encode(b, match_len, &m);
	of_instructions_encode10(b, fs->ins);
	of_set_u16(b, start, b->len - start);
}

void of_aggregate_add(struct of_aggregate *agg, const struct of_flow_stats *fs)
{
	agg->flows++;
	agg->packets = agg->packets == UINT64_MAX || fs->packets == UINT64_MAX
			       ? UINT64_MAX
			       : agg->packets + fs->packets;
	agg->bytes = agg->bytes == UINT64_MAX || fs->bytes == UINT64_MAX ? UINT64_MAX
									 : agg->bytes + fs->bytes;
}

void of_aggregate_encode(struct of_buf *b, uint8_t version, const struct of_aggregate *agg)
{
	if (version >= OFP15) {
		of_oxs_put_aggregate(b, agg);
		return;
	}
	of_put_u64(b, agg->packets);
	of_put_u64(b, agg->bytes);
	of_put_u32(b, agg->flows);
	of_put_zeros(b, 4);
}
