/* SPDX-License-Identifier: Apache-2.0
 *
 * Super-frames cut into frames: for steps that a super-frame cannot go through whole.
 */
#include <netinet/in.h>
#include <string.h>

#include "tools/simnic/nic.h"

#define TCP_FIN_PSH 0x09
#define TCP_CWR 0x80

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void finish_ip(struct nic_packet *p, uint32_t index)
{
	uint8_t *ip = p->data + p->l3;

	if (p->ip6) {
		put16(ip + 4, p->len - p->l3 - 40);
		return;
	}
	put16(ip + 2, p->len - p->l3);
	put16(ip + 4, ((uint32_t)ip[4] << 8 | ip[5]) + index);
	put16(ip + 10, 0);
	put16(ip + 10, ~nic_sum(0, ip, (ip[0] & 0x0fu) * 4) & 0xffff);
}

static void finish_l4(struct nic_packet *p, uint32_t offset, bool first, bool last)
{
	uint8_t *l4 = p->data + p->l4, *field = l4 + (p->l4_proto == IPPROTO_TCP ? 16 : 6);
	uint32_t bytes = p->len - p->l4, sum, seq;

	if (p->l4_proto == IPPROTO_TCP) {
		seq = get32(l4 + 4) + offset;
		put16(l4 + 4, seq >> 16);
		put16(l4 + 6, seq & 0xffff);
		if (!last)
			l4[13] &= (uint8_t)~TCP_FIN_PSH;
		if (!first)
			l4[13] &= (uint8_t)~TCP_CWR;
	} else {
		put16(l4 + 4, bytes);
	}
	put16(field, 0);
	sum = nic_sum_pseudo(p->data + p->l3, p->ip6, p->l4_proto, bytes);
	sum = ~nic_sum(sum, l4, bytes) & 0xffff;
	put16(field, sum || p->l4_proto == IPPROTO_TCP ? sum : 0xffff);
}

uint32_t nic_frame_len(const struct nic_packet *p)
{
	uint32_t len = p->payload + p->vnet.gso_size;

	return p->vnet.gso_type && p->payload && len < p->len ? len : p->len;
}

uint32_t nic_frames(const struct nic_packet *p)
{
	if (!p->vnet.gso_type || !p->vnet.gso_size || !p->payload || p->payload >= p->len)
		return 1;
	return (p->len - p->payload + p->vnet.gso_size - 1) / p->vnet.gso_size;
}

void nic_segment(struct nic *nic, const struct nic_packet *p, nic_segment_cb *cb, void *ctx)
{
	uint32_t size = p->vnet.gso_size, head = p->payload, index = 0;
	struct nic_packet s;

	if (!p->l4 || !size || head > p->len || p->routed ||
		p->vnet.gso_type == VIRTIO_NET_HDR_GSO_UDP) {
		nic->drops++;
		return;
	}
	for (uint32_t at = head; at < p->len; at += size, index++) {
		uint32_t n = p->len - at < size ? p->len - at : size;
		bool last = at + n == p->len;

		if (!nic_copy_make(nic, &s, p, head)) {
			nic->drops++;
			return;
		}
		memcpy(s.data + head, p->data + at, n);
		s.len = head + n;
		memset(&s.vnet, 0, sizeof(s.vnet));
		finish_ip(&s, index);
		finish_l4(&s, at - head, !index, last);
		cb(nic, &s, ctx);
		nic_copy_done(nic, &s);
	}
}
