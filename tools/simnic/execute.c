/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps done on packets, and the way from chain to chain.
 *
 * A step that may hand the packet up (CT, TUNNEL_POP) leaves it as it was when its chain was
 * entered: the driver takes no rule that does something noticed before such a step.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/hash.h"
#include "hal/mutation.h"
#include "tools/simnic/nic.h"
#include "tools/simnic/profile.h"
#include "tools/simnic/steps.h"

#define MAX_CHAINS 8  /* that one packet may be sent to */
#define MAX_NESTED 16 /* lists of steps within each other */

static enum nic_outcome run(
	struct nic *nic, struct nic_packet *p, const uint8_t *at, uint32_t len, unsigned depth);
static void look_up(struct nic *nic, struct nic_packet *p, unsigned depth);

/* Before the frame is written to: outputs that still point at it leave. */
static void own(struct nic *nic, struct nic_packet *p)
{
	if (p->queued)
		nic_port_flush_all(nic);
	p->queued = false;
}

/* A list of its own: whatever it comes to, the packet ends there. */
static void run_whole(
	struct nic *nic, struct nic_packet *p, const uint8_t *at, uint32_t len, unsigned depth)
{
	enum nic_outcome v = run(nic, p, at, len, depth);

	if (v == NIC_AGAIN)
		look_up(nic, p, depth);
	else if (v != NIC_DONE)
		nic->drops++;
}

static void run_copy(struct nic *nic, const struct nic_packet *p, const uint8_t *at, uint32_t len,
	unsigned depth)
{
	struct nic_packet copy;

	if (!len)
		return;
	if (!nic_copy_make(nic, &copy, p, p->len)) {
		nic->drops++;
		return;
	}
	run_whole(nic, &copy, at, len, depth + 1);
	nic_copy_done(nic, &copy);
}

/* ---- output ---- */

struct cut {
	struct nic_port *port;
	uint32_t max_len;
};

static void send_cut(struct nic *nic, struct nic_packet *p, void *ctx)
{
	const struct cut *cut = ctx;
	struct nic_packet part = *p;

	part.len = p->len < cut->max_len ? p->len : cut->max_len;
	nic_port_send(nic, cut->port, &part);
	p->queued = true;
}

/* A super-frame that is to be cut short is first segmented, a partial checksum finished: each frame
 * is cut as if it had come alone. */
static void output_cut(struct nic *nic, struct nic_packet *p, struct cut *cut)
{
	struct nic_packet copy;

	if (p->vnet.gso_type) {
		nic_segment(nic, p, send_cut, cut);
		return;
	}
	if (!nic_partial(p)) {
		send_cut(nic, p, cut);
		return;
	}
	if (!nic_copy_make(nic, &copy, p, p->len)) {
		nic->drops++;
		return;
	}
	nic_checksum_finish(&copy);
	send_cut(nic, &copy, cut);
	nic_copy_done(nic, &copy);
}

static void output(struct nic *nic, struct nic_packet *p, uint32_t id, uint32_t max_len)
{
	struct cut cut = {nic_port_find(nic, id), max_len};

	if (!cut.port) {
		nic->drops++;
		return;
	}
	if (max_len && max_len < p->len) {
		output_cut(nic, p, &cut);
		return;
	}
	nic_port_send(nic, cut.port, p);
	p->queued = true;
}

/* ---- objects ---- */

static void mirror(struct nic *nic, struct nic_packet *p, uint32_t id)
{
	struct nic_object *o = nic_object_find(&nic->objects, HAL_OBJECT_MIRROR, id);

	if (!o)
		return;
	o->stats.packets++;
	o->stats.bytes += p->len;
	output(nic, p, o->u.mirror.port, MUTATE(453, o->u.mirror.max_len, 0));
}

static void group(struct nic *nic, struct nic_packet *p, uint32_t id, unsigned depth)
{
	struct nic_object *o = nic_object_find(&nic->objects, HAL_OBJECT_GROUP, id);
	const uint8_t *at;
	struct sim_bucket b;

	if (!o)
		return;
	o->stats.packets++;
	o->stats.bytes += p->len;
	at = o->u.group.buckets;
	for (uint32_t i = 0; i < o->u.group.n_buckets; i++) {
		memcpy(&b, at, sizeof(b));
		run_copy(nic, p, at + sizeof(b), b.len, depth);
		at += sizeof(b) + b.len;
	}
}

static bool meter(struct nic *nic, struct nic_packet *p, uint32_t id)
{
	struct nic_object *o = nic_object_find(&nic->objects, HAL_OBJECT_METER, id);

	own(nic, p); /* a band may write */
	return !o || nic_meter_run(o, p);
}

/* ---- what a packet is known by ---- */

void nic_flow_id(struct nic_packet *p, struct hal_flow_id *id)
{
	union nic_key key;

	nic_parse(p, &key);
	memset(id, 0, sizeof(*id));
	memcpy(&id->eth_type, key.h.type, 2);
	id->ip_proto = key.h.proto;
	if (id->ip_proto) {
		memcpy(id->src, p->ip4 ? key.h.ip_src : key.h.ip6_src, p->ip4 ? 4 : 16);
		memcpy(id->dst, p->ip4 ? key.h.ip_dst : key.h.ip6_dst, p->ip4 ? 4 : 16);
	} else {
		memcpy(id->src, key.h.src, 6);
		memcpy(id->dst, key.h.dst, 6);
	}
	memcpy(&id->eth[0], key.h.src, 6);
	memcpy(&id->eth[1], key.h.dst, 6);
	if (key.h.type[0] == 0x08 && key.h.type[1] == 0x06) {
		memcpy(&id->arp[0], key.h.ip_src, 4);
		memcpy(&id->arp[1], key.h.ip_dst, 4);
	}
	memcpy(&id->tp_src, key.h.l4_src, 2);
	memcpy(&id->tp_dst, key.h.l4_dst, 2);
}

static void hash(struct nic_packet *p, const uint8_t *arg)
{
	struct sim_act_hash in;
	struct hal_flow_id id;
	rte_be32_t value;

	memcpy(&in, arg, sizeof(in));
	nic_flow_id(p, &id);
	value = rte_cpu_to_be_32(hal_flow_hash(&id, (enum hal_hash)in.algorithm, in.basis));
	memcpy(p->meta.dp_hash, &value, sizeof(value));
}

/* ---- steps ---- */

struct rest {
	const uint8_t *at;
	uint32_t len;
	unsigned depth;
};

static void run_rest(struct nic *nic, struct nic_packet *p, void *ctx)
{
	const struct rest *rest = ctx;

	nic_parse(p, NULL);
	run_whole(nic, p, rest->at, rest->len, rest->depth + 1);
}

static bool chance(uint32_t probability)
{
	return probability == UINT32_MAX ||
	       ((uint32_t)random() << 16 ^ (uint32_t)random()) < probability;
}

/* Which of a step's lists is to be run: NULL for none. */
static const uint8_t *choose(const struct nic_packet *p, const struct nic_step *s, uint32_t *len)
{
	struct nic_lists l = nic_step_lists(s);
	unsigned which = 0;

	if (s->type == ACTION_SAMPLE && !chance(nic_step_number(s)))
		return NULL;
	if (s->type == ACTION_CHECK_PKT_LEN)
		which = nic_frame_len(p) > nic_step_number(s) + MUTATE(452, 0, 1) ? 0 : 1;
	*len = l.len[which];
	return *len ? l.at[which] : NULL;
}

/* A step with lists. On the last step the packet itself takes the list. */
static enum nic_outcome nested(
	struct nic *nic, struct nic_packet *p, const struct nic_step *s, bool last, unsigned depth)
{
	uint32_t len = 0;
	const uint8_t *at = choose(p, s, &len);

	if (at && last)
		return run(nic, p, at, len, depth + 1);
	if (at)
		run_copy(nic, p, at, len, depth);
	return NIC_DONE;
}

/* RECIRC: the last one takes the packet itself. */
static enum nic_outcome recirc(
	struct nic *nic, struct nic_packet *p, uint32_t chain, bool last, unsigned depth)
{
	struct nic_packet copy;

	if (last) {
		p->recirc = chain;
		return NIC_AGAIN;
	}
	if (!nic_copy_make(nic, &copy, p, p->len)) {
		nic->drops++;
		return NIC_DONE;
	}
	copy.recirc = chain;
	look_up(nic, &copy, depth + 1);
	nic_copy_done(nic, &copy);
	return NIC_DONE;
}

static void clear_ct(struct sim_meta *m)
{
	memset(m->ct_state, 0,
		offsetof(struct sim_meta, tun_flags) - offsetof(struct sim_meta, ct_state));
}

/* Steps that do something else than rewriting headers. *known says that it was one of them. */
static enum nic_outcome special(struct nic *nic, struct nic_packet *p, const struct nic_step *s,
	bool last, unsigned depth, bool *known)
{
	*known = true;
	switch (s->type) {
	case ACTION_OUTPUT: {
		uint32_t max_len = p->max_len;

		p->max_len = 0;
		output(nic, p, nic_step_number(s), max_len);
		return NIC_DONE;
	}
	case ACTION_TRUNC:
		p->max_len = nic_step_number(s);
		return NIC_DONE;
	case ACTION_HASH:
		hash(p, s->arg);
		return NIC_DONE;
	case ACTION_CT:
		own(nic, p);
		return nic_ct_run(nic, p, s->arg);
	case ACTION_CT_CLEAR:
		clear_ct(&p->meta);
		return NIC_DONE;
	case ACTION_METER:
		return meter(nic, p, nic_step_number(s)) ? NIC_DONE : NIC_DROPPED;
	case ACTION_GROUP:
		group(nic, p, nic_step_number(s), depth);
		return NIC_DONE;
	case ACTION_MIRROR:
		mirror(nic, p, nic_step_number(s));
		return NIC_DONE;
	case ACTION_TUNNEL_PUSH:
		own(nic, p);
		return nic_tunnel_push(nic, p, s->arg) ? NIC_DONE : NIC_DROPPED;
	case ACTION_TUNNEL_POP:
		own(nic, p);
		return nic_tunnel_pop(nic, p, s->arg);
	case ACTION_RECIRC:
		return recirc(nic, p, nic_step_number(s), last, depth);
	case ACTION_SAMPLE:
	case ACTION_CLONE:
	case ACTION_CHECK_PKT_LEN:
		return nested(nic, p, s, last, depth);
	default:
		*known = false;
		return NIC_DONE;
	}
}

/* A super-frame cannot go through these whole: nobody could cut it later. Nor through a meter that
 * would take some of its frames only. */
static bool needs_frames(
	const struct nic *nic, const struct nic_packet *p, const struct nic_step *s)
{
	struct nic_object *o;

	if (!p->vnet.gso_type)
		return false;
	if (s->type != ACTION_METER)
		return s->type == ACTION_TUNNEL_PUSH || s->type == ACTION_PUSH_MPLS;
	o = nic_object_find(&nic->objects, HAL_OBJECT_METER, nic_step_number(s));
	return o && !nic_meter_takes(o, p);
}

static enum nic_outcome run(
	struct nic *nic, struct nic_packet *p, const uint8_t *at, uint32_t len, unsigned depth)
{
	const uint8_t *end = at + len;
	enum nic_outcome v = NIC_DONE;

	if (depth > MAX_NESTED)
		return NIC_DROPPED;
	while (at < end && v == NIC_DONE) {
		struct nic_step s = nic_step_read(at);
		bool known;

		if (needs_frames(nic, p, &s)) {
			struct rest rest = {at, (uint32_t)(end - at), depth};

			nic_segment(nic, p, run_rest, &rest);
			return NIC_DONE;
		}
		at = s.next;
		v = special(nic, p, &s, at == end, depth, &known);
		if (known)
			continue;
		own(nic, p);
		if (!nic_rewrite(p, s.type, s.arg))
			v = NIC_DROPPED;
	}
	return v;
}

/* ---- chains ---- */

static void count(struct nic *nic, struct nic_rule *rule, uint32_t len)
{
	nic->hits++;
	rule->packets++;
	rule->bytes += MUTATE(202, len, 0);
}

static void uncount(struct nic *nic, struct nic_rule *rule, uint32_t len)
{
	nic->hits--;
	rule->packets--;
	rule->bytes -= MUTATE(202, len, 0);
	nic_ct_uncount(nic);
}

static bool is_half_done(const struct nic_packet *p)
{
	static const struct sim_meta none;

	return p->recirc || memcmp(&p->meta, &none, sizeof(none)) != 0;
}

static void miss(struct nic *nic, const struct nic_packet *p)
{
	bool half_done = is_half_done(p);

	nic->misses++;
	nic->chain_misses += half_done;
	if ((half_done && !nic->profile->caps->resumes) || !nic_uplink_send(nic, p))
		nic->drops++;
}

/* Does the rule's steps. A packet that they hand up goes as it came. */
static enum nic_outcome hit(
	struct nic *nic, struct nic_rule *rule, struct nic_packet *p, unsigned depth)
{
	struct nic_packet before;
	enum nic_outcome v;

	count(nic, rule, p->len);
	if (!rule->actions_len)
		return NIC_DROPPED;
	if (!rule->may_hand_up)
		return run(nic, p, rule->actions, rule->actions_len, depth);
	if (!nic_copy_make(nic, &before, p, p->len))
		return NIC_DROPPED;
	nic->n_charged = 0;
	v = run(nic, p, rule->actions, rule->actions_len, depth);
	if (v == NIC_HAND_UP) {
		uncount(nic, rule, before.len);
		miss(nic, &before);
		v = NIC_DONE;
	}
	nic_copy_done(nic, &before);
	return v;
}

/* A chain is entered with a new look at the headers, as they are by then. */
static void look_up(struct nic *nic, struct nic_packet *p, unsigned depth)
{
	enum nic_outcome v;
	union nic_key key;
	struct nic_rule *rule;

	do {
		if (p->recircs++ > MAX_CHAINS) {
			nic->drops++;
			return;
		}
		nic_parse(p, &key);
		rule = nic_rules_lookup(&nic->rules, p->recirc, &key);
		if (!rule) {
			miss(nic, p);
			return;
		}
		v = hit(nic, rule, p, depth);
	} while (v == NIC_AGAIN);
	if (v != NIC_DONE)
		nic->drops++;
}

void nic_pipeline_run(struct nic *nic, struct nic_packet *p)
{
	nic_parse(p, NULL);
	nic_checksum_normalise(p);
	look_up(nic, p, 0);
}
