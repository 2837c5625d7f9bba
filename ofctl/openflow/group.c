/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups on the wire (OpenFlow 1.3, 7.3.4.2 and 7.3.5.9 to 7.3.5.11).
 */
#include <errno.h>
#include <stdlib.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

#define BUCKET_LEN 16

enum of_error of_group_add_bucket(struct of_group *g, const struct of_bucket *b)
{
	struct of_bucket *p;

	/* Room for a power of two. */
	if (!(g->n_buckets & (g->n_buckets - 1))) {
		p = realloc(g->buckets, (g->n_buckets ? 2u * g->n_buckets : 1u) * sizeof(*p));
		if (!p)
			return OFERR_GROUP_OUT_OF_BUCKETS;
		g->buckets = p;
	}
	g->buckets[g->n_buckets++] = *b;
	return OFERR_OK;
}

static enum of_error decode_bucket(struct of_rd *r, struct of_group *g)
{
	uint16_t len = of_get_u16(r);
	struct of_bucket b = {.id = g->n_buckets};
	enum of_error err;
	struct of_rd body;

	if (r->bad || len < BUCKET_LEN || len % 8)
		return OFERR_GROUP_BAD_BUCKET;
	body = of_get_rd(r, len - 2u);
	b.weight = of_get_u16(&body);
	b.watch_port = of_get_u32(&body);
	b.watch_group = of_get_u32(&body);
	of_skip(&body, 4);
	if (body.bad)
		return OFERR_GROUP_BAD_BUCKET;
	err = of_actions_decode(OFP13, body, NULL, &b.actions, NULL);
	if (err)
		return err;
	err = of_group_add_bucket(g, &b);
	if (err)
		of_actions_free(&b.actions);
	return err;
}

static enum of_error decode13(struct of_rd r, struct of_group_mod *gm)
{
	uint16_t command = of_get_u16(&r);
	uint8_t type = of_get_u8(&r);
	enum of_error err = OFERR_OK;

	if (command == OFPGC_ADD_OR_MOD)
		command = OF_GROUP_ADD_OR_MODIFY;
	else if (command > OF_GROUP_DELETE)
		command = UINT16_MAX;
	*gm = (struct of_group_mod){.command = (enum of_group_command)command};
	of_skip(&r, 1);
	gm->group.id = of_get_u32(&r);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (command > OF_GROUP_ADD_OR_MODIFY)
		return OFERR_GROUP_BAD_COMMAND;
	if (command == OF_GROUP_DELETE)
		return OFERR_OK;
	if (type > OF_GROUP_FF)
		return OFERR_GROUP_BAD_TYPE;
	gm->group.type = (enum of_group_type)type;
	while (r.left && !err)
		err = decode_bucket(&r, &gm->group);
	if (err)
		of_group_free(&gm->group);
	return err;
}

/* Nicira's groups of 1.0 have the form of 1.5. */
static bool has_form15(uint8_t version)
{
	return version == OFP10 || version >= OFP15;
}

enum of_error of_group_mod_decode(struct of_rd r, uint8_t version, struct of_group_mod *gm)
{
	return has_form15(version) ? of_group_mod15_decode(r, version, gm) : decode13(r, gm);
}

static void put_bucket(struct of_buf *b, const struct of_bucket *bucket)
{
	size_t start = b->len;

	of_put_u16(b, 0);
	of_put_u16(b, bucket->weight);
	of_put_u32(b, bucket->watch_port);
	of_put_u32(b, bucket->watch_group);
	of_put_zeros(b, 4);
	of_actions_encode(b, OFP13, &bucket->actions);
	of_set_u16(b, start, b->len - start);
}

static void put_buckets(struct of_buf *b, const struct of_group *g)
{
	for (unsigned i = 0; i < g->n_buckets; i++)
		put_bucket(b, &g->buckets[i]);
}

void of_group_mod_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_group_mod *gm)
{
	size_t start;

	if (has_form15(version)) {
		of_group_mod15_encode(b, version, xid, gm);
		return;
	}
	start = of_begin(b, version, OFPT13_GROUP_MOD, xid);
	of_put_u16(b,
		gm->command == OF_GROUP_ADD_OR_MODIFY ? OFPGC_ADD_OR_MOD : (uint16_t)gm->command);
	of_put_u8(b, (uint8_t)gm->group.type);
	of_put_zeros(b, 1);
	of_put_u32(b, gm->group.id);
	put_buckets(b, &gm->group);
	of_end(b, start);
}

void of_group_desc_encode(struct of_buf *b, uint8_t version, const struct of_group *g)
{
	size_t start = b->len;

	if (has_form15(version)) {
		of_group_desc15_encode(b, version, g);
		return;
	}
	of_put_u16(b, 0);
	of_put_u8(b, (uint8_t)g->type);
	of_put_zeros(b, 1);
	of_put_u32(b, g->id);
	put_buckets(b, g);
	of_set_u16(b, start, b->len - start);
}

void of_group_stats_encode(struct of_buf *b, const struct of_group_stats *gs)
{
	size_t start = b->len;

	of_put_u16(b, 0);
	of_put_zeros(b, 2);
	of_put_u32(b, gs->group->id);
	of_put_u32(b, gs->ref_count);
	of_put_zeros(b, 4);
	of_put_u64(b, gs->packets);
	of_put_u64(b, gs->bytes);
	of_put_duration(b, gs->duration_ns);
	for (unsigned i = 0; i < gs->group->n_buckets; i++) {
		of_put_u64(b, gs->bucket_packets[i]);
		of_put_u64(b, gs->bucket_bytes[i]);
	}
	of_set_u16(b, start, b->len - start);
}

/* Actions that buckets may have: output, MPLS TTL, VLAN and MPLS tags, group, IP TTL, set-field. */
#define GROUP_ACTIONS                                                                        \
	(1u << OFPAT_OUTPUT | 1u << OFPAT13_SET_MPLS_TTL | 1u << OFPAT13_DEC_MPLS_TTL |      \
		1u << OFPAT13_PUSH_VLAN | 1u << OFPAT13_POP_VLAN | 1u << OFPAT13_PUSH_MPLS | \
		1u << OFPAT13_POP_MPLS | 1u << OFPAT13_GROUP | 1u << OFPAT13_SET_NW_TTL |    \
		1u << OFPAT13_DEC_NW_TTL | 1u << OFPAT13_SET_FIELD)
#define GROUP_ACTIONS15 (1u << OFPAT15_COPY_FIELD | 1u << OFPAT15_METER)

void of_group_features_encode(struct of_buf *b, uint8_t version, uint32_t max_groups)
{
	uint32_t actions = version == OFP10
				   ? OFPAT10_ALL
				   : GROUP_ACTIONS | (version >= OFP15 ? GROUP_ACTIONS15 : 0);

	of_put_u32(b, 1u << OF_GROUP_ALL | 1u << OF_GROUP_SELECT | 1u << OF_GROUP_INDIRECT |
			      1u << OF_GROUP_FF);
	of_put_u32(b, OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS | OFPGFC_CHAINING |
			      OFPGFC_CHAINING_CHECKS);
	for (unsigned i = 0; i < 4; i++)
		of_put_u32(b, max_groups);
	for (unsigned i = 0; i < 4; i++)
		of_put_u32(b, actions);
}
