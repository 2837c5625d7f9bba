/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP: states and windows of the two directions (RFC 9293; windows as in Guido van Rooij, "Real
 * Stateful TCP Packet Filtering in IP Filter", 2001).
 *
 * Each direction has a state of its own, which says what its sender has done: CLOSED (nothing
 * seen), SYN_SENT, ESTABLISHED (its SYN was acknowledged), CLOSING (sent a FIN), FIN_WAIT_2 (that
 * was acknowledged), TIME_WAIT (after a reset). A packet without SYN begins a connection in
 * mid-stream: the window scales of such a one are not known, and the largest is allowed for.
 */
#include <netinet/tcp.h>

#include "hal/mutation.h"
#include "swpath/ct/ct.h"

#define WSCALE_MAX 14                 /* RFC 7323, 2.3 */
#define MAX_ACK_WINDOW (65535 + 1500) /* how far an acknowledgment may be off */
#define TRIES 4                       /* when the other direction changes the state meanwhile */

#define OPT_END 0
#define OPT_NOP 1
#define OPT_WSCALE 3

struct side {
	uint32_t seqlo;   /* end of the highest segment sent */
	uint32_t seqhi;   /* what the other side allows: its highest acknowledgment and window */
	uint16_t max_win; /* largest window announced, not scaled */
	uint8_t wscale;   /* CT_WSCALE_* */
	uint8_t state;    /* enum conntrack_tcp_state */
	uint32_t was;     /* meta as it was read */
};

/* A packet within a connection. */
struct segment {
	uint32_t seq, end, ack; /* of what is compared */
	uint32_t first;         /* sequence number in the header */
	uint32_t win;
	uint8_t src_shift, dst_shift;
	bool check_skew;
	uint16_t flags;
};

static bool lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool geq(uint32_t a, uint32_t b)
{
	return !lt(a, b);
}

static uint32_t pack(const struct side *s)
{
	return (uint32_t)s->state << 24 | (uint32_t)s->wscale << 16 | s->max_win;
}

static struct side load_side(const struct ct_conn *c, unsigned dir)
{
	uint64_t seq = atomic_load_explicit(&c->seq[dir], memory_order_relaxed);
	uint32_t meta = atomic_load_explicit(&c->meta[dir], memory_order_relaxed);

	return (struct side){(uint32_t)seq, (uint32_t)(seq >> 32), (uint16_t)meta,
		(uint8_t)(meta >> 16), (uint8_t)(meta >> 24), meta};
}

static void store_seq(struct ct_conn *c, unsigned dir, const struct side *s)
{
	uint64_t seq = (uint64_t)s->seqhi << 32 | s->seqlo;

	if (atomic_load_explicit(&c->seq[dir], memory_order_relaxed) != seq)
		atomic_store_explicit(&c->seq[dir], seq, memory_order_relaxed);
}

static bool store_meta(struct ct_conn *c, unsigned dir, const struct side *s)
{
	uint32_t was = s->was, now = pack(s);

	return now == was || atomic_compare_exchange_strong_explicit(&c->meta[dir], &was, now,
				     memory_order_relaxed, memory_order_relaxed);
}

uint8_t ct_tcp_wscale(const uint8_t *options, unsigned len)
{
	while (len >= 3 && options[0] != OPT_END) {
		unsigned step = options[0] == OPT_NOP ? 1 : RTE_MAX(options[1], (uint8_t)2);

		if (options[0] == OPT_WSCALE)
			return RTE_MIN(options[2], (uint8_t)WSCALE_MAX) | CT_WSCALE_KNOWN;
		if (step > len)
			break;
		options += step;
		len -= step;
	}
	return 0;
}

/* SYN goes with neither RST nor FIN; without SYN there is ACK or RST; FIN, PSH and URG need ACK. */
static bool bad_flags(uint16_t flags)
{
	if (flags & TH_SYN)
		return flags & (TH_RST | TH_FIN) ||
		       (!(flags & TH_ACK) && flags & (TH_PUSH | TH_URG));
	if (flags & TH_ACK)
		return false;
	return !(flags & TH_RST) || flags & (TH_FIN | TH_PUSH | TH_URG);
}

bool ct_tcp_valid_new(const struct ct_tcp *tcp)
{
	return !bad_flags(tcp->flags) && (tcp->flags & (TH_SYN | TH_ACK)) != (TH_SYN | TH_ACK);
}

static uint16_t unscaled(uint16_t win, uint8_t wscale)
{
	unsigned shift = wscale & CT_WSCALE_BITS;

	return (uint16_t)((win + (1u << shift) - 1) >> shift);
}

enum conntrack_timeout ct_tcp_first(struct ct_conn *c, const struct ct_tcp *tcp)
{
	struct side src = {0}, dst = {0};

	src.seqlo = tcp->seq;
	src.seqhi = tcp->seq + tcp->payload + 1 + !!(tcp->flags & TH_SYN) + !!(tcp->flags & TH_FIN);
	src.wscale = tcp->flags & TH_SYN ? tcp->wscale : CT_WSCALE_UNKNOWN;
	dst.wscale = tcp->flags & TH_SYN ? 0 : CT_WSCALE_UNKNOWN;
	src.max_win = unscaled(RTE_MAX(tcp->win, (uint16_t)1), src.wscale);
	src.state = CONNTRACK_TCP_SYN_SENT;
	dst.seqhi = 1;
	dst.max_win = 1;
	dst.state = CONNTRACK_TCP_CLOSED;
	store_seq(c, 0, &src);
	store_seq(c, 1, &dst);
	store_meta(c, 0, &src);
	store_meta(c, 1, &dst);
	return CONNTRACK_TIMEOUT_TCP_SYN_SENT;
}

/* The first packet of this direction: its window is opened. */
static void open_side(
	struct side *src, struct side *dst, struct segment *g, const struct ct_tcp *tcp)
{
	uint32_t room;

	if (tcp->flags & TH_SYN && dst->wscale & CT_WSCALE_KNOWN) {
		src->wscale = tcp->wscale;
		if (src->wscale & CT_WSCALE_KNOWN) {
			g->src_shift = src->wscale & CT_WSCALE_BITS;
			g->dst_shift = dst->wscale & CT_WSCALE_BITS;
			g->win = unscaled(tcp->win, src->wscale);
		} else {
			/* Nobody scales, then. */
			dst->max_win = (uint16_t)((uint32_t)dst->max_win
						  << (dst->wscale & CT_WSCALE_BITS));
			dst->wscale = 0;
		}
	}
	src->seqlo = g->seq;
	src->state = CONNTRACK_TCP_SYN_SENT;
	room = g->end + RTE_MAX(1u, (uint32_t)dst->max_win << g->dst_shift);
	if (src->seqhi == 1 || geq(room, src->seqhi)) {
		src->seqhi = room;
		g->check_skew = false;
	}
	src->max_win = (uint16_t)RTE_MAX(src->max_win, g->win);
}

static struct segment segment_of(struct side *src, struct side *dst, const struct ct_tcp *tcp)
{
	bool syn = tcp->flags & TH_SYN;
	struct segment g = {.seq = tcp->seq,
		.end = tcp->seq + tcp->payload + syn + !!(tcp->flags & TH_FIN),
		.ack = tcp->ack,
		.first = tcp->seq,
		.win = tcp->win,
		.check_skew = true,
		.flags = tcp->flags};

	if (!syn && src->wscale & dst->wscale & MUTATE(427, CT_WSCALE_KNOWN, 0)) {
		g.src_shift = src->wscale & CT_WSCALE_BITS;
		g.dst_shift = dst->wscale & CT_WSCALE_BITS;
	} else if (!syn && src->wscale & dst->wscale & CT_WSCALE_UNKNOWN) {
		g.src_shift = g.dst_shift = WSCALE_MAX;
	}
	if (src->state < CONNTRACK_TCP_SYN_SENT)
		open_side(src, dst, &g, tcp);
	/* Some stacks reset with an acknowledgment of 0. */
	if (!(tcp->flags & TH_ACK) || (!g.ack && tcp->flags & TH_RST))
		g.ack = dst->seqlo;
	if (g.seq == g.end) /* nothing that takes room in the window */
		g.seq = g.end = src->seqlo;
	return g;
}

/* The segment ends inside of what the receiver allows, does not begin more than a window back, and
 * acknowledges neither too old nor what was not sent. A reset must fit exactly, or by one. */
static bool in_window(const struct side *src, const struct side *dst, const struct segment *g)
{
	int64_t skew = g->check_skew ? (int32_t)(dst->seqlo - g->ack) : 0;

	return MUTATE(425, geq(src->seqhi, g->end), true) &&
	       geq(g->seq, src->seqlo - ((uint32_t)dst->max_win << g->dst_shift)) &&
	       skew >= -MAX_ACK_WINDOW && skew <= (int64_t)MAX_ACK_WINDOW << g->src_shift &&
	       (!(g->flags & TH_RST) || g->first - src->seqlo + 1 <= 2);
}

/* Not in the window, yet to be expected: before the other side answered (in mid-stream its window
 * is not known), or after the end. */
static bool near_window(const struct side *src, const struct side *dst, const struct segment *g)
{
	return (dst->state < CONNTRACK_TCP_SYN_SENT || dst->state >= CONNTRACK_TCP_FIN_WAIT_2 ||
		       src->state >= CONNTRACK_TCP_FIN_WAIT_2) &&
	       geq(src->seqhi + MAX_ACK_WINDOW, g->end) && geq(g->seq, src->seqlo - MAX_ACK_WINDOW);
}

static void move_windows(struct side *src, struct side *dst, const struct segment *g)
{
	uint32_t win = g->win << g->src_shift;

	src->max_win = (uint16_t)RTE_MAX(src->max_win, g->win);
	if (lt(src->seqlo, g->end))
		src->seqlo = g->end;
	if (geq(g->ack + win, dst->seqhi))
		dst->seqhi = g->ack + RTE_MAX(win, 1u);
}

static void move_states(struct side *src, struct side *dst, uint16_t flags, bool acks)
{
	if (flags & TH_FIN && src->state < CONNTRACK_TCP_CLOSING)
		src->state = CONNTRACK_TCP_CLOSING;
	if (acks && flags & TH_ACK) {
		if (dst->state == CONNTRACK_TCP_SYN_SENT)
			dst->state = CONNTRACK_TCP_ESTABLISHED;
		else if (dst->state == CONNTRACK_TCP_CLOSING)
			dst->state = MUTATE(426, CONNTRACK_TCP_FIN_WAIT_2, CONNTRACK_TCP_CLOSING);
	}
	if (flags & TH_RST)
		src->state = dst->state = CONNTRACK_TCP_TIME_WAIT;
}

static enum conntrack_timeout timeout_of(uint8_t a, uint8_t b)
{
	uint8_t low = RTE_MIN(a, b), high = RTE_MAX(a, b);

	if (low >= CONNTRACK_TCP_FIN_WAIT_2)
		return CONNTRACK_TIMEOUT_TCP_CLOSE;
	if (low >= CONNTRACK_TCP_CLOSING)
		return CONNTRACK_TIMEOUT_TCP_TIME_WAIT;
	if (low < CONNTRACK_TCP_ESTABLISHED)
		return CONNTRACK_TIMEOUT_TCP_SYN_RECV;
	if (high >= CONNTRACK_TCP_CLOSING)
		return CONNTRACK_TIMEOUT_TCP_FIN_WAIT;
	return CONNTRACK_TIMEOUT_TCP_ESTABLISHED;
}

/* What one packet makes of the two sides. */
struct verdict {
	enum ct_result result;
	enum conntrack_timeout timeout; /* CONNTRACK_TIMEOUT_MAX: leave it */
};

static struct verdict judge(
	struct side *src, struct side *dst, const struct ct_tcp *tcp, bool liberal)
{
	struct verdict v = {CT_VALID, CONNTRACK_TIMEOUT_MAX};
	struct segment g;

	if ((tcp->flags & (TH_SYN | TH_ACK)) == TH_SYN) {
		if (src->state >= CONNTRACK_TCP_FIN_WAIT_2 &&
			dst->state >= CONNTRACK_TCP_FIN_WAIT_2) {
			src->state = dst->state = CONNTRACK_TCP_CLOSED;
			v.result = CT_RENEW;
			return v;
		}
		if (src->state <= CONNTRACK_TCP_SYN_SENT) {
			src->state = CONNTRACK_TCP_SYN_SENT;
			v.result = CT_STILL_NEW;
			v.timeout = CONNTRACK_TIMEOUT_TCP_SYN_SENT;
			return v;
		}
	}
	g = segment_of(src, dst, tcp);
	if (liberal || in_window(src, dst, &g)) {
		move_windows(src, dst, &g);
		move_states(src, dst, tcp->flags, true);
		v.timeout = timeout_of(src->state, dst->state);
	} else if (near_window(src, dst, &g)) {
		move_windows(src, dst, &g);
		move_states(src, dst, tcp->flags, false);
	} else {
		v.result = CT_INVALID;
	}
	return v;
}

static bool store_sides(
	struct ct_conn *c, unsigned dir, const struct side *src, const struct side *dst)
{
	bool stored = store_meta(c, dir, src) && store_meta(c, !dir, dst);

	store_seq(c, dir, src);
	store_seq(c, !dir, dst);
	return stored;
}

static void follow(struct conntrack *ct, struct ct_conn *c, enum conntrack_timeout timeout,
	const struct side *a, const struct side *b, uint64_t now_ms)
{
	bool up = a->state >= CONNTRACK_TCP_ESTABLISHED && b->state >= CONNTRACK_TCP_ESTABLISHED;

	if (timeout != CONNTRACK_TIMEOUT_MAX)
		ct_set_expires(ct, c, timeout, now_ms, up);
	/* A device does not look at windows: only where nobody does both paths are alike. */
	if (a->state == CONNTRACK_TCP_ESTABLISHED && b->state == CONNTRACK_TCP_ESTABLISHED) {
		if (!conntrack_tcp_seq_check(ct))
			ct_tell_established(ct, c);
	} else if (up) {
		ct_tell_gone(ct, c);
	}
}

enum ct_result ct_tcp_update(struct conntrack *ct, unsigned worker, struct ct_conn *c,
	const struct ct_look *look, uint64_t now_ms)
{
	bool liberal = !conntrack_tcp_seq_check(ct) ||
		       atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_DEVICE;
	unsigned dir = look->reply;
	struct side src, dst;
	struct verdict v;

	if (bad_flags(look->tcp.flags)) {
		ct_count(ct, worker, CONNTRACK_N_BAD_FLAGS);
		return CT_INVALID;
	}
	for (unsigned i = 0; i < TRIES; i++) {
		src = load_side(c, dir);
		dst = load_side(c, !dir);
		v = judge(&src, &dst, &look->tcp, liberal);
		if (store_sides(c, dir, &src, &dst))
			break;
	}
	if (v.result == CT_INVALID)
		ct_count(ct, worker, CONNTRACK_N_BAD_WINDOW);
	else
		follow(ct, c, v.timeout, &src, &dst, now_ms);
	return v.result;
}
