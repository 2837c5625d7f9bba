/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int traffic_init(struct traffic *t, struct program *p)
{
	t->p = p;
	t->n_templates = 0;
	t->templates = calloc(MAX_TEMPLATES, sizeof(*t->templates));
	return t->templates ? 0 : -ENOMEM;
}

void traffic_free(struct traffic *t)
{
	free(t->templates);
	t->templates = NULL;
}

/* A packet of which nothing is known yet. */
static void model_random(struct program *p, struct model *m)
{
	static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x88b5};
	static const uint8_t protos[] = {6, 6, 17, 17, 1, 132, 89};
	struct rng *r = &p->rng;

	memset(m, 0, sizeof(*m));
	for (unsigned id = 0; id < D_MAX; id++)
		m->f[id] = program_value(p, (enum fid)id);
	m->f[D_ETH_TYPE] = value_u64(D_ETH_TYPE, types[rng_below(r, 7)]);
	m->f[D_IP_PROTO] = value_u64(D_IP_PROTO, protos[rng_below(r, 7)]);
	if (model_eth_type(m) == 0x86dd && model_proto(m) == 1)
		m->f[D_IP_PROTO].b[0] = 58;
	if (rng_chance(r, 90))
		m->f[D_IP_TTL].b[0] = 64;
	m->f[D_IP_FRAG].b[0] = p->fragments && rng_chance(r, 50) ? (uint8_t)rng_range(r, 1, 2) : 0;
	if (rng_chance(r, 6))
		m->f[D_IN_PORT] =
			value_u64(D_IN_PORT, rng_chance(r, 50) ? PORT_LOCAL : PORT_UNBOUND);
	m->f[D_VLAN_PCP].b[0] = (uint8_t)rng_below(r, 8);
	m->n_tags = rng_chance(r, p->profile == P_L2 ? 50 : 20) ? rng_range(r, 1, p->max_tags) : 0;
	m->outer_tpid = rng_chance(r, 80) ? 0x8100 : 0x88a8;
	m->inner_tci = (uint16_t)(rng_below(r, 8) << 13 | rng_range(r, 1, 4094));
	m->payload = rng_chance(r, 90) ? rng_range(r, 0, 120) : rng_range(r, 100, 1200);
	m->udp_no_checksum = rng_chance(r, 10);
	m->ip_options = rng_chance(r, 5);
	m->hop_by_hop = rng_chance(r, 8);
	m->destination_options = rng_chance(r, 8);
	m->trailer = rng_chance(r, 15);
	m->salt = rng_u32(r);
}

/* Makes the packet match, as far as earlier matches (`held`) leave it free to. */
static void model_match(
	struct program *p, struct model *m, const struct match *match, struct value held[D_MAX])
{
	for (unsigned i = 0; i < match->n; i++) {
		const struct component *c = &match->c[i];
		struct value *v = &m->f[c->id], *h = &held[c->id];

		if (c->id == D_IP_FRAG) {
			v->b[0] = c->value.b[0] == FRAG_NOT_LATER ? (uint8_t)rng_below(&p->rng, 2)
								  : c->value.b[0];
			continue;
		}
		for (unsigned b = 0; b < fields[c->id].bytes; b++) {
			uint8_t free_bits = c->mask.b[b] & ~h->b[b];

			v->b[b] = (uint8_t)((v->b[b] & ~free_bits) | (c->value.b[b] & free_bits));
			h->b[b] |= c->mask.b[b];
		}
		if (c->id == D_VLAN_VID && !h->b[15]) {
			h->b[15] = 1; /* the number of tags is settled */
			if (match->untagged)
				m->n_tags = 0;
			else if (!m->n_tags)
				m->n_tags = 1;
		}
	}
}

static bool carried(enum fid id)
{
	return id == D_METADATA || id == D_PKT_MARK || id >= D_FIRST_REG;
}

/* Whether a packet with this metadata and these registers can match. */
static bool reachable(const struct match *m, const struct value state[D_MAX])
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct component *c = &m->c[i];

		for (unsigned b = 0; carried(c->id) && b < fields[c->id].bytes; b++)
			if ((state[c->id].b[b] ^ c->value.b[b]) & c->mask.b[b])
				return false;
	}
	return true;
}

static bool reads_register(const struct match *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->c[i].id >= D_FIRST_REG)
			return true;
	return false;
}

static const struct flow *pick_flow(
	struct program *p, unsigned table, const struct value state[D_MAX])
{
	const struct flow *last = NULL;

	/* Most ways ask for a flow that reads a register, if there is one. */
	bool read = table && rng_chance(&p->rng, 75);

	for (int tries = 0; tries < 80; tries++) {
		const struct flow *f = &p->flows[rng_below(&p->rng, p->n_flows)];

		/* Flows that are gone are asked for, too: their packets must go elsewhere now. */
		if (f->table != table || (!f->present && !rng_chance(&p->rng, 20)))
			continue;
		if (reachable(&f->match, state) &&
			(!read || tries > 60 || reads_register(&f->match)))
			return f;
		last = f;
	}
	return last;
}

static void carry(const struct flow *f, struct value state[D_MAX])
{
	for (unsigned i = 0; i < f->n_writes; i++) {
		const struct component *c = &f->writes[i];

		for (unsigned b = 0; b < fields[c->id].bytes; b++)
			state[c->id].b[b] = (uint8_t)((state[c->id].b[b] & ~c->mask.b[b]) |
						      (c->value.b[b] & c->mask.b[b]));
	}
}

static void mutate(struct program *p, struct model *m)
{
	enum fid id = (enum fid)rng_below(&p->rng, D_FIRST_REG);

	if (id == D_ETH_TYPE || id == D_IP_PROTO || id == D_IP_FRAG || id == D_IN_PORT)
		return;
	if (rng_chance(&p->rng, 50)) {
		m->f[id] = program_value(p, id);
	} else if (fields[id].bits > 8) {
		unsigned bit = rng_below(&p->rng, fields[id].bits > 24 ? 24 : 12);

		m->f[id].b[fields[id].bytes - 1u - bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

/* Keeps the packet within what switches agree on. */
static void settle(struct program *p, struct model *m)
{
	static const enum fid never_zero[] = {D_TCP_SRC, D_TCP_DST, D_UDP_SRC, D_UDP_DST,
		D_SCTP_SRC, D_SCTP_DST, D_ICMP_TYPE, D_ICMP6_TYPE, D_ARP_OP};

	/* Open vSwitch takes an operation above 255 for none, and then writes no field of ARP. */
	m->f[D_ARP_OP].b[0] = 0;
	for (unsigned i = 0; i < sizeof(never_zero) / sizeof(never_zero[0]); i++)
		if (!value_get(never_zero[i], &m->f[never_zero[i]]))
			m->f[never_zero[i]] = p->pool[never_zero[i]][0];
	if (!(value_get(D_VLAN_VID, &m->f[D_VLAN_VID]) & 0xfff) && p->normal)
		m->f[D_VLAN_VID] = p->pool[D_VLAN_VID][0];
	if (m->n_tags > p->max_tags)
		m->n_tags = p->max_tags;
	/* A group address sends nothing. */
	m->f[D_ETH_SRC].b[0] &= 0xfe;
}

static void template_make(struct program *p, struct model *m)
{
	struct value held[D_MAX], state[D_MAX];
	const struct flow *f;

	model_random(p, m);
	memset(held, 0, sizeof(held));
	memset(state, 0, sizeof(state));
	f = pick_flow(p, 0, state);
	for (unsigned depth = 0; f && depth < MAX_TABLES; depth++) {
		model_match(p, m, &f->match, held);
		carry(f, state);
		f = f->next >= 0 ? pick_flow(p, (unsigned)f->next, state) : NULL;
	}
	if (rng_chance(&p->rng, 20))
		mutate(p, m);
	settle(p, m);
}

void traffic_phase(struct traffic *t, unsigned phase, unsigned packets)
{
	unsigned want = t->p->profile == P_WIDE ? MAX_TEMPLATES : packets / 7 + 5;

	if (want > 60 && t->p->profile != P_WIDE)
		want = 60;
	if (phase && t->n_templates > want / 2) {
		/* Half of the old ones stay: what they made is now to be made anew. */
		for (unsigned i = want / 2; i < want; i++)
			template_make(t->p, &t->templates[i]);
		t->n_templates = want;
		return;
	}
	for (unsigned i = 0; i < want; i++)
		template_make(t->p, &t->templates[i]);
	t->n_templates = want;
}

static unsigned port_of(const struct model *m)
{
	uint64_t v = value_get(D_IN_PORT, &m->f[D_IN_PORT]);

	if (v == PORT_LOCAL)
		return 0;
	return v >= 1 && v <= PORTS ? (unsigned)v : 1;
}

unsigned traffic_packet(
	struct traffic *t, unsigned i, uint32_t seq, unsigned *port, uint8_t out[PACKET_MAX])
{
	struct rng *r = &t->p->rng;
	/* Each template once, then at random, the first ones more often. */
	unsigned a = rng_below(r, t->n_templates), b = rng_below(r, t->n_templates);
	struct model m = t->templates[i < t->n_templates ? i : a < b ? a : b];

	m.salt = rng_u32(r);
	if (i >= t->n_templates && rng_chance(r, 10)) {
		mutate(t->p, &m);
		settle(t->p, &m);
	}
	*port = port_of(&m);
	return packet_render(&m, (uint16_t)t->p->index, seq, out);
}
