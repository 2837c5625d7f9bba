/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel metadata: options of the TLV table, each a part of FIELD_TUN_METADATA.
 */
#include "ofctl/openflow/oxm.h"

bool of_option_place(unsigned option, struct of_subfield *whole)
{
	(void)option;
	(void)whole;
	return false;
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
