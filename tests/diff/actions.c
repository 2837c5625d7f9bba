/* SPDX-License-Identifier: Apache-2.0
 *
 * Random instructions of a flow, right for what the flow is known to match.
 */
#include <stdarg.h>
#include <string.h>

#include "program.h"

/* A list being written; `tagged` is what is known of the packet at this point. */
struct list {
	char *buf;
	size_t n, at;
	bool first;
	enum { TAG_UNKNOWN, TAG_YES, TAG_NO } tagged;
	bool pushed, in_set, set_output;
	const struct match *match;
	struct flow *flow;
	struct program *p;
	unsigned table;
};

__attribute__((format(printf, 2, 3))) static void say(struct list *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!l->first && l->at + 1 < l->n)
		l->buf[l->at++] = ',';
	l->first = false;
	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->at, l->n - l->at, fmt, ap);
	va_end(ap);
	l->at += (size_t)n;
}

static bool forwarding_only(const struct program *p)
{
	return p->profile == P_L2 || p->profile == P_TUPLE || p->profile == P_WIDE;
}

/* Later tables are asked for packets that carry this. */
static void note_write(struct list *l, enum fid id, struct value v, struct value mask)
{
	struct flow *f = l->flow;

	if (!l->in_set && f->n_writes < sizeof(f->writes) / sizeof(f->writes[0]))
		f->writes[f->n_writes++] = (struct component){id, v, mask};
}

static void say_set(struct list *l, enum fid id)
{
	struct value v = program_value(l->p, id);
	char text[96];

	if (id == D_VLAN_VID)
		v.b[0] |= 0x10;
	field_print(text, sizeof(text), id, &v, NULL);
	say(l, "set_field:%s->%s", text, fields[id].name);
	if (id == D_PKT_MARK || id >= D_FIRST_REG)
		note_write(l, id, v, field_full(id));
}

static bool may_set(const struct list *l, enum fid id)
{
	const struct program *p = l->p;
	enum layer layer = fields[id].layer;

	if (!fields[id].settable)
		return false;
	if (id == D_VLAN_VID || id == D_VLAN_PCP)
		return l->tagged == TAG_YES && !l->in_set;
	if (!layer_holds(layer, l->match->eth_type, l->match->proto, l->match->icmp_type))
		return false;
	if (id >= D_FIRST_REG)
		return program_uses(p, id) && !l->in_set && p->n_tables > 1;
	/* What a transport checksum covers, where a fragment may have none. */
	if (p->fragments &&
		(layer == L_TCP || layer == L_UDP || layer == L_SCTP || layer == L_ICMP ||
			layer == L_ICMP6 || layer == L_ND || layer == L_NS || layer == L_NA ||
			layer == L_IPV4 || (layer == L_IPV6 && id != D_IPV6_FLABEL)))
		return false;
	/* A type that other fields hang on stays. */
	if (l->match->icmp_type && (id == D_ICMP6_TYPE || id == D_ICMP6_CODE))
		return false;
	return true;
}

/* Deeper headers are rarer, those of few packets most of all; registers are many. */
static unsigned liking(enum fid id)
{
	switch (fields[id].layer) {
	case L_NONE:
		return 1;
	case L_ARP:
	case L_SCTP:
	case L_ICMP:
	case L_ICMP6:
	case L_ND:
	case L_NS:
	case L_NA:
		return 6;
	default:
		return 2;
	}
}

static unsigned set_weight(const struct program *p, enum fid id)
{
	return p->rare->set[id] ? (liking(id) + 1) / 2 : liking(id);
}

static void set_any(struct list *l)
{
	enum fid choice[D_MAX * 6];
	unsigned n = 0;

	for (unsigned id = 0; id < D_MAX; id++)
		for (unsigned w = may_set(l, (enum fid)id) ? set_weight(l->p, (enum fid)id) : 0; w;
			w--)
			choice[n++] = (enum fid)id;
	if (n)
		say_set(l, choice[rng_below(&l->p->rng, n)]);
}

static void push(struct list *l)
{
	struct rng *r = &l->p->rng;
	bool was_untagged = l->tagged == TAG_NO;

	say(l, "push_vlan:0x%x", rng_chance(r, 80) ? 0x8100 : 0x88a8);
	l->pushed = true;
	l->tagged = TAG_YES;
	/* What a tag pushed over another starts with is open: say it. */
	if (!was_untagged || rng_chance(r, 80)) {
		struct value v = program_value(l->p, D_VLAN_VID);

		say(l, "set_field:0x%04x->vlan_vid", (unsigned)value_get(D_VLAN_VID, &v) | 0x1000);
	}
	if (!was_untagged || rng_chance(r, 30))
		say(l, "set_field:%u->vlan_pcp", rng_below(r, 8));
}

static void output(struct list *l)
{
	struct program *p = l->p;
	unsigned how = rng_below(&p->rng, 20);

	if (l->set_output)
		return;
	l->set_output = l->in_set;
	if (p->reserved_ports && how < 2 && !p->normal)
		say(l, "IN_PORT");
	else if (p->reserved_ports && how == 2)
		say(l, "ALL");
	else if (p->reserved_ports && how == 3)
		say(l, "FLOOD");
	else if (p->normal && how < 8)
		say(l, "NORMAL");
	else if (p->reserved_ports && how == 8)
		say(l, "LOCAL");
	else if (p->controller && how == 9)
		say(l, "CONTROLLER:65535");
	else if (forwarding_only(p) && how == 10 && rng_chance(&p->rng, 30))
		say(l, "LOCAL");
	else if (how == 11)
		say(l, "IN_PORT");
	else
		say(l, "output:%u",
			rng_chance(&p->rng, p->rare->unbound ? 1 : 5)
				? PORT_UNBOUND
				: rng_range(&p->rng, 1, PORTS - 1));
}

static bool may_push(const struct list *l)
{
	return l->p->push_table == l->table && !l->pushed;
}

static void vlan_step(struct list *l)
{
	struct program *p = l->p;

	if (may_push(l) && rng_chance(&p->rng, 60)) {
		push(l);
	} else if (l->tagged == TAG_YES && !p->normal && p->pop_in_set == l->in_set) {
		if (rng_chance(&p->rng, 50) || l->in_set) {
			say(l, "pop_vlan");
			l->tagged = TAG_UNKNOWN;
		} else {
			say_set(l, rng_chance(&p->rng, 70) ? D_VLAN_VID : D_VLAN_PCP);
		}
	} else if (may_set(l, D_VLAN_VID)) {
		say_set(l, rng_chance(&p->rng, 70) ? D_VLAN_VID : D_VLAN_PCP);
	}
}

static void step(struct list *l)
{
	struct program *p = l->p;
	bool ip = layer_holds(L_IP, l->match->eth_type, 0, 0);
	unsigned how = rng_below(&p->rng, 20);

	if (forwarding_only(p)) {
		if (how < 10)
			vlan_step(l);
		else
			output(l);
	} else if (how < 4) {
		vlan_step(l);
	} else if (how < 12) {
		set_any(l);
	} else if (how < 14 && ip) {
		say(l, "dec_ttl");
	} else if (how == 14 && ip && !l->in_set) {
		say(l, "mod_nw_ttl:%u", rng_range(&p->rng, 2, 255));
	} else {
		output(l);
	}
}

static void write_set(struct list *l, struct program *p)
{
	struct list s = *l;
	unsigned n = rng_range(&p->rng, 1, 3);

	say(l, "write_actions(");
	s.at = l->at;
	s.first = true;
	s.in_set = true;
	s.set_output = false;
	/* The set runs after the last table, where earlier tables' tags may be gone. */
	if (!p->pop_in_set)
		s.tagged = TAG_UNKNOWN;
	while (n-- && !s.set_output)
		step(&s);
	if (s.first || rng_chance(&p->rng, 70))
		output(&s);
	l->at = s.at;
	l->pushed = s.pushed;
	l->at += (size_t)snprintf(l->buf + l->at, l->n - l->at, ")");
}

static void write_metadata(struct list *l, struct program *p)
{
	struct value v = program_value(p, D_METADATA);
	uint64_t mask = rng_chance(&p->rng, 70) ? UINT64_MAX : rng_u64(&p->rng);
	uint64_t value = value_get(D_METADATA, &v) & mask;

	note_write(l, D_METADATA, value_u64(D_METADATA, value), value_u64(D_METADATA, mask));
	if (mask == UINT64_MAX)
		say(l, "write_metadata:0x%llx", (unsigned long long)value);
	else
		say(l, "write_metadata:0x%llx/0x%llx", (unsigned long long)value,
			(unsigned long long)mask);
}

static int pick_next(struct program *p, const struct flow *f)
{
	unsigned left = p->n_tables - f->table - 1;

	/* Flows that catch everything go on rather than end. */
	if (!left || !rng_chance(&p->rng, f->match.n ? 65 : 85))
		return -1;
	return f->table + 1 + (int)(rng_chance(&p->rng, 75) ? 0 : rng_below(&p->rng, left));
}

void actions_generate(struct program *p, struct flow *f, char *buf, size_t n)
{
	struct list l = {.buf = buf, .n = n, .first = true, .match = &f->match, .flow = f, .p = p};
	unsigned steps = rng_below(&p->rng, 4);

	l.table = f->table;
	l.tagged = f->match.tagged ? TAG_YES : f->match.untagged ? TAG_NO : TAG_UNKNOWN;
	f->n_writes = 0;
	f->next = pick_next(p, f);
	if (f->next < 0 && rng_chance(&p->rng, 9)) {
		snprintf(buf, n, "drop");
		return;
	}
	while (steps--)
		step(&l);
	if (f->next >= 0 && p->n_tables > 1 && rng_chance(&p->rng, 50))
		for (unsigned i = 0; i < REGISTERS; i++)
			if (may_set(&l, p->reg[i]) && rng_chance(&p->rng, 75))
				say_set(&l, p->reg[i]);
	if (f->next < 0 || rng_chance(&p->rng, 10))
		output(&l);
	if (rng_chance(&p->rng, p->n_tables > 1 ? 6 : 1))
		say(&l, "clear_actions");
	if (rng_chance(&p->rng, p->n_tables > 1 ? 30 : 8))
		write_set(&l, p);
	if (f->next >= 0) {
		if (rng_chance(&p->rng, 60))
			write_metadata(&l, p);
		say(&l, "goto_table:%u", p->tables[f->next]);
	}
}
