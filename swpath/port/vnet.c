/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/vnet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_tcp.h>

#include "swpath/port/segment.h"

static uint64_t checksum_flag(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return RTE_MBUF_F_TX_TCP_CKSUM;
	case IPPROTO_UDP:
		return RTE_MBUF_F_TX_UDP_CKSUM;
	case IPPROTO_SCTP:
		return RTE_MBUF_F_TX_SCTP_CKSUM;
	default:
		return 0;
	}
}

static int super_to_mbuf(
	const struct virtio_net_hdr *h, struct rte_mbuf *m, const struct swpath_frame *f)
{
	const uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	const bool udp = type == VIRTIO_NET_HDR_GSO_UDP_L4;
	const bool known = udp || (type == VIRTIO_NET_HDR_GSO_TCPV4 && f->ip_version == 4) ||
			   (type == VIRTIO_NET_HDR_GSO_TCPV6 && f->ip_version == 6);

	if (!known || f->proto != (udp ? IPPROTO_UDP : IPPROTO_TCP) || h->gso_size == 0)
		return -EINVAL;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		swpath_checksum_make_partial(m, f);
	m->ol_flags |= checksum_flag(f->proto);
	/* One segment is an ordinary frame. */
	if (f->l4_len - (f->payload_off - f->l4_off) <= h->gso_size)
		return 0;
	m->ol_flags |= udp ? RTE_MBUF_F_TX_UDP_SEG : RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = h->gso_size;
	return 0;
}

static int inner_super(const struct virtio_net_hdr *h, struct rte_mbuf *m)
{
	struct swpath_segmenter s;

	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return -EINVAL;
	m->tso_segsz = h->gso_size;
	return swpath_segmenter_start_inner(&s, m, h->csum_start) < 0 ? -EINVAL : h->csum_start;
}

int swpath_vnet_to_mbuf(const struct virtio_net_hdr *h, struct rte_mbuf *m)
{
	const bool partial = (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	struct swpath_frame f;
	bool outer;

	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE && !partial)
		return 0;
	outer = swpath_frame_parse(m, &f) && f.l4_off;
	if (outer && partial)
		outer = h->csum_start == f.l4_off &&
			h->csum_start + h->csum_offset == f.checksum_off;
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return outer ? super_to_mbuf(h, m, &f) : inner_super(h, m);
	if (!outer)
		return swpath_checksum_complete_at(m, h->csum_start, h->csum_offset);
	m->ol_flags |= checksum_flag(f.proto);
	return 0;
}

static int super_from_mbuf(const struct rte_mbuf *m, const struct swpath_frame *f,
	const struct swpath_vnet_peer *peer, struct virtio_net_hdr *h)
{
	const bool udp = (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) != 0;
	const uint32_t ip_len = f->payload_off - f->l3_off + m->tso_segsz;
	struct rte_tcp_hdr buf;
	const struct rte_tcp_hdr *tcp;

	if (m->tso_segsz == 0 || f->proto != (udp ? IPPROTO_UDP : IPPROTO_TCP))
		return -EINVAL;
	if (peer->mtu && ip_len > peer->mtu)
		return -EMSGSIZE;
	if (!f->plain_l2 || (udp && !peer->uso))
		return -EOPNOTSUPP;
	h->hdr_len = f->payload_off;
	h->gso_size = m->tso_segsz;
	if (udp) {
		h->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		return 0;
	}
	h->gso_type = f->ip_version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	tcp = rte_pktmbuf_read(m, f->l4_off, sizeof(buf), &buf);
	if (tcp->tcp_flags & RTE_TCP_CWR_FLAG)
		h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	return 0;
}

int swpath_vnet_from_mbuf(
	const struct rte_mbuf *m, const struct swpath_vnet_peer *peer, struct virtio_net_hdr *h)
{
	struct swpath_frame f;

	memset(h, 0, sizeof(*h));
	if (!(m->ol_flags & SWPATH_SEG_FLAGS) && !swpath_frame_fits(m, peer->mtu))
		return -EMSGSIZE;
	if (!swpath_has_offload(m))
		return 0;
	if (!swpath_frame_parse(m, &f) || !f.l4_off ||
		checksum_flag(f.proto) != (m->ol_flags & RTE_MBUF_F_TX_L4_MASK))
		return -EINVAL;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = f.l4_off;
	h->csum_offset = (uint16_t)(f.checksum_off - f.l4_off);
	if (m->ol_flags & SWPATH_SEG_FLAGS)
		return super_from_mbuf(m, &f, peer, h);
	return 0;
}
