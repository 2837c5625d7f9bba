/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing and reading bytes of messages, in network order.
 *
 * What: struct of_buf grows while a message is written; struct of_rd walks over bytes that a peer
 * sent and can never leave them.
 * Why so: neither needs its errors looked at after each step. A writer that ran out of memory, or a
 * reader that ran out of bytes, says so once at the end.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_BUF_H
#define SLUICE_OFCTL_OPENFLOW_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct of_buf {
	uint8_t *data; /* owned */
	size_t len, cap;
	bool failed; /* out of memory, or a length that its field cannot hold: do not send */
};

void of_buf_free(struct of_buf *b);

/* Appends `n` bytes of 0 and returns them, or NULL if memory ran out. */
uint8_t *of_put_zeros(struct of_buf *b, size_t n);
void of_put_bytes(struct of_buf *b, const void *data, size_t n);
void of_put_u8(struct of_buf *b, uint8_t v);
void of_put_u16(struct of_buf *b, uint16_t v);
void of_put_u32(struct of_buf *b, uint32_t v);
void of_put_u64(struct of_buf *b, uint64_t v);

/* Seconds, and nanoseconds beyond them: 8 bytes. */
void of_put_duration(struct of_buf *b, uint64_t ns);

/* Appends a text in a field of `n` bytes, cut so that a 0 follows it. */
void of_put_text(struct of_buf *b, const char *text, size_t n);

/* Appends 0 to 7 bytes so that the length since `start` is a multiple of 8. */
void of_put_pad8(struct of_buf *b, size_t start);

/* Overwrites bytes that were put before. */
void of_set_u16(struct of_buf *b, size_t ofs, size_t v); /* fails the buffer if v > 65535 */
void of_set_u8(struct of_buf *b, size_t ofs, uint8_t v);

/* A 16-bit type, and a 16-bit length that of_end_tlv() fills in: it counts from `start`, which
 * of_begin_tlv() returns, up to what was put last. */
size_t of_begin_tlv(struct of_buf *b, uint16_t type);
void of_end_tlv(struct of_buf *b, size_t start);

/* Cuts the buffer back to `len` bytes. */
void of_buf_cut(struct of_buf *b, size_t len);

struct of_rd {
	const uint8_t *p;
	size_t left;
	bool bad; /* more was read than there was; reads gave 0 */
};

static inline struct of_rd of_rd_make(const void *data, size_t len)
{
	return (struct of_rd){(const uint8_t *)data, len, false};
}

uint8_t of_get_u8(struct of_rd *r);
uint16_t of_get_u16(struct of_rd *r);
uint32_t of_get_u32(struct of_rd *r);
uint64_t of_get_u64(struct of_rd *r);

/* Takes `n` bytes: a pointer to them, or NULL if there are fewer. */
const uint8_t *of_get_bytes(struct of_rd *r, size_t n);

/* Takes `n` bytes as a reader of its own (empty and bad if there are fewer). */
struct of_rd of_get_rd(struct of_rd *r, size_t n);
void of_skip(struct of_rd *r, size_t n);

/* Takes `n` bytes; false if one of them is not 0. */
bool of_get_zeros(struct of_rd *r, size_t n);

static inline size_t of_pad8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

#endif
