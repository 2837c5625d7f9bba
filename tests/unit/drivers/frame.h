/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames for the tests: IPv4 or IPv6 with UDP or TCP, with right checksums, and a check of them.
 */
#ifndef SLUICE_TESTS_UNIT_DRIVERS_FRAME_H
#define SLUICE_TESTS_UNIT_DRIVERS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both 10.0.0.1 -> 10.0.0.2 or fd00::1 -> fd00::2, ports 1000 -> 2000, TTL 64; returns the length.
 * `payload` bytes of data follow. The checksum of the transport is partial if `partial`. */
size_t frame_make(uint8_t *buf, bool ip6, bool tcp, size_t payload, bool partial);

/* True if the IPv4 header's and the transport's checksums are right (tags are skipped). */
bool frame_sums_ok(const uint8_t *frame, size_t len);

#endif
