/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups on the wire of OpenFlow 1.5 (7.3.4.3 and 7.3.5.11): buckets with ids and properties, and
 * as a property of the group how it selects, which is an extension that Open vSwitch shares.
 * In 1.0, where there are none, they are Nicira's extension in the same form, with the actions
 * of 1.0.
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/wire.h"

#define BUCKET_LEN 8

/* Properties of buckets; the extension's of groups. */
enum { PROP_WEIGHT = 0, PROP_WATCH_PORT = 1, PROP_WATCH_GROUP = 2 };
#define PROP_EXPERIMENTER 0xffff
#define EXP_NETRONOME_COMPAT 0x00001540u
#define NTRT_SELECTION_METHOD 1
#define METHOD_LEN 16

static const char *const methods[] = {
	[OF_SELECT_HASH] = "hash",
	[OF_SELECT_DP_HASH] = "dp_hash",
};

/* ---- buckets ---- */

static enum of_error get_bucket_property(struct of_rd *r, struct of_bucket *b)
{
	struct of_rd value;
	uint16_t type;

	if (!of_get_property(r, &type, &value))
		return OFERR_PROP_BAD_LEN;
	switch (type) {
	case PROP_WEIGHT:
		b->weight = of_get_u16(&value);
		break;
	case PROP_WATCH_PORT:
		b->watch_port = of_get_u32(&value);
		break;
	case PROP_WATCH_GROUP:
		b->watch_group = of_get_u32(&value);
		break;
	default:
		return OFERR_PROP_BAD_TYPE;
	}
	/* The padding behind a weight is counted, or not. */
	return value.bad || value.left > 2 ? OFERR_PROP_BAD_LEN : OFERR_OK;
}

static enum of_error decode_bucket(struct of_rd *r, uint8_t version, struct of_group_mod *gm)
{
	bool has_weight =
		gm->group.type == OF_GROUP_SELECT || gm->command == OF_GROUP_INSERT_BUCKET;
	struct of_bucket b = {
		.weight = has_weight, .watch_port = OF_PORT_ANY, .watch_group = OF_GROUP_ANY};
	uint16_t len = of_get_u16(r), actions_len = of_get_u16(r);
	struct of_rd body, actions;
	enum of_error err;

	if (r->bad || len < BUCKET_LEN || len % 8)
		return OFERR_GROUP_BAD_BUCKET;
	body = of_get_rd(r, len - 4u);
	b.id = of_get_u32(&body);
	actions = of_get_rd(&body, actions_len);
	if (body.bad || actions_len % 8 || b.id > OF_BUCKET_MAX)
		return OFERR_GROUP_BAD_BUCKET;
	err = of_actions_decode(version, actions, NULL, &b.actions, NULL);
	while (!err && body.left)
		err = get_bucket_property(&body, &b);
	if (!err)
		err = of_group_add_bucket(&gm->group, &b);
	if (err)
		of_actions_free(&b.actions);
	return err;
}

static void put_u32_property(struct of_buf *b, uint16_t type, uint32_t v)
{
	size_t start = of_begin_tlv(b, type);

	of_put_u32(b, v);
	of_end_tlv(b, start);
}

static void put_weight(struct of_buf *b, uint16_t weight)
{
	size_t start = of_begin_tlv(b, PROP_WEIGHT);

	of_put_u16(b, weight);
	of_put_zeros(b, 2);
	of_end_tlv(b, start);
}

static void put_bucket(
	struct of_buf *b, uint8_t version, enum of_group_type type, const struct of_bucket *bucket)
{
	size_t start = b->len, actions;

	of_put_u16(b, 0);
	of_put_u16(b, 0);
	of_put_u32(b, bucket->id);
	actions = b->len;
	of_actions_encode(b, version, &bucket->actions);
	of_set_u16(b, start + 2, b->len - actions);
	if (type == OF_GROUP_SELECT || bucket->weight)
		put_weight(b, bucket->weight);
	if (bucket->watch_port != OF_PORT_ANY)
		put_u32_property(b, PROP_WATCH_PORT, bucket->watch_port);
	if (bucket->watch_group != OF_GROUP_ANY)
		put_u32_property(b, PROP_WATCH_GROUP, bucket->watch_group);
	of_set_u16(b, start, b->len - start);
}

static void put_buckets(struct of_buf *b, uint8_t version, const struct of_group *g)
{
	for (unsigned i = 0; i < g->n_buckets; i++)
		put_bucket(b, version, g->type, &g->buckets[i]);
}

/* ---- how a group selects ---- */

/* Fields without a mask bit: the value of each is a mask of what is hashed. */
static enum of_error get_fields(struct of_rd *r, struct of_group *g)
{
	while (r->left) {
		uint8_t mask[OF_OXM_VALUE_MAX];
		const uint8_t *wire;
		struct of_oxm h;

		if (!of_oxm_get_header(r, &h))
			return OFERR_BAD_MATCH_LEN;
		if (h.field == FIELD_INVALID || h.field == FIELD_TUN_METADATA)
			return OFERR_BAD_MATCH_FIELD;
		wire = of_get_bytes(r, h.len);
		if (!wire || h.has_mask || h.len != h.width)
			return OFERR_BAD_MATCH_LEN;
		if (hal_field_any(h.field, &g->fields.mask))
			return OFERR_DUP_FIELD;
		if (!of_oxm_value(&h, wire, mask))
			return OFERR_BAD_MATCH_MASK;
		hal_field_set(h.field, &g->fields.mask, mask, NULL);
		if (hal_fields[h.field].maskable == MASK_NONE &&
			!hal_field_all(h.field, &g->fields.mask))
			return OFERR_BAD_MATCH_MASK;
	}
	return OFERR_OK;
}

static enum of_error get_method(struct of_rd r, struct of_group *g)
{
	const char *name;

	of_skip(&r, 4);
	name = (const char *)of_get_bytes(&r, METHOD_LEN);
	g->select_param = of_get_u64(&r);
	if (r.bad)
		return OFERR_PROP_BAD_LEN;
	for (unsigned i = OF_SELECT_HASH; i <= OF_SELECT_DP_HASH; i++)
		if (!strncmp(name, methods[i], METHOD_LEN))
			g->select = (enum of_select)i;
	if (g->select == OF_SELECT_DEFAULT || (g->select == OF_SELECT_DP_HASH && r.left))
		return OFERR_PROP_BAD_VALUE;
	return get_fields(&r, g);
}

static enum of_error get_property(struct of_rd *r, struct of_group_mod *gm)
{
	bool changes_all = gm->command != OF_GROUP_INSERT_BUCKET &&
			   gm->command != OF_GROUP_REMOVE_BUCKET && gm->command != OF_GROUP_DELETE;
	uint32_t experimenter;
	struct of_rd value;
	uint16_t type;

	if (!of_get_property(r, &type, &value))
		return OFERR_PROP_BAD_LEN;
	if (type != PROP_EXPERIMENTER)
		return OFERR_PROP_BAD_TYPE;
	experimenter = of_get_u32(&value);
	if (experimenter != EXP_NETRONOME && experimenter != EXP_NETRONOME_COMPAT)
		return OFERR_PROP_BAD_EXPERIMENTER;
	if (of_get_u32(&value) != NTRT_SELECTION_METHOD)
		return OFERR_PROP_BAD_EXP_TYPE;
	if (gm->group.type != OF_GROUP_SELECT || !changes_all)
		return OFERR_PROP_BAD_VALUE;
	return get_method(value, &gm->group);
}

static int put_mask(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	(void)value;
	/* Stock tools know the port of 16 bits under its plain name. */
	of_oxm_put(ctx, id == FIELD_IN_PORT ? OF_OXM_NX : OF_OXM_15, id, mask, NULL);
	return 0;
}

static void put_method(struct of_buf *b, const struct of_group *g)
{
	size_t start;

	if (g->select == OF_SELECT_DEFAULT)
		return;
	start = of_begin_tlv(b, PROP_EXPERIMENTER);
	of_put_u32(b, EXP_NETRONOME);
	of_put_u32(b, NTRT_SELECTION_METHOD);
	of_put_zeros(b, 4);
	of_put_text(b, methods[g->select], METHOD_LEN);
	of_put_u64(b, g->select_param);
	hal_match_fields(&g->fields.value, &g->fields.mask, sizeof(g->fields.mask), put_mask, b);
	of_end_tlv(b, start);
	of_put_pad8(b, start);
}

/* ---- messages ---- */

enum { MOD_ADD, MOD_MODIFY, MOD_DELETE, MOD_INSERT_BUCKET, MOD_REMOVE_BUCKET = 5 };

static bool get_command(uint16_t wire, enum of_group_command *command)
{
	switch (wire) {
	case MOD_ADD:
	case MOD_MODIFY:
	case MOD_DELETE:
		*command = (enum of_group_command)wire;
		return true;
	case MOD_INSERT_BUCKET:
		*command = OF_GROUP_INSERT_BUCKET;
		return true;
	case MOD_REMOVE_BUCKET:
		*command = OF_GROUP_REMOVE_BUCKET;
		return true;
	case OFPGC_ADD_OR_MOD:
		*command = OF_GROUP_ADD_OR_MODIFY;
		return true;
	default:
		return false;
	}
}

static uint16_t put_command(enum of_group_command command)
{
	switch (command) {
	case OF_GROUP_INSERT_BUCKET:
		return MOD_INSERT_BUCKET;
	case OF_GROUP_REMOVE_BUCKET:
		return MOD_REMOVE_BUCKET;
	case OF_GROUP_ADD_OR_MODIFY:
		return OFPGC_ADD_OR_MOD;
	default:
		return (uint16_t)command;
	}
}

static bool bucket_ok(const struct of_group_mod *gm)
{
	bool one = gm->bucket <= OF_BUCKET_MAX || gm->bucket == OF_BUCKET_FIRST ||
		   gm->bucket == OF_BUCKET_LAST;

	switch (gm->command) {
	case OF_GROUP_INSERT_BUCKET:
		return one;
	case OF_GROUP_REMOVE_BUCKET:
		return one || gm->bucket == OF_BUCKET_ALL;
	default:
		return gm->bucket == OF_BUCKET_ALL;
	}
}

enum of_error of_group_mod15_decode(struct of_rd r, uint8_t version, struct of_group_mod *gm)
{
	uint16_t command = of_get_u16(&r), buckets_len;
	uint8_t type = of_get_u8(&r);
	enum of_error err = OFERR_OK;
	struct of_rd buckets;

	memset(gm, 0, sizeof(*gm));
	of_skip(&r, 1);
	gm->group.id = of_get_u32(&r);
	buckets_len = of_get_u16(&r);
	of_skip(&r, 2);
	gm->bucket = of_get_u32(&r);
	buckets = of_get_rd(&r, buckets_len);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (!get_command(command, &gm->command))
		return OFERR_GROUP_BAD_COMMAND;
	if (!bucket_ok(gm) || (gm->command == OF_GROUP_REMOVE_BUCKET && buckets.left))
		return OFERR_GROUP_BAD_BUCKET;
	if (gm->command == OF_GROUP_DELETE)
		return OFERR_OK;
	if (type > OF_GROUP_FF)
		return OFERR_GROUP_BAD_TYPE;
	gm->group.type = (enum of_group_type)type;
	while (buckets.left && !err)
		err = decode_bucket(&buckets, version, gm);
	while (r.left && !err)
		err = get_property(&r, gm);
	if (err)
		of_group_free(&gm->group);
	return err;
}

void of_group_mod15_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_group_mod *gm)
{
	size_t start = version == OFP10 ? of_begin_nicira(b, version, xid, NXT_GROUP_MOD)
					: of_begin(b, version, OFPT13_GROUP_MOD, xid);
	size_t len, buckets;
	bool by_bucket =
		gm->command == OF_GROUP_INSERT_BUCKET || gm->command == OF_GROUP_REMOVE_BUCKET;

	of_put_u16(b, put_command(gm->command));
	of_put_u8(b, (uint8_t)gm->group.type);
	of_put_zeros(b, 1);
	of_put_u32(b, gm->group.id);
	len = b->len;
	of_put_zeros(b, 4);
	of_put_u32(b, by_bucket ? gm->bucket : OF_BUCKET_ALL);
	buckets = b->len;
	put_buckets(b, version, &gm->group);
	of_set_u16(b, len, b->len - buckets);
	put_method(b, &gm->group);
	of_end(b, start);
}

void of_group_desc15_encode(struct of_buf *b, uint8_t version, const struct of_group *g)
{
	size_t start = b->len, len, buckets;

	of_put_u16(b, 0);
	of_put_u8(b, (uint8_t)g->type);
	of_put_zeros(b, 1);
	of_put_u32(b, g->id);
	len = b->len;
	of_put_zeros(b, 8);
	buckets = b->len;
	put_buckets(b, version, g);
	of_set_u16(b, len, b->len - buckets);
	put_method(b, g);
	of_set_u16(b, start, b->len - start);
}
