/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of fields, as Nicira's actions name them: an OXM or NXM header, an offset and a number of
 * bits.
 */
#include "ofctl/openflow/actions_nx.h"

#include "ofctl/openflow/oxm.h"

struct of_subfield of_nx_get_field(struct of_rd *r)
{
	struct of_subfield sf = {FIELD_INVALID, 0, 0};
	struct of_oxm h;

	if (!of_oxm_get_header(r, &h) || h.field == FIELD_INVALID || h.has_mask)
		return sf;
	/* An option's header may say its length or the longest that there is. */
	if (h.len != h.width && h.field != FIELD_TUN_METADATA)
		return sf;
	return of_oxm_whole(&h);
}

enum of_error of_nx_part(struct of_subfield *sf, unsigned ofs, unsigned n_bits, bool write)
{
	if (sf->field == FIELD_INVALID)
		return OFERR_BAD_SET_TYPE;
	if (sf->field == FIELD_TUN_METADATA && !sf->n_bits)
		return OFERR_INVALID_TLV_FIELD;
	if (!n_bits || ofs >= sf->n_bits || ofs + n_bits > sf->n_bits)
		return OFERR_BAD_SET_LEN;
	if (write && !hal_fields[sf->field].writable)
		return OFERR_BAD_SET_ARGUMENT;
	sf->ofs = (uint16_t)(sf->ofs + ofs);
	sf->n_bits = (uint16_t)n_bits;
	return OFERR_OK;
}

enum of_error of_nx_part16(struct of_subfield *sf, uint16_t ofs_bits, bool write)
{
	return of_nx_part(sf, ofs_bits >> 6, (ofs_bits & 63) + 1u, write);
}

void of_put_field(struct of_buf *b, enum of_oxm_form form, const struct of_subfield *sf)
{
	struct of_subfield whole;
	unsigned option;

	if (sf->field == FIELD_TUN_METADATA) {
		if (of_option_find(sf, &option, &whole))
			of_oxm_put_option(b, option, whole.n_bits / 8, false);
		else
			b->failed = true;
		return;
	}
	/* Of an input port only OXM has more than 16 bits. */
	if (sf->field == FIELD_IN_PORT)
		form = sf->ofs + sf->n_bits > 16 ? OF_OXM_13 : OF_OXM_NX;
	of_oxm_put_header(b, form, sf->field, false);
}

void of_nx_put_field(struct of_buf *b, const struct of_subfield *sf)
{
	of_put_field(b, OF_OXM_NX, sf);
}

unsigned of_nx_ofs(const struct of_subfield *sf)
{
	struct of_subfield whole;
	unsigned option;

	if (sf->field != FIELD_TUN_METADATA)
		return sf->ofs;
	return of_option_find(sf, &option, &whole) ? sf->ofs - whole.ofs : 0;
}

uint16_t of_nx_ofs_bits(const struct of_subfield *sf)
{
	return (uint16_t)(of_nx_ofs(sf) << 6 | ((sf->n_bits - 1) & 63));
}
