/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-out (OpenFlow 1.0, 5.3.6; OpenFlow 1.3, 7.3.7; OpenFlow 1.5, 7.3.6).
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "hal/base/mem.h"
#include "ofctl/openflow/wire.h"

/* A packet comes from a port, or from the controller itself. */
static bool in_port_ok(uint32_t port)
{
	return port < OF_PORT_MAX
		       ? port != 0
		       : port == OF_PORT_LOCAL || port == OF_PORT_CONTROLLER || port == OF_PORT_ANY;
}

/* 1.5's match names the input port, and may name what else is not of the packet itself: what is
 * left of it is the tunnel, the metadata and the registers. */
static enum of_error decode_fields(struct of_rd *r, struct of_packet_out *po)
{
	struct xlate_key *value = &po->fields.value, *mask = &po->fields.mask;
	enum of_error err = of_match13_decode(r, &po->fields);

	if (err)
		return err;
	if (!hal_field_all(FIELD_IN_PORT, mask))
		return OFERR_BAD_PORT;
	if (value->dp.packet_type)
		return OFERR_BAD_PACKET;
	po->in_port = (uint32_t)hal_field_get_u64(FIELD_IN_PORT, value);
	value->in_port_of = mask->in_port_of = 0;
	value->in_phy_port = mask->in_phy_port = 0;
	mask->dp.packet_type = 0;
	if (!mem_is_zero(&mask->dp, offsetof(struct hal_key, tun_flags)) || mask->actset_output ||
		mask->conj_id)
		return OFERR_PIPELINE_FIELDS_ONLY;
	po->has_fields = !mem_is_zero(mask, sizeof(*mask));
	return OFERR_OK;
}

enum of_error of_packet_out_decode(struct of_rd r, uint8_t version, struct of_packet_out *po)
{
	bool v10 = version == OFP10, v15 = version >= OFP15;
	enum of_error err = OFERR_OK;
	uint16_t actions_len;
	struct of_rd actions;

	memset(po, 0, sizeof(*po));
	po->buffer_id = of_get_u32(&r);
	if (!v15)
		po->in_port = of_get_port(&r, version);
	actions_len = of_get_u16(&r);
	if (!v10)
		of_skip(&r, v15 ? 2 : 6);
	if (v15)
		err = decode_fields(&r, po);
	if (err)
		return err;
	actions = of_get_rd(&r, actions_len);
	if (r.bad)
		return OFERR_BAD_LEN;
	if (!in_port_ok(po->in_port))
		return OFERR_BAD_PORT;
	if (po->in_port == OF_PORT_ANY)
		po->in_port = OF_PORT_CONTROLLER;
	if (po->buffer_id != OF_NO_BUFFER)
		return OFERR_BUFFER_UNKNOWN;
	err = of_actions_decode(version, actions, NULL, &po->actions, NULL);
	if (err)
		return err;
	po->data = r.p;
	po->len = r.left;
	return OFERR_OK;
}
