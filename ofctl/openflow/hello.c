/* SPDX-License-Identifier: Apache-2.0
 *
 * Hello with its version bitmap (OpenFlow 1.3, 7.5.1).
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

#define OFPHET_VERSIONBITMAP 1

static uint8_t highest(uint32_t versions)
{
	return (uint8_t)(versions ? 31 - __builtin_clz(versions) : OFP10);
}

void of_hello_encode(struct of_buf *b, uint32_t versions, uint32_t xid)
{
	size_t start = of_begin(b, highest(versions), OFPT_HELLO, xid);

	/* Those who speak 1.0 alone expect nothing after the header, but ignore it. */
	if (versions != 1u << OFP10) {
		of_put_u16(b, OFPHET_VERSIONBITMAP);
		of_put_u16(b, 8);
		of_put_u32(b, versions);
	}
	of_end(b, start);
}

enum of_error of_hello_decode(const uint8_t *msg, size_t len, uint32_t *versions)
{
	struct of_rd r = of_rd_make(msg, len);
	uint8_t version = of_get_u8(&r);

	of_skip(&r, 7);
	/* Without a bitmap a hello offers its version and all below. */
	*versions = version >= 31 ? UINT32_MAX : (2u << version) - 1;
	*versions &= ~1u;
	while (r.left >= 4) {
		uint16_t type = of_get_u16(&r), elem = of_get_u16(&r);
		struct of_rd body;

		if (elem < 4)
			return OFERR_BAD_LEN;
		body = of_get_rd(&r, elem - 4u);
		if (body.bad)
			return OFERR_BAD_LEN;
		of_skip(&r, of_pad8(elem) - elem < r.left ? of_pad8(elem) - elem : r.left);
		if (type == OFPHET_VERSIONBITMAP && body.left >= 4) {
			*versions = of_get_u32(&body);
			return OFERR_OK;
		}
	}
	return OFERR_OK;
}
