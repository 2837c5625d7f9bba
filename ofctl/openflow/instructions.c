/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions of OpenFlow 1.3 (7.2.4).
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

/* Length of the instruction's fixed part, with type and length; 0 if it is unknown. */
static unsigned fixed_len(uint16_t type)
{
	switch (type) {
	case OFPIT_WRITE_METADATA:
		return 24;
	case OFPIT_GOTO_TABLE:
	case OFPIT_WRITE_ACTIONS:
	case OFPIT_APPLY_ACTIONS:
	case OFPIT_CLEAR_ACTIONS:
	case OFPIT_METER:
		return 8;
	default:
		return 0;
	}
}

static bool has_actions(uint16_t type)
{
	return type == OFPIT_WRITE_ACTIONS || type == OFPIT_APPLY_ACTIONS;
}

static enum of_error decode_one(uint16_t type, struct of_rd r, struct of_instructions *ins)
{
	switch (type) {
	case OFPIT_GOTO_TABLE:
		ins->has_goto = true;
		ins->goto_table = of_get_u8(&r);
		return ins->goto_table < OF_TABLES ? OFERR_OK : OFERR_BAD_GOTO_TABLE;
	case OFPIT_WRITE_METADATA:
		of_skip(&r, 4);
		ins->has_metadata = true;
		ins->metadata = of_get_u64(&r);
		ins->metadata_mask = of_get_u64(&r);
		/* Bits outside the mask write nothing. */
		ins->metadata &= ins->metadata_mask;
		return OFERR_OK;
	case OFPIT_WRITE_ACTIONS:
		of_skip(&r, 4);
		return of_actions_decode(OFP13, r, NULL, &ins->write, NULL);
	case OFPIT_APPLY_ACTIONS:
		of_skip(&r, 4);
		return of_actions_decode(OFP13, r, NULL, &ins->apply, NULL);
	case OFPIT_CLEAR_ACTIONS:
		ins->clear = true;
		return OFERR_OK;
	default: /* OFPIT_METER */
		ins->has_meter = true;
		ins->meter = of_get_u32(&r);
		return OFERR_OK;
	}
}

static enum of_error next(struct of_rd *r, unsigned *seen, struct of_instructions *ins)
{
	uint16_t type = of_get_u16(r), len = of_get_u16(r);
	struct of_rd body;

	if (r->bad || len < 8 || len % 8)
		return OFERR_BAD_INSTRUCTION_LEN;
	body = of_get_rd(r, len - 4u);
	if (body.bad)
		return OFERR_BAD_INSTRUCTION_LEN;
	if (type == OFPIT_EXPERIMENTER)
		return OFERR_BAD_INSTRUCTION_EXPERIMENTER;
	if (!fixed_len(type))
		return OFERR_BAD_INSTRUCTION;
	if (has_actions(type) ? len < fixed_len(type) : len != fixed_len(type))
		return OFERR_BAD_INSTRUCTION_LEN;
	if (*seen & 1u << type)
		return OFERR_DUP_INSTRUCTION;
	*seen |= 1u << type;
	return decode_one(type, body, ins);
}

enum of_error of_instructions_decode(struct of_rd r, struct of_instructions *ins)
{
	unsigned seen = 0;

	*ins = (struct of_instructions){0};
	while (r.left) {
		enum of_error err = next(&r, &seen, ins);

		if (err) {
			of_instructions_free(ins);
			return err;
		}
	}
	return OFERR_OK;
}

static void put_actions(struct of_buf *b, uint16_t type, const struct of_actions *acts)
{
	size_t start;

	if (!acts->n)
		return;
	start = of_begin_tlv(b, type);
	of_put_zeros(b, 4);
	of_actions_encode(b, OFP13, acts);
	of_end_tlv(b, start);
}

void of_instructions_encode(struct of_buf *b, const struct of_instructions *ins)
{
	size_t start;

	if (ins->has_meter) {
		start = of_begin_tlv(b, OFPIT_METER);
		of_put_u32(b, ins->meter);
		of_end_tlv(b, start);
	}
	put_actions(b, OFPIT_APPLY_ACTIONS, &ins->apply);
	if (ins->clear) {
		start = of_begin_tlv(b, OFPIT_CLEAR_ACTIONS);
		of_put_zeros(b, 4);
		of_end_tlv(b, start);
	}
	put_actions(b, OFPIT_WRITE_ACTIONS, &ins->write);
	if (ins->has_metadata) {
		start = of_begin_tlv(b, OFPIT_WRITE_METADATA);
		of_put_zeros(b, 4);
		of_put_u64(b, ins->metadata);
		of_put_u64(b, ins->metadata_mask);
		of_end_tlv(b, start);
	}
	if (ins->has_goto) {
		start = of_begin_tlv(b, OFPIT_GOTO_TABLE);
		of_put_u8(b, ins->goto_table);
		of_put_zeros(b, 3);
		of_end_tlv(b, start);
	}
}
