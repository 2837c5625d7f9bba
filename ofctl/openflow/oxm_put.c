/* SPDX-License-Identifier: Apache-2.0
 *
 * OXM and NXM matches onto the wire.
 */
#include "ofctl/openflow/codec.h"

#include <string.h>

#include "hal/option.h"
#include "ofctl/openflow/oxm.h"
#include "ofctl/openflow/wire.h"

/* OpenFlow 1.3 defines OXM fields up to IPV6_EXTHDR; PBB_UCA came with 1.4. */
#define OXM13_LAST 39

static bool has_oxm13(const struct hal_field *f)
{
	return f->oxm_class != NOCODE &&
	       (f->oxm_class != OXM_CLASS_BASIC || f->oxm_field <= OXM13_LAST ||
		       f->nxm_class == NOCODE);
}

static bool use_nxm(enum of_oxm_form form, enum hal_field_id id)
{
	const struct hal_field *f = &hal_fields[id];

	if (f->nxm_class == NOCODE)
		return false;
	if (form == OF_OXM_15)
		return f->oxm_class == NOCODE;
	return form == OF_OXM_NX || !has_oxm13(f);
}

enum of_oxm_form of_oxm_form(uint8_t version)
{
	return version >= OFP15 ? OF_OXM_15 : OF_OXM_13;
}

static bool has_code(enum hal_field_id id)
{
	return hal_fields[id].oxm_class != NOCODE || hal_fields[id].nxm_class != NOCODE;
}

void of_oxm_put_header(struct of_buf *b, enum of_oxm_form form, enum hal_field_id id, bool has_mask)
{
	const struct hal_field *f = &hal_fields[id];
	bool nxm = use_nxm(form, id);
	unsigned width = of_oxm_width(id, nxm);

	if (!has_code(id)) {
		b->failed = true;
		return;
	}
	of_put_u16(b, nxm ? f->nxm_class : f->oxm_class);
	of_put_u8(b, (uint8_t)((nxm ? f->nxm_field : f->oxm_field) << 1 | has_mask));
	of_put_u8(b, (uint8_t)(has_mask ? width * 2 : width));
}

static void put_value(struct of_buf *b, enum hal_field_id id, unsigned width, const uint8_t *v)
{
	unsigned bytes = hal_field_bytes(id);

	if (width < bytes) { /* NXM_OF_IN_PORT */
		uint32_t port = (uint32_t)v[0] << 24 | v[1] << 16 | v[2] << 8 | v[3];

		of_put_u16(b, of_port_to16(port));
		return;
	}
	of_put_zeros(b, width - bytes);
	of_put_bytes(b, v, bytes);
}

void of_oxm_put(struct of_buf *b, enum of_oxm_form form, enum hal_field_id id, const uint8_t *value,
	const uint8_t *mask)
{
	unsigned width = of_oxm_width(id, use_nxm(form, id));

	of_oxm_put_header(b, form, id, mask != NULL);
	put_value(b, id, width, value);
	if (mask)
		put_value(b, id, width, mask);
}

struct putter {
	struct of_buf *b;
	enum of_oxm_form form;
	const struct hal_match *m;
	bool vlan_done, tos_done, options_done;
};

/* The VLAN member goes out as VID and PCP if each of them is matched in a way that OXM can say,
 * otherwise as one TCI; whichever fields the member was named by. */
static void put_vlan(struct putter *p)
{
	uint16_t value = (uint16_t)hal_field_get_u64(FIELD_VLAN_TCI, &p->m->value);
	uint16_t mask = (uint16_t)hal_field_get_u64(FIELD_VLAN_TCI, &p->m->mask);
	uint8_t vid[2] = {(value >> 8) & 0x1f, value & 0xff}, pcp = (uint8_t)(value >> 13);
	uint8_t vid_mask[2] = {(mask >> 8) & 0x1f, mask & 0xff};
	bool pcp_ok = mask >> 13 == 0 || (mask >> 13 == 7 && value & mask & HAL_VLAN_PRESENT);

	p->vlan_done = true;
	if (!mask)
		return;
	if (p->form != OF_OXM_NX && !value && (mask & 0x1fff) == 0x1fff) {
		/* OFPVID_NONE: a packet without a tag has no priority either. */
		of_oxm_put(p->b, p->form, FIELD_VLAN_VID, vid, NULL);
		return;
	}
	if (p->form == OF_OXM_NX || !pcp_ok) {
		uint8_t v[2] = {(uint8_t)(value >> 8), (uint8_t)value};
		uint8_t m[2] = {(uint8_t)(mask >> 8), (uint8_t)mask};

		of_oxm_put(p->b, p->form, FIELD_VLAN_TCI, v, mask == 0xffff ? NULL : m);
		return;
	}
	if (mask & 0x1fff)
		of_oxm_put(p->b, p->form, FIELD_VLAN_VID, vid,
			(mask & 0x1fff) == 0x1fff ? NULL : vid_mask);
	if (mask >> 13)
		of_oxm_put(p->b, p->form, FIELD_VLAN_PCP, &pcp, NULL);
}

static void put_tos(struct putter *p)
{
	uint8_t dscp = (uint8_t)hal_field_get_u64(FIELD_IP_DSCP, &p->m->value);
	uint8_t ecn = (uint8_t)hal_field_get_u64(FIELD_IP_ECN, &p->m->value);
	bool has_dscp = hal_field_get_u64(FIELD_IP_DSCP, &p->m->mask);
	bool has_ecn = hal_field_get_u64(FIELD_IP_ECN, &p->m->mask);
	uint8_t whole = (uint8_t)(dscp << 2);

	p->tos_done = true;
	if (has_dscp && p->form == OF_OXM_NX)
		of_oxm_put(p->b, p->form, FIELD_NW_TOS, &whole, NULL);
	else if (has_dscp)
		of_oxm_put(p->b, p->form, FIELD_IP_DSCP, &dscp, NULL);
	if (has_ecn)
		of_oxm_put(p->b, p->form, FIELD_IP_ECN, &ecn, NULL);
}

static unsigned leading_zeros(const uint8_t *p, unsigned n)
{
	unsigned i = 0;

	while (i < n && !p[i])
		i++;
	return i;
}

/* Options as short as their values or masks are. */
static void put_options(struct putter *p)
{
	uint8_t value[HAL_OPTION_MAX], mask[HAL_OPTION_MAX];
	bool exact;

	for (unsigned i = 0; i < OF_OXM_OPTIONS; i++) {
		unsigned n = hal_option_bytes(i), zeros;

		if (!hal_option_matched(&p->m->value, &p->m->mask, i, value, mask, &exact))
			continue;
		zeros = leading_zeros(exact ? value : mask, n);
		of_oxm_put_option(p->b, i, n - zeros, !exact);
		of_put_bytes(p->b, value + zeros, n - zeros);
		if (!exact)
			of_put_bytes(p->b, mask + zeros, n - zeros);
	}
}

static int put_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	struct putter *p = ctx;

	switch (id) {
	case FIELD_TUN_METADATA:
	case FIELD_TUN_OPTS_PRESENT:
		if (!p->options_done)
			put_options(p);
		p->options_done = true;
		return 0;
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID:
	case FIELD_VLAN_PCP:
		if (!p->vlan_done)
			put_vlan(p);
		return 0;
	case FIELD_NW_TOS:
	case FIELD_IP_DSCP:
	case FIELD_IP_ECN:
		if (!p->tos_done)
			put_tos(p);
		return 0;
	default:
		break;
	}
	if (!has_code(id))
		return 0;
	if (hal_fields[id].maskable == MASK_NONE || hal_field_all(id, &p->m->mask))
		mask = NULL;
	of_oxm_put(p->b, p->form, id, value, mask);
	return 0;
}

void of_oxm_encode(struct of_buf *b, enum of_oxm_form form, const struct hal_match *m)
{
	struct putter p = {.b = b, .form = form, .m = m};

	hal_match_fields(&m->value, &m->mask, sizeof(m->value), put_field, &p);
}

void of_match13_encode(struct of_buf *b, uint8_t version, const struct hal_match *m)
{
	size_t start = b->len;

	of_put_u16(b, 1); /* OFPMT_OXM */
	of_put_u16(b, 0);
	of_oxm_encode(b, of_oxm_form(version), m);
	of_set_u16(b, start + 2, b->len - start);
	of_put_pad8(b, start);
}

void of_oxm_put_option(struct of_buf *b, unsigned option, unsigned width, bool has_mask)
{
	of_put_u16(b, OXM_CLASS_NXM1);
	of_put_u8(b, (uint8_t)((OF_OXM_OPTION_FIRST + option) << 1 | has_mask));
	of_put_u8(b, (uint8_t)(has_mask ? width * 2 : width));
}
