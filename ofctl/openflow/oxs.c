/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/oxs.h"

#include "ofctl/openflow/wire.h"

#define OXS_CLASS_BASIC 0x8002

enum {
	OXS_DURATION = 0,
	OXS_IDLE_TIME = 1,
	OXS_FLOW_COUNT = 3,
	OXS_PACKET_COUNT = 4,
	OXS_BYTE_COUNT = 5,
};

#define REASON_REQUEST 0 /* OFPFSR_STATS_REQUEST */

static void put_header(struct of_buf *b, uint8_t field, uint8_t len)
{
	of_put_u16(b, OXS_CLASS_BASIC);
	of_put_u8(b, (uint8_t)(field << 1));
	of_put_u8(b, len);
}

static void put_count(struct of_buf *b, uint8_t field, uint64_t v)
{
	if (v == UINT64_MAX)
		return;
	put_header(b, field, 8);
	of_put_u64(b, v);
}

/* Seconds and nanoseconds; whole milliseconds, as clocks behind it have. */
static void put_time(struct of_buf *b, uint8_t field, uint64_t ms)
{
	put_header(b, field, 8);
	of_put_u32(b, (uint32_t)(ms / 1000));
	of_put_u32(b, (uint32_t)(ms % 1000 * 1000000));
}

static void put_counts(struct of_buf *b, uint64_t packets, uint64_t bytes)
{
	put_count(b, OXS_PACKET_COUNT, packets);
	put_count(b, OXS_BYTE_COUNT, bytes);
}

static void end(struct of_buf *b, size_t start)
{
	of_end_tlv(b, start);
	of_put_pad8(b, start);
}

void of_oxs_put_flow(struct of_buf *b, const struct of_flow_stats *fs, bool idle)
{
	size_t start = of_begin_tlv(b, 0);

	put_time(b, OXS_DURATION, fs->duration_ns / 1000000);
	if (idle)
		put_time(b, OXS_IDLE_TIME, fs->idle_age_ms);
	put_counts(b, fs->packets, fs->bytes);
	end(b, start);
}

void of_oxs_put_aggregate(struct of_buf *b, const struct of_aggregate *agg)
{
	size_t start = of_begin_tlv(b, 0);

	put_counts(b, agg->packets, agg->bytes);
	put_header(b, OXS_FLOW_COUNT, 4);
	of_put_u32(b, agg->flows);
	end(b, start);
}

void of_flow_counts_encode(struct of_buf *b, const struct of_flow_stats *fs)
{
	size_t start = b->len;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	of_put_u16(b, 0);
	of_put_zeros(b, 2);
	of_put_u8(b, fs->table);
	of_put_u8(b, REASON_REQUEST);
	of_put_u16(b, fs->priority);
	of_match13_encode(b, OFP15, &m);
	of_oxs_put_flow(b, fs, true);
	of_set_u16(b, start, b->len - start);
}
