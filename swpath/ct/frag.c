/* SPDX-License-Identifier: Apache-2.0
 *
 * Fragments held until their datagram is whole.
 *
 * They are not put together: connection tracking reads the first and sums up all, then each goes on
 * by itself. A worker has its own; fragments of one datagram that come through different workers do
 * not meet and time out. Bounded in number and time; what does not fit, is too small to be honest
 * or overlaps (RFC 5722) is taken as invalid, as Open vSwitch does.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ip.h>
#include <rte_jhash.h>

#include "hal/mutation.h"
#include "swpath/ct/bytes.h"
#include "swpath/ct/ct.h"

LIST_HEAD(datagram_list, ct_datagram);
TAILQ_HEAD(datagram_queue, ct_datagram);

struct ct_frags {
	struct datagram_queue by_age; /* oldest first */
	struct datagram_list bucket[CT_DATAGRAMS];
	struct datagram_list unused;
	struct ct_held *free;
	unsigned n; /* held */
	struct ct_datagram datagram[CT_DATAGRAMS];
	struct ct_held held[CT_FRAGS];
};

/* Where a fragment belongs. */
struct place {
	struct ct_datagram_key key;
	uint32_t off, len; /* of the datagram's payload */
	uint32_t at;       /* in the frame */
	uint32_t packet;   /* bytes of the IP packet */
	bool more;
};

int ct_frags_init(struct ct_frags **out)
{
	struct ct_frags *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	TAILQ_INIT(&f->by_age);
	for (unsigned i = 0; i < CT_DATAGRAMS; i++)
		LIST_INSERT_HEAD(&f->unused, &f->datagram[i], link);
	for (unsigned i = 0; i < CT_FRAGS; i++) {
		f->held[i].next = f->free;
		f->free = &f->held[i];
	}
	*out = f;
	return 0;
}

static void free_held(struct ct_frags *f, struct ct_held *h)
{
	rte_pktmbuf_free(h->p.m); /* NULL is fine */
	if (h->resume.mf)
		hal_megaflow_unref(h->resume.mf);
	h->p.m = NULL;
	h->resume.mf = NULL;
	h->next = f->free;
	f->free = h;
	f->n--;
}

static void forget(struct ct_frags *f, struct ct_datagram *d)
{
	LIST_REMOVE(d, link);
	TAILQ_REMOVE(&f->by_age, d, age);
}

void ct_frag_release(struct ct_frags *f, struct ct_datagram *d)
{
	struct ct_held *h;

	while ((h = d->first)) {
		d->first = h->next;
		free_held(f, h);
	}
	LIST_INSERT_HEAD(&f->unused, d, link);
}

static void drop_datagram(struct ct_frags *f, struct ct_datagram *d)
{
	forget(f, d);
	ct_frag_release(f, d);
}

void ct_frags_destroy(struct ct_frags *f)
{
	struct ct_datagram *d;

	while (f && (d = TAILQ_FIRST(&f->by_age)))
		drop_datagram(f, d);
	free(f);
}

unsigned ct_frag_expire(struct ct_frags *f, struct conntrack *ct, unsigned worker, uint64_t now_ms,
	ct_frag_lost *lost, void *ctx)
{
	struct ct_datagram *d;
	unsigned n = 0;

	while ((d = TAILQ_FIRST(&f->by_age)) && now_ms - d->since_ms >= CT_FRAG_TIMEOUT_MS) {
		for (const struct ct_held *h = d->first; h; h = h->next, n++) {
			ct_count(ct, worker, CONNTRACK_N_FRAG_TIMEOUT);
			if (lost)
				lost(ctx, h->p.m);
		}
		drop_datagram(f, d);
	}
	return n;
}

/* ---- where a fragment belongs ---- */

static bool place_ipv4(const struct swpath_packet *p, struct place *at)
{
	uint8_t scratch[60];
	const uint8_t *ip = ct_bytes(p, p->ly.l3, 20, p->ly.l3_end, scratch);
	uint32_t header = ip ? (ip[0] & 0xfu) * 4 : 0;

	ip = ct_bytes(p, p->ly.l3, header, p->ly.l3_end, scratch);
	if (!header || !ip || rte_raw_cksum(ip, header) != 0xffff)
		return false;
	at->key.id = (uint32_t)(ip[4] << 8 | ip[5]);
	at->key.proto = ip[9];
	memcpy(at->key.src, ip + 12, 4);
	memcpy(at->key.dst, ip + 16, 4);
	at->off = (uint32_t)((ip[6] & 0x1f) << 8 | ip[7]) * 8;
	at->more = ip[6] & 0x20;
	at->at = p->ly.l3 + header;
	return true;
}

static bool place_ipv6(const struct swpath_packet *p, struct place *at)
{
	uint8_t scratch[sizeof(struct rte_ipv6_hdr)];
	struct ct_ipv6_chain chain;
	const uint8_t *b;

	if (!ct_ipv6_walk(p, p->ly.l3, p->ly.l3_end, &chain) || !chain.frag_at)
		return false;
	b = ct_bytes(p, chain.frag_at, 8, p->ly.l3_end, scratch);
	if (!b)
		return false;
	at->key.ipv6 = 1;
	at->key.id = ct_be32(b + 4);
	at->off = (uint32_t)(b[2] << 8 | b[3]) & 0xfff8;
	at->more = b[3] & 1;
	at->at = chain.frag_at + 8;
	memcpy(at->key.src, p->key->ipv6_src, 16);
	memcpy(at->key.dst, p->key->ipv6_dst, 16);
	return true;
}

static bool place_of(const struct swpath_packet *p, uint16_t zone, struct place *at)
{
	bool ipv6 = p->ly.kind == SWPATH_L3_IPV6;

	memset(at, 0, sizeof(*at));
	at->key.zone = zone;
	at->key.recirc_id = p->key->recirc_id;
	if (ipv6 ? !place_ipv6(p, at) : !place_ipv4(p, at))
		return false;
	if (at->at >= p->ly.l3_end)
		return false;
	at->len = p->ly.l3_end - at->at;
	at->packet = p->ly.l3_end - p->ly.l3;
	return at->off + at->len <= UINT16_MAX && !(at->more && at->len % 8);
}

static bool too_small(const struct place *at)
{
	return at->more &&
	       MUTATE(430,
		       at->packet < (at->key.ipv6 ? (uint32_t)CT_FRAG_MIN_IPV6 : CT_FRAG_MIN_IPV4),
		       false);
}

/* ---- datagrams ---- */

static struct datagram_list *bucket_of(struct ct_frags *f, const struct ct_datagram_key *key)
{
	return &f->bucket[rte_jhash(key, sizeof(*key), 0) % CT_DATAGRAMS];
}

static struct ct_datagram *find(struct ct_frags *f, const struct ct_datagram_key *key)
{
	struct ct_datagram *d;

	LIST_FOREACH (d, bucket_of(f, key), link)
		if (!memcmp(&d->key, key, sizeof(*key)))
			return d;
	return NULL;
}

static struct ct_datagram *begin(
	struct ct_frags *f, const struct ct_datagram_key *key, uint64_t now_ms)
{
	struct ct_datagram *d = LIST_FIRST(&f->unused);

	if (!d)
		return NULL;
	LIST_REMOVE(d, link);
	memset(d, 0, sizeof(*d));
	d->key = *key;
	d->since_ms = now_ms;
	LIST_INSERT_HEAD(bucket_of(f, key), d, link);
	TAILQ_INSERT_TAIL(&f->by_age, d, age);
	return d;
}

/* The link behind which the fragment belongs, or NULL if it overlaps another or the end. */
static struct ct_held **gap_for(struct ct_datagram *d, const struct place *at)
{
	struct ct_held **link = &d->first, *before = NULL;
	uint32_t end = at->off + at->len;

	while (*link && (*link)->off < at->off) {
		before = *link;
		link = &before->next;
	}
	if ((before && before->off + before->len > at->off) || (*link && (*link)->off < end))
		return NULL;
	if (d->total && (end > d->total || !at->more))
		return NULL;
	if (!at->more && *link)
		return NULL; /* there is something behind the last one */
	return link;
}

static struct ct_held *hold(struct ct_frags *f, struct swpath_packet *p, const struct place *at,
	const struct ct_resume *resume)
{
	struct ct_held *h = f->free;

	if (!h || (!resume->mf && resume->len > CT_RESUME_COPY))
		return NULL;
	f->free = h->next;
	f->n++;
	h->p = *p;
	h->key = *p->key;
	h->p.key = &h->key;
	h->p.ct = (struct swpath_ct_seen){NULL, false, false};
	h->resume = *resume;
	if (resume->mf) {
		hal_megaflow_ref(resume->mf);
	} else {
		memcpy(h->copy, resume->steps, resume->len);
		h->resume.steps = h->copy;
	}
	h->off = at->off;
	h->len = at->len;
	h->at = at->at;
	h->more = at->more;
	p->m = NULL;
	return h;
}

static enum ct_frag_result refuse(struct conntrack *ct, unsigned worker, enum conntrack_counter why)
{
	ct_count(ct, worker, why);
	return CT_FRAG_INVALID;
}

enum ct_frag_result ct_frag_take(struct ct_frags *f, struct conntrack *ct, unsigned worker,
	struct swpath_packet *p, uint16_t zone, const struct ct_resume *resume, uint64_t now_ms,
	struct ct_datagram **whole)
{
	struct ct_held **link, *h;
	struct ct_datagram *d;
	struct place at;

	swpath_packet_key(p);
	if (likely(!p->key->ip_frag))
		return CT_FRAG_NONE;
	if (!place_of(p, zone, &at))
		return refuse(ct, worker, CONNTRACK_N_BAD_HEADER);
	if (too_small(&at))
		return refuse(ct, worker, CONNTRACK_N_FRAG_SMALL);
	d = find(f, &at.key);
	link = d ? gap_for(d, &at) : NULL;
	if (d && !link)
		return refuse(ct, worker, CONNTRACK_N_FRAG_OVERLAP);
	if ((d && d->n >= CT_DATAGRAM_FRAGS) || !f->free)
		return refuse(ct, worker, CONNTRACK_N_FRAG_FULL);
	if (!d) {
		d = begin(f, &at.key, now_ms);
		if (!d)
			return refuse(ct, worker, CONNTRACK_N_FRAG_FULL);
		link = &d->first;
	}
	h = hold(f, p, &at, resume);
	if (!h)
		return refuse(ct, worker, CONNTRACK_N_FRAG_FULL);
	h->next = *link;
	*link = h;
	d->n++;
	d->have += at.len;
	if (!at.more)
		d->total = at.off + at.len;
	ct_count(ct, worker, CONNTRACK_N_FRAG_HELD);
	if (!d->total || MUTATE(429, d->have < d->total, false))
		return CT_FRAG_TAKEN;
	ct_count(ct, worker, CONNTRACK_N_FRAG_WHOLE);
	forget(f, d);
	*whole = d;
	return CT_FRAG_DONE;
}
