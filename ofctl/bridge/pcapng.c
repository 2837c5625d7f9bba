/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/pcapng.h"

#include <event2/buffer.h>
#include <string.h>

enum { /* block types */
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE_DESCRIPTION = 1,
	INTERFACE_STATISTICS = 5,
	ENHANCED_PACKET = 6,
};

enum { /* options; their numbers are the block's own, but for the first two */
	END_OF_OPTIONS = 0,
	COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1
#define MAX_OPTIONS 2048 /* bytes of a block's options: two texts and some numbers */
#define MAX_TEXT 900

/* Options of one block, with their padding. */
struct options {
	size_t n;
	uint8_t bytes[MAX_OPTIONS];
};

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~UINT32_C(3);
}

static void option(struct options *o, uint16_t code, const void *value, size_t len)
{
	uint16_t head[2] = {code, (uint16_t)len};

	if (o->n + sizeof(head) + padded((uint32_t)len) > sizeof(o->bytes))
		return;
	memcpy(o->bytes + o->n, head, sizeof(head));
	memset(o->bytes + o->n + sizeof(head), 0, padded((uint32_t)len));
	if (len)
		memcpy(o->bytes + o->n + sizeof(head), value, len);
	o->n += sizeof(head) + padded((uint32_t)len);
}

static void option_text(struct options *o, uint16_t code, const char *text)
{
	if (text && *text)
		option(o, code, text, strnlen(text, MAX_TEXT));
}

/* Times are in two words, the high one first. */
static void option_time(struct options *o, uint16_t code, uint64_t ns)
{
	uint32_t words[2] = {(uint32_t)(ns >> 32), (uint32_t)ns};

	option(o, code, words, sizeof(words));
}

static void put(struct pcapng *p, const void *data, size_t n)
{
	if (n && !p->failed && evbuffer_add(p->out, data, n))
		p->failed = true;
}

/* A block's frame is its type, its length, and its length again at the end. */
static uint32_t begin_block(struct pcapng *p, uint32_t type, size_t body, struct options *o)
{
	uint32_t head[2] = {type, 0};

	if (o->n)
		option(o, END_OF_OPTIONS, NULL, 0);
	head[1] = (uint32_t)(sizeof(head) + body + o->n + sizeof(uint32_t));
	put(p, head, sizeof(head));
	return head[1];
}

static void end_block(struct pcapng *p, const struct options *o, uint32_t len)
{
	put(p, o->bytes, o->n);
	put(p, &len, sizeof(len));
}

static void block(struct pcapng *p, uint32_t type, const void *body, size_t n, struct options *o)
{
	uint32_t len = begin_block(p, type, n, o);

	put(p, body, n);
	end_block(p, o, len);
}

void pcapng_begin(struct pcapng *p, struct evbuffer *out, uint32_t snaplen, const char *application,
	const char *comment)
{
	/* Version 1.0, a section whose length is not said. */
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t length[2];
	} body = {BYTE_ORDER_MAGIC, 1, 0, {UINT32_MAX, UINT32_MAX}};
	struct options o = {.n = 0};

	*p = (struct pcapng){.out = out, .snaplen = snaplen};
	option_text(&o, COMMENT, comment);
	option_text(&o, SHB_USERAPPL, application);
	block(p, SECTION_HEADER, &body, sizeof(body), &o);
}

uint32_t pcapng_interface(struct pcapng *p, const char *name, const char *description)
{
	const struct {
		uint16_t linktype, reserved;
		uint32_t snaplen;
	} body = {LINKTYPE_ETHERNET, 0, p->snaplen};
	const uint8_t nanoseconds = 9;
	struct options o = {.n = 0};

	option_text(&o, IF_NAME, name);
	option_text(&o, IF_DESCRIPTION, description);
	option(&o, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	block(p, INTERFACE_DESCRIPTION, &body, sizeof(body), &o);
	return p->n_interfaces++;
}

void pcapng_packet(struct pcapng *p, const struct pcapng_packet *pkt)
{
	static const uint8_t zero[4];
	uint32_t caplen = pkt->part_len[0] + pkt->part_len[1], flags = pkt->way, len;
	const uint32_t body[5] = {pkt->interface, (uint32_t)(pkt->time_ns >> 32),
		(uint32_t)pkt->time_ns, caplen, pkt->len};
	struct options o = {.n = 0};

	option_text(&o, COMMENT, pkt->comment);
	option(&o, EPB_FLAGS, &flags, sizeof(flags));
	len = begin_block(p, ENHANCED_PACKET, sizeof(body) + padded(caplen), &o);
	put(p, body, sizeof(body));
	put(p, pkt->part[0], pkt->part_len[0]);
	put(p, pkt->part[1], pkt->part_len[1]);
	put(p, zero, padded(caplen) - caplen);
	end_block(p, &o, len);
}

void pcapng_statistics(struct pcapng *p, uint32_t interface, uint64_t start_ns, uint64_t end_ns,
	uint64_t seen, uint64_t lost)
{
	const uint32_t body[3] = {interface, (uint32_t)(end_ns >> 32), (uint32_t)end_ns};
	struct options o = {.n = 0};

	option_time(&o, ISB_STARTTIME, start_ns);
	option_time(&o, ISB_ENDTIME, end_ns);
	option(&o, ISB_IFRECV, &seen, sizeof(seen));
	option(&o, ISB_IFDROP, &lost, sizeof(lost));
	block(p, INTERFACE_STATISTICS, body, sizeof(body), &o);
}
