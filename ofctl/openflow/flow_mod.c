/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow-mods: OpenFlow 1.0 (5.3.3), OpenFlow 1.3 (7.3.4.1), and Nicira's with its matches.
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

#define OFPFF10_EMERG 0x4
#define FLAGS13                                                                \
	(OF_FLOW_SEND_REMOVED | OF_FLOW_CHECK_OVERLAP | OF_FLOW_RESET_COUNTS | \
		OF_FLOW_NO_PACKET_COUNTS | OF_FLOW_NO_BYTE_COUNTS)

static bool is_delete(const struct of_flow_mod *fm)
{
	return fm->command == OF_FLOW_DELETE || fm->command == OF_FLOW_DELETE_STRICT;
}

/* What every form has in common once its numbers are read. */
static enum of_error check(const struct of_flow_mod *fm)
{
	const struct of_instructions *ins = &fm->ins;

	if (fm->table >= OF_TABLES && !(is_delete(fm) && fm->table == OF_TABLE_ALL))
		return OFERR_FLOW_MOD_BAD_TABLE;
	if (is_delete(fm))
		return OFERR_OK;
	if (ins->has_goto && ins->goto_table <= fm->table)
		return OFERR_BAD_GOTO_TABLE;
	/* Packets are never buffered, so no number of a buffer is good. */
	if (fm->buffer_id != OF_NO_BUFFER)
		return OFERR_BUFFER_UNKNOWN;
	return OFERR_OK;
}

static enum of_error checked(struct of_flow_mod *fm, enum of_error err)
{
	if (!err)
		err = check(fm);
	if (err)
		of_instructions_free(&fm->ins);
	return err;
}

/* 1.0's command, in the extension's form with the table in its high byte. */
static enum of_error set_command10(struct of_flow_mod *fm, uint16_t command, bool table_ids)
{
	uint8_t table = (uint8_t)(command >> 8);

	if (table_ids)
		command &= 0xff;
	if (command > OF_FLOW_DELETE_STRICT)
		return OFERR_BAD_COMMAND;
	fm->command = (enum of_flow_mod_command)command;
	if (!table_ids)
		table = is_delete(fm) ? OF_TABLE_ALL : 0;
	else if (table == OF_TABLE_ALL && !is_delete(fm))
		table = 0;
	fm->table = table;
	return OFERR_OK;
}

static enum of_error set_flags10(struct of_flow_mod *fm, uint16_t flags)
{
	if (flags & OFPFF10_EMERG)
		return fm->idle_timeout || fm->hard_timeout ? OFERR_BAD_TIMEOUT : OFERR_TABLE_FULL;
	if (flags & ~(OF_FLOW_SEND_REMOVED | OF_FLOW_CHECK_OVERLAP))
		return OFERR_BAD_FLAGS;
	fm->flags = flags;
	/* 1.0 always clears the counters of a flow that an add replaces. */
	if (fm->command == OF_FLOW_ADD)
		fm->flags |= OF_FLOW_RESET_COUNTS;
	return OFERR_OK;
}

static enum of_error decode_actions10(struct of_rd r, struct of_flow_mod *fm)
{
	if (is_delete(fm))
		return OFERR_OK;
	return of_actions_decode(OFP10, r, &fm->match, &fm->ins.apply, &fm->ins);
}

/* What 1.0's form and the extension's have in common, from the cookie to the flags. */
static void get_common10(
	struct of_rd *r, struct of_flow_mod *fm, uint16_t *command, uint16_t *flags)
{
	fm->cookie = of_get_u64(r);
	*command = of_get_u16(r);
	fm->idle_timeout = of_get_u16(r);
	fm->hard_timeout = of_get_u16(r);
	fm->priority = of_get_u16(r);
	fm->buffer_id = of_get_u32(r);
	fm->out_port = of_port_from16(of_get_u16(r));
	*flags = of_get_u16(r);
}

enum of_error of_flow_mod10_decode(struct of_rd r, bool table_ids, struct of_flow_mod *fm)
{
	enum of_error err;
	uint16_t command, flags;

	*fm = (struct of_flow_mod){.version = OFP10, .out_group = OF_GROUP_ANY};
	err = of_match10_decode(&r, &fm->match);
	if (err)
		return err;
	get_common10(&r, fm, &command, &flags);
	if (r.bad)
		return OFERR_BAD_LEN;
	err = set_command10(fm, command, table_ids);
	if (!err)
		err = set_flags10(fm, flags);
	if (!err)
		err = decode_actions10(r, fm);
	return checked(fm, err);
}

enum of_error of_flow_mod_nx_decode(struct of_rd r, bool table_ids, struct of_flow_mod *fm)
{
	uint16_t command, flags, match_len;
	uint64_t match_cookie;
	enum of_error err;

	*fm = (struct of_flow_mod){.version = OFP10, .out_group = OF_GROUP_ANY};
	get_common10(&r, fm, &command, &flags);
	match_len = of_get_u16(&r);
	of_skip(&r, 6);
	if (r.bad)
		return OFERR_BAD_LEN;
	err = set_command10(fm, command, table_ids);
	if (!err)
		err = set_flags10(fm, flags);
	if (!err)
		err = of_nxm_decode(&r, match_len, &fm->match, &match_cookie, &fm->cookie_mask);
	/* A cookie in the match selects; an add has nothing to select. */
	if (!err && fm->cookie_mask && fm->command == OF_FLOW_ADD)
		err = OFERR_BAD_MATCH_FIELD;
	if (!err && fm->cookie_mask) {
		fm->has_new_cookie = !is_delete(fm) && fm->cookie != UINT64_MAX;
		fm->new_cookie = fm->cookie;
		fm->cookie = match_cookie;
	}
	if (!err)
		err = decode_actions10(r, fm);
	return checked(fm, err);
}

enum of_error of_flow_mod13_decode(struct of_rd r, uint8_t version, struct of_flow_mod *fm)
{
	enum of_error err;
	uint8_t command;

	*fm = (struct of_flow_mod){.version = version};
	fm->cookie = of_get_u64(&r);
	fm->cookie_mask = of_get_u64(&r);
	fm->table = of_get_u8(&r);
	command = of_get_u8(&r);
	fm->idle_timeout = of_get_u16(&r);
	fm->hard_timeout = of_get_u16(&r);
	fm->priority = of_get_u16(&r);
	fm->buffer_id = of_get_u32(&r);
	fm->out_port = of_get_u32(&r);
	fm->out_group = of_get_u32(&r);
	fm->flags = of_get_u16(&r);
	if (version >= OFP14)
		fm->importance = of_get_u16(&r);
	else
		of_skip(&r, 2);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (command > OF_FLOW_DELETE_STRICT)
		return OFERR_BAD_COMMAND;
	fm->command = (enum of_flow_mod_command)command;
	if (fm->flags & ~FLAGS13)
		return OFERR_BAD_FLAGS;
	err = of_match13_decode(&r, &fm->match);
	if (!err && !is_delete(fm))
		err = of_instructions_decode(r, version, &fm->ins);
	return checked(fm, err);
}

static void encode10(struct of_buf *b, const struct of_flow_mod *fm)
{
	of_match10_encode(b, &fm->match);
	of_put_u64(b, fm->cookie);
	of_put_u16(b, (uint16_t)fm->command);
	of_put_u16(b, fm->idle_timeout);
	of_put_u16(b, fm->hard_timeout);
	of_put_u16(b, fm->priority);
	of_put_u32(b, fm->buffer_id);
	of_put_u16(b, of_port_to16(fm->out_port));
	of_put_u16(b, fm->flags & (OF_FLOW_SEND_REMOVED | OF_FLOW_CHECK_OVERLAP));
	of_instructions_encode10(b, &fm->ins);
}

static void encode13(struct of_buf *b, uint8_t version, const struct of_flow_mod *fm)
{
	of_put_u64(b, fm->cookie);
	of_put_u64(b, fm->cookie_mask);
	of_put_u8(b, fm->table);
	of_put_u8(b, (uint8_t)fm->command);
	of_put_u16(b, fm->idle_timeout);
	of_put_u16(b, fm->hard_timeout);
	of_put_u16(b, fm->priority);
	of_put_u32(b, fm->buffer_id);
	of_put_u32(b, fm->out_port);
	of_put_u32(b, fm->out_group);
	of_put_u16(b, fm->flags);
	of_put_u16(b, version >= OFP14 ? fm->importance : 0);
	of_match13_encode(b, version, &fm->match);
	of_instructions_encode(b, version, &fm->ins);
}

void of_flow_mod_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_flow_mod *fm)
{
	size_t start = of_begin(b, version, OFPT_FLOW_MOD, xid);

	if (version == OFP10)
		encode10(b, fm);
	else
		encode13(b, version, fm);
	of_end(b, start);
}
