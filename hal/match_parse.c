/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/match.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "hal/match_words.h"
#include "hal/option.h"

#define OFP10_VLAN_NONE 0xffff /* OpenFlow 1.0, 5.2.3: packets without a tag */

/* Message into `err`, and -EINVAL. */
static int bad(char *err, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int bad(char *err, size_t n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (n)
		vsnprintf(err, n, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Adds what `part` matches to `m`, unless both cannot be true of one packet. */
static int merge(
	struct hal_match *m, const struct hal_match *part, const char *name, char *err, size_t n)
{
	uint8_t *mv = (uint8_t *)&m->value, *mm = (uint8_t *)&m->mask;
	const uint8_t *pv = (const uint8_t *)&part->value, *pm = (const uint8_t *)&part->mask;

	for (size_t i = 0; i < sizeof(m->value); i++)
		if ((mv[i] ^ pv[i]) & mm[i] & pm[i])
			return bad(err, n, "%s: contradicts what was given before it", name);
	for (size_t i = 0; i < sizeof(m->value); i++) {
		mv[i] |= pv[i];
		mm[i] |= pm[i];
	}
	return 0;
}

/* Ethertype that the match is about, or 0. */
static uint16_t eth_type_of(const struct hal_match *m)
{
	return hal_field_all(FIELD_ETH_TYPE, &m->mask) ? rte_be_to_cpu_16(m->value.dp.eth_type) : 0;
}

static bool is_arp(const struct hal_match *m)
{
	uint16_t type = eth_type_of(m);

	return type == RTE_ETHER_TYPE_ARP || type == RTE_ETHER_TYPE_RARP;
}

static enum hal_field_id port_field(const struct hal_match *m, bool dst)
{
	if (m->mask.dp.ip_proto != 0xff)
		return FIELD_INVALID;
	switch (m->value.dp.ip_proto) {
	case IPPROTO_TCP:
		return dst ? FIELD_TCP_DST : FIELD_TCP_SRC;
	case IPPROTO_UDP:
		return dst ? FIELD_UDP_DST : FIELD_UDP_SRC;
	case IPPROTO_SCTP:
		return dst ? FIELD_SCTP_DST : FIELD_SCTP_SRC;
	case IPPROTO_ICMP:
		return dst ? FIELD_ICMPV4_CODE : FIELD_ICMPV4_TYPE;
	case IPPROTO_ICMPV6:
		return dst ? FIELD_ICMPV6_CODE : FIELD_ICMPV6_TYPE;
	default:
		return FIELD_INVALID;
	}
}

/* Names that mean another field on another protocol: nw_src on ARP is the sender's address. */
static enum hal_field_id by_protocol(const struct hal_match *m, enum hal_field_id id)
{
	bool arp = is_arp(m), ipv6 = eth_type_of(m) == RTE_ETHER_TYPE_IPV6;

	switch (id) {
	case FIELD_IPV4_SRC:
		return arp ? FIELD_ARP_SPA : id;
	case FIELD_IPV4_DST:
		return arp ? FIELD_ARP_TPA : id;
	case FIELD_IP_PROTO:
		return arp ? FIELD_ARP_OP : id;
	case FIELD_ICMPV4_TYPE:
		return ipv6 ? FIELD_ICMPV6_TYPE : id;
	case FIELD_ICMPV4_CODE:
		return ipv6 ? FIELD_ICMPV6_CODE : id;
	default:
		return id;
	}
}

static const struct hal_match_word *find_word(const char *name)
{
	for (const struct hal_match_word *w = hal_match_words; w->word; w++)
		if (!strcmp(w->word, name))
			return w;
	return NULL;
}

static void set_word(struct hal_match *part, const struct hal_match_word *w)
{
	hal_match_set_u64(part, FIELD_ETH_TYPE, w->eth_type);
	if (w->ip_proto >= 0)
		hal_match_set_u64(part, FIELD_IP_PROTO, (uint64_t)w->ip_proto);
}

/* dl_vlan=VID, or dl_vlan=0xffff for packets without a tag. */
static int set_dl_vlan(struct hal_match *part, const char *value, char *err, size_t n)
{
	char *end;
	unsigned long vid;

	errno = 0;
	vid = strtoul(value, &end, 0);
	if (*value < '0' || *value > '9' || *end || errno ||
		(vid > 0xfff && vid != OFP10_VLAN_NONE))
		return bad(err, n,
			"dl_vlan: \"%s\" is not valid: expected a VLAN ID from 0 to 4095, or "
			"0xffff "
			"for packets without a tag",
			value);
	if (vid == OFP10_VLAN_NONE)
		hal_match_set_u64(part, FIELD_VLAN_TCI, 0);
	else
		hal_match_set_u64(part, FIELD_VLAN_VID, vid | HAL_VLAN_PRESENT);
	return 0;
}

static int set_field(
	struct hal_match *part, enum hal_field_id id, const char *text, char *err, size_t n)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
	int error = hal_field_parse(id, text, value, mask, err, n);

	if (error)
		return error;
	hal_match_set(part, id, value, mask);
	if (id == FIELD_VLAN_PCP && hal_field_any(FIELD_VLAN_PCP, &part->mask)) {
		/* Only a packet with a tag has a priority. */
		part->value.dp.vlan[0].tci |= RTE_BE16(HAL_VLAN_PRESENT);
		part->mask.dp.vlan[0].tci |= RTE_BE16(HAL_VLAN_PRESENT);
	}
	return 0;
}

/* "tun_metadata<n>" with a value, or without one: the option has to be there. */
static int set_option(
	struct hal_match *part, unsigned option, const char *value, char *err, size_t n)
{
	uint8_t v[HAL_OPTION_MAX] = {0}, mask[HAL_OPTION_MAX] = {0};
	unsigned bytes = hal_option_bytes(option);
	int error;

	if (!bytes)
		return bad(err, n, "tun_metadata%u: no tunnel option is mapped to it", option);
	error = value && *value ? hal_option_parse(option, bytes, value, v, mask, err, n) : 0;
	if (!error)
		hal_option_match(part, option, v, mask);
	return error;
}

int hal_match_parse_token(
	struct hal_match *m, const char *name, const char *value, char *err, size_t n)
{
	const struct hal_match_word *word = find_word(name);
	bool tp_src = !strcmp(name, "tp_src"), tp_dst = !strcmp(name, "tp_dst");
	bool eth = !strcmp(name, "eth");
	struct hal_match part = {0};
	enum hal_field_id id;
	unsigned option;
	int error;

	if (hal_option_by_name(name, strlen(name), &option)) {
		error = set_option(&part, option, value, err, n);
		return error ? error : merge(m, &part, name, err, n);
	}
	if (word || eth) {
		if (value)
			return bad(err, n, "%s: \"%s\": this word takes no value", name, value);
		if (eth)
			hal_match_set_u64(&part, FIELD_PACKET_TYPE, 0);
		else
			set_word(&part, word);
		return merge(m, &part, name, err, n);
	}
	if (tp_src || tp_dst)
		id = port_field(m, tp_dst);
	else
		id = by_protocol(m, hal_field_by_name(name, strlen(name)));
	if (id == FIELD_INVALID && !tp_src && !tp_dst)
		return -ENOENT;
	if (id == FIELD_INVALID)
		return bad(
			err, n, "%s: expected a protocol before it (tcp, udp, sctp or icmp)", name);
	if (!value || !*value)
		return bad(err, n, "%s: expected %s=VALUE", name, name);
	if (!strcmp(name, "dl_vlan"))
		error = set_dl_vlan(&part, value, err, n);
	else
		error = set_field(&part, id, value, err, n);
	return error ? error : merge(m, &part, name, err, n);
}
