/* SPDX-License-Identifier: Apache-2.0
 *
 * Header bytes overwritten, with every checksum that covers them put right.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/mutation.h"
#include "swpath/checksum.h"
#include "swpath/packet.h"
#include "swpath/port/segment.h"

#define IPV4_CHECKSUM 10 /* bytes into the header */
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define SCTP_CHECKSUM 8
#define ICMP_CHECKSUM 2

static uint8_t *at_byte(struct swpath_packet *p, uint32_t at)
{
	return rte_pktmbuf_mtod_offset(p->m, uint8_t *, at);
}

/* TCP, UDP and SCTP: the field holds a partial checksum. */
static bool is_partial(const struct swpath_packet *p)
{
	return swpath_has_offload(p->m);
}

/* The pseudo-header changed. ICMP's and SCTP's checksums have none. */
static void sum_pseudo(struct swpath_packet *p, uint64_t delta)
{
	uint8_t *l4 = p->ly.l4 ? at_byte(p, p->ly.l4) : NULL;

	if (!l4 || MUTATE(103, false, true))
		return;
	switch (p->ly.proto) {
	case IPPROTO_TCP:
		if (is_partial(p))
			swpath_csum_update_partial(l4 + TCP_CHECKSUM, delta);
		else
			swpath_csum_update(l4 + TCP_CHECKSUM, delta);
		break;
	case IPPROTO_UDP:
		if (is_partial(p))
			swpath_csum_update_partial(l4 + UDP_CHECKSUM, delta);
		else
			swpath_csum_update_udp(l4 + UDP_CHECKSUM, delta);
		break;
	case IPPROTO_ICMPV6:
		swpath_csum_update(l4 + ICMP_CHECKSUM, delta);
		break;
	default:
		break;
	}
}

/* The transport header or ICMP message changed. SCTP is not dealt with here. */
static void sum_l4(struct swpath_packet *p, uint64_t delta)
{
	uint8_t *l4 = at_byte(p, p->ly.l4);

	switch (p->ly.proto) {
	case IPPROTO_TCP:
		if (!is_partial(p))
			swpath_csum_update(l4 + TCP_CHECKSUM, delta);
		break;
	case IPPROTO_UDP:
		if (!is_partial(p))
			swpath_csum_update_udp(l4 + UDP_CHECKSUM, delta);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		swpath_csum_update(l4 + ICMP_CHECKSUM, delta);
		break;
	default:
		break;
	}
}

/* The pseudo-header is summed up in the field of the transport header's sum. */
static bool has_one_sum(const struct swpath_packet *p)
{
	return (p->ly.proto == IPPROTO_TCP || p->ly.proto == IPPROTO_UDP) && p->ly.l4 &&
	       !is_partial(p) && !MUTATE(103, false, true);
}

/* SCTP's checksum is not a sum: what the packet's CRC was and what it is now are both worked out,
 * and the field changes by the difference. */
static void rewrite_sctp(struct swpath_packet *p, uint32_t at, const void *bytes, unsigned n)
{
	uint32_t len = p->ly.l3_end - p->ly.l4, was, is, field;

	if (is_partial(p)) {
		memcpy(at_byte(p, at), bytes, n);
		return;
	}
	was = swpath_sctp_crc(p->m, p->ly.l4, len);
	memcpy(at_byte(p, at), bytes, n);
	is = swpath_sctp_crc(p->m, p->ly.l4, len);
	memcpy(&field, at_byte(p, p->ly.l4 + SCTP_CHECKSUM), sizeof(field));
	field ^= was ^ is;
	memcpy(at_byte(p, p->ly.l4 + SCTP_CHECKSUM), &field, sizeof(field));
}

void swpath_sums_changed(struct swpath_packet *p, uint32_t which, const struct swpath_sums *sums)
{
	if (which & SWPATH_SUM_IP)
		swpath_csum_update(at_byte(p, p->ly.l3 + IPV4_CHECKSUM), sums->ip);
	if ((which & SWPATH_SUM_PSEUDO) && (which & SWPATH_SUM_L4) && has_one_sum(p)) {
		sum_l4(p, sums->pseudo + sums->l4);
		return;
	}
	if (which & SWPATH_SUM_PSEUDO)
		sum_pseudo(p, sums->pseudo);
	if (which & SWPATH_SUM_L4)
		sum_l4(p, sums->l4);
}

void swpath_rewrite(
	struct swpath_packet *p, uint32_t at, const void *bytes, unsigned n, enum swpath_sum sum)
{
	uint32_t base = sum == SWPATH_SUM_L4 ? p->ly.l4 : p->ly.l3;
	uint32_t from = at - ((at - base) & 1);
	uint8_t before[16], after[16];
	unsigned len = (at + n - from + 1) & ~1u; /* widened to whole 16-bit words */
	uint64_t delta;

	p->key_stale = true;
	if (sum == SWPATH_SUM_L4 && p->ly.proto == IPPROTO_SCTP) {
		rewrite_sctp(p, at, bytes, n);
		return;
	}
	if (sum == SWPATH_SUM_NONE) {
		memcpy(at_byte(p, at), bytes, n);
		return;
	}
	memcpy(before, at_byte(p, from), len);
	memcpy(at_byte(p, at), bytes, n);
	memcpy(after, at_byte(p, from), len);
	delta = swpath_csum_delta(before, after, len);
	swpath_sums_changed(p, sum, &(struct swpath_sums){delta, delta, delta});
}
