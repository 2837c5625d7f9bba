/* SPDX-License-Identifier: Apache-2.0
 *
 * CONTROLLER, and CONTROLLER2 with its properties.
 */
#include "ofctl/openflow/actions_nx.h"

#include <stdlib.h>
#include <string.h>

/* Properties of CONTROLLER2: type, length, value, padded to 8 bytes. */
enum {
	NXAC2PT_MAX_LEN = 0,
	NXAC2PT_CONTROLLER_ID = 1,
	NXAC2PT_REASON = 2,
	NXAC2PT_USERDATA = 3,
	NXAC2PT_PAUSE = 4,
	NXAC2PT_METER_ID = 5,
};

static enum of_error get_userdata(struct of_rd *r, struct of_action *a)
{
	size_t n = r->left;
	const uint8_t *p = of_get_bytes(r, n);
	uint8_t *data = malloc(n ? n : 1);

	if (!data)
		return OFERR_TOO_MANY_ACTIONS;
	if (n)
		memcpy(data, p, n);
	free(a->data);
	a->data = data;
	a->data_len = (uint16_t)n;
	return OFERR_OK;
}

static enum of_error get_property(uint16_t type, struct of_rd *r, struct of_action *a)
{
	switch (type) {
	case NXAC2PT_MAX_LEN:
		a->max_len = of_get_u16(r);
		break;
	case NXAC2PT_CONTROLLER_ID:
		a->controller_id = of_get_u16(r);
		break;
	case NXAC2PT_REASON:
		a->reason = of_get_u8(r);
		break;
	case NXAC2PT_USERDATA:
		return get_userdata(r, a);
	case NXAC2PT_PAUSE:
		a->pause = true;
		break;
	case NXAC2PT_METER_ID:
		a->meter = of_get_u32(r);
		break;
	default:
		return OFERR_PROP_BAD_TYPE;
	}
	return r->bad ? OFERR_PROP_BAD_LEN : OFERR_OK;
}

static enum of_error get_properties(struct of_rd *r, struct of_action *a)
{
	while (r->left) {
		uint16_t type = of_get_u16(r), len = of_get_u16(r);
		struct of_rd value;
		enum of_error err;

		if (r->bad || len < 4)
			return OFERR_PROP_BAD_LEN;
		value = of_get_rd(r, len - 4u);
		of_skip(r, of_pad8(len) - len);
		if (r->bad)
			return OFERR_PROP_BAD_LEN;
		err = get_property(type, &value, a);
		if (err)
			return err;
	}
	return OFERR_OK;
}

enum of_error of_nx_controller_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {
		.type = OFACT_CONTROLLER, .max_len = OF_CONTROLLER_MAX, .reason = OF_REASON_ACTION};
	enum of_error err = OFERR_OK;

	(void)ctx;
	if (subtype == NXAST_CONTROLLER) {
		a.max_len = of_get_u16(r);
		a.controller_id = of_get_u16(r);
		a.reason = of_get_u8(r);
	} else if (!of_get_zeros(r, 6)) {
		err = OFERR_MUST_BE_ZERO;
	} else {
		err = get_properties(r, &a);
	}
	if (!err)
		return of_nx_push(acts, &a);
	of_action_free(&a);
	return err;
}

static size_t begin_property(struct of_buf *b, uint16_t type)
{
	return of_begin_tlv(b, type);
}

static void end_property(struct of_buf *b, size_t start)
{
	of_end_tlv(b, start);
	of_put_pad8(b, start);
}

static void put_u16_property(struct of_buf *b, uint16_t type, uint16_t v)
{
	size_t start = begin_property(b, type);

	of_put_u16(b, v);
	of_put_zeros(b, 2);
	end_property(b, start);
}

static void put_properties(struct of_buf *b, const struct of_action *a)
{
	size_t start;

	if (a->max_len != OF_CONTROLLER_MAX)
		put_u16_property(b, NXAC2PT_MAX_LEN, a->max_len);
	if (a->controller_id)
		put_u16_property(b, NXAC2PT_CONTROLLER_ID, a->controller_id);
	if (a->reason != OF_REASON_ACTION) {
		start = begin_property(b, NXAC2PT_REASON);
		of_put_u8(b, a->reason);
		end_property(b, start);
	}
	if (a->data_len) {
		start = begin_property(b, NXAC2PT_USERDATA);
		of_put_bytes(b, a->data, a->data_len);
		end_property(b, start);
	}
	if (a->pause)
		end_property(b, begin_property(b, NXAC2PT_PAUSE));
	if (a->meter) {
		start = begin_property(b, NXAC2PT_METER_ID);
		of_put_u32(b, a->meter);
		end_property(b, start);
	}
}

void of_nx_controller_encode(struct of_buf *b, const struct of_action *a)
{
	bool more = a->data_len || a->pause || a->meter;
	size_t start = of_action_nx_begin(b, more ? NXAST_CONTROLLER2 : NXAST_CONTROLLER);

	if (more) {
		of_put_zeros(b, 6);
		put_properties(b, a);
	} else {
		of_put_u16(b, a->max_len);
		of_put_u16(b, a->controller_id);
		of_put_u8(b, a->reason);
	}
	of_action_end(b, start);
}
