/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel metadata: options of the TLV table, each a part of FIELD_TUN_METADATA.
 */
#include "hal/tlv.h"
#include "ofctl/openflow/oxm.h"

#define SPACE 128 /* bytes of FIELD_TUN_METADATA */

bool of_option_place(unsigned option, struct of_subfield *whole)
{
	const struct hal_tlv *e = &hal_tlv_table()->entry[option];

	if (!e->used)
		return false;
	*whole = (struct of_subfield){FIELD_TUN_METADATA,
		(uint16_t)((SPACE - e->offset - e->len) * 8), (uint16_t)(e->len * 8)};
	return true;
}

bool of_option_find(const struct of_subfield *sf, unsigned *option, struct of_subfield *whole)
{
	for (unsigned i = 0; i < OF_OXM_OPTIONS; i++) {
		if (!of_option_place(i, whole) || sf->ofs < whole->ofs ||
			sf->ofs + sf->n_bits > whole->ofs + whole->n_bits)
			continue;
		*option = i;
		return true;
	}
	return false;
}
