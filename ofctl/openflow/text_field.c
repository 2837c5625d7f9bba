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

#include "ofctl/openflow/oxm.h"

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

/* Names that stock tools print where they differ from hal/fields.def's. */
static const struct {
	enum hal_field_id field;
	const char *name;
} stock[] = {
	{FIELD_IPV4_SRC, "ip_src"},
	{FIELD_IPV4_DST, "ip_dst"},
	{FIELD_IPV6_FLABEL, "ipv6_label"},
	{FIELD_IP_PROTO, "nw_proto"},
	{FIELD_IP_ECN, "nw_ecn"},
};
#define N_STOCK (sizeof(stock) / sizeof(stock[0]))

const char *of_field_name(enum hal_field_id field)
{
	for (unsigned i = 0; i < N_STOCK; i++)
		if (stock[i].field == field)
			return stock[i].name;
	return hal_fields[field].name;
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

static bool name_is(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && !memcmp(name, text, len);
}

/* `*nxm`: by a name that has NXM's number of bits. */
static enum hal_field_id find(const char *name, size_t len, bool *nxm)
{
	enum hal_field_id id = hal_field_by_name(name, len);
	char buf[64];

	*nxm = *name != 'O' && !name_is("in_port_oxm", name, len);
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
	unsigned bits = sf->n_bits, first, last;
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
	sf->ofs = (uint16_t)(sf->ofs + first);
	sf->n_bits = (uint16_t)(last - first + 1);
	return 0;
}

/* "tun_metadata<n>" */
static bool find_option(const char *s, size_t len, unsigned *option)
{
	static const char *const prefixes[] = {"tun_metadata", "NXM_NX_TUN_METADATA"};

	for (unsigned i = 0; i < 2; i++) {
		size_t n = strlen(prefixes[i]);
		char *end;

		if (len <= n || strncmp(s, prefixes[i], n) != 0 || s[n] < '0' || s[n] > '9')
			continue;
		*option = (unsigned)strtoul(s + n, &end, 10);
		return end == s + len && *option < OF_OXM_OPTIONS;
	}
	return false;
}

int of_subfield_parse(char *s, struct of_subfield *sf, struct of_err *e)
{
	size_t len = strcspn(s, "[");
	unsigned option;
	bool nxm;

	if (find_option(s, len, &option)) {
		if (!of_option_place(option, sf))
			return of_text_bad(e, "\"%s\": no tunnel option is mapped to it", s);
	} else {
		sf->field = len ? find(s, len, &nxm) : FIELD_INVALID;
		if (sf->field == FIELD_INVALID || hal_field_bytes(sf->field) > 16)
			return of_text_bad(e, "\"%s\": expected a field, such as NXM_NX_REG0[]", s);
		sf->ofs = 0;
		sf->n_bits = (uint16_t)of_field_bits(sf->field, nxm);
	}
	return s[len] ? parse_bits(s + len, s, sf, e) : 0;
}

static void sub_name(const struct of_subfield *sf, char *name, size_t n)
{
	const struct hal_field *f = &hal_fields[sf->field];

	if (sf->field == FIELD_IN_PORT && sf->ofs + sf->n_bits > 16)
		snprintf(name, n, "OXM_OF_IN_PORT");
	else if (f->nxm_class != NOCODE)
		nxm_name(sf->field, name, n);
	else if (f->oxm_class != NOCODE)
		oxm_name(sf->field, name, n);
	else
		snprintf(name, n, "%s", f->name);
}

int of_subfield_format(const struct of_subfield *sf, char *buf, size_t n)
{
	unsigned ofs = sf->ofs, bits, option;
	struct of_subfield whole;
	char name[64];

	if (sf->field == FIELD_TUN_METADATA && of_option_find(sf, &option, &whole)) {
		snprintf(name, sizeof(name), "NXM_NX_TUN_METADATA%u", option);
		ofs -= whole.ofs;
		bits = whole.n_bits;
	} else {
		sub_name(sf, name, sizeof(name));
		bits = of_field_bits(sf->field, ofs + sf->n_bits <= 16);
	}
	if (!ofs && sf->n_bits == bits)
		return snprintf(buf, n, "%s[]", name);
	if (sf->n_bits == 1)
		return snprintf(buf, n, "%s[%u]", name, ofs);
	return snprintf(buf, n, "%s[%u..%u]", name, ofs, ofs + sf->n_bits - 1);
}
