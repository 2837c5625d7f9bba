/* SPDX-License-Identifier: Apache-2.0
 */
#include "swpath/checksum.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_hash_crc.h>
#include <rte_mbuf.h>

#define SCTP_CHECKSUM_AT 8
#define SCTP_HEADER 12

uint32_t swpath_csum_delta(const void *before, const void *after, unsigned n)
{
	const uint8_t *b = before, *a = after;
	uint32_t sum = 0;

	for (unsigned i = 0; i + 1 < n; i += 2) {
		uint16_t was, is;

		memcpy(&was, b + i, 2);
		memcpy(&is, a + i, 2);
		sum += (uint16_t)~was;
		sum += is;
	}
	return sum;
}

/* Goes on with `crc`. rte_hash_crc() wants aligned words, which packets need not have. */
static uint32_t crc_bytes(const uint8_t *p, uint32_t len, uint32_t crc)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		crc = rte_hash_crc_8byte(word, crc);
	}
	for (; len; p++, len--)
		crc = rte_hash_crc_1byte(*p, crc);
	return crc;
}

/* Goes on with `crc` over a part of a packet, which may lie in several segments. */
static uint32_t crc_part(const struct rte_mbuf *m, uint32_t at, uint32_t len, uint32_t crc)
{
	for (; m && len; m = m->next) {
		uint32_t part;

		if (at >= m->data_len) {
			at -= m->data_len;
			continue;
		}
		part = RTE_MIN(len, m->data_len - at);
		crc = crc_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, at), part, crc);
		len -= part;
		at = 0;
	}
	return crc;
}

uint32_t swpath_sctp_crc(const struct rte_mbuf *m, uint32_t at, uint32_t len)
{
	uint32_t crc = UINT32_MAX;

	crc = crc_part(m, at, RTE_MIN(len, (uint32_t)SCTP_CHECKSUM_AT), crc);
	if (len >= SCTP_HEADER) {
		crc = rte_hash_crc_4byte(0, crc);
		crc = crc_part(m, at + SCTP_HEADER, len - SCTP_HEADER, crc);
	}
	return rte_cpu_to_le_32(~crc);
}
