/* SPDX-License-Identifier: Apache-2.0
 *
 * Table features (OpenFlow 1.3, 7.3.5.5; OpenFlow 1.5, 7.3.5.18): every table can do everything,
 * but jump only onward.
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/wire.h"

enum {
	OFPTFPT_INSTRUCTIONS = 0,
	OFPTFPT_NEXT_TABLES = 2,
	OFPTFPT_WRITE_ACTIONS = 4,
	OFPTFPT_APPLY_ACTIONS = 6,
	OFPTFPT_MATCH = 8,
	OFPTFPT_WILDCARDS = 10,
	OFPTFPT_WRITE_SETFIELD = 12,
	OFPTFPT_APPLY_SETFIELD = 14,
	OFPTFPT15_WRITE_COPYFIELD = 18,
	OFPTFPT15_APPLY_COPYFIELD = 20,
};

/* The padding is not counted (OpenFlow 1.3.5, 7.3.5.5.2). */
static void end_property(struct of_buf *b, size_t start)
{
	of_end_tlv(b, start);
	of_put_pad8(b, start);
}

static void put_instructions(struct of_buf *b, uint8_t version, uint8_t table)
{
	static const uint16_t types[] = {OFPIT_GOTO_TABLE, OFPIT_WRITE_METADATA,
		OFPIT_WRITE_ACTIONS, OFPIT_APPLY_ACTIONS, OFPIT_CLEAR_ACTIONS, OFPIT_METER};
	size_t start = of_begin_tlv(b, OFPTFPT_INSTRUCTIONS);

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i] == OFPIT_GOTO_TABLE && table == OF_TABLES - 1)
			continue;
		if (types[i] == OFPIT_METER && version >= OFP15)
			continue;
		of_put_u16(b, types[i]);
		of_put_u16(b, 4);
	}
	end_property(b, start);
}

static void put_next_tables(struct of_buf *b, uint8_t table)
{
	size_t start = of_begin_tlv(b, OFPTFPT_NEXT_TABLES);

	for (unsigned t = table + 1u; t < OF_TABLES; t++)
		of_put_u8(b, (uint8_t)t);
	end_property(b, start);
}

static void put_actions(struct of_buf *b, uint8_t version, uint16_t property)
{
	static const uint16_t types[] = {OFPAT_OUTPUT, OFPAT13_COPY_TTL_OUT, OFPAT13_COPY_TTL_IN,
		OFPAT13_SET_MPLS_TTL, OFPAT13_DEC_MPLS_TTL, OFPAT13_PUSH_VLAN, OFPAT13_POP_VLAN,
		OFPAT13_PUSH_MPLS, OFPAT13_POP_MPLS, OFPAT13_SET_QUEUE, OFPAT13_SET_NW_TTL,
		OFPAT13_GROUP, OFPAT13_DEC_NW_TTL, OFPAT13_SET_FIELD, OFPAT13_PUSH_PBB,
		OFPAT13_POP_PBB, OFPAT15_COPY_FIELD, OFPAT15_METER};
	size_t start = of_begin_tlv(b, property);

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i] >= OFPAT15_COPY_FIELD && version < OFP15)
			continue;
		of_put_u16(b, types[i]);
		of_put_u16(b, 4);
	}
	end_property(b, start);
}

/* Fields that have a code, the maskable ones with their mask bit if `masks`. */
static void put_fields(
	struct of_buf *b, uint8_t version, uint16_t property, bool writable, bool masks)
{
	size_t start = of_begin_tlv(b, property);

	for (unsigned id = 0; id < FIELD_MAX; id++) {
		const struct hal_field *f = &hal_fields[id];

		if (f->oxm_class == NOCODE && f->nxm_class == NOCODE)
			continue;
		if (hal_field_bytes(id) > OF_OXM_VALUE_MAX || id == FIELD_NW_TOS)
			continue;
		if (writable && !f->writable)
			continue;
		of_oxm_put_header(b, of_oxm_form(version), id, masks && f->maskable == MASK_ANY);
	}
	end_property(b, start);
}

void of_table_features_encode(struct of_buf *b, uint8_t version, const struct of_table_stats *ts)
{
	const uint8_t table = ts->table;
	size_t start = b->len;

	of_put_u16(b, 0);
	of_put_u8(b, table);
	of_put_zeros(b, 5);
	of_put_text(b, ts->name, 32);
	of_put_u64(b, UINT64_MAX); /* metadata that can be matched */
	of_put_u64(b, UINT64_MAX); /* and written */
	of_put_u32(b, 3);          /* OFPTC_DEPRECATED_MASK, as it has to be */
	of_put_u32(b, ts->max_entries);
	put_instructions(b, version, table);
	put_next_tables(b, table);
	put_actions(b, version, OFPTFPT_WRITE_ACTIONS);
	put_actions(b, version, OFPTFPT_APPLY_ACTIONS);
	put_fields(b, version, OFPTFPT_MATCH, false, true);
	put_fields(b, version, OFPTFPT_WILDCARDS, false, false);
	put_fields(b, version, OFPTFPT_WRITE_SETFIELD, true, false);
	put_fields(b, version, OFPTFPT_APPLY_SETFIELD, true, false);
	if (version >= OFP15) {
		put_fields(b, version, OFPTFPT15_WRITE_COPYFIELD, true, false);
		put_fields(b, version, OFPTFPT15_APPLY_COPYFIELD, true, false);
	}
	of_set_u16(b, start, b->len - start);
}
