/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <netinet/in.h>
#include <string.h>

static void put(struct frame *f, const void *p, size_t n)
{
	memcpy(f->b + f->len, p, n);
	f->len += n;
}

static void put16(struct frame *f, uint16_t v)
{
	put(f, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, (uint16_t)(v >> 16));
	put16(f, (uint16_t)v);
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void frame_macs(struct frame *f)
{
	memset(f, 0, sizeof(*f));
	put(f, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
}

void frame_tag(struct frame *f, uint16_t tpid, uint16_t tci)
{
	put16(f, tpid);
	put16(f, tci);
}

void frame_type(struct frame *f, uint16_t type)
{
	put16(f, type);
}

void frame_lse(struct frame *f, uint32_t lse)
{
	put32(f, lse);
}

void frame_ipv4(struct frame *f, uint8_t proto, uint16_t frag, unsigned option_words)
{
	f->l3 = f->len;
	f->proto = proto;
	put(f, (uint8_t[]){(uint8_t)(0x45 + option_words), 0x2b}, 2);
	put16(f, 0); /* length */
	put16(f, 0x1234);
	put16(f, frag);
	put(f, (uint8_t[]){64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, 12);
	while (option_words--)
		put32(f, 0x01010101);
	f->l4 = f->len;
}

void frame_ipv6(struct frame *f, uint8_t next)
{
	f->l3 = f->len;
	f->v6 = true;
	f->proto = next;
	put32(f, 0x62b12345);
	put16(f, 0);
	put(f, (uint8_t[]){next, 255}, 2);
	put(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	put(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
	f->l4 = f->len;
}

void frame_exthdr(struct frame *f, uint8_t next, uint8_t byte3)
{
	put(f, (uint8_t[]){next, 0, 0, byte3, 0, 0, 0, 0}, 8);
	f->proto = next;
	f->l4 = f->len;
}

void frame_ah(struct frame *f, uint8_t next)
{
	put(f,
		(uint8_t[]){
			next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9},
		24);
	f->proto = next;
	f->l4 = f->len;
}

void frame_fragment(struct frame *f, uint8_t next, uint16_t field)
{
	put(f, (uint8_t[]){next, 0, (uint8_t)(field >> 8), (uint8_t)field, 0, 0, 0, 7}, 8);
	f->proto = next;
	f->l4 = field & 0xfff8 ? 0 : f->len;
}

void frame_tcp(struct frame *f, uint16_t src, uint16_t dst, uint16_t flags)
{
	put16(f, src);
	put16(f, dst);
	put32(f, 0x11223344);
	put32(f, 0x55667788);
	put16(f, (uint16_t)(0x5000 | flags));
	put16(f, 0xffff);
	put32(f, 0);
}

void frame_udp(struct frame *f, uint16_t src, uint16_t dst)
{
	put16(f, src);
	put16(f, dst);
	put32(f, 0x00000001); /* any checksum that is not 0: it is wanted */
}

void frame_sctp(struct frame *f, uint16_t src, uint16_t dst)
{
	put16(f, src);
	put16(f, dst);
	put32(f, 0xcafe0001);
	put32(f, 0);
}

void frame_icmp(struct frame *f, uint8_t proto, uint8_t type, uint8_t code)
{
	f->proto = proto;
	put(f, (uint8_t[]){type, code, 0, 0, 0x12, 0x34, 0, 1}, 8);
}

void frame_nd(struct frame *f, uint8_t type, uint8_t option)
{
	frame_icmp(f, IPPROTO_ICMPV6, type, 0);
	put(f, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x55", 16);
	if (option)
		put(f, (uint8_t[]){option, 1, 2, 3, 4, 5, 6, 7}, 8);
}

void frame_arp(struct frame *f, uint16_t op)
{
	f->l3 = f->len;
	put(f, (uint8_t[]){0, 1, 8, 0, 6, 4}, 6);
	put16(f, op);
	put(f, (uint8_t[]){2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2}, 20);
}

void frame_bytes(struct frame *f, size_t n)
{
	for (; n--; f->len++)
		f->b[f->len] = (uint8_t)(f->len * 7);
}

static uint32_t sum_bytes(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t complement(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t pseudo(const struct frame *f, uint8_t proto, size_t l4_len)
{
	const uint8_t *addrs = f->b + f->l3 + (f->v6 ? 8 : 12);

	return sum_bytes(addrs, f->v6 ? 32 : 8) + proto + (uint32_t)l4_len;
}

/* Bit by bit, as RFC 9260 has it. */
static uint32_t crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void l4_checksum(struct frame *f, size_t end)
{
	uint8_t *l4 = f->b + f->l4;
	size_t n = end - f->l4;
	uint32_t base = pseudo(f, f->proto, n);
	uint16_t sum;

	switch (f->proto) {
	case IPPROTO_TCP:
		set16(l4 + 16, 0);
		set16(l4 + 16, complement(base + sum_bytes(l4, n)));
		break;
	case IPPROTO_UDP:
		if (!l4[6] && !l4[7])
			break;
		set16(l4 + 6, 0);
		sum = complement(base + sum_bytes(l4, n));
		set16(l4 + 6, sum ? sum : 0xffff);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		set16(l4 + 2, 0);
		set16(l4 + 2, complement((f->v6 ? base : 0) + sum_bytes(l4, n)));
		break;
	case IPPROTO_SCTP: {
		uint32_t crc;

		memset(l4 + 8, 0, 4);
		crc = crc32c(l4, n);
		for (int i = 0; i < 4; i++)
			l4[8 + i] = (uint8_t)(crc >> 8 * i);
		break;
	}
	default:
		break;
	}
}

void frame_checksums(struct frame *f)
{
	uint8_t *ip = f->b + f->l3;
	size_t end;

	if (!f->l3 || !f->proto)
		return;
	if (f->v6) {
		end = f->l3 + 40 + (size_t)(ip[4] << 8 | ip[5]);
	} else {
		end = f->l3 + (size_t)(ip[2] << 8 | ip[3]);
		set16(ip + 10, 0);
		set16(ip + 10, complement(sum_bytes(ip, (ip[0] & 15) * 4u)));
	}
	if (f->l4 && end > f->l4)
		l4_checksum(f, end);
}

void frame_finish(struct frame *f)
{
	if (f->l3 && f->proto) {
		if (f->v6)
			set16(f->b + f->l3 + 4, (uint16_t)(f->len - f->l3 - 40));
		else
			set16(f->b + f->l3 + 2, (uint16_t)(f->len - f->l3));
		if (f->proto == IPPROTO_UDP && f->l4)
			set16(f->b + f->l4 + 4, (uint16_t)(f->len - f->l4));
	}
	frame_checksums(f);
}

static const struct {
	uint16_t type;
	uint8_t proto;
} kinds[FRAME_KINDS] = {
	[FRAME_TCP4] = {0x0800, IPPROTO_TCP},
	[FRAME_UDP4] = {0x0800, IPPROTO_UDP},
	[FRAME_SCTP4] = {0x0800, IPPROTO_SCTP},
	[FRAME_ICMP4] = {0x0800, IPPROTO_ICMP},
	[FRAME_TCP6] = {0x86dd, IPPROTO_TCP},
	[FRAME_UDP6] = {0x86dd, IPPROTO_UDP},
	[FRAME_SCTP6] = {0x86dd, IPPROTO_SCTP},
	[FRAME_ICMP6] = {0x86dd, IPPROTO_ICMPV6},
	[FRAME_NS] = {0x86dd, IPPROTO_ICMPV6},
	[FRAME_NA] = {0x86dd, IPPROTO_ICMPV6},
	[FRAME_ARP] = {0x0806, 0},
	[FRAME_MPLS] = {0x8847, 0},
};

void frame_make(struct frame *f, enum frame_kind kind, unsigned tags, size_t payload)
{
	frame_macs(f);
	for (unsigned i = 0; i < tags; i++)
		frame_tag(f, i + 1 < tags ? 0x88a8 : 0x8100, (uint16_t)(0x6000 + 100 + i));
	frame_type(f, kinds[kind].type);
	if (kinds[kind].type == 0x0800)
		frame_ipv4(f, kinds[kind].proto, 0, 0);
	if (kinds[kind].type == 0x86dd)
		frame_ipv6(f, kinds[kind].proto);
	switch (kind) {
	case FRAME_TCP4:
	case FRAME_TCP6:
		frame_tcp(f, 1000, 80, 0x018);
		break;
	case FRAME_UDP4:
	case FRAME_UDP6:
		frame_udp(f, 1000, 53);
		break;
	case FRAME_SCTP4:
	case FRAME_SCTP6:
		frame_sctp(f, 1000, 2905);
		break;
	case FRAME_ICMP4:
		frame_icmp(f, IPPROTO_ICMP, 8, 0);
		break;
	case FRAME_ICMP6:
		frame_icmp(f, IPPROTO_ICMPV6, 128, 0);
		break;
	case FRAME_NS:
		frame_nd(f, 135, 1);
		break;
	case FRAME_NA:
		frame_nd(f, 136, 2);
		break;
	case FRAME_ARP:
		frame_arp(f, 1);
		break;
	case FRAME_MPLS:
		frame_lse(f, 0x00064140); /* label 100, TC 0, bottom, TTL 64 */
		break;
	case FRAME_KINDS:
		break;
	}
	if (kind != FRAME_NS && kind != FRAME_NA)
		frame_bytes(f, payload);
	frame_finish(f);
}
