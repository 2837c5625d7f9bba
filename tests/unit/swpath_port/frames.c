/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/swpath_port/frames.h"

#include <netinet/in.h>
#include <string.h>

#include "tests/unit/swpath_port/test.h"

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put_random(uint8_t *p, unsigned n)
{
	while (n--)
		*p++ = (uint8_t)(rnd() >> 24);
	return p;
}

/* RFC 1071, byte by byte. */
static uint32_t sum16(const uint8_t *p, unsigned n, uint32_t sum)
{
	for (unsigned i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* RFC 9260, appendix A: bit by bit. */
static uint32_t crc32c(const uint8_t *p, unsigned n)
{
	uint32_t crc = UINT32_MAX;

	while (n--) {
		crc ^= *p++;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static uint32_t pseudo(const struct built *f, const uint8_t *data, unsigned l4_len)
{
	const bool v6 = f->spec.ipv6;
	uint32_t sum = sum16(data + f->l3 + (v6 ? 8 : 12), v6 ? 32 : 8, 0);

	sum += f->spec.proto + (l4_len >> 16) + (l4_len & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

uint16_t pseudo_sum(const struct built *f, const uint8_t *data, unsigned l4_len)
{
	return htons((uint16_t)pseudo(f, data, l4_len));
}

bool checksums_right(const struct built *f, const uint8_t *data, unsigned l4_len)
{
	static uint8_t copy[FRAME_MAX];
	const unsigned ihl = (data[f->l3] & 0xf) * 4u;

	if (!f->spec.ipv6 && sum16(data + f->l3, ihl, 0) != 0xffff)
		return false;
	if (f->spec.proto != IPPROTO_SCTP)
		return get16(data + f->checksum) != 0 &&
		       sum16(data + f->l4, l4_len, pseudo(f, data, l4_len)) == 0xffff;
	memcpy(copy, data + f->l4, l4_len);
	memset(copy + 8, 0, 4);
	/* The least significant byte goes first. */
	return ntohl(get32(data + f->l4 + 8)) == crc32c(copy, l4_len);
}

static uint8_t *build_l2(const struct spec *s, uint8_t *p)
{
	p = put_random(p, 12);
	if (s->pbb) {
		p = put16(p, 0x88e7);
		p = put_random(p, 4 + 12);
	}
	for (unsigned i = 0; i < s->vlans; i++) {
		p = put16(p, i + 1 < s->vlans ? 0x88a8 : 0x8100);
		p = put_random(p, 2);
	}
	p = put16(p, s->labels ? 0x8847 : s->ipv6 ? 0x86dd : 0x0800);
	for (unsigned i = 0; i < s->labels; i++) {
		p = put_random(p, 4);
		p[-2] = (uint8_t)((p[-2] & 0xfe) | (i + 1 == s->labels));
	}
	return p;
}

/* The IPv4 header without checksum and total length. */
static uint8_t *build_ipv4(const struct spec *s, uint8_t *p)
{
	uint8_t *h = p;

	p = put_random(p, 20 + 4 * s->ip_options);
	h[0] = (uint8_t)(0x45 + s->ip_options);
	h[6] = 0x40;
	h[7] = 0;
	h[9] = s->proto;
	memset(h + 20, 1, 4 * s->ip_options);
	return p;
}

static uint8_t *build_ipv6(const struct spec *s, uint8_t *p)
{
	static const uint8_t types[3] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};
	uint8_t *next = p + 6;

	p = put_random(p, 40);
	next[-6] = 0x60;
	for (unsigned i = 0; i < 3; i++) {
		if (!(s->extensions & 1u << i))
			continue;
		*next = types[i];
		next = p;
		p = put_random(p, 8 * (1 + i));
		next[1] = (uint8_t)i;
		next[3] = 0; /* routing: no segments left */
	}
	*next = s->proto;
	return p;
}

static uint8_t *build_l4(const struct spec *s, uint8_t *p)
{
	uint8_t *h = p;

	if (s->proto == IPPROTO_TCP) {
		p = put_random(p, 20 + 4 * s->tcp_options);
		h[12] = (uint8_t)((5 + s->tcp_options) << 4);
		h[13] = s->tcp_flags;
		memset(h + 20, 1, 4 * s->tcp_options);
		return p;
	}
	return put_random(p, s->proto == IPPROTO_UDP ? 8 : 12);
}

void frame_build(const struct spec *s, struct built *f)
{
	uint8_t *p = f->data, *ip, *l4;
	unsigned l4_len;

	f->spec = *s;
	p = ip = build_l2(s, p);
	f->l3 = (unsigned)(p - f->data);
	p = l4 = s->ipv6 ? build_ipv6(s, p) : build_ipv4(s, p);
	f->l4 = (unsigned)(p - f->data);
	p = build_l4(s, p);
	f->body = (unsigned)(p - f->data);
	f->end = f->body + s->payload;
	f->len = f->end + s->padding;
	put_random(p, s->payload + s->padding);
	l4_len = f->end - f->l4;
	f->checksum = f->l4 + (s->proto == IPPROTO_TCP ? 16 : s->proto == IPPROTO_UDP ? 6 : 8);
	if (s->ipv6) {
		put16(ip + 4, f->end - f->l3 - 40);
	} else {
		put16(ip + 2, f->end - f->l3);
		put16(ip + 10, 0);
		put16(ip + 10, ~sum16(ip, 20 + 4 * s->ip_options, 0));
	}
	if (s->proto == IPPROTO_UDP)
		put16(l4 + 4, l4_len);
	if (s->proto == IPPROTO_SCTP)
		memset(f->data + f->checksum, 0, 4);
	else
		put16(f->data + f->checksum, pseudo(f, f->data, l4_len));
}

void spec_random(struct spec *s)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

	*s = (struct spec){
		.vlans = rnd_below(3),
		.labels = rnd_below(4) ? 0 : rnd_below(3),
		.pbb = rnd_below(8) == 0,
		.ipv6 = rnd_below(2),
		.extensions = rnd_below(2) ? 0 : rnd_below(8),
		.ip_options = rnd_below(2) ? 0 : rnd_below(11),
		.proto = protos[rnd_below(3)],
		.tcp_options = rnd_below(11),
		.tcp_flags = (uint8_t)rnd(),
		.payload = rnd_below(3000),
		.padding = rnd_below(3) ? 0 : rnd_below(30),
	};
}

static uint64_t checksum_flag(uint8_t proto)
{
	return proto == IPPROTO_TCP   ? RTE_MBUF_F_TX_TCP_CKSUM
	       : proto == IPPROTO_UDP ? RTE_MBUF_F_TX_UDP_CKSUM
				      : RTE_MBUF_F_TX_SCTP_CKSUM;
}

struct rte_mbuf *frame_mbuf(const struct built *f, unsigned piece)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(test_pool), *last = m;
	unsigned done = 0;

	while (m && done < f->len) {
		unsigned n = piece ? 1 + rnd_below(piece) : 2048;

		if (n > f->len - done)
			n = f->len - done;
		if (done > 0) {
			last->next = rte_pktmbuf_alloc(test_pool);
			last = last->next;
			m->nb_segs++;
		}
		memcpy(rte_pktmbuf_mtod(last, void *), f->data + done, n);
		last->data_len = (uint16_t)n;
		m->pkt_len += n;
		done += n;
	}
	m->ol_flags |= checksum_flag(f->spec.proto);
	return m;
}

void frame_flat(const struct rte_mbuf *m, uint8_t *out)
{
	for (; m; m = m->next) {
		memcpy(out, rte_pktmbuf_mtod(m, void *), m->data_len);
		out += m->data_len;
	}
}
