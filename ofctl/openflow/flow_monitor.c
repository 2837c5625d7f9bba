/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow monitors: OpenFlow 1.4 (7.3.5.17), the ONF's extension 187 to 1.3, and Nicira's to 1.0.
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

#define WHEN (OF_MONITOR_ADDED | OF_MONITOR_REMOVED | OF_MONITOR_MODIFIED)
#define FLAGS14 0x7f

/* The extensions have no event INITIAL, and count from ADDED on; their flags have one bit for a
 * connection's own changes. */
#define FLAGS_EXT 0x3f

enum { EVENT14_ABBREV = 4, EVENT14_PAUSED = 5, EVENT14_RESUMED = 6, EVENT_EXT_ABBREV = 3 };

/* ---- requests ---- */

static enum of_error check_flags(uint16_t flags, uint16_t known)
{
	return flags & ~known || !(flags & WHEN) ? OFERR_MONITOR_BAD_FLAGS : OFERR_OK;
}

/* Of an extension: all up to the match, of which `pad` bytes are left. */
static enum of_error check_ext(struct of_rd *r, size_t pad, uint16_t flags)
{
	bool zeros = of_get_zeros(r, pad);
	enum of_error err = check_flags(flags, FLAGS_EXT);

	if (r->bad)
		return OFERR_BAD_LEN;
	return !err && !zeros ? OFERR_MUST_BE_ZERO : err;
}

static enum of_error decode_nx(struct of_rd *r, struct of_monitor_request *m)
{
	enum of_error err;
	uint16_t match_len;

	m->id = of_get_u32(r);
	m->flags = of_get_u16(r);
	m->filter.out_port = of_port_from16(of_get_u16(r));
	match_len = of_get_u16(r);
	m->filter.table = of_get_u8(r);
	err = check_ext(r, 5, m->flags);
	return err ? err : of_nxm_decode(r, match_len, &m->filter.match, NULL, NULL);
}

static enum of_error decode_onf(struct of_rd *r, struct of_monitor_request *m)
{
	enum of_error err;

	m->id = of_get_u32(r);
	m->flags = of_get_u16(r);
	of_skip(r, 2); /* the match has its length */
	m->filter.out_port = of_get_u32(r);
	m->filter.table = of_get_u8(r);
	err = check_ext(r, 3, m->flags);
	return err ? err : of_match13_decode(r, &m->filter.match);
}

/* Open vSwitch's tools say ONLY_OWN where 1.4 has NO_ABBREV, which they never say: alone it means
 * that. To hear of abbreviations only, and of nothing else, is of no use to anybody. */
static uint16_t meant(uint16_t flags)
{
	if (!(flags & OF_MONITOR_ONLY_OWN) || flags & OF_MONITOR_NO_ABBREV)
		return flags;
	return (uint16_t)((flags & ~OF_MONITOR_ONLY_OWN) | OF_MONITOR_NO_ABBREV);
}

static enum of_error decode14(struct of_rd *r, struct of_monitor_request *m)
{
	enum of_error err;
	uint8_t command;

	m->id = of_get_u32(r);
	m->filter.out_port = of_get_u32(r);
	m->filter.out_group = of_get_u32(r);
	m->flags = of_get_u16(r);
	m->filter.table = of_get_u8(r);
	command = of_get_u8(r);
	if (r->bad)
		return OFERR_BAD_LEN;
	if (command > OF_MONITOR_DELETE)
		return OFERR_MONITOR_BAD_COMMAND;
	m->command = (enum of_monitor_command)command;
	err = command == OF_MONITOR_DELETE ? OFERR_OK : check_flags(m->flags, FLAGS14);
	m->flags = meant(m->flags);
	if (err)
		return err;
	/* Who ends one has nothing to match, and stock tools leave the match out. */
	if (command == OF_MONITOR_DELETE && !r->left)
		return OFERR_OK;
	return of_match13_decode(r, &m->filter.match);
}

static enum of_error check(const struct of_monitor_request *m)
{
	const struct of_flow_filter *f = &m->filter;

	if (m->command == OF_MONITOR_DELETE)
		return OFERR_OK;
	if (f->table >= OF_TABLES && f->table != OF_TABLE_ALL)
		return OFERR_MONITOR_BAD_TABLE;
	if (f->out_port >= OF_PORT_MAX && f->out_port < OF_PORT_UNSET)
		return OFERR_MONITOR_BAD_OUT;
	return f->out_group > OF_GROUP_MAX && f->out_group != OF_GROUP_ANY ? OFERR_MONITOR_BAD_OUT
									   : OFERR_OK;
}

enum of_error of_monitor_decode(struct of_rd *r, uint8_t version, struct of_monitor_request *m)
{
	enum of_error err;

	*m = (struct of_monitor_request){.filter.out_group = OF_GROUP_ANY};
	if (version == OFP10)
		err = decode_nx(r, m);
	else
		err = version == OFP13 ? decode_onf(r, m) : decode14(r, m);
	return err ? err : check(m);
}

/* ---- events ---- */

static uint16_t event_ext(enum of_flow_event event)
{
	return event == OF_FLOW_INITIAL ? 0 : (uint16_t)(event - OF_FLOW_ADDED);
}

static void put_ext(
	struct of_buf *b, uint8_t version, const struct of_flow_change *c, bool instructions)
{
	const struct of_flow_stats *fs = &c->flow;
	size_t match_len, match;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	of_put_u16(b, event_ext(c->event));
	of_put_u16(b, c->event == OF_FLOW_REMOVED ? (uint16_t)c->reason : 0);
	of_put_u16(b, fs->priority);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	match_len = b->len;
	of_put_u16(b, 0);
	of_put_u8(b, fs->table);
	of_put_zeros(b, 1);
	of_put_u64(b, fs->cookie);
	if (version == OFP10) {
		of_nxm_encode(b, match_len, &m);
		if (instructions)
			of_instructions_encode10(b, fs->ins);
		return;
	}
	match = b->len;
	of_match13_encode(b, version, &m);
	/* Its own length, without padding, is in its second half-word. */
	if (!b->failed)
		of_set_u16(b, match_len, (size_t)(b->data[match + 2] << 8 | b->data[match + 3]));
	if (instructions)
		of_instructions_encode(b, version, fs->ins);
}

static void put14(
	struct of_buf *b, uint8_t version, const struct of_flow_change *c, bool instructions)
{
	const struct of_flow_stats *fs = &c->flow;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	of_put_u16(b, (uint16_t)c->event);
	of_put_u8(b, fs->table);
	of_put_u8(b, c->event == OF_FLOW_REMOVED ? (uint8_t)c->reason : 0);
	of_put_u16(b, fs->idle_timeout);
	of_put_u16(b, fs->hard_timeout);
	of_put_u16(b, fs->priority);
	of_put_zeros(b, 4);
	of_put_u64(b, fs->cookie);
	of_match13_encode(b, version, &m);
	if (instructions)
		of_instructions_encode(b, version, fs->ins);
}

void of_flow_change_encode(
	struct of_buf *b, uint8_t version, const struct of_flow_change *c, bool instructions)
{
	size_t start = b->len;

	of_put_u16(b, 0);
	if (version >= OFP14)
		put14(b, version, c, instructions);
	else
		put_ext(b, version, c, instructions);
	of_set_u16(b, start, b->len - start);
}

void of_flow_abbrev_encode(struct of_buf *b, uint8_t version, uint32_t xid)
{
	of_put_u16(b, 8);
	of_put_u16(b, version >= OFP14 ? EVENT14_ABBREV : EVENT_EXT_ABBREV);
	of_put_u32(b, xid);
}

void of_monitor_pause_encode(struct of_buf *b, uint8_t version, bool paused)
{
	size_t start;

	if (version >= OFP14) {
		start = of_begin_multipart(b, version, 0, OFPMP_FLOW_MONITOR);
		of_put_u16(b, 8);
		of_put_u16(b, paused ? EVENT14_PAUSED : EVENT14_RESUMED);
		of_put_zeros(b, 4);
	} else if (version == OFP10) {
		start = of_begin_nicira(
			b, version, 0, paused ? NXT_FLOW_MONITOR_PAUSED : NXT_FLOW_MONITOR_RESUMED);
	} else {
		start = of_begin(b, version, OFPT_EXPERIMENTER, 0);
		of_put_u32(b, EXP_ONF);
		of_put_u32(b, paused ? ONFT_FLOW_MONITOR_PAUSED : ONFT_FLOW_MONITOR_RESUMED);
	}
	of_end(b, start);
}
