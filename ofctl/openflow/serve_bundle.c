/* SPDX-License-Identifier: Apache-2.0
 *
 * Bundles (OpenFlow 1.4, 6.8 and 7.3.9; their features: 1.5, 7.3.5.20; in 1.3 as the ONF's
 * extension 230): messages that are kept, and then applied together or not at all. Every bundle is
 * atomic and ordered, whether it asks for that or not.
 */
#include "ofctl/openflow/monitor.h"

#include <stdlib.h>
#include <string.h>

#define BUNDLES_MAX 64                 /* of a connection */
#define BUNDLED_MAX ((size_t)64 << 20) /* bytes of a connection */

#define FLAGS 0x3     /* atomic, ordered */
#define FLAG_TIME 0x4 /* 1.5: scheduled */

#define FEATURE_SET_SCHED 0x2 /* of a request for features: set tolerances */

/* Requests; a reply has the next number. */
enum { OPEN = 0, CLOSE = 2, COMMIT = 4, DISCARD = 6 };

struct of_bundled {
	STAILQ_ENTRY(of_bundled) entry;
	size_t len;
	uint8_t msg[];
};

struct of_conn_bundle {
	LIST_ENTRY(of_conn_bundle) entry;
	uint32_t id;
	uint16_t flags;
	bool closed;
	STAILQ_HEAD(, of_bundled) messages;
};

static void bundle_free(struct of_conn *conn, struct of_conn_bundle *b)
{
	struct of_bundled *m;

	while ((m = STAILQ_FIRST(&b->messages))) {
		STAILQ_REMOVE_HEAD(&b->messages, entry);
		conn->bundled -= sizeof(*m) + m->len;
		free(m);
	}
	LIST_REMOVE(b, entry);
	conn->n_bundles--;
	free(b);
}

void of_bundles_free(struct of_conn *conn)
{
	struct of_conn_bundle *b;

	while ((b = LIST_FIRST(&conn->bundles)))
		bundle_free(conn, b);
}

static struct of_conn_bundle *bundle_find(struct of_conn *conn, uint32_t id)
{
	struct of_conn_bundle *b;

	LIST_FOREACH (b, &conn->bundles, entry)
		if (b->id == id)
			return b;
	return NULL;
}

static enum of_error bundle_new(
	struct of_conn *conn, uint32_t id, uint16_t flags, struct of_conn_bundle **out)
{
	struct of_conn_bundle *b;

	if (flags & ~FLAGS)
		return OFERR_BUNDLE_BAD_FLAGS;
	if (conn->n_bundles >= BUNDLES_MAX)
		return OFERR_BUNDLE_OUT_OF_BUNDLES;
	b = calloc(1, sizeof(*b));
	if (!b)
		return OFERR_BUNDLE_OUT_OF_BUNDLES;
	b->id = id;
	b->flags = flags;
	STAILQ_INIT(&b->messages);
	LIST_INSERT_HEAD(&conn->bundles, b, entry);
	conn->n_bundles++;
	*out = b;
	return OFERR_OK;
}

/* ---- what is in a bundle ---- */

enum purpose { JUDGE, APPLY, SEND };

static enum of_error do_flow_mod(
	struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose)
{
	struct of_flow_mod fm;
	enum of_error err;

	if (purpose == SEND)
		return OFERR_OK;
	err = of_flow_mod13_decode(of_msg_body(msg, len), conn->version, &fm);
	if (err)
		return err;
	if (purpose == APPLY)
		return of_apply_flow_mod(conn, of_msg_xid(msg), &fm);
	of_instructions_free(&fm.ins);
	return OFERR_OK;
}

static enum of_error do_group_mod(
	struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose)
{
	struct of_group_mod gm;
	enum of_error err;

	if (purpose == SEND)
		return OFERR_OK;
	err = of_group_mod_decode(of_msg_body(msg, len), conn->version, &gm);
	if (err)
		return err;
	if (purpose == APPLY)
		err = pl_group_mod(conn->agent->br, &gm);
	of_group_free(&gm.group);
	return err;
}

static enum of_error do_port_mod(
	struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose)
{
	struct of_port_mod pm;
	enum of_error err;

	if (purpose == SEND)
		return OFERR_OK;
	err = of_port_mod_decode(of_msg_body(msg, len), conn->version, &pm);
	return err || purpose == JUDGE ? err : (enum of_error)pl_port_mod(conn->agent->br, &pm);
}

/* Packets go when everything else is in force. */
static enum of_error do_packet_out(
	struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose)
{
	struct of_packet_out po;
	enum of_error err = of_packet_out_decode(of_msg_body(msg, len), conn->version, &po);

	if (err)
		return err;
	if (purpose == APPLY)
		err = pl_packet_out_check(conn->agent->br, &po);
	else if (purpose == SEND)
		err = pl_packet_out(conn->agent->br, &po);
	of_actions_free(&po.actions);
	return err;
}

static enum of_error do_message(
	struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose)
{
	static const struct {
		uint8_t type;
		uint8_t min_len;
		enum of_error (*run)(
			struct of_conn *conn, const uint8_t *msg, size_t len, enum purpose purpose);
	} kinds[] = {
		{OFPT_FLOW_MOD, 56, do_flow_mod},
		{OFPT13_GROUP_MOD, 16, do_group_mod},
		{OFPT13_PORT_MOD, 32, do_port_mod},
		{OFPT_PACKET_OUT, 24, do_packet_out},
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == msg[1])
			return len < kinds[i].min_len ? OFERR_BAD_LEN
						      : kinds[i].run(conn, msg, len, purpose);
	return OFERR_BUNDLE_MSG_UNSUP;
}

/* ---- requests ---- */

static enum of_error commit(struct of_conn *conn, struct of_conn_bundle *b)
{
	enum of_error err = OFERR_OK;
	struct of_bundled *m;

	if (pl_bundle_begin(conn->agent->br))
		return OFERR_BUNDLE_OUT_OF_BUNDLES;
	STAILQ_FOREACH (m, &b->messages, entry) {
		err = do_message(conn, m->msg, m->len, APPLY);
		if (err)
			break;
	}
	pl_bundle_end(conn->agent->br, !err);
	if (err) {
		of_conn_error(conn, err, m->msg, m->len);
		return OFERR_BUNDLE_MSG_FAILED;
	}
	STAILQ_FOREACH (m, &b->messages, entry) {
		err = do_message(conn, m->msg, m->len, SEND);
		if (err)
			of_conn_error(conn, err, m->msg, m->len);
	}
	return OFERR_OK;
}

static void reply(
	struct of_conn *conn, const uint8_t *msg, uint32_t id, uint16_t type, uint16_t flags)
{
	bool v14 = conn->version >= OFP14;
	struct of_buf b = {0};
	size_t start = of_begin(&b, conn->version, v14 ? OFPT14_BUNDLE_CONTROL : OFPT_EXPERIMENTER,
		of_msg_xid(msg));

	if (!v14) {
		of_put_u32(&b, EXP_ONF);
		of_put_u32(&b, ONFT_BUNDLE_CONTROL);
	}
	of_put_u32(&b, id);
	of_put_u16(&b, type);
	of_put_u16(&b, flags);
	of_end(&b, start);
	of_conn_send(conn, &b);
}

/* A bundle that is there; other flags than it was opened with end it. */
static enum of_error on_bundle(
	struct of_conn *conn, struct of_conn_bundle *b, uint16_t type, uint16_t flags)
{
	enum of_error err = OFERR_OK;

	if (!b)
		return OFERR_BUNDLE_BAD_ID;
	if (type == CLOSE && b->closed)
		err = OFERR_BUNDLE_CLOSED;
	else if (type != DISCARD && b->flags != flags)
		err = OFERR_BUNDLE_BAD_FLAGS;
	else if (type == COMMIT)
		err = commit(conn, b);
	if (type == CLOSE && !err)
		b->closed = true;
	else
		bundle_free(conn, b);
	return err;
}

static enum of_error control(struct of_conn *conn, const uint8_t *msg, struct of_rd r)
{
	uint32_t id = of_get_u32(&r);
	uint16_t type = of_get_u16(&r), flags = of_get_u16(&r);
	struct of_conn_bundle *b = bundle_find(conn, id);
	enum of_error err;

	if (r.bad)
		return OFERR_BAD_LEN;
	if (conn->version >= OFP15 && flags & FLAG_TIME)
		return OFERR_BUNDLE_SCHED_UNSUP;
	if (r.left)
		return OFERR_PROP_BAD_TYPE;
	switch (type) {
	case OPEN:
		if (!b) {
			err = bundle_new(conn, id, flags, &b);
			break;
		}
		/* It is refused, and what was there ends (OpenFlow 1.4, 7.3.9.1). */
		bundle_free(conn, b);
		return OFERR_BUNDLE_BAD_ID;
	case CLOSE:
	case COMMIT:
	case DISCARD:
		err = on_bundle(conn, b, type, flags);
		break;
	default:
		return OFERR_BUNDLE_BAD_TYPE;
	}
	if (!err)
		reply(conn, msg, id, (uint16_t)(type + 1), flags);
	return err;
}

/* The message that `r` begins with, which has its own header. */
static enum of_error get_message(struct of_conn *conn, const uint8_t *outer, struct of_rd *r,
	const uint8_t **msg, size_t *len)
{
	struct of_rd header = *r;
	uint8_t version = of_get_u8(&header);

	of_skip(&header, 1);
	*len = of_get_u16(&header);
	of_skip(&header, 4);
	if (header.bad || *len < OFP_HEADER_LEN || *len > r->left)
		return OFERR_BUNDLE_MSG_BAD_LEN;
	*msg = of_get_bytes(r, *len);
	if (version != conn->version)
		return OFERR_BAD_VERSION;
	if (of_msg_xid(*msg) != of_msg_xid(outer))
		return OFERR_BUNDLE_MSG_BAD_XID;
	return r->left ? OFERR_PROP_BAD_TYPE : OFERR_OK;
}

static enum of_error keep(
	struct of_conn *conn, struct of_conn_bundle *b, const uint8_t *msg, size_t len)
{
	struct of_bundled *m;

	if (conn->bundled + sizeof(*m) + len > BUNDLED_MAX)
		return OFERR_BUNDLE_MSG_TOO_MANY;
	m = malloc(sizeof(*m) + len);
	if (!m)
		return OFERR_BUNDLE_MSG_TOO_MANY;
	m->len = len;
	memcpy(m->msg, msg, len);
	STAILQ_INSERT_TAIL(&b->messages, m, entry);
	conn->bundled += sizeof(*m) + len;
	return OFERR_OK;
}

static enum of_error add(struct of_conn *conn, const uint8_t *outer, struct of_rd r)
{
	uint32_t id = of_get_u32(&r);
	struct of_conn_bundle *b = bundle_find(conn, id);
	const uint8_t *msg;
	enum of_error err;
	uint16_t flags;
	size_t len;

	of_skip(&r, 2);
	flags = of_get_u16(&r);
	if (r.bad)
		return OFERR_BAD_LEN;
	err = get_message(conn, outer, &r, &msg, &len);
	if (!err)
		err = do_message(conn, msg, len, JUDGE);
	if (err)
		return err;
	if (!b) { /* it opens one */
		err = bundle_new(conn, id, flags, &b);
		return err ? err : keep(conn, b, msg, len);
	}
	if (b->closed)
		err = OFERR_BUNDLE_CLOSED;
	else if (b->flags != flags)
		err = OFERR_BUNDLE_BAD_FLAGS;
	if (!err)
		return keep(conn, b, msg, len);
	bundle_free(conn, b);
	return err;
}

enum of_error of_serve_bundle_control(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return control(conn, msg, of_msg_body(msg, len));
}

enum of_error of_serve_bundle_add(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	return add(conn, msg, of_msg_body(msg, len));
}

/* Bundles cannot be scheduled: there are no tolerances to be set or told. */
enum of_error of_serve_bundle_features(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_multipart_body(conn, msg, len);
	uint32_t flags = of_get_u32(&r);
	struct of_reply rep;

	of_skip(&r, 4);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (flags & FEATURE_SET_SCHED)
		return OFERR_BAD_SCHEDULE;
	of_reply_begin(&rep, conn, msg, OFPMP15_BUNDLE_FEATURES, 0);
	of_put_u16(&rep.b, FLAGS);
	of_put_zeros(&rep.b, 6);
	of_reply_end(&rep);
	return OFERR_OK;
}

enum of_error of_serve_onf(struct of_conn *conn, const uint8_t *msg, size_t len)
{
	struct of_rd r = of_msg_body(msg, len);
	uint32_t type;

	of_skip(&r, 4);
	type = of_get_u32(&r);
	if (type == ONFT_FLOW_MONITOR_CANCEL)
		return of_serve_monitor_cancel(conn, r);
	if (type != ONFT_BUNDLE_CONTROL && type != ONFT_BUNDLE_ADD_MESSAGE)
		return OFERR_BAD_EXP_TYPE;
	if (conn->role == OF_ROLE_SLAVE)
		return OFERR_IS_SLAVE;
	return type == ONFT_BUNDLE_CONTROL ? control(conn, msg, r) : add(conn, msg, r);
}
