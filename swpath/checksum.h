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

/* The checksum field at `field` (2 bytes, any alignment), after `n` bytes (even, and at an even
 * place in what the checksum covers) changed from `before` to `after`. */
void swpath_csum_update(void *field, const void *before, const void *after, unsigned n);

/* The same for a field that holds a folded sum that was not yet complemented. */
void swpath_csum_update_partial(void *field, const void *before, const void *after, unsigned n);

/* The same for UDP, where 0 means that there is no checksum. */
void swpath_csum_update_udp(void *field, const void *before, const void *after, unsigned n);

/* Folds a sum of 16-bit words, which was not complemented. */
static inline uint16_t swpath_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
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
