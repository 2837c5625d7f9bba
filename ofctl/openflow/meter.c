/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters on the wire (OpenFlow 1.3, 7.3.4.4 and 7.3.5.12 to 7.3.5.14).
 */
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

#define BAND_LEN 16

enum { OFPMBT_DROP = 1, OFPMBT_DSCP_REMARK = 2 };

static enum of_error decode_band(struct of_rd *r, struct hal_meter *m)
{
	uint16_t type = of_get_u16(r), len = of_get_u16(r);
	struct hal_band band = {.type = HAL_BAND_DROP};
	struct of_rd body;

	if (r->bad || len < BAND_LEN || len % 8)
		return OFERR_BAD_LEN;
	body = of_get_rd(r, len - 4u);
	if (body.bad)
		return OFERR_BAD_LEN;
	band.rate = of_get_u32(&body);
	band.burst = of_get_u32(&body);
	if (type == OFPMBT_DSCP_REMARK) {
		band.type = HAL_BAND_DSCP_REMARK;
		band.prec_level = of_get_u8(&body);
	} else if (type != OFPMBT_DROP) {
		return OFERR_METER_BAD_BAND;
	}
	if (len != BAND_LEN)
		return OFERR_BAD_LEN;
	if (m->n_bands == HAL_METER_BANDS)
		return OFERR_METER_OUT_OF_BANDS;
	m->band[m->n_bands++] = band;
	return OFERR_OK;
}

enum of_error of_meter_mod_decode(struct of_rd r, struct of_meter_mod *mm)
{
	uint16_t command = of_get_u16(&r);
	enum of_error err = OFERR_OK;

	*mm = (struct of_meter_mod){.command = (enum of_meter_command)command};
	mm->flags = of_get_u16(&r);
	mm->id = of_get_u32(&r);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (command > OF_METER_DELETE)
		return OFERR_METER_BAD_COMMAND;
	mm->meter.pktps = mm->flags & OFPMF_PKTPS;
	if (command == OF_METER_DELETE)
		return OFERR_OK;
	while (r.left && !err)
		err = decode_band(&r, &mm->meter);
	return err;
}

static void put_bands(struct of_buf *b, const struct hal_meter *m)
{
	for (unsigned i = 0; i < m->n_bands; i++) {
		const struct hal_band *band = &m->band[i];
		bool remark = band->type == HAL_BAND_DSCP_REMARK;

		of_put_u16(b, remark ? OFPMBT_DSCP_REMARK : OFPMBT_DROP);
		of_put_u16(b, BAND_LEN);
		of_put_u32(b, band->rate);
		of_put_u32(b, band->burst);
		of_put_u8(b, remark ? (uint8_t)band->prec_level : 0);
		of_put_zeros(b, 3);
	}
}

void of_meter_mod_encode(struct of_buf *b, uint32_t xid, const struct of_meter_mod *mm)
{
	size_t start = of_begin(b, OFP13, OFPT13_METER_MOD, xid);

	of_put_u16(b, (uint16_t)mm->command);
	of_put_u16(b, mm->flags);
	of_put_u32(b, mm->id);
	put_bands(b, &mm->meter);
	of_end(b, start);
}

void of_meter_config_encode(struct of_buf *b, const struct of_meter_stats *ms)
{
	size_t start = b->len;

	of_put_u16(b, 0);
	of_put_u16(b, ms->flags);
	of_put_u32(b, ms->id);
	put_bands(b, ms->meter);
	of_set_u16(b, start, b->len - start);
}

void of_meter_stats_encode(struct of_buf *b, const struct of_meter_stats *ms)
{
	const struct hal_meter_stats *c = &ms->counters;
	size_t start = b->len;

	of_put_u32(b, ms->id);
	of_put_u16(b, 0);
	of_put_zeros(b, 6);
	of_put_u32(b, ms->flow_count);
	of_put_u64(b, c->packets);
	of_put_u64(b, c->bytes);
	of_put_duration(b, ms->duration_ns);
	for (unsigned i = 0; i < ms->meter->n_bands; i++) {
		of_put_u64(b, c->band_packets[i]);
		of_put_u64(b, c->no_band_bytes ? UINT64_MAX : c->band_bytes[i]); /* unknown */
	}
	of_set_u16(b, start + 4, b->len - start);
}

/* 1.5 has 8 bytes more (struct ofp_meter_features), in which nothing would be set; Open vSwitch and
 * its tools leave them out, and take no longer reply. */
void of_meter_features_encode(struct of_buf *b, uint32_t max_meters)
{
	of_put_u32(b, max_meters);
	of_put_u32(b, 1u << OFPMBT_DROP | 1u << OFPMBT_DSCP_REMARK);
	of_put_u32(b, OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS);
	of_put_u8(b, HAL_METER_BANDS);
	of_put_u8(b, 0); /* packets have no color */
	of_put_zeros(b, 2);
}
