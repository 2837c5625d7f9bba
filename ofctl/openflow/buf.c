/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/buf.h"

#include <stdlib.h>
#include <string.h>

#include "hal/base/be.h"
#include "hal/base/mem.h"

#define NS_PER_S 1000000000u

void of_buf_free(struct of_buf *b)
{
	free(b->data);
	*b = (struct of_buf){0};
}

uint8_t *of_put_zeros(struct of_buf *b, size_t n)
{
	uint8_t *at;

	if (b->failed)
		return NULL;
	if (b->cap - b->len < n) {
		size_t cap = b->cap ? b->cap * 2 : 256;
		uint8_t *data;

		while (cap - b->len < n)
			cap *= 2;
		data = realloc(b->data, cap);
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	if (!n)
		return b->data;
	at = b->data + b->len;
	memset(at, 0, n);
	b->len += n;
	return at;
}

void of_put_bytes(struct of_buf *b, const void *data, size_t n)
{
	uint8_t *at = n ? of_put_zeros(b, n) : NULL;

	if (at)
		memcpy(at, data, n);
}

static void put_be(struct of_buf *b, uint64_t v, unsigned n)
{
	uint8_t *at = of_put_zeros(b, n);

	if (at)
		be_store(at, n, v);
}

void of_put_u8(struct of_buf *b, uint8_t v)
{
	put_be(b, v, 1);
}

void of_put_u16(struct of_buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void of_put_u32(struct of_buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void of_put_u64(struct of_buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void of_put_duration(struct of_buf *b, uint64_t ns)
{
	of_put_u32(b, (uint32_t)(ns / NS_PER_S));
	of_put_u32(b, (uint32_t)(ns % NS_PER_S));
}

void of_put_text(struct of_buf *b, const char *text, size_t n)
{
	uint8_t *at = of_put_zeros(b, n);
	size_t len = strlen(text);

	if (at && n)
		memcpy(at, text, len < n ? len : n - 1);
}

void of_put_pad8(struct of_buf *b, size_t start)
{
	size_t n = b->len - start;

	of_put_zeros(b, of_pad8(n) - n);
}

void of_set_u16(struct of_buf *b, size_t ofs, size_t v)
{
	if (v > UINT16_MAX)
		b->failed = true;
	if (b->failed || ofs + 2 > b->len)
		return;
	b->data[ofs] = (uint8_t)(v >> 8);
	b->data[ofs + 1] = (uint8_t)v;
}

void of_set_u8(struct of_buf *b, size_t ofs, uint8_t v)
{
	if (!b->failed && ofs < b->len)
		b->data[ofs] = v;
}

size_t of_begin_tlv(struct of_buf *b, uint16_t type)
{
	size_t start = b->len;

	of_put_u16(b, type);
	of_put_u16(b, 0);
	return start;
}

void of_end_tlv(struct of_buf *b, size_t start)
{
	of_set_u16(b, start + 2, b->len - start);
}

void of_buf_cut(struct of_buf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
}

const uint8_t *of_get_bytes(struct of_rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < n) {
		r->bad = true;
		r->left = 0;
		return NULL;
	}
	if (n) /* nothing may be at NULL */
		r->p += n;
	r->left -= n;
	return p;
}

static uint64_t get_be(struct of_rd *r, unsigned n)
{
	const uint8_t *p = of_get_bytes(r, n);

	return p ? be_load(p, n) : 0;
}

uint8_t of_get_u8(struct of_rd *r)
{
	return (uint8_t)get_be(r, 1);
}

uint16_t of_get_u16(struct of_rd *r)
{
	return (uint16_t)get_be(r, 2);
}

uint32_t of_get_u32(struct of_rd *r)
{
	return (uint32_t)get_be(r, 4);
}

uint64_t of_get_u64(struct of_rd *r)
{
	return get_be(r, 8);
}

struct of_rd of_get_rd(struct of_rd *r, size_t n)
{
	const uint8_t *p = of_get_bytes(r, n);

	return p ? of_rd_make(p, n) : (struct of_rd){NULL, 0, true};
}

void of_skip(struct of_rd *r, size_t n)
{
	of_get_bytes(r, n);
}

bool of_get_zeros(struct of_rd *r, size_t n)
{
	const uint8_t *p = of_get_bytes(r, n);

	return !p || mem_is_zero(p, n);
}
