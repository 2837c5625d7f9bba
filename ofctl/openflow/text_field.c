/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields and parts of them by the names that move and load use: "NXM_OF_ETH_SRC[]",
 * "OXM_OF_METADATA[0..31]".
 */
#include "ofctl/openflow/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of a code's name after its class. OXM's are hal/fields.def's identities; NXM's too, but
 * for those that are older. */
static const char *const identities[FIELD_MAX] = {
#define FIELD(ID, ...) [FIELD_##ID] = #ID,
#include "hal/fields.def"
#undef FIELD
};

static const struct {
	enum hal_field_id field;
	const char *nxm;
} older[] = {
	{FIELD_NW_TOS, "IP_TOS"},
	{FIELD_IPV4_SRC, "IP_SRC"},
	{FIELD_IPV4_DST, "IP_DST"},
	{FIELD_ICMPV4_TYPE, "ICMP_TYPE"},
	{FIELD_ICMPV4_CODE, "ICMP_CODE"},
	{FIELD_TUNNEL_ID, "TUN_ID"},
	{FIELD_IPV6_FLABEL, "IPV6_LABEL"},
};

static const char *nxm_suffix(enum hal_field_id id)
{
	for (unsigned i = 0; i < sizeof(older) / sizeof(older[0]); i++)
		if (older[i].field == id)
			return older[i].nxm;
	return identities[id];
}

static void nxm_name(enum hal_field_id id, char *buf, size_t n)
{
	const struct hal_field *f = &hal_fields[id];

	snprintf(buf, n, "%s%s", f->nxm_class ? "NXM_NX_" : "NXM_OF_", nxm_suffix(id));
}

static void oxm_name(enum hal_field_id id, char *buf, size_t n)
{
	if (id >= FIELD_XREG0 && id <= FIELD_XREG7)
		snprintf(buf, n, "OXM_OF_PKT_REG%d", id - FIELD_XREG0);
	else
		snprintf(buf, n, "OXM_OF_%s", identities[id]);
}

static enum hal_field_id find(const char *name, size_t len)
{
	enum hal_field_id id = hal_field_by_name(name, len);
	char buf[64];

	if (id != FIELD_INVALID || strncmp(name + 1, "XM_", 3) != 0)
		return id;
	for (id = 0; id < FIELD_MAX; id++) {
		if (*name == 'N' && hal_fields[id].nxm_class != NOCODE)
			nxm_name(id, buf, sizeof(buf));
		else if (*name == 'O' && hal_fields[id].oxm_class != NOCODE)
			oxm_name(id, buf, sizeof(buf));
		else
			continue;
		if (strlen(buf) == len && !memcmp(buf, name, len))
			return id;
	}
	return FIELD_INVALID;
}

/* "[]", "[BIT]" or "[FIRST..LAST]". */
static int parse_bits(const char *s, const char *whole, struct of_subfield *sf, struct of_err *e)
{
	unsigned bits = hal_fields[sf->field].bits, first, last;
	int used = 0;

	if (!strcmp(s, "[]"))
		return 0;
	if (sscanf(s, "[%u..%u]%n", &first, &last, &used) != 2 || !used) {
		used = 0;
		if (sscanf(s, "[%u]%n", &first, &used) != 1 || !used)
			return of_text_bad(e,
				"%s: expected [], [BIT] or [FIRST..LAST] after the field", whole);
		last = first;
	}
	if (s[used] || first > last || last >= bits)
		return of_text_bad(e, "%s: expected bits from 0 to %u", whole, bits - 1);
	sf->ofs = first;
	sf->n_bits = last - first + 1;
	return 0;
}

int of_subfield_parse(char *s, struct of_subfield *sf, struct of_err *e)
{
	size_t len = strcspn(s, "[");

	sf->field = len ? find(s, len) : FIELD_INVALID;
	if (sf->field == FIELD_INVALID || hal_field_bytes(sf->field) > 16)
		return of_text_bad(e, "\"%s\": expected a field, such as NXM_NX_REG0[]", s);
	sf->ofs = 0;
	sf->n_bits = hal_fields[sf->field].bits;
	return s[len] ? parse_bits(s + len, s, sf, e) : 0;
}

int of_subfield_format(const struct of_subfield *sf, char *buf, size_t n)
{
	const struct hal_field *f = &hal_fields[sf->field];
	char name[64];

	if (f->nxm_class != NOCODE)
		nxm_name(sf->field, name, sizeof(name));
	else if (f->oxm_class != NOCODE)
		oxm_name(sf->field, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%s", f->name);
	if (!sf->ofs && sf->n_bits == f->bits)
		return snprintf(buf, n, "%s[]", name);
	if (sf->n_bits == 1)
		return snprintf(buf, n, "%s[%u]", name, sf->ofs);
	return snprintf(buf, n, "%s[%u..%u]", name, sf->ofs, sf->ofs + sf->n_bits - 1);
}
