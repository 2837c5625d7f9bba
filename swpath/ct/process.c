/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet's pass through connection tracking.
 *
 * ct_state and its like follow ovs-fields(7); where that leaves questions, Open vSwitch's userspace
 * datapath is followed: a packet that was just tracked in the zone keeps what it was told there; a
 * packet that is tracked in another zone begins anew.
 */
#include <errno.h>
#include <netinet/in.h>

#include "hal/mutation.h"
#include "swpath/ct/ct.h"

#define RACE_TRIES 3 /* when another worker creates the same connection */

/* ct_label and what follows it of conntrack; ct_label itself is not of the original tuple. */
#define CT_KEY_AT offsetof(struct hal_key, ct_label)
#define CT_KEY_LEN (offsetof(struct hal_key, tun_flags) - CT_KEY_AT)
#define CT_ORIG_AT offsetof(struct hal_key, ct_ipv6_src)

struct pass {
	struct conntrack *ct;
	unsigned worker;
	struct swpath_packet *p;
	const struct hal_act_ct *act;
	uint64_t now_ms;
	struct ct_look look;
	struct ct_conn *conn;
	uint32_t state; /* HAL_CS_* */
};

static void clear_orig(struct hal_key *key)
{
	key->ct_nw_proto = 0;
	memset((uint8_t *)key + CT_ORIG_AT, 0, offsetof(struct hal_key, tun_flags) - CT_ORIG_AT);
}

static void write_orig(struct hal_key *key, const struct ct_tuple *t)
{
	bool icmp = t->proto == (t->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	clear_orig(key);
	key->ct_nw_proto = t->proto;
	key->ct_tp_src = icmp ? rte_cpu_to_be_16(t->src_type) : t->src_port;
	key->ct_tp_dst = icmp ? 0 : t->dst_port; /* the code of what is tracked is always 0 */
	if (t->ipv6) {
		memcpy(key->ct_ipv6_src, t->src, 16);
		memcpy(key->ct_ipv6_dst, t->dst, 16);
	} else {
		memcpy(&key->ct_nw_src, t->src, 4);
		memcpy(&key->ct_nw_dst, t->dst, 4);
	}
}

static void write_mark_label(struct hal_key *key, const struct ct_conn *c)
{
	key->ct_mark = 0;
	memset(key->ct_label, 0, sizeof(key->ct_label));
	if (!c)
		return;
	key->ct_mark = rte_cpu_to_be_32(atomic_load_explicit(&c->mark, memory_order_relaxed));
	for (unsigned i = 0; i < 2; i++) {
		uint64_t half = atomic_load_explicit(&c->label[i], memory_order_relaxed);

		memcpy(key->ct_label + 8 * i, &half, sizeof(half));
	}
}

void ct_write_invalid(struct swpath_packet *p, uint16_t zone)
{
	p->lean = false;
	p->key->ct_state = rte_cpu_to_be_32(HAL_CS_TRK | HAL_CS_INV);
	p->key->ct_zone = rte_cpu_to_be_16(zone);
	write_mark_label(p->key, NULL);
	clear_orig(p->key);
	p->ct = (struct swpath_ct_seen){NULL, false, false};
}

static bool any(const uint8_t bits[16])
{
	static const uint8_t none[16];

	return memcmp(bits, none, sizeof(none)) != 0;
}

/* The step's mark and label, into the packet and its connection. */
static void set_mark_label(struct pass *s)
{
	const struct hal_act_ct *act = s->act;
	struct hal_key *key = s->p->key;
	struct ct_conn *c = s->conn;
	bool changed = false;

	if (act->mark_mask) {
		uint32_t mark = (rte_be_to_cpu_32(key->ct_mark) & ~act->mark_mask) |
				(act->mark & act->mark_mask);

		key->ct_mark = rte_cpu_to_be_32(mark);
		changed = atomic_exchange_explicit(
				  &c->mark, MUTATE(418, mark, 0), memory_order_relaxed) != mark;
	}
	if (any(act->label_mask)) {
		for (unsigned i = 0; i < sizeof(key->ct_label); i++)
			key->ct_label[i] = (uint8_t)((key->ct_label[i] & ~act->label_mask[i]) |
						     (act->label[i] & act->label_mask[i]));
		for (unsigned i = 0; i < 2; i++) {
			uint64_t half;

			memcpy(&half, key->ct_label + 8 * i, sizeof(half));
			changed |= atomic_exchange_explicit(
					   &c->label[i], half, memory_order_relaxed) != half;
		}
	}
	if (changed)
		ct_tell_changed(s->ct, c);
}

/* Translates once a zone. */
static int translate(struct pass *s, uint16_t last_zone)
{
	const uint32_t both = HAL_CS_SNAT | HAL_CS_DNAT;

	if (!s->conn->nat || (s->state & both && last_zone == s->act->zone))
		return SWPATH_OK;
	s->state = (s->state & ~both) | ct_nat_state(s->conn, s->look.reply);
	return ct_nat_packet(s->p, &s->look, s->conn, s->look.reply);
}

/* ---- a new connection ---- */

static struct ct_conn *make(struct pass *s)
{
	struct ct_conn *c = ct_pool_take(&s->ct->pool);

	if (!c) {
		ct_count(s->ct, s->worker, CONNTRACK_N_NO_MEMORY);
		return NULL;
	}
	c->tuple[0] = s->look.tuple;
	ct_first(s->ct, c, &s->look, s->now_ms);
	if (s->act->flags & HAL_CT_NAT) {
		if (!ct_nat_choose(s->ct, c, s->act, s->now_ms)) {
			ct_count(s->ct, s->worker, CONNTRACK_N_NAT_EXHAUSTED);
			ct_pool_untake(&s->ct->pool, c);
			return NULL;
		}
	} else {
		ct_tuple_reverse(&c->tuple[0], &c->tuple[1]);
	}
	return c;
}

/* Room among all connections and in the zone. */
static bool reserve(struct pass *s)
{
	uint16_t zone = s->look.tuple.zone;
	uint32_t max = atomic_load_explicit(&s->ct->max_conns, memory_order_relaxed);

	if (!ct_zone_take(s->ct, zone)) {
		ct_count(s->ct, s->worker, CONNTRACK_N_ZONE_LIMIT);
		return false;
	}
	if (atomic_fetch_add_explicit(&s->ct->n_conns, 1, memory_order_relaxed) < max)
		return true;
	if (ct_evict(s->ct, s->look.hash)) {
		ct_count(s->ct, s->worker, CONNTRACK_N_EARLY_DROP);
		return true;
	}
	ct_count(s->ct, s->worker, CONNTRACK_N_FULL);
	atomic_fetch_sub_explicit(&s->ct->n_conns, 1, memory_order_relaxed);
	ct_zone_give(s->ct, zone);
	return false;
}

/* 0, or -EEXIST if another worker was faster. */
static int commit(struct pass *s)
{
	struct ct_conn *c;
	int err = 0;

	if (!reserve(s))
		return 0;
	c = make(s);
	if (c) {
		err = ct_insert(s->ct, c, s->now_ms);
		if (!err) {
			ct_count(s->ct, s->worker, CONNTRACK_N_CREATED);
			s->conn = c;
			return 0;
		}
		ct_pool_untake(&s->ct->pool, c);
	}
	atomic_fetch_sub_explicit(&s->ct->n_conns, 1, memory_order_relaxed);
	ct_zone_give(s->ct, s->look.tuple.zone);
	return err;
}

/* ---- the pass ---- */

/* A packet that was translated in this zone already is found by what it was before. */
static void find(struct pass *s, bool natted)
{
	struct ct_look *look = &s->look;
	struct ct_tuple turned;

	if (!natted) {
		s->conn = ct_lookup(s->ct, &look->tuple, look->hash, s->now_ms, &look->reply);
		return;
	}
	ct_tuple_reverse(&look->tuple, &turned);
	s->conn = ct_lookup(s->ct, &turned, ct_hash(s->ct, &turned), s->now_ms, &look->reply);
	if (!s->conn)
		return;
	look->reply = !look->reply;
	look->tuple = s->conn->tuple[look->reply];
	look->hash = s->conn->node[look->reply].hash;
}

/* The same for a packet whose headers were altered since: by the original tuple in its key. */
static void find_by_orig(struct pass *s)
{
	const struct hal_key *key = s->p->key;
	struct ct_tuple t = {.zone = s->act->zone, .proto = key->ct_nw_proto};
	bool icmp = s->look.tuple.proto == (s->look.tuple.ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	if (!key->ct_nw_proto || s->act->flags & HAL_CT_NAT)
		return;
	t.ipv6 = s->look.tuple.ipv6;
	if (t.ipv6) {
		memcpy(t.src, key->ct_ipv6_src, 16);
		memcpy(t.dst, key->ct_ipv6_dst, 16);
	} else {
		memcpy(t.src, &key->ct_nw_src, 4);
		memcpy(t.dst, &key->ct_nw_dst, 4);
	}
	if (icmp) {
		t.src_port = t.dst_port = s->look.tuple.src_port;
		t.src_type = s->look.tuple.src_type;
		t.dst_type = s->look.tuple.dst_type;
		if (t.src_type != rte_be_to_cpu_16(key->ct_tp_src)) {
			t.src_type = s->look.tuple.dst_type;
			t.dst_type = s->look.tuple.src_type;
		}
	} else {
		t.src_port = key->ct_tp_src;
		t.dst_port = key->ct_tp_dst;
	}
	s->conn = ct_lookup(s->ct, &t, ct_hash(s->ct, &t), s->now_ms, &s->look.reply);
	s->look.reply = false;
}

/* True if the packet begins a connection in the place of this one. */
static bool update(struct pass *s)
{
	uint32_t rpl = s->look.reply ? MUTATE(419, HAL_CS_RPL, 0) : 0;

	if (s->look.related) {
		s->state |= MUTATE(420, HAL_CS_REL, HAL_CS_EST) | rpl;
		return false;
	}
	switch (ct_update(s->ct, s->worker, s->conn, &s->look, s->now_ms)) {
	case CT_VALID:
		s->state = (s->state & ~HAL_CS_NEW) | HAL_CS_EST | rpl;
		return false;
	case CT_STILL_NEW:
		s->state |= HAL_CS_NEW;
		return false;
	case CT_INVALID:
		s->state = HAL_CS_INV;
		return false;
	case CT_RENEW:
		break;
	}
	ct_remove(s->ct, s->conn);
	s->conn = NULL;
	return true;
}

static int track_new(struct pass *s)
{
	if (s->look.related || !ct_valid_new(&s->look)) {
		s->state = HAL_CS_INV;
		return 0;
	}
	s->state = HAL_CS_NEW;
	return s->act->flags & HAL_CT_COMMIT ? commit(s) : 0;
}

/* SWPATH_OK, a reason to drop, or -EEXIST (which is none of either) to look again. */
static int track(struct pass *s, uint16_t last_zone)
{
	bool natted = s->state & (HAL_CS_SNAT | HAL_CS_DNAT);

	find(s, natted);
	if (s->conn && s->look.reply && s->act->flags & HAL_CT_FORCE) {
		ct_remove(s->ct, s->conn);
		s->conn = NULL;
	}
	if (s->conn) {
		if (!update(s))
			return s->act->flags & HAL_CT_NAT ? translate(s, last_zone) : SWPATH_OK;
	} else if (natted) {
		find_by_orig(s);
		if (s->conn && !update(s))
			return SWPATH_OK;
	}
	if (track_new(s))
		return -EEXIST;
	if (s->conn && s->act->flags & HAL_CT_NAT)
		return translate(s, last_zone);
	return SWPATH_OK;
}

static void write_result(struct pass *s)
{
	struct hal_key *key = s->p->key;

	s->p->lean = false;
	key->ct_state = rte_cpu_to_be_32(s->state | HAL_CS_TRK);
	key->ct_zone = rte_cpu_to_be_16(s->act->zone);
	write_mark_label(key, s->conn);
	write_orig(key, MUTATE(421, s->conn != NULL, false) ? &s->conn->tuple[0] : &s->look.tuple);
	if (s->conn)
		set_mark_label(s);
	/* Whoever translates is not told the same again: its next pass looks afresh. */
	s->p->ct = (struct swpath_ct_seen){NULL, false, false};
	if (s->conn && !(s->act->flags & HAL_CT_NAT))
		s->p->ct = (struct swpath_ct_seen){s->conn, s->look.reply, s->look.related};
}

/* A packet that was tracked in the zone a moment ago. */
static int again(struct pass *s, const struct ct_datagram *whole, uint16_t last_zone)
{
	struct hal_key *key = s->p->key;
	int drop = SWPATH_OK;

	s->conn = s->p->ct.conn;
	if (s->act->flags & HAL_CT_NAT) {
		/* An ICMP error's quoted packet must be found for it. */
		if (s->p->ct.related &&
			!ct_extract(s->ct, s->worker, s->p, whole, s->act->zone, &s->look))
			s->look.related = false;
		s->look.reply = s->p->ct.reply;
		drop = translate(s, last_zone);
		key->ct_state = rte_cpu_to_be_32(s->state);
		s->p->ct.conn = NULL;
	}
	s->p->lean = false;
	write_mark_label(key, s->conn);
	set_mark_label(s);
	return drop;
}

/* Reads the packet, unless ct_fetch() has. */
static bool look(struct pass *s, const struct ct_datagram *whole)
{
	const struct ct_look *before = s->p->look;

	if (!before)
		return ct_extract(s->ct, s->worker, s->p, whole, s->act->zone, &s->look);
	s->p->look = NULL;
	s->look = *before;
	return before->sound;
}

int ct_process(struct conntrack *ct, unsigned worker, struct swpath_packet *p,
	const struct ct_datagram *whole, const struct hal_act_ct *act, uint64_t now_ms)
{
	uint16_t last_zone = rte_be_to_cpu_16(p->key->ct_zone);
	struct pass s = {.ct = ct, .worker = worker, .p = p, .act = act, .now_ms = now_ms};
	int result = -EEXIST;

	s.state = rte_be_to_cpu_32(p->key->ct_state);
	if (p->ct.conn && p->ct.conn->tuple[0].zone == act->zone && !(act->flags & HAL_CT_FORCE))
		return again(&s, whole, last_zone);
	if (!look(&s, whole)) {
		ct_write_invalid(p, act->zone);
		return SWPATH_OK;
	}
	if (last_zone != act->zone)
		s.state = 0;
	for (unsigned i = 0; i < RACE_TRIES && result == -EEXIST; i++)
		result = track(&s, last_zone);
	write_result(&s);
	return result == -EEXIST ? SWPATH_OK : result;
}

int ct_follow(struct swpath_packet *p, const struct swpath_packet *first)
{
	struct hal_key *to = p->key;
	const struct hal_key *from = first->key;

	to->ct_state = from->ct_state;
	to->ct_zone = from->ct_zone;
	to->ct_mark = from->ct_mark;
	to->ct_nw_proto = from->ct_nw_proto;
	memcpy((uint8_t *)to + CT_KEY_AT, (const uint8_t *)from + CT_KEY_AT, CT_KEY_LEN);
	p->lean = false;
	p->ct = first->ct;
	return from->ct_state & RTE_BE32(HAL_CS_SNAT | HAL_CS_DNAT) ? ct_nat_follow(p, first)
								    : SWPATH_OK;
}
