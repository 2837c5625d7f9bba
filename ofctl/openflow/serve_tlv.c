/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's requests about the TLV table: which Geneve options tun_metadata0 to tun_metadata63 are.
 * One table serves all bridges; what a flow of any of them uses stays.
 */
#include "ofctl/openflow/conn.h"

#include <errno.h>
#include <string.h>

#include "hal/option.h"
#include "hal/tlv.h"

enum { NXTTMC_ADD = 0, NXTTMC_DELETE = 1, NXTTMC_CLEAR = 2 };

#define MAP_LEN 8 /* bytes of one mapping on the wire */
#define SPACE 128 /* bytes of all values */

struct mapping {
	uint16_t class, index;
	uint8_t type, len;
};

static struct mapping get_mapping(struct of_rd *r)
{
	struct mapping m;

	m.class = of_get_u16(r);
	m.type = of_get_u8(r);
	m.len = of_get_u8(r);
	m.index = of_get_u16(r);
	of_skip(r, 2);
	return m;
}

static enum of_error check_mapping(const struct mapping *m)
{
	if (m->index >= HAL_TLV_MAX)
		return OFERR_TLV_BAD_FIELD_IDX;
	return !m->len || m->len % 4 || m->len > HAL_OPTION_MAX ? OFERR_TLV_BAD_OPT_LEN : OFERR_OK;
}

/* ---- which options flows use ---- */

static uint64_t bit(unsigned option)
{
	return UINT64_C(1) << option;
}

static uint64_t used_by_sub(const struct of_subfield *sf)
{
	const struct hal_tlv_table *t = hal_tlv_table();

	if (sf->field != FIELD_TUN_METADATA)
		return 0;
	for (unsigned i = 0; i < HAL_TLV_MAX; i++) {
		unsigned first = (128u - t->entry[i].offset - t->entry[i].len) * 8;

		if (t->entry[i].used && sf->ofs >= first && sf->ofs < first + t->entry[i].len * 8u)
			return bit(i);
	}
	return 0;
}

static uint64_t used_by_learn(const struct of_learn *l)
{
	uint64_t used = used_by_sub(&l->result);

	for (unsigned i = 0; i < l->n_specs; i++)
		used |= used_by_sub(&l->specs[i].src) | used_by_sub(&l->specs[i].dst);
	return used;
}

static uint64_t used_by(const struct of_actions *acts)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];
		struct of_subfield src = {a->field, a->src_ofs, a->n_bits};
		struct of_subfield dst = {a->dst_field, a->dst_ofs, a->n_bits};

		used |= used_by(&a->nested);
		if (a->type == OFACT_SET_FIELD || a->type == OFACT_DELETE_FIELD)
			used |= a->field == FIELD_TUN_METADATA ? bit(a->option) : 0;
		else
			used |= used_by_sub(&src);
		if (a->type == OFACT_MOVE)
			used |= used_by_sub(&dst);
		if (a->learn)
			used |= used_by_learn(a->learn);
		if (a->choice)
			used |= used_by_sub(&a->choice->dst);
		if (a->ct)
			used |= used_by_sub(&a->ct->zone_src);
	}
	return used;
}

static void add_used(void *ctx, const struct of_flow_stats *fs)
{
	uint64_t *used = ctx;
	struct hal_match m;

	hal_cmatch_expand(fs->match, &m);
	*used |= hal_field_get_u64(FIELD_TUN_OPTS_PRESENT, &m.mask);
	*used |= used_by(&fs->ins->apply) | used_by(&fs->ins->write);
}

static uint64_t used_options(struct of_agents *all)
{
	struct of_flow_filter every = {
		.table = OF_TABLE_ALL, .out_port = OF_PORT_ANY, .out_group = OF_GROUP_ANY};
	struct of_agent *agent;
	uint64_t used = 0;

	LIST_FOREACH (agent, &all->list, entry)
		pl_flow_list(agent->br, &every, add_used, &used);
	return used;
}

/* ---- changes ---- */

/* True if the entry is this very mapping. */
static bool is_same(const struct hal_tlv *e, const struct mapping *m)
{
	return e->used && e->class == m->class && e->type == m->type && e->len == m->len;
}

static enum of_error why_not(const struct mapping *m, int err)
{
	const struct hal_tlv_table *t = hal_tlv_table();

	if (err == -ENOSPC)
		return OFERR_TLV_TABLE_FULL;
	if (err != -EEXIST)
		return OFERR_EPERM;
	return t->entry[m->index].used ? OFERR_TLV_ALREADY_MAPPED : OFERR_TLV_DUP_ENTRY;
}

/* All of a request or nothing of it: what was added before an error is taken away again. */
static enum of_error add(struct of_rd r)
{
	struct of_rd again = r;

	while (r.left) {
		struct mapping m = get_mapping(&r);
		enum of_error err = check_mapping(&m);
		int ret = err ? 0 : hal_tlv_add(m.index, m.class, m.type, m.len);

		if (!err && !ret)
			continue;
		err = err ? err : why_not(&m, ret);
		while (again.left > r.left + MAP_LEN)
			hal_tlv_remove(get_mapping(&again).index);
		return err;
	}
	return OFERR_OK;
}

static enum of_error delete (struct of_agents *all, struct of_rd r) {
	const struct hal_tlv_table *t = hal_tlv_table(); uint64_t used = used_options(all);
	struct of_rd check = r;

	while (check.left){struct mapping m = get_mapping(&check);
			   enum of_error err = check_mapping(&m);

			   if (err) return err;
			   if (!is_same(&t->entry[m.index], &m)) return OFERR_TLV_BAD_FIELD_IDX;
			   if (used & bit(m.index)) return OFERR_TLV_INVALID_DEL;}
while (r.left) hal_tlv_remove(get_mapping(&r).index);
return OFERR_OK;
}

static enum of_error clear(struct of_agents *all)
{
	const struct hal_tlv_table *t = hal_tlv_table();
	uint64_t used = used_options(all);

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		if (t->entry[i].used && used & bit(i))
			return OFERR_TLV_INVALID_DEL;
	hal_tlv_clear();
	return OFERR_OK;
}

enum of_error of_serve_tlv_mod(struct of_conn *conn, struct of_rd r)
{
	struct of_agents *all = conn->agent->all;
	uint16_t command = of_get_u16(&r);

	of_skip(&r, 6);
	if (r.bad || r.left % MAP_LEN)
		return OFERR_BAD_LEN;
	if (conn->role == OF_ROLE_SLAVE)
		return OFERR_IS_SLAVE;
	if (command > NXTTMC_CLEAR)
		return OFERR_TLV_BAD_COMMAND;
	if (command == NXTTMC_ADD)
		return add(r);
	return command == NXTTMC_DELETE ? delete (all, r) : clear(all);
}

enum of_error of_serve_tlv_request(struct of_conn *conn, const uint8_t *msg, struct of_rd r)
{
	const struct hal_tlv_table *t = hal_tlv_table();
	struct of_buf b = {0};
	size_t start;

	if (r.left)
		return OFERR_BAD_LEN;
	start = of_begin_nicira(&b, conn->version, of_msg_xid(msg), NXT_TLV_TABLE_REPLY);
	of_put_u32(&b, SPACE);
	of_put_u16(&b, HAL_TLV_MAX);
	of_put_zeros(&b, 10);
	for (unsigned i = 0; i < HAL_TLV_MAX; i++) {
		if (!t->entry[i].used)
			continue;
		of_put_u16(&b, t->entry[i].class);
		of_put_u8(&b, t->entry[i].type);
		of_put_u8(&b, t->entry[i].len);
		of_put_u16(&b, (uint16_t)i);
		of_put_zeros(&b, 2);
	}
	of_end(&b, start);
	of_conn_send(conn, &b);
	return OFERR_OK;
}
