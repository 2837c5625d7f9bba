/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

size_t of_begin(struct of_buf *b, uint8_t version, uint8_t type, uint32_t xid)
{
	size_t start = b->len;

	of_put_u8(b, version);
	of_put_u8(b, type);
	of_put_u16(b, 0);
	of_put_u32(b, xid);
	return start;
}

size_t of_begin_nicira(struct of_buf *b, uint8_t version, uint32_t xid, uint32_t subtype)
{
	size_t start = of_begin(b, version, OFPT_EXPERIMENTER, xid);

	of_put_u32(b, EXP_NICIRA);
	of_put_u32(b, subtype);
	return start;
}

void of_end(struct of_buf *b, size_t start)
{
	of_set_u16(b, start + 2, b->len - start);
}

size_t of_begin_multipart(struct of_buf *b, uint8_t version, uint32_t xid, uint16_t type)
{
	bool v10 = version == OFP10;
	size_t start = of_begin(b, version, v10 ? OFPT10_STATS_REPLY : OFPT13_MULTIPART_REPLY, xid);

	of_put_u16(b, type);
	of_put_u16(b, 0);
	if (!v10)
		of_put_zeros(b, 4);
	return start;
}

uint32_t of_get_port(struct of_rd *r, uint8_t version)
{
	return version == OFP10 ? of_port_from16(of_get_u16(r)) : of_get_u32(r);
}

void of_put_port(struct of_buf *b, uint8_t version, uint32_t port)
{
	if (version == OFP10)
		of_put_u16(b, of_port_to16(port));
	else
		of_put_u32(b, port);
}
