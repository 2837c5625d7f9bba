/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-out (OpenFlow 1.0, 5.3.6; OpenFlow 1.3, 7.3.7).
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

/* A packet comes from a port, or from the controller itself. */
static bool in_port_ok(uint32_t port)
{
	return port < OF_PORT_MAX
		       ? port != 0
		       : port == OF_PORT_LOCAL || port == OF_PORT_CONTROLLER || port == OF_PORT_ANY;
}

enum of_error of_packet_out_decode(struct of_rd r, uint8_t version, struct of_packet_out *po)
{
	bool v10 = version == OFP10;
	uint16_t actions_len;
	struct of_rd actions;
	enum of_error err;

	*po = (struct of_packet_out){0};
	po->buffer_id = of_get_u32(&r);
	po->in_port = of_get_port(&r, version);
	actions_len = of_get_u16(&r);
	if (!v10)
		of_skip(&r, 6);
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
