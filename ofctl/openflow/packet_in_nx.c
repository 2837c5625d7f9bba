/* SPDX-License-Identifier: Apache-2.0
 *
 * NXT_PACKET_IN2 and NXT_RESUME: a packet-in as properties, which goes out and, if it asked to be
 * paused, comes back.
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "ofctl/openflow/wire.h"

/* Properties: type, length, value, padded to 8 bytes. */
enum {
	NXPINT_PACKET = 0,
	NXPINT_FULL_LEN = 1,
	NXPINT_BUFFER_ID = 2,
	NXPINT_TABLE_ID = 3,
	NXPINT_COOKIE = 4,
	NXPINT_REASON = 5,
	NXPINT_METADATA = 6,
	NXPINT_USERDATA = 7,
	NXPINT_CONTINUATION = 8,
};

/* A continuation holds a property again, so that whoever looks into it sees one that is unknown to
 * him. */
#define CONTINUATION_OURS 0x5c1c

static void end_property(struct of_buf *b, size_t start)
{
	of_end_tlv(b, start);
	of_put_pad8(b, start);
}

static void put_bytes(struct of_buf *b, uint16_t type, const uint8_t *data, size_t len)
{
	size_t start = of_begin_tlv(b, type);

	of_put_bytes(b, data, len);
	end_property(b, start);
}

static void put_u8(struct of_buf *b, uint16_t type, uint8_t v)
{
	put_bytes(b, type, &v, 1);
}

void of_packet_in2_encode(struct of_buf *b, uint8_t version, uint8_t reason,
	const struct hal_match *fields, const struct of_packet_in *pin)
{
	size_t start = of_begin_nicira(b, version, 0, NXT_PACKET_IN2), prop, inner;

	put_bytes(b, NXPINT_PACKET, pin->data, pin->len);
	if (pin->total_len > pin->len) {
		prop = of_begin_tlv(b, NXPINT_FULL_LEN);
		of_put_u32(b, (uint32_t)pin->total_len);
		end_property(b, prop);
	}
	put_u8(b, NXPINT_TABLE_ID, pin->table);
	if (pin->cookie != UINT64_MAX) {
		prop = of_begin_tlv(b, NXPINT_COOKIE);
		of_put_zeros(b, 4);
		of_put_u64(b, pin->cookie);
		end_property(b, prop);
	}
	put_u8(b, NXPINT_REASON, reason);
	prop = of_begin_tlv(b, NXPINT_METADATA);
	of_oxm_encode(b, version == OFP10 ? OF_OXM_NX : of_oxm_form(version), fields);
	end_property(b, prop);
	if (pin->userdata_len)
		put_bytes(b, NXPINT_USERDATA, pin->userdata, pin->userdata_len);
	if (pin->continuation) {
		prop = of_begin_tlv(b, NXPINT_CONTINUATION);
		of_put_zeros(b, 4);
		inner = of_begin_tlv(b, CONTINUATION_OURS);
		of_put_bytes(b, pin->continuation, pin->continuation_len);
		end_property(b, inner);
		end_property(b, prop);
	}
	of_end(b, start);
}

/* ---- what comes back ---- */

bool of_get_property(struct of_rd *r, uint16_t *type, struct of_rd *value)
{
	uint16_t len;

	*type = of_get_u16(r);
	len = of_get_u16(r);
	if (r->bad || len < 4)
		return false;
	*value = of_get_rd(r, len - 4u);
	of_skip(r, of_pad8(len) - len < r->left ? of_pad8(len) - len : r->left);
	return !r->bad;
}

static enum of_error get_continuation(struct of_rd *r, struct of_resume *res)
{
	struct of_rd inner;
	uint16_t type;

	of_skip(r, 4);
	while (!r->bad && r->left) {
		if (!of_get_property(r, &type, &inner))
			return OFERR_PROP_BAD_LEN;
		if (type != CONTINUATION_OURS)
			continue;
		res->continuation = inner.p;
		res->continuation_len = inner.left;
	}
	return r->bad ? OFERR_PROP_BAD_LEN : OFERR_OK;
}

static enum of_error get_one(
	uint16_t type, struct of_rd *r, struct hal_match *fields, struct of_resume *res)
{
	enum of_error err;

	switch (type) {
	case NXPINT_PACKET:
		res->data = r->p;
		res->len = r->left;
		return OFERR_OK;
	case NXPINT_METADATA:
		err = of_oxm_decode(*r, fields, NULL, NULL);
		res->pipeline_fields = err ? NULL : fields;
		return err;
	case NXPINT_CONTINUATION:
		return get_continuation(r, res);
	case NXPINT_FULL_LEN: /* the rest tells the controller, not the switch */
	case NXPINT_BUFFER_ID:
	case NXPINT_TABLE_ID:
	case NXPINT_COOKIE:
	case NXPINT_REASON:
	case NXPINT_USERDATA:
		return OFERR_OK;
	default:
		return OFERR_PROP_BAD_TYPE;
	}
}

enum of_error of_resume_decode(struct of_rd r, struct hal_match *fields, struct of_resume *res)
{
	*res = (struct of_resume){0};
	while (r.left) {
		struct of_rd value;
		enum of_error err;
		uint16_t type;

		if (!of_get_property(&r, &type, &value))
			return OFERR_PROP_BAD_LEN;
		err = get_one(type, &value, fields, res);
		if (err)
			return err;
	}
	if (!res->data)
		return OFERR_BAD_LEN;
	return res->continuation ? OFERR_OK : OFERR_NX_NOT_SUPPORTED;
}
