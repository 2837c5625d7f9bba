/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/frame.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

/* Bounds on the work for a hostile frame. */
enum { MAX_L2_STEPS = 8, MAX_LABELS = 16, MAX_EXTENSIONS = 8, MAX_INNER_IP = 256 };

enum {
	ETHERTYPE_MPLS_UNICAST = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PBB = 0x88e7,
	ETHERTYPE_QINQ_OLD = 0x9100,
	PBB_BYTES = 18, /* type, I-TAG, inner addresses */
};

static bool read_be16(const struct rte_mbuf *m, uint32_t off, uint16_t *v)
{
	uint8_t buf[2];
	const uint8_t *p = rte_pktmbuf_read(m, off, 2, buf);

	if (!p)
		return false;
	*v = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}

static bool is_vlan(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ ||
	       type == ETHERTYPE_QINQ_OLD;
}

/* From the first label at `off` to the IP header behind the bottom one. */
static bool parse_mpls(const struct rte_mbuf *m, uint32_t *off, uint16_t *type)
{
	uint8_t buf[4];
	const uint8_t *p;

	for (unsigned i = 0; i < MAX_LABELS; i++) {
		p = rte_pktmbuf_read(m, *off, 4, buf);
		if (!p)
			return false;
		*off += 4;
		if (!(p[2] & 1))
			continue;
		p = rte_pktmbuf_read(m, *off, 1, buf);
		if (!p)
			return false;
		*type = p[0] >> 4 == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
		return p[0] >> 4 == 4 || p[0] >> 4 == 6;
	}
	return false;
}

/* Finds the IP header: sets l3_off, plain_l2 and ip_version. */
static bool parse_l2(const struct rte_mbuf *m, struct swpath_frame *f)
{
	uint32_t off = 2 * RTE_ETHER_ADDR_LEN;
	uint16_t type;

	f->plain_l2 = true;
	for (unsigned i = 0; i < MAX_L2_STEPS; i++) {
		if (!read_be16(m, off, &type))
			return false;
		if (is_vlan(type)) {
			off += 4;
		} else if (type == ETHERTYPE_PBB) {
			off += PBB_BYTES;
			f->plain_l2 = false;
		} else {
			off += 2;
			break;
		}
	}
	if (type == ETHERTYPE_MPLS_UNICAST || type == ETHERTYPE_MPLS_MULTICAST) {
		f->plain_l2 = false;
		if (!parse_mpls(m, &off, &type))
			return false;
	}
	f->l3_off = (uint16_t)off;
	f->ip_version = type == RTE_ETHER_TYPE_IPV4 ? 4 : type == RTE_ETHER_TYPE_IPV6 ? 6 : 0;
	return f->ip_version != 0;
}

static bool parse_ipv4(const struct rte_mbuf *m, struct swpath_frame *f, uint32_t *l4_off)
{
	struct rte_ipv4_hdr buf;
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_read(m, f->l3_off, sizeof(buf), &buf);
	uint32_t rest = m->pkt_len - f->l3_off, ihl, total;

	if (!ip || ip->version_ihl >> 4 != 4)
		return false;
	ihl = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	/* A super-frame beyond 64 KB has 0 here. */
	if (total == 0 || total > rest)
		total = rest;
	if (ihl < sizeof(*ip) || ihl > total)
		return false;
	f->proto = ip->next_proto_id;
	f->fragment = (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG |
							      RTE_IPV4_HDR_OFFSET_MASK)) != 0;
	f->l4_len = total - ihl;
	*l4_off = f->l3_off + ihl;
	return true;
}

/* RFC 8200, 4: extension headers; AH counts in 4-byte units (RFC 4302). */
static bool parse_ipv6(const struct rte_mbuf *m, struct swpath_frame *f, uint32_t *l4_off)
{
	struct rte_ipv6_hdr buf;
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_read(m, f->l3_off, sizeof(buf), &buf);
	uint32_t off = f->l3_off + sizeof(buf), rest, len;
	uint8_t ext[2];

	if (!ip)
		return false;
	rest = m->pkt_len - off;
	len = rte_be_to_cpu_16(ip->payload_len);
	if (len == 0 || len > rest)
		len = rest;
	f->proto = ip->proto;
	for (unsigned i = 0; i < MAX_EXTENSIONS; i++) {
		const uint8_t *p;
		uint32_t ext_len;

		if (f->proto != IPPROTO_HOPOPTS && f->proto != IPPROTO_ROUTING &&
			f->proto != IPPROTO_DSTOPTS && f->proto != IPPROTO_FRAGMENT &&
			f->proto != IPPROTO_AH)
			break;
		p = rte_pktmbuf_read(m, off, 2, ext);
		if (!p)
			return false;
		ext_len = f->proto == IPPROTO_FRAGMENT ? 8u
			  : f->proto == IPPROTO_AH     ? (p[1] + 2u) * 4
						       : (p[1] + 1u) * 8;
		f->fragment |= f->proto == IPPROTO_FRAGMENT;
		if (ext_len > len)
			return false;
		f->proto = p[0];
		off += ext_len;
		len -= ext_len;
	}
	f->l4_len = len;
	*l4_off = off;
	return off <= UINT16_MAX;
}

static void parse_l4(const struct rte_mbuf *m, struct swpath_frame *f, uint32_t off)
{
	uint8_t buf[RTE_MAX(sizeof(struct rte_tcp_hdr), sizeof(struct rte_sctp_hdr))];
	const struct rte_tcp_hdr *tcp;
	uint32_t len, checksum;

	if (f->fragment)
		return;
	switch (f->proto) {
	case IPPROTO_TCP:
		tcp = rte_pktmbuf_read(m, off, sizeof(*tcp), buf);
		if (!tcp)
			return;
		len = (tcp->data_off >> 4) * 4u;
		if (len < sizeof(*tcp))
			return;
		checksum = offsetof(struct rte_tcp_hdr, cksum);
		break;
	case IPPROTO_UDP:
		len = sizeof(struct rte_udp_hdr);
		checksum = offsetof(struct rte_udp_hdr, dgram_cksum);
		break;
	case IPPROTO_SCTP:
		len = sizeof(struct rte_sctp_hdr);
		checksum = offsetof(struct rte_sctp_hdr, cksum);
		break;
	default:
		return;
	}
	if (len > f->l4_len || off + len > UINT16_MAX)
		return;
	f->l4_off = (uint16_t)off;
	f->payload_off = (uint16_t)(off + len);
	f->checksum_off = (uint16_t)(off + checksum);
}

bool swpath_frame_parse(const struct rte_mbuf *m, struct swpath_frame *f)
{
	uint32_t l4_off;

	memset(f, 0, sizeof(*f));
	if (!parse_l2(m, f))
		return false;
	if (f->ip_version == 4 ? !parse_ipv4(m, f, &l4_off) : !parse_ipv6(m, f, &l4_off))
		return false;
	parse_l4(m, f, l4_off);
	return true;
}

/* Is there an IP header at `off` whose packet ends with the frame and has its L4 at `l4_off`? */
static bool inner_at(const struct rte_mbuf *m, uint32_t off, uint32_t l4_off, uint8_t version,
	struct swpath_frame *f)
{
	const bool v6 = version == 6;
	uint32_t found;
	uint16_t len;

	/* The length has to be there and right: anything may stand before the real header. */
	if ((!v6 && version != 4) || !read_be16(m, off + (v6 ? 4 : 2), &len) ||
		len != m->pkt_len - off - (v6 ? sizeof(struct rte_ipv6_hdr) : 0))
		return false;
	memset(f, 0, sizeof(*f));
	f->l3_off = (uint16_t)off;
	f->ip_version = version;
	if (v6 ? !parse_ipv6(m, f, &found) : !parse_ipv4(m, f, &found))
		return false;
	if (found != l4_off)
		return false;
	parse_l4(m, f, l4_off);
	return f->l4_off != 0;
}

bool swpath_frame_parse_inner(const struct rte_mbuf *m, uint32_t l4_off, struct swpath_frame *f)
{
	if (l4_off > UINT16_MAX || l4_off >= m->pkt_len)
		return false;
	for (uint32_t len = sizeof(struct rte_ipv4_hdr); len <= MAX_INNER_IP; len += 4) {
		uint8_t buf;
		const uint8_t *first;

		if (len > l4_off)
			return false;
		first = rte_pktmbuf_read(m, l4_off - len, 1, &buf);
		if (first && inner_at(m, l4_off - len, l4_off, *first >> 4, f))
			return true;
	}
	return false;
}

unsigned swpath_frame_vlan_bytes(const struct rte_mbuf *m)
{
	uint16_t type;

	if (!read_be16(m, 12, &type) || !is_vlan(type))
		return 0;
	return read_be16(m, 16, &type) && is_vlan(type) ? 8 : 4;
}

bool swpath_frame_fits(const struct rte_mbuf *m, uint32_t mtu)
{
	if (mtu == 0 || m->pkt_len <= mtu + RTE_ETHER_HDR_LEN)
		return true;
	return m->pkt_len <= mtu + RTE_ETHER_HDR_LEN + swpath_frame_vlan_bytes(m);
}

void swpath_frame_write(struct rte_mbuf *m, uint32_t off, const void *data, uint32_t len)
{
	const uint8_t *src = data;

	while (off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	while (len > 0) {
		uint32_t n = RTE_MIN(len, m->data_len - off);

		memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, off), src, n);
		src += n;
		len -= n;
		off = 0;
		m = m->next;
	}
}

int swpath_frame_push_vlan(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
	const uint16_t tag[2] = {rte_cpu_to_be_16(tpid), rte_cpu_to_be_16(tci)};
	uint8_t *p;

	if (m->data_len < 2 * RTE_ETHER_ADDR_LEN)
		return -EINVAL;
	p = (uint8_t *)rte_pktmbuf_prepend(m, sizeof(tag));
	if (!p)
		return -ENOMEM;
	memmove(p, p + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
	return 0;
}
