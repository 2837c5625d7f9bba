/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-in (OpenFlow 1.0, 5.4.1; OpenFlow 1.3, 7.4.1) and Nicira's.
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "ofctl/openflow/wire.h"

uint8_t of_packet_in_reason_to(uint8_t version, enum of_packet_in_reason reason)
{
	return (uint8_t)(version >= OFP14 || reason <= OF_REASON_INVALID_TTL ? reason
									     : OF_REASON_ACTION);
}

static void add_nonzero(struct hal_match *m, enum hal_field_id id, const struct hal_key *key)
{
	uint8_t value[16];
	bool any = false;

	hal_field_get(id, key, value);
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		any |= value[i];
	if (any)
		hal_match_set(m, id, value, NULL);
}

/* Pipeline fields (OpenFlow 1.3, 7.4.1): the input port always, others if they are not 0. */
static void pipeline_fields(struct hal_match *m, const struct of_packet_in *pin)
{
	if (pin->pipeline_fields)
		*m = *pin->pipeline_fields;
	else
		memset(m, 0, sizeof(*m));
	hal_match_set_u64(m, FIELD_IN_PORT, pin->in_port);
	if (pin->metadata)
		hal_match_set_u64(m, FIELD_METADATA, pin->metadata);
	if (pin->key && !pin->pipeline_fields) {
		add_nonzero(m, FIELD_TUNNEL_ID, pin->key);
		add_nonzero(m, FIELD_TUN_IPV4_SRC, pin->key);
		add_nonzero(m, FIELD_TUN_IPV4_DST, pin->key);
		add_nonzero(m, FIELD_PKT_MARK, pin->key);
	}
}

static uint16_t total_len(const struct of_packet_in *pin)
{
	return pin->total_len > UINT16_MAX ? UINT16_MAX : (uint16_t)pin->total_len;
}

static void encode10(struct of_buf *b, const struct of_packet_in *pin)
{
	size_t start = of_begin(b, OFP10, OFPT_PACKET_IN, 0);

	of_put_u32(b, OF_NO_BUFFER);
	of_put_u16(b, total_len(pin));
	of_put_u16(b, of_port_to16(pin->in_port));
	of_put_u8(b, of_packet_in_reason_to(OFP10, pin->reason));
	of_put_zeros(b, 1);
	of_put_bytes(b, pin->data, pin->len);
	of_end(b, start);
}

static void encode13(struct of_buf *b, uint8_t version, const struct of_packet_in *pin)
{
	size_t start = of_begin(b, version, OFPT_PACKET_IN, 0);
	struct hal_match m;

	of_put_u32(b, OF_NO_BUFFER);
	of_put_u16(b, total_len(pin));
	of_put_u8(b, of_packet_in_reason_to(version, pin->reason));
	of_put_u8(b, pin->table);
	of_put_u64(b, pin->cookie);
	pipeline_fields(&m, pin);
	of_match13_encode(b, version, &m);
	of_put_zeros(b, 2);
	of_put_bytes(b, pin->data, pin->len);
	of_end(b, start);
}

static void encode_nx(struct of_buf *b, uint8_t version, const struct of_packet_in *pin)
{
	size_t start = of_begin_nicira(b, version, 0, NXT_PACKET_IN), match_len;
	struct hal_match m;

	of_put_u32(b, OF_NO_BUFFER);
	of_put_u16(b, total_len(pin));
	of_put_u8(b, of_packet_in_reason_to(version, pin->reason));
	of_put_u8(b, pin->table);
	of_put_u64(b, pin->cookie);
	match_len = b->len;
	of_put_u16(b, 0);
	of_put_zeros(b, 6);
	pipeline_fields(&m, pin);
	of_nxm_encode(b, match_len, &m);
	of_put_zeros(b, 2);
	of_put_bytes(b, pin->data, pin->len);
	of_end(b, start);
}

void of_packet_in_encode(
	struct of_buf *b, uint8_t version, uint8_t format, const struct of_packet_in *pin)
{
	struct hal_match m;

	if (format == NX_PACKET_IN_2) {
		pipeline_fields(&m, pin);
		of_packet_in2_encode(
			b, version, of_packet_in_reason_to(version, pin->reason), &m, pin);
	} else if (format == NX_PACKET_IN_NXM) {
		encode_nx(b, version, pin);
	} else if (version != OFP10) {
		encode13(b, version, pin);
	} else {
		encode10(b, pin);
	}
}
