/* SPDX-License-Identifier: Apache-2.0
 *
 * Incremental checksums (RFC 1624) and SCTP's CRC32c (RFC 9260, appendix A).
 *
 * What: an edit of a header changes its checksum by what was changed, so that a checksum that was
 * wrong stays wrong by the same amount and nobody has to read the payload (but for SCTP's).
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_SWPATH_CHECKSUM_H
#define SLUICE_SWPATH_CHECKSUM_H

#include <stdint.h>
#include <string.h>

struct rte_mbuf;

/* Folds a sum of 16-bit words, which was not complemented. */
static inline uint16_t swpath_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* By how much `n` bytes (even, and at an even place in what a checksum covers) changed its sum:
 * what was added, and the complement of what was taken away. One's complement sums are the same in
 * either byte order, so words are taken as they lie in memory. Not folded. */
uint32_t swpath_csum_delta(const void *before, const void *after, unsigned n);

/* The same of up to 8 bytes in a word as they lie in memory: those that `bytes` has bits of. Sums
 * of 32-bit words are those of 16-bit words as far as a checksum sees. */
static inline uint64_t swpath_csum_delta_word(uint64_t before, uint64_t after, uint64_t bytes)
{
	uint64_t gone = ~before & bytes;

	after &= bytes;
	return (uint32_t)gone + (gone >> 32) + (uint32_t)after + (after >> 32);
}

/* The checksum field at `field` (2 bytes, any alignment), after the sum changed by `delta`. */
static inline void swpath_csum_update(void *field, uint64_t delta)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	csum = (uint16_t)~swpath_sum_fold((uint16_t)~csum + delta);
	memcpy(field, &csum, 2);
}

/* The same for a field that holds a folded sum that was not yet complemented. */
static inline void swpath_csum_update_partial(void *field, uint64_t delta)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	csum = swpath_sum_fold(csum + delta);
	memcpy(field, &csum, 2);
}

/* The same for UDP, where 0 means that there is no checksum. */
static inline void swpath_csum_update_udp(void *field, uint64_t delta)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	if (!csum)
		return;
	csum = (uint16_t)~swpath_sum_fold((uint16_t)~csum + delta);
	if (!csum)
		csum = 0xffff;
	memcpy(field, &csum, 2);
}

/* The sum of an IPv4 header without options, to be folded; words as they lie in memory. */
static inline uint64_t swpath_sum_ipv4(const void *header)
{
	uint32_t w[5];

	memcpy(w, header, sizeof(w));
	return (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
}

/* CRC32c of `len` bytes at `at` of a packet, as if the checksum field of the SCTP header that
 * begins there were 0; in the byte order of the field. */
uint32_t swpath_sctp_crc(const struct rte_mbuf *m, uint32_t at, uint32_t len);

#endif
