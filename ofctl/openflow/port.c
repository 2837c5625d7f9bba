/* SPDX-License-Identifier: Apache-2.0
 *
 * Port descriptions, port-status and port-mod (OpenFlow 1.0, 5.2.1; OpenFlow 1.3 and 1.4, 7.2.1).
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "ofctl/openflow/wire.h"

#define NAME_LEN 16

/* Properties of 1.4: type, length, 4 bytes of padding. */
#define PROP_ETHERNET 0
#define ETHERNET_LEN 32
#define MOD_ETHERNET_LEN 8

/* Features: the rates up to 10 Gb/s have the same bits in both versions; the medium and negotiation
 * bits moved up to make room for faster rates, which 1.0 cannot say. */
#define FEATURES_RATES 0x7fu
#define FEATURES_MEDIA13 0xf800u
#define FEATURES_MEDIA10 0xf80u
#define FEATURES_MEDIA_SHIFT 4

#define CONFIG10 0x7fu
#define CONFIG13                                                                \
	(OF_PORT_CONFIG_DOWN | OF_PORT_CONFIG_NO_RECV | OF_PORT_CONFIG_NO_FWD | \
		OF_PORT_CONFIG_NO_PACKET_IN)

static uint32_t features_to(uint8_t version, uint32_t f)
{
	if (version != OFP10)
		return f;
	return (f & FEATURES_RATES) | (f & FEATURES_MEDIA13) >> FEATURES_MEDIA_SHIFT;
}

void of_port_desc_encode(struct of_buf *b, uint8_t version, const struct of_port_desc *p)
{
	bool v10 = version == OFP10, v14 = version >= OFP14;
	size_t start = b->len;

	of_put_port(b, version, p->number);
	if (!v10)
		of_put_zeros(b, 4);
	of_put_bytes(b, p->mac, 6);
	if (!v10)
		of_put_zeros(b, 2);
	of_put_text(b, p->name, NAME_LEN);
	of_put_u32(b, p->config & (v10 ? CONFIG10 : CONFIG13));
	of_put_u32(b, v10 ? p->state & OF_PORT_STATE_LINK_DOWN : p->state);
	if (v14) {
		of_put_u16(b, PROP_ETHERNET);
		of_put_u16(b, ETHERNET_LEN);
		of_put_zeros(b, 4);
	}
	of_put_u32(b, features_to(version, p->curr));
	of_put_u32(b, features_to(version, p->advertised));
	of_put_u32(b, features_to(version, p->supported));
	of_put_u32(b, features_to(version, p->peer));
	if (!v10) {
		of_put_u32(b, p->curr_kbps);
		of_put_u32(b, p->max_kbps);
	}
	if (v14)
		of_set_u16(b, start + 4, b->len - start);
}

void of_port_status_encode(
	struct of_buf *b, uint8_t version, enum of_port_reason why, const struct of_port_desc *p)
{
	size_t start = of_begin(b, version, OFPT_PORT_STATUS, 0);

	of_put_u8(b, (uint8_t)why);
	of_put_zeros(b, 7);
	of_port_desc_encode(b, version, p);
	of_end(b, start);
}

static enum of_error skip_properties(struct of_rd *r)
{
	struct of_rd value;
	uint16_t type;

	while (r->left) {
		if (!of_get_property(r, &type, &value))
			return OFERR_PROP_BAD_LEN;
		if (type != PROP_ETHERNET)
			return OFERR_PROP_BAD_TYPE;
		if (value.left != MOD_ETHERNET_LEN - 4)
			return OFERR_PROP_BAD_LEN;
	}
	return OFERR_OK;
}

enum of_error of_port_mod_decode(struct of_rd r, uint8_t version, struct of_port_mod *pm)
{
	bool v10 = version == OFP10;
	enum of_error err = OFERR_OK;
	const uint8_t *mac;

	pm->number = of_get_port(&r, version);
	if (!v10)
		of_skip(&r, 4);
	mac = of_get_bytes(&r, 6);
	if (!v10)
		of_skip(&r, 2);
	pm->config = of_get_u32(&r);
	pm->mask = of_get_u32(&r);
	/* What to advertise: links negotiate as their devices are set. */
	if (version >= OFP14)
		err = skip_properties(&r);
	else
		of_skip(&r, 8);
	if (err || r.bad || r.left)
		return err ? err : OFERR_BAD_LEN;
	memcpy(pm->mac, mac, 6);
	if (pm->mask & ~(v10 ? CONFIG10 : CONFIG13))
		return OFERR_PORT_MOD_BAD_CONFIG;
	pm->config &= pm->mask;
	return OFERR_OK;
}
