/* SPDX-License-Identifier: Apache-2.0
 *
 * What connection tracking reads from a packet, and whether the packet is sound: checksums,
 * lengths, and the quoted packet of an ICMP error.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "swpath/ct/bytes.h"
#include "swpath/ct/ct.h"
#include "swpath/port/segment.h"

#define TCP_HEADER 20u
#define TCP_HEADER_MAX 60u
#define UDP_HEADER 8u
#define ICMP_HEADER 8u
#define QUOTED_MIN 8u /* of a transport header in an ICMP error (RFC 792) */

/* The transport header and all that belongs to it. */
struct segment {
	uint32_t at;  /* in the (first) packet */
	uint32_t end; /* of what can be read there */
	uint32_t len; /* of the whole datagram's */
};

/* The type of the answer to an ICMP query, or -1. */
static int answer_type(bool ipv6, uint8_t type)
{
	static const uint8_t pairs[][2] = {{ICMP_ECHO, ICMP_ECHOREPLY},
		{ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY}, {ICMP_INFO_REQUEST, ICMP_INFO_REPLY}};

	if (ipv6) {
		if (type != ICMP6_ECHO_REQUEST && type != ICMP6_ECHO_REPLY)
			return -1;
		return type ^ ICMP6_ECHO_REQUEST ^ ICMP6_ECHO_REPLY;
	}
	for (unsigned i = 0; i < RTE_DIM(pairs); i++)
		if (type == pairs[i][0] || type == pairs[i][1])
			return type ^ pairs[i][0] ^ pairs[i][1];
	return -1;
}

static bool is_error(bool ipv6, uint8_t type)
{
	if (ipv6)
		return type == ICMP6_DST_UNREACH || type == ICMP6_PACKET_TOO_BIG ||
		       type == ICMP6_TIME_EXCEEDED || type == ICMP6_PARAM_PROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT;
}

/* ---- checksums ---- */

/* Adds up a part of a packet that begins at an even place of what is summed. */
static uint32_t sum_part(const struct rte_mbuf *m, uint32_t at, uint32_t len, uint32_t sum)
{
	uint16_t part = 0;

	if (len && rte_raw_cksum_mbuf(m, at, len, &part))
		return sum + 1; /* never: the caller knows the length */
	return sum + part;
}

static uint32_t pseudo_header(const struct hal_key *key, uint8_t proto, uint32_t len)
{
	const struct {
		rte_be32_t len, proto;
	} tail = {rte_cpu_to_be_32(len), rte_cpu_to_be_32(proto)};
	uint32_t sum = __rte_raw_cksum(&tail, sizeof(tail), 0);

	if (key->eth_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		sum = __rte_raw_cksum(&key->ipv4_src, 4, sum);
		return __rte_raw_cksum(&key->ipv4_dst, 4, sum);
	}
	sum = __rte_raw_cksum(key->ipv6_src, 16, sum);
	return __rte_raw_cksum(key->ipv6_dst, 16, sum);
}

static bool l4_sum_good(const struct swpath_packet *p, const struct ct_datagram *whole,
	const struct segment *s, bool pseudo)
{
	uint64_t flags = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	uint32_t sum = pseudo ? pseudo_header(p->key, p->ly.proto, s->len) : 0;

	if (swpath_has_offload(p->m) || (!whole && flags == RTE_MBUF_F_RX_L4_CKSUM_GOOD))
		return true;
	if (!whole && flags == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return false;
	if (!whole)
		sum = sum_part(p->m, s->at, s->len, sum);
	for (const struct ct_held *h = whole ? whole->first : NULL; h; h = h->next) {
		/* Of the first one what is before the transport header does not count. */
		uint32_t skip = h == whole->first ? s->at - h->at : 0;

		sum = sum_part(h->p.m, h->at + skip, h->len - skip, sum);
	}
	return __rte_raw_cksum_reduce(sum) == 0xffff;
}

static bool ip_sum_good(const struct swpath_packet *p)
{
	uint64_t flags = p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint8_t scratch[60];
	const uint8_t *ip;
	uint32_t len;

	if (p->ly.kind != SWPATH_L3_IPV4 || swpath_has_offload(p->m) ||
		flags == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	ip = ct_bytes(p, p->ly.l3, 1, p->ly.l3_end, scratch);
	len = ip ? (*ip & 0xfu) * 4 : 0;
	ip = ct_bytes(p, p->ly.l3, len, p->ly.l3_end, scratch);
	return flags != RTE_MBUF_F_RX_IP_CKSUM_BAD && ip && rte_raw_cksum(ip, len) == 0xffff;
}

/* ---- transport ---- */

static bool read_ports(const uint8_t *l4, struct ct_tuple *t)
{
	memcpy(&t->src_port, l4, 2);
	memcpy(&t->dst_port, l4 + 2, 2);
	return t->src_port && t->dst_port;
}

static bool read_tcp(const struct swpath_packet *p, const struct segment *s, struct ct_look *look)
{
	uint8_t scratch[TCP_HEADER_MAX];
	const uint8_t *l4 = ct_bytes(p, s->at, TCP_HEADER, s->end, scratch);
	uint32_t header = l4 ? (l4[12] >> 4) * 4u : 0;

	if (header < TCP_HEADER || header > s->len)
		return false;
	look->tcp = (struct ct_tcp){.seq = ct_be32(l4 + 4),
		.ack = ct_be32(l4 + 8),
		.payload = s->len - header,
		.flags = (uint16_t)((l4[12] & 0xf) << 8 | l4[13]),
		.win = (uint16_t)(l4[14] << 8 | l4[15])};
	if (!read_ports(l4, &look->tuple))
		return false;
	if (!(l4[13] & TH_SYN) || header == TCP_HEADER)
		return true;
	l4 = ct_bytes(p, s->at, header, s->end, scratch);
	if (l4)
		look->tcp.wscale = ct_tcp_wscale(l4 + TCP_HEADER, header - TCP_HEADER);
	return l4;
}

static bool read_udp(
	const struct swpath_packet *p, const struct segment *s, struct ct_look *look, bool *has_sum)
{
	uint8_t scratch[UDP_HEADER];
	const uint8_t *l4 = ct_bytes(p, s->at, UDP_HEADER, s->end, scratch);
	uint32_t len = l4 ? (uint32_t)(l4[4] << 8 | l4[5]) : 0;

	if (len < UDP_HEADER || len > s->len)
		return false;
	*has_sum = look->tuple.ipv6 || l4[6] || l4[7];
	return read_ports(l4, &look->tuple);
}

static bool read_query(const uint8_t *icmp, struct ct_tuple *t)
{
	int answer = answer_type(t->ipv6, icmp[0]);

	if (answer < 0 || icmp[1])
		return false;
	memcpy(&t->src_port, icmp + 4, 2);
	t->dst_port = t->src_port;
	t->src_type = icmp[0];
	t->dst_type = (uint8_t)answer;
	return true;
}

/* The transport header of a quoted packet, of which only the beginning need be there. */
static bool read_quoted_l4(
	const struct swpath_packet *p, struct ct_look *look, struct ct_tuple *t, uint32_t end)
{
	uint8_t scratch[TCP_HEADER];
	uint32_t need = QUOTED_MIN;
	const uint8_t *l4;

	if (t->proto == IPPROTO_TCP && t->ipv6)
		need = TCP_HEADER; /* RFC 4443, 2.4: as much as fits */
	if (t->proto != IPPROTO_TCP && t->proto != IPPROTO_UDP &&
		t->proto != (t->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return true;
	l4 = ct_bytes(p, look->inner_l4, need, end, scratch);
	if (!l4)
		return false;
	if (t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP)
		return read_ports(l4, t);
	return read_query(l4, t);
}

static bool read_quoted_ipv4(
	const struct swpath_packet *p, struct ct_look *look, struct ct_tuple *t, uint32_t end)
{
	uint8_t scratch[sizeof(struct rte_ipv4_hdr)];
	const uint8_t *ip = ct_bytes(p, look->inner_l3, sizeof(scratch), end, scratch);
	uint32_t header = ip ? (ip[0] & 0xfu) * 4 : 0;

	if (header < sizeof(struct rte_ipv4_hdr) || (ip[6] & 0x3f) || ip[7])
		return false; /* cut off, or a fragment */
	t->proto = ip[9];
	memcpy(t->src, ip + 12, 4);
	memcpy(t->dst, ip + 16, 4);
	look->inner_l4 = look->inner_l3 + header;
	return look->inner_l4 <= end;
}

static bool read_quoted_ipv6(
	const struct swpath_packet *p, struct ct_look *look, struct ct_tuple *t, uint32_t end)
{
	uint8_t scratch[sizeof(struct rte_ipv6_hdr)];
	const uint8_t *ip = ct_bytes(p, look->inner_l3, sizeof(scratch), end, scratch);
	struct ct_ipv6_chain chain;

	if (!ip || !ct_ipv6_walk(p, look->inner_l3, end, &chain) || chain.fragmented)
		return false;
	t->proto = chain.proto;
	memcpy(t->src, ip + 8, 16);
	memcpy(t->dst, ip + 24, 16);
	look->inner_l4 = chain.l4;
	return true;
}

/* An error belongs to the connection whose packet it quotes; it comes to whom that was from. */
static bool read_quoted(
	const struct swpath_packet *p, const struct segment *s, struct ct_look *look)
{
	struct ct_tuple inner = {.zone = look->tuple.zone, .ipv6 = look->tuple.ipv6};

	look->inner_l3 = s->at + ICMP_HEADER;
	if (inner.ipv6 ? !read_quoted_ipv6(p, look, &inner, s->end)
		       : !read_quoted_ipv4(p, look, &inner, s->end))
		return false;
	if (memcmp(inner.src, look->tuple.dst, sizeof(inner.src)) != 0)
		return false;
	if (!read_quoted_l4(p, look, &inner, s->end))
		return false;
	look->inner_proto = inner.proto;
	look->related = true;
	ct_tuple_reverse(&inner, &look->tuple);
	return true;
}

static bool read_icmp(const struct swpath_packet *p, const struct segment *s, struct ct_look *look)
{
	uint8_t scratch[ICMP_HEADER];
	const uint8_t *l4 = ct_bytes(p, s->at, ICMP_HEADER, s->end, scratch);

	if (!l4)
		return false;
	if (is_error(look->tuple.ipv6, l4[0]))
		return read_quoted(p, s, look);
	return read_query(l4, &look->tuple);
}

/* *sum says whether there is a checksum, *pseudo whether it covers the pseudo-header. */
static bool read_l4(const struct swpath_packet *p, const struct segment *s, struct ct_look *look,
	bool *sum, bool *pseudo)
{
	*sum = *pseudo = true;
	switch (look->tuple.proto) {
	case IPPROTO_TCP:
		return read_tcp(p, s, look);
	case IPPROTO_UDP:
		return read_udp(p, s, look, sum);
	case IPPROTO_ICMP:
		*pseudo = false;
		*sum = !look->tuple.ipv6;
		return look->tuple.ipv6 || read_icmp(p, s, look);
	case IPPROTO_ICMPV6:
		*sum = look->tuple.ipv6;
		return !look->tuple.ipv6 || read_icmp(p, s, look);
	default:
		*sum = false;
		return true;
	}
}

static bool read_l3(const struct swpath_packet *p, struct ct_tuple *t)
{
	t->proto = p->key->ip_proto;
	if (p->ly.kind == SWPATH_L3_IPV4) {
		memcpy(t->src, &p->key->ipv4_src, 4);
		memcpy(t->dst, &p->key->ipv4_dst, 4);
		return true;
	}
	memcpy(t->src, p->key->ipv6_src, 16);
	memcpy(t->dst, p->key->ipv6_dst, 16);
	t->ipv6 = 1;
	return p->ly.kind == SWPATH_L3_IPV6;
}

static bool needs_l4(const struct ct_tuple *t)
{
	return t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP ||
	       t->proto == (t->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

bool ct_extract(struct conntrack *ct, unsigned worker, struct swpath_packet *p,
	const struct ct_datagram *whole, uint16_t zone, struct ct_look *look)
{
	struct segment s;
	bool sum, pseudo;

	swpath_packet_key(p);
	memset(look, 0, sizeof(*look));
	look->tuple.zone = zone;
	if (!read_l3(p, &look->tuple) || (p->key->ip_frag && !whole) ||
		(needs_l4(&look->tuple) && !p->ly.l4))
		goto bad_header;
	if (!ip_sum_good(p))
		goto bad_sum;
	s = (struct segment){p->ly.l4, p->ly.l3_end,
		whole ? whole->total - (p->ly.l4 - whole->first->at) : p->ly.l3_end - p->ly.l4};
	if (p->ly.l4 && needs_l4(&look->tuple)) {
		if (!read_l4(p, &s, look, &sum, &pseudo))
			goto bad_header;
		if (sum && !l4_sum_good(p, whole, &s, pseudo))
			goto bad_sum;
	}
	look->hash = ct_hash(ct, &look->tuple);
	return true;

bad_header:
	ct_count(ct, worker, CONNTRACK_N_BAD_HEADER);
	return false;
bad_sum:
	ct_count(ct, worker, CONNTRACK_N_BAD_CHECKSUM);
	return false;
}
