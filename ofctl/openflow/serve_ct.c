/* SPDX-License-Identifier: Apache-2.0
 *
 * Nicira's requests that forget tracked connections.
 */
#include "ofctl/openflow/conn.h"

#include <netinet/in.h>
#include <string.h>

/* Properties of NXT_CT_FLUSH. */
enum { NXT_CT_ORIG_TUPLE = 0, NXT_CT_REPLY_TUPLE = 1, NXT_CT_ZONE_ID = 2 };

/* Properties of a tuple. */
enum {
	NXT_CT_TUPLE_SRC = 0,
	NXT_CT_TUPLE_DST = 1,
	NXT_CT_TUPLE_SRC_PORT = 2,
	NXT_CT_TUPLE_DST_PORT = 3,
	NXT_CT_TUPLE_ICMP_ID = 4,
	NXT_CT_TUPLE_ICMP_TYPE = 5,
	NXT_CT_TUPLE_ICMP_CODE = 6,
};

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* 16 bytes: IPv6, or IPv4 mapped into it (RFC 4291, 2.5.5.2). */
static enum of_error get_address(struct of_rd *r, struct conntrack_match *m, uint8_t *to)
{
	const uint8_t *p = of_get_bytes(r, 16);
	bool ipv6;

	if (!p)
		return OFERR_PROP_BAD_LEN;
	ipv6 = memcmp(p, v4_mapped, sizeof(v4_mapped)) != 0;
	if (m->has & CONNTRACK_HAS_FAMILY && m->entry.ipv6 != ipv6)
		return OFERR_PROP_BAD_VALUE;
	m->has |= CONNTRACK_HAS_FAMILY;
	m->entry.ipv6 = ipv6;
	if (ipv6)
		memcpy(to, p, 16);
	else
		memcpy(to, p + 12, 4);
	return OFERR_OK;
}

static enum of_error get_member(uint16_t type, struct of_rd *r, struct conntrack_match *m,
	struct conntrack_tuple *t, uint32_t *has)
{
	enum of_error err = OFERR_OK;

	switch (type) {
	case NXT_CT_TUPLE_SRC:
		*has = CONNTRACK_HAS_SRC;
		err = get_address(r, m, t->src);
		break;
	case NXT_CT_TUPLE_DST:
		*has = CONNTRACK_HAS_DST;
		err = get_address(r, m, t->dst);
		break;
	case NXT_CT_TUPLE_SRC_PORT:
		*has = CONNTRACK_HAS_SRC_PORT;
		t->src_port = htons(of_get_u16(r));
		break;
	case NXT_CT_TUPLE_DST_PORT:
		*has = CONNTRACK_HAS_DST_PORT;
		t->dst_port = htons(of_get_u16(r));
		break;
	case NXT_CT_TUPLE_ICMP_ID:
		*has = CONNTRACK_HAS_ICMP_ID;
		t->id = htons(of_get_u16(r));
		break;
	case NXT_CT_TUPLE_ICMP_TYPE:
		*has = CONNTRACK_HAS_ICMP_TYPE;
		t->type = of_get_u8(r);
		break;
	case NXT_CT_TUPLE_ICMP_CODE:
		*has = CONNTRACK_HAS_ICMP_CODE;
		t->code = of_get_u8(r);
		break;
	default:
		return OFERR_PROP_BAD_TYPE;
	}
	return !err && r->bad ? OFERR_PROP_BAD_LEN : err;
}

static enum of_error get_tuple(struct of_rd *r, bool reply, struct conntrack_match *m)
{
	of_skip(r, 4);
	while (!r->bad && r->left) {
		struct of_rd value;
		uint16_t type;
		uint32_t has = 0;
		enum of_error err;

		if (!of_get_property(r, &type, &value))
			return OFERR_PROP_BAD_LEN;
		err = get_member(type, &value, m, reply ? &m->entry.reply : &m->entry.orig, &has);
		if (err)
			return err;
		m->has |= reply ? has << CONNTRACK_HAS_REPLY : has;
	}
	return r->bad ? OFERR_PROP_BAD_LEN : OFERR_OK;
}

/* A protocol, and properties. */
enum of_error of_ct_flush_decode(struct of_rd r, struct conntrack_match *m)
{
	*m = (struct conntrack_match){0};
	m->entry.proto = of_get_u8(&r);
	of_skip(&r, 7);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (m->entry.proto)
		m->has |= CONNTRACK_HAS_PROTO;
	while (r.left) {
		struct of_rd value;
		enum of_error err = OFERR_OK;
		uint16_t type;

		if (!of_get_property(&r, &type, &value))
			return OFERR_PROP_BAD_LEN;
		if (type == NXT_CT_ZONE_ID) {
			m->has |= CONNTRACK_HAS_ZONE;
			m->entry.zone = of_get_u16(&value);
			err = value.bad ? OFERR_PROP_BAD_LEN : OFERR_OK;
		} else if (type > NXT_CT_ZONE_ID) {
			err = OFERR_PROP_BAD_TYPE;
		} else {
			err = get_tuple(&value, type == NXT_CT_REPLY_TUPLE, m);
		}
		if (err)
			return err;
	}
	return OFERR_OK;
}

static enum of_error flush(struct of_conn *conn, const struct conntrack_match *m)
{
	const struct of_agents_ops *ops = &conn->agent->all->ops;

	if (conn->role == OF_ROLE_SLAVE)
		return OFERR_IS_SLAVE;
	if (!ops->ct_flush)
		return OFERR_EPERM;
	ops->ct_flush(ops->ctx, m->has ? m : NULL);
	return OFERR_OK;
}

enum of_error of_serve_ct_flush(struct of_conn *conn, struct of_rd r)
{
	struct conntrack_match m;
	enum of_error err = of_ct_flush_decode(r, &m);

	return err ? err : flush(conn, &m);
}

enum of_error of_serve_ct_flush_zone(struct of_conn *conn, struct of_rd r)
{
	struct conntrack_match m = {.has = CONNTRACK_HAS_ZONE};
	const uint8_t *zeros = of_get_bytes(&r, 6);

	m.entry.zone = of_get_u16(&r);
	if (r.bad || r.left)
		return OFERR_BAD_LEN;
	for (unsigned i = 0; i < 6; i++)
		if (zeros[i])
			return OFERR_MUST_BE_ZERO;
	return flush(conn, &m);
}
