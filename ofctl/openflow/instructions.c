/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions of OpenFlow 1.3 (7.2.4) and of 1.5 (7.2.5), where a meter is an action.
 */
#include <string.h>

#include "ofctl/openflow/actions.h"
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

/* Length of the instruction's fixed part, with type and length; 0 if it is unknown. */
static unsigned fixed_len(uint16_t type, uint8_t version)
{
	switch (type) {
	case OFPIT_WRITE_METADATA:
		return 24;
	case OFPIT_GOTO_TABLE:
	case OFPIT_WRITE_ACTIONS:
	case OFPIT_APPLY_ACTIONS:
	case OFPIT_CLEAR_ACTIONS:
		return 8;
	case OFPIT_METER:
		return version >= OFP15 ? 0 : 8;
	default:
		return 0;
	}
}

static bool has_actions(uint16_t type)
{
	return type == OFPIT_WRITE_ACTIONS || type == OFPIT_APPLY_ACTIONS;
}

static enum of_error decode_one(
	uint16_t type, uint8_t version, struct of_rd r, struct of_instructions *ins)
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
		return of_actions_decode(version, r, NULL, &ins->write, NULL);
	case OFPIT_APPLY_ACTIONS:
		of_skip(&r, 4);
		return of_actions_decode(version, r, NULL, &ins->apply, NULL);
	case OFPIT_CLEAR_ACTIONS:
		ins->clear = true;
		return OFERR_OK;
	default: /* OFPIT_METER */
		ins->has_meter = true;
		ins->meter = of_get_u32(&r);
		return OFERR_OK;
	}
}

static enum of_error next(
	struct of_rd *r, uint8_t version, unsigned *seen, struct of_instructions *ins)
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
	if (version >= OFP15 && type == OFPIT15_STAT_TRIGGER)
		return OFERR_UNSUP_INSTRUCTION;
	if (!fixed_len(type, version))
		return OFERR_BAD_INSTRUCTION;
	if (has_actions(type) ? len < fixed_len(type, version) : len != fixed_len(type, version))
		return OFERR_BAD_INSTRUCTION_LEN;
	if (*seen & 1u << type)
		return OFERR_DUP_INSTRUCTION;
	*seen |= 1u << type;
	return decode_one(type, version, body, ins);
}

/* A meter that all others follow is what the instruction of earlier versions is. */
static void lift_meter(struct of_instructions *ins)
{
	struct of_actions *acts = &ins->apply;

	if (!acts->n || acts->a[0].type != OFACT_METER)
		return;
	ins->has_meter = true;
	ins->meter = acts->a[0].meter;
	memmove(acts->a, acts->a + 1, --acts->n * sizeof(*acts->a));
	if (!acts->n)
		of_actions_free(acts);
}

enum of_error of_instructions_decode(struct of_rd r, uint8_t version, struct of_instructions *ins)
{
	unsigned seen = 0;

	*ins = (struct of_instructions){0};
	while (r.left) {
		enum of_error err = next(&r, version, &seen, ins);

		if (err) {
			of_instructions_free(ins);
			return err;
		}
	}
	lift_meter(ins);
	return OFERR_OK;
}

/* `meter`: an action before the others, or NULL. */
static void put_actions(struct of_buf *b, uint8_t version, uint16_t type,
	const struct of_action *meter, const struct of_actions *acts)
{
	size_t start;

	if (!acts->n && !meter)
		return;
	start = of_begin_tlv(b, type);
	of_put_zeros(b, 4);
	if (meter)
		of_action13_encode(b, version, meter);
	of_actions_encode(b, version, acts);
	of_end_tlv(b, start);
}

void of_instructions_encode(struct of_buf *b, uint8_t version, const struct of_instructions *ins)
{
	struct of_action meter = {.type = OFACT_METER, .meter = ins->meter};
	bool meter15 = ins->has_meter && version >= OFP15;
	size_t start;

	if (ins->has_meter && !meter15) {
		start = of_begin_tlv(b, OFPIT_METER);
		of_put_u32(b, ins->meter);
		of_end_tlv(b, start);
	}
	put_actions(b, version, OFPIT_APPLY_ACTIONS, meter15 ? &meter : NULL, &ins->apply);
	if (ins->clear) {
		start = of_begin_tlv(b, OFPIT_CLEAR_ACTIONS);
		of_put_zeros(b, 4);
		of_end_tlv(b, start);
	}
	put_actions(b, version, OFPIT_WRITE_ACTIONS, NULL, &ins->write);
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
