/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"

const char *const profile_name[] = {
	"l2", "tuple", "v6", "mix", "tables", "control", "special", "frag", "wide"};

/* Kinds of packets that a shape can ask for, and how often each profile does. */
static const struct base {
	uint16_t eth_type;
	uint8_t proto, icmp_type;
	uint8_t weight[P_COUNT]; /* in the order of enum profile */
} bases[] = {
	/* any         */ {0, 0, 0, {8, 1, 1, 3, 4, 1, 4, 1, 0}},
	/* by its type */ {1, 0, 0, {3, 0, 0, 2, 1, 1, 1, 0, 0}},
	/* ARP         */ {0x0806, 0, 0, {1, 0, 0, 3, 3, 9, 3, 0, 0}},
	/* IPv4        */ {0x0800, 0, 0, {2, 3, 0, 3, 3, 1, 3, 4, 0}},
	/* IPv6        */ {0x86dd, 0, 0, {1, 0, 5, 2, 2, 1, 2, 3, 0}},
	/* TCP         */ {0x0800, 6, 0, {0, 6, 0, 3, 4, 0, 3, 3, 1}},
	/* UDP         */ {0x0800, 17, 0, {0, 6, 0, 3, 3, 0, 3, 3, 1}},
	/* SCTP        */ {0x0800, 132, 0, {0, 0, 0, 3, 3, 0, 2, 2, 0}},
	/* ICMP        */ {0x0800, 1, 0, {0, 0, 0, 2, 2, 6, 2, 1, 0}},
	/* IPv4, other */ {0x0800, 1, 0xff, {0, 1, 0, 1, 1, 0, 1, 0, 0}},
	/* TCP, IPv6   */ {0x86dd, 6, 0, {0, 0, 5, 2, 3, 0, 1, 2, 0}},
	/* UDP, IPv6   */ {0x86dd, 17, 0, {0, 0, 5, 2, 2, 0, 1, 2, 0}},
	/* SCTP, IPv6  */ {0x86dd, 132, 0, {0, 0, 3, 1, 1, 0, 1, 0, 0}},
	/* ICMPv6      */ {0x86dd, 58, 0, {0, 0, 3, 3, 2, 5, 2, 1, 0}},
	/* ND solicit  */ {0x86dd, 58, 135, {0, 0, 3, 3, 2, 6, 2, 0, 0}},
	/* ND advert   */ {0x86dd, 58, 136, {0, 0, 3, 3, 2, 6, 2, 0, 0}},
};
#define N_BASES (sizeof(bases) / sizeof(bases[0]))

static const struct base *pick_base(struct program *p)
{
	unsigned total = 0, at;

	for (unsigned i = 0; i < N_BASES; i++)
		total += bases[i].weight[p->profile];
	at = rng_below(&p->rng, total);
	for (unsigned i = 0;; i++) {
		if (at < bases[i].weight[p->profile])
			return &bases[i];
		at -= bases[i].weight[p->profile];
	}
}

bool program_uses(const struct program *p, enum fid id)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		if (p->reg[i] == id)
			return true;
	return false;
}

struct value program_value(struct program *p, enum fid id)
{
	return p->pool[id][rng_below(&p->rng, POOL)];
}

/* ---- shapes ---- */

static void add(struct shape *s, enum fid id, struct value value, struct value mask, bool fixed)
{
	struct match *m = &s->match;

	s->fixed[m->n] = fixed;
	m->c[m->n++] = (struct component){id, value, mask};
}

static void add_fixed(struct shape *s, enum fid id, uint64_t v)
{
	add(s, id, value_u64(id, v), field_full(id), true);
}

static bool has(const struct match *m, enum fid id)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->c[i].id == id)
			return true;
	return false;
}

static void add_base(struct program *p, struct shape *s)
{
	const struct base *b = pick_base(p);
	struct match *m = &s->match;

	if (b->eth_type == 1) {
		add(s, D_ETH_TYPE, (struct value){{0}}, field_full(D_ETH_TYPE), false);
		return;
	}
	m->eth_type = b->eth_type;
	if (b->eth_type)
		add_fixed(s, D_ETH_TYPE, b->eth_type);
	if (b->icmp_type == 0xff) {
		add(s, D_IP_PROTO, (struct value){{0}}, field_full(D_IP_PROTO), false);
		return;
	}
	m->proto = b->proto;
	if (b->proto)
		add_fixed(s, D_IP_PROTO, b->proto);
	m->icmp_type = b->icmp_type;
	if (b->icmp_type) {
		add_fixed(s, D_ICMP6_TYPE, b->icmp_type);
		add_fixed(s, D_ICMP6_CODE, 0);
	}
}

static void add_vlan(struct program *p, struct shape *s)
{
	unsigned how = rng_below(&p->rng, 10);
	struct value present = value_u64(D_VLAN_VID, 0x1000);

	if (how > 6 && p->rare->match[D_VLAN_VID] && rng_chance(&p->rng, 75))
		how = 6; /* its parts, that is */
	s->match.untagged = how == 0;
	s->match.tagged = how > 0;
	if (how == 0)
		add_fixed(s, D_VLAN_VID, 0);
	else if (how == 1)
		add(s, D_VLAN_VID, present, present, true);
	else
		add(s, D_VLAN_VID, present,
			field_mask(&p->rng, D_VLAN_VID,
				how < 7    ? K_EXACT
				: how == 7 ? K_PREFIX
					   : K_ANY),
			false);
	if (how && rng_chance(&p->rng, 30))
		add(s, D_VLAN_PCP, present, field_full(D_VLAN_PCP), false);
}

static void add_register(struct program *p, struct shape *s)
{
	unsigned how = rng_below(&p->rng, 10);
	enum fid id = p->reg[how < 3 ? 0 : how < 5 ? 1 : how < 8 ? 2 : 3];

	if (has(&s->match, id))
		return;
	how = rng_below(&p->rng, 10);
	add(s, id, (struct value){{0}},
		field_mask(&p->rng, id,
			how < 5   ? K_EXACT
			: how < 8 ? K_PREFIX
				  : K_ANY),
		false);
}

static bool forwarding_only(const struct program *p)
{
	return p->profile == P_L2 || p->profile == P_TUPLE || p->profile == P_WIDE;
}

/* Whether a shape may ask for the field, over and above its base. */
static bool usable(const struct program *p, const struct shape *s, unsigned table, enum fid id)
{
	const struct match *m = &s->match;

	if (has(m, id) || id == D_ETH_TYPE || id == D_IP_PROTO || fields[id].layer == L_VLAN ||
		id == D_VLAN_VID)
		return false;
	if (!layer_holds(fields[id].layer, m->eth_type, m->proto, m->icmp_type))
		return false;
	if (id == D_IP_FRAG)
		return p->fragments;
	/* Whether a first fragment has ports to be matched, OpenFlow 1.3 leaves open. */
	if (p->fragments && fields[id].layer >= L_TCP && id != D_TCP_FLAGS)
		return false;
	if (forwarding_only(p))
		return id == D_IN_PORT || id == D_ETH_DST || id == D_ETH_SRC || id == D_IPV4_SRC ||
		       id == D_IPV4_DST || fields[id].layer == L_TCP || fields[id].layer == L_UDP;
	if (id == D_PKT_MARK)
		return table > 0;
	if (id >= D_FIRST_REG)
		return table && program_uses(p, id);
	return true;
}

/* How gladly a field is chosen: what only some packets have comes first, so that it is met. */
static unsigned liking(enum fid id, unsigned table)
{
	if (id >= D_FIRST_XXREG)
		return 5;
	if (id >= D_FIRST_XREG)
		return 8;
	if (id >= D_FIRST_REG)
		return 16;
	if (id == D_METADATA)
		return table ? 6 : 1;
	if (id == D_PKT_MARK)
		return 5;
	if (id == D_IP_FRAG)
		return 16;
	switch (fields[id].layer) {
	case L_NONE:
		return 2;
	case L_IP:
		return 2;
	default:
		return 4;
	}
}

/* Rare fields, a quarter of that. */
static unsigned weight(const struct program *p, enum fid id, unsigned table)
{
	unsigned n = liking(id, table);

	return p->rare->match[id] ? (n + 3) / 4 : n;
}

static enum fid pick_field(struct program *p, const struct shape *s, unsigned table)
{
	unsigned total = 0, at;

	for (unsigned id = 0; id < D_MAX; id++)
		if (usable(p, s, table, (enum fid)id))
			total += weight(p, (enum fid)id, table);
	if (!total)
		return D_MAX;
	at = rng_below(&p->rng, total);
	for (unsigned id = 0; id < D_MAX; id++) {
		if (!usable(p, s, table, (enum fid)id))
			continue;
		if (at < weight(p, (enum fid)id, table))
			return (enum fid)id;
		at -= weight(p, (enum fid)id, table);
	}
	return D_MAX;
}

static void shape_generate(struct program *p, unsigned table, struct shape *s)
{
	unsigned extra = rng_range(&p->rng, 0, 3);

	add_base(p, s);
	if (rng_chance(&p->rng, p->profile == P_L2 ? 50 : 20) && p->profile != P_WIDE)
		add_vlan(p, s);
	/* Tables behind the first mostly ask for what those before them wrote. */
	for (unsigned i = 0; i < 3 && p->profile == P_TABLES && table; i++)
		if (rng_chance(&p->rng, i ? 75 : 95))
			add_register(p, s);
	if (p->profile == P_WIDE)
		extra = 4;
	else if (!s->match.n && !extra)
		extra = 1;
	for (unsigned i = 0; i < extra && s->match.n < MAX_COMPONENTS; i++) {
		enum fid id = pick_field(p, s, table);
		unsigned how = rng_below(&p->rng, 10);
		enum mask_kind kind = how < 5 ? K_EXACT : how < 8 ? K_PREFIX : K_ANY;

		if (id == D_MAX)
			break;
		if (id == D_IP_FRAG && how < 4) {
			/* A mask of its own: values of the other kind would overlap it. */
			add_fixed(s, id, FRAG_NOT_LATER);
			continue;
		}
		if (!fields[id].maskable || p->profile == P_WIDE)
			kind = K_EXACT;
		add(s, id, (struct value){{0}}, field_mask(&p->rng, id, kind), false);
	}
}

/* ---- flows ---- */

static bool same_match(const struct match *a, const struct match *b)
{
	return a->n == b->n && !memcmp(a->c, b->c, a->n * sizeof(a->c[0]));
}

static struct flow *flow_add(
	struct program *p, unsigned table, uint16_t priority, const struct match *m)
{
	struct flow *f;

	for (unsigned i = 0; i < p->n_flows; i++) {
		f = &p->flows[i];
		if (f->table == table && f->priority == priority && same_match(&f->match, m))
			return NULL;
	}
	if (p->n_flows == MAX_FLOWS)
		return NULL;
	f = &p->flows[p->n_flows++];
	*f = (struct flow){.cookie = ++p->next_cookie,
		.table = (uint8_t)table,
		.priority = priority,
		.match = *m};
	f->present = true;
	return f;
}

/* Fields behind the IP header: a later fragment has none of them. */
static bool has_transport(const struct match *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (fields[m->c[i].id].layer >= L_TCP)
			return true;
	return false;
}

static uint8_t frag_value(struct program *p, const struct match *m)
{
	uint8_t v = (uint8_t)rng_below(&p->rng, 3);

	return v == FRAG_LATER && has_transport(m) ? FRAG_NO : v;
}

/* From a shape's priority to that of its flows that lie above: no other shape has it. */
#define ABOVE 60

/* A flow of the shape with values of the pool; NULL if it has that one already. */
static struct flow *flow_of_shape(struct program *p, unsigned table, const struct shape *s)
{
	struct match m = s->match;

	for (unsigned i = 0; i < m.n; i++) {
		struct component *c = &m.c[i];

		if (s->fixed[i])
			continue;
		c->value = program_value(p, c->id);
		if (p->profile == P_WIDE && fields[c->id].bits == 16)
			c->value = value_u64(c->id, rng_range(&p->rng, 1, 65535));
		if (c->id == D_IP_FRAG)
			c->value.b[0] = frag_value(p, &m);
		if (c->id == D_IN_PORT && rng_chance(&p->rng, 8))
			c->value = value_u64(
				D_IN_PORT, rng_chance(&p->rng, 50) ? PORT_LOCAL : PORT_UNBOUND);
		if (c->id != D_IP_FRAG)
			for (unsigned j = 0; j < 16; j++)
				c->value.b[j] &= c->mask.b[j];
	}
	/* Now and then the same match lies above another's. */
	return flow_add(
		p, table, (uint16_t)(s->priority + (rng_chance(&p->rng, 12) ? ABOVE : 0)), &m);
}

static void print_match(FILE *out, const struct match *m)
{
	char text[96];

	for (unsigned i = 0; i < m->n; i++) {
		const struct component *c = &m->c[i];

		if (c->id == D_IN_PORT && value_get(D_IN_PORT, &c->value) == PORT_LOCAL)
			snprintf(text, sizeof(text), "LOCAL");
		else
			field_print(text, sizeof(text), c->id, &c->value, &c->mask);
		fprintf(out, ",%s=%s", fields[c->id].name, text);
	}
}

static void print_meta(FILE *meta, const struct flow *f)
{
	fprintf(meta, "0x%x", f->cookie);
	for (unsigned i = 0; i < f->match.n; i++) {
		const struct component *c = &f->match.c[i];
		enum mask_kind k = field_mask_kind(c->id, &c->mask);

		if (c->id == D_IP_FRAG)
			k = c->value.b[0] == FRAG_NOT_LATER ? K_ANY : K_EXACT;
		fprintf(meta, " %s:%s", fields[c->id].name, mask_kind_name[k]);
	}
	fprintf(meta, "\n");
}

static void write_add(struct program *p, struct flow *f, FILE *flows, FILE *meta)
{
	char actions[1024];

	actions_generate(p, f, actions, sizeof(actions));
	fprintf(flows, "add table=%u,priority=%u,cookie=0x%x", p->tables[f->table], f->priority,
		f->cookie);
	print_match(flows, &f->match);
	fprintf(flows, ",actions=%s\n", actions);
	print_meta(meta, f);
}

static void write_new(struct program *p, unsigned table, const struct shape *s, unsigned n,
	FILE *flows, FILE *meta)
{
	while (n--) {
		struct flow *f = flow_of_shape(p, table, s);

		if (f)
			write_add(p, f, flows, meta);
	}
}

/* Every table has a flow for what nothing else catches, mostly. */
static void write_default(struct program *p, unsigned table, FILE *flows, FILE *meta)
{
	struct match none = {.n = 0};
	struct flow *f;

	if (rng_chance(&p->rng, 8))
		return;
	f = flow_add(p, table, rng_chance(&p->rng, 50) ? 0 : 1, &none);
	if (f)
		write_add(p, f, flows, meta);
}

static void write_initial(struct program *p, FILE *flows, FILE *meta)
{
	fprintf(flows, "delete\n");
	fprintf(flows,
		"add table=0,priority=65535,cookie=0xfe,eth_type=0x%x,actions=CONTROLLER:65535\n",
		FENCE_ETH_TYPE);
	for (unsigned t = 0; t < p->n_tables; t++) {
		for (unsigned s = 0; s < p->n_shapes[t]; s++) {
			unsigned n = p->profile == P_WIDE ? 500 : rng_range(&p->rng, 2, 12);

			write_new(p, t, &p->shapes[t][s], n, flows, meta);
		}
		write_default(p, t, flows, meta);
	}
}

static struct flow *pick_present(struct program *p)
{
	for (int tries = 0; tries < 50; tries++) {
		struct flow *f = &p->flows[rng_below(&p->rng, p->n_flows)];

		if (f->present && f->match.n)
			return f;
	}
	return NULL;
}

/* One flow-mod on a flow that is there. */
static void write_change(struct program *p, FILE *flows, FILE *meta)
{
	struct flow *f = pick_present(p);
	unsigned how = rng_below(&p->rng, 10);
	bool loose = f && f->match.n >= 3 && rng_chance(&p->rng, 30);
	char actions[1024];

	if (!f)
		return;
	if (how < 4) {
		fprintf(flows, loose ? "delete table=%u" : "delete_strict table=%u,priority=%u",
			p->tables[f->table], f->priority);
		print_match(flows, &f->match);
		fprintf(flows, "\n");
		f->present = false;
	} else if (how == 4) {
		fprintf(flows, "delete cookie=0x%x/-1\n", f->cookie);
		f->present = false;
	} else if (how < 8) {
		actions_generate(p, f, actions, sizeof(actions));
		fprintf(flows, loose ? "modify table=%u" : "modify_strict table=%u,priority=%u",
			p->tables[f->table], f->priority);
		print_match(flows, &f->match);
		fprintf(flows, ",actions=%s\n", actions);
	} else {
		/* The same match and priority again: replaces the flow, counters start anew. */
		f->cookie = ++p->next_cookie;
		write_add(p, f, flows, meta);
	}
}

void program_phase(struct program *p, unsigned phase, FILE *flows, FILE *meta)
{
	unsigned changes;

	if (!phase) {
		write_initial(p, flows, meta);
		return;
	}
	changes = rng_range(&p->rng, 3, 10);
	for (unsigned i = 0; i < changes; i++) {
		unsigned t = rng_below(&p->rng, p->n_tables);

		if (rng_chance(&p->rng, 60)) {
			write_change(p, flows, meta);
		} else if (p->n_shapes[t] < MAX_SHAPES && rng_chance(&p->rng, 40)) {
			/* A new mask, above some of what is there and below the rest. */
			struct shape *s = &p->shapes[t][p->n_shapes[t]++];

			shape_generate(p, t, s);
			s->priority = (uint16_t)(50 + 100 * rng_below(&p->rng, MAX_SHAPES) +
						 p->n_shapes[t]);
			write_new(p, t, s, rng_range(&p->rng, 1, 4), flows, meta);
		} else if (p->n_shapes[t]) {
			write_new(p, t, &p->shapes[t][rng_below(&p->rng, p->n_shapes[t])], 2, flows,
				meta);
		}
	}
}

/* ---- the whole ---- */

static enum profile pick_profile(unsigned index)
{
	static const enum profile often[] = {P_L2, P_TUPLE, P_TABLES, P_V6, P_MIX, P_TABLES,
		P_CONTROL, P_TUPLE, P_SPECIAL, P_FRAG, P_TABLES, P_TABLES};

	if (index % 100 == 42)
		return P_WIDE;
	return often[index % (sizeof(often) / sizeof(often[0]))];
}

static void pick_tables(struct program *p)
{
	unsigned step = 0;

	switch (p->profile) {
	case P_TABLES:
		p->n_tables = rng_range(&p->rng, 3, MAX_TABLES);
		break;
	case P_L2:
	case P_TUPLE:
	case P_V6:
	case P_CONTROL:
	case P_FRAG:
		p->n_tables = rng_range(&p->rng, 1, 2);
		break;
	case P_SPECIAL:
		p->n_tables = rng_range(&p->rng, 1, 3);
		break;
	default:
		p->n_tables = 1;
	}
	for (unsigned t = 0; t < p->n_tables; t++) {
		p->tables[t] = (uint8_t)step;
		step += rng_range(&p->rng, 1, 60);
	}
}

static void pick_shapes(struct program *p)
{
	for (unsigned t = 0; t < p->n_tables; t++) {
		unsigned n = p->profile == P_WIDE ? 2 : rng_range(&p->rng, 2, MAX_SHAPES - 3);

		for (unsigned i = 0; i < n; i++) {
			struct shape *s = &p->shapes[t][i];

			shape_generate(p, t, s);
			s->priority = (uint16_t)(20 + 100 * i + rng_below(&p->rng, 10) * (i & 1));
		}
		p->n_shapes[t] = n;
	}
}

int program_init(struct program *p, uint64_t seed, unsigned index, unsigned n_phases,
	const struct rare *rare)
{
	unsigned reg;

	memset(p, 0, sizeof(*p));
	p->rng.s = seed * 0x10001 + index;
	rng_u64(&p->rng);
	p->seed = seed;
	p->index = index;
	p->rare = rare;
	p->flows = calloc(MAX_FLOWS, sizeof(*p->flows));
	if (!p->flows)
		return -ENOMEM;
	p->profile = pick_profile(index);
	p->n_phases = p->profile == P_WIDE ? 1 : n_phases;
	p->next_cookie = 0x100;
	p->fragments = p->profile == P_FRAG;
	p->reserved_ports = p->profile == P_SPECIAL;
	p->controller = p->profile == P_SPECIAL || p->profile == P_CONTROL;
	p->normal = p->profile == P_SPECIAL && rng_chance(&p->rng, 50);
	/* Registers that share no storage; programs take turns with them. */
	reg = (index / 12 * 4 + (index % 12 == 10 ? 2 : index % 12 / 3)) % 16;
	p->reg[0] = (enum fid)(D_FIRST_REG + reg);
	p->reg[1] = (enum fid)(D_FIRST_REG + (reg ^ 1));
	p->reg[2] = (enum fid)(D_FIRST_XREG + (reg / 2 + 3) % 8);
	p->reg[3] = (enum fid)(D_FIRST_XXREG + (reg / 4 + 3) % 4);
	pools_fill(&p->rng, p->pool);
	pick_tables(p);
	p->push_table =
		p->normal || rng_chance(&p->rng, 40) ? MAX_TABLES : rng_below(&p->rng, p->n_tables);
	p->max_tags = p->push_table == MAX_TABLES ? 2 : 1;
	p->pop_in_set = rng_chance(&p->rng, 30);
	pick_shapes(p);
	return 0;
}

void program_free(struct program *p)
{
	free(p->flows);
	p->flows = NULL;
}
