/* SPDX-License-Identifier: Apache-2.0
 *
 * Checksums: the Internet checksum, whole (RFC 1071) and in steps (RFC 1624), and SCTP's CRC32c
 * (RFC 9260, appendix A).
 */
#include "tools/simnic/packet.h"

#include <netinet/in.h>
#include <string.h>

uint32_t nic_sum(uint32_t sum, const uint8_t *bytes, uint32_t n)
{
	uint64_t wide = sum;

	for (; n >= 2; bytes += 2, n -= 2)
		wide += (uint32_t)bytes[0] << 8 | bytes[1];
	if (n)
		wide += (uint32_t)bytes[0] << 8;
	while (wide >> 16)
		wide = (wide & 0xffff) + (wide >> 16);
	return (uint32_t)wide;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t crc32c(const uint8_t *p, uint32_t n)
{
	uint32_t crc = ~UINT32_C(0);

	while (n--) {
		crc ^= *p++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

static bool is_sctp(const struct nic_packet *p)
{
	return p->l4 && p->l4_proto == IPPROTO_SCTP && p->vnet.csum_start == p->l4 &&
	       p->vnet.csum_offset == 8;
}

uint32_t nic_sum_pseudo(const uint8_t *ip, bool ip6, uint8_t proto, uint32_t l4_len)
{
	const uint8_t tail[4] = {0, proto, (uint8_t)(l4_len >> 8), (uint8_t)l4_len};

	return nic_sum(ip6 ? nic_sum(0, ip + 8, 32) : nic_sum(0, ip + 12, 8), tail, sizeof(tail));
}

/* Bytes from the transport header to the end of the IP packet. */
static uint32_t l4_bytes(const struct nic_packet *p)
{
	const uint8_t *ip = p->data + p->l3;
	uint32_t end = p->ip4 ? p->l3 + ((uint32_t)ip[2] << 8 | ip[3])
			      : p->l3 + 40 + ((uint32_t)ip[4] << 8 | ip[5]);

	return end - p->l4;
}

bool nic_checksum_right(const struct nic_packet *p)
{
	uint32_t bytes, at;

	if (!p->l4 || p->routed)
		return false;
	if (p->ip4 && nic_sum(0, p->data + p->l3, (p->data[p->l3] & 0x0fu) * 4) != 0xffff)
		return false;
	if (nic_partial(p))
		return p->vnet.csum_start == p->l4;
	bytes = l4_bytes(p);
	at = p->l4_proto == IPPROTO_TCP ? 16 : 6;
	if (p->l4_proto == IPPROTO_UDP && p->ip4 && !p->data[p->l4 + at] &&
		!p->data[p->l4 + at + 1])
		return true; /* there is none */
	if (p->l4_proto != IPPROTO_TCP && p->l4_proto != IPPROTO_UDP)
		return false;
	return nic_sum(nic_sum_pseudo(p->data + p->l3, p->ip6, p->l4_proto, bytes), p->data + p->l4,
		       bytes) == 0xffff;
}

void nic_checksum_finish(struct nic_packet *p)
{
	uint32_t start = p->vnet.csum_start, at = start + p->vnet.csum_offset;
	uint32_t sum;

	if (!nic_partial(p))
		return;
	p->vnet.flags = 0;
	if (start >= p->len || at + 2 > p->len)
		return;
	if (is_sctp(p) && at + 4 <= p->len) {
		memset(p->data + at, 0, 4);
		sum = crc32c(p->data + start, p->len - start);
		for (unsigned i = 0; i < 4; i++)
			p->data[at + i] = (uint8_t)(sum >> 8 * i);
		return;
	}
	sum = ~nic_sum(0, p->data + start, p->len - start) & 0xffff;
	put16(p->data + at, sum || p->vnet.csum_offset != 6 ? sum : 0xffff);
}

void nic_checksum_normalise(struct nic_packet *p)
{
	if (nic_partial(p) && is_sctp(p))
		nic_checksum_finish(p);
}

/* `field` is a checksum (complemented), or with `partial` a plain sum. */
static void update(uint8_t *field, const uint8_t *from, const uint8_t *to, unsigned n, bool partial)
{
	uint32_t sum = (uint32_t)field[0] << 8 | field[1];

	if (!partial)
		sum = ~sum & 0xffff;
	for (unsigned i = 0; i + 1 < n; i += 2) {
		sum += ~((uint32_t)from[i] << 8 | from[i + 1]) & 0xffff;
		sum = nic_sum(sum, to + i, 2);
	}
	put16(field, partial ? sum : ~sum & 0xffff);
}

void nic_checksum_ip(struct nic_packet *p, const uint8_t *from, const uint8_t *to, unsigned n)
{
	if (p->ip4)
		update(p->data + p->l3 + 10, from, to, n, false);
}

void nic_checksum_l4(
	struct nic_packet *p, const uint8_t *from, const uint8_t *to, unsigned n, bool pseudo)
{
	bool partial = nic_partial(p) && p->vnet.csum_start == p->l4, udp;
	uint8_t *field = p->data + p->l4;

	if (!p->l4 || (partial && !pseudo))
		return; /* what lies behind csum_start is added on the way out */
	switch (p->l4_proto) {
	case IPPROTO_TCP:
		field += 16;
		break;
	case IPPROTO_UDP:
		field += 6;
		break;
	case IPPROTO_ICMPV6:
		field += 2;
		break;
	default: /* SCTP's and ICMP's cover no pseudo-header */
		return;
	}
	udp = p->l4_proto == IPPROTO_UDP && !partial;
	if (udp && !field[0] && !field[1])
		return; /* there is none */
	update(field, from, to, n, partial);
	if (udp && !field[0] && !field[1])
		field[0] = field[1] = 0xff;
}
