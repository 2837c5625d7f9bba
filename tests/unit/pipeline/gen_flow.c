/* SPDX-License-Identifier: Apache-2.0
 *
 * Random flows, ports and stations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

/* ---- matches ---- */

static void gen_mask(enum hal_field_id id, uint8_t *mask)
{
	unsigned bytes = hal_field_bytes(id), len = rnd_below(bytes * 8 + 1);
	unsigned kind = hal_fields[id].maskable == MASK_ANY ? rnd_below(6) : 0;
	uint8_t ones[HAL_VALUE_MAX];

	hal_field_ones(id, ones);
	for (unsigned i = 0; i < bytes; i++) {
		mask[i] = ones[i];
		if (kind == 4) /* a prefix */
			mask[i] &= (uint8_t)(i * 8 >= len       ? 0
					     : i * 8 + 8 <= len ? 0xff
								: 0xff00 >> (len - i * 8));
		else if (kind == 5)
			mask[i] &= (uint8_t)(rnd() >> 8);
	}
}

/* What the field is only there with, taken from the packet. */
static void add_prerequisites(struct hal_match *m, enum hal_field_id id, const struct hal_key *k)
{
	struct xlate_key need = {0};
	const uint64_t *n = (const uint64_t *)&need, *from = (const uint64_t *)k;
	uint64_t *v = (uint64_t *)&m->value, *mask = (uint64_t *)&m->mask;

	hal_field_prereq_mask(id, &need);
	need.dp.ip_frag = 0;
	for (unsigned i = 0; i < HAL_KEY_WORDS; i++) {
		mask[i] |= n[i];
		v[i] |= from[i] & n[i];
	}
}

static void add_field(struct hal_match *m, enum hal_field_id id, const struct hal_key *k)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

	add_prerequisites(m, id, k);
	hal_field_get(id, k, value);
	gen_mask(id, mask);
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		value[i] &= mask[i];
	hal_match_set(m, id, value, mask);
}

static const enum hal_field_id match_fields[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_ETH_TYPE,
	FIELD_VLAN_TCI, FIELD_VLAN_VID, FIELD_VLAN_PCP, FIELD_MPLS_LABEL, FIELD_MPLS_TC,
	FIELD_MPLS_BOS, FIELD_MPLS_TTL, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV4_SRC,
	FIELD_IPV4_DST, FIELD_IPV6_SRC, FIELD_IPV6_DST, FIELD_IPV6_FLABEL, FIELD_IP_PROTO,
	FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_IP_TTL, FIELD_IP_FRAG, FIELD_ARP_OP, FIELD_ARP_SPA,
	FIELD_ARP_TPA, FIELD_ARP_SHA, FIELD_ARP_THA, FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_TCP_FLAGS,
	FIELD_UDP_SRC, FIELD_UDP_DST, FIELD_SCTP_SRC, FIELD_SCTP_DST, FIELD_ICMPV4_TYPE,
	FIELD_ICMPV4_CODE, FIELD_ICMPV6_TYPE, FIELD_ICMPV6_CODE, FIELD_ND_TARGET, FIELD_ND_SLL,
	FIELD_ND_TLL, FIELD_PKT_MARK};
#define N_MATCH_FIELDS (sizeof(match_fields) / sizeof(match_fields[0]))

static void add_pipeline_fields(struct hal_match *m)
{
	uint8_t value[8] = {0}, mask[8] = {0};

	if (one_in(3)) {
		value[7] = (uint8_t)rnd_below(8);
		mask[7] = (uint8_t)(1 + rnd_below(7));
		value[7] &= mask[7];
		hal_match_set(m, FIELD_METADATA, value, mask);
	}
	if (one_in(3)) {
		memset(mask, 0, sizeof(mask));
		memset(value, 0, sizeof(value));
		value[3] = (uint8_t)rnd_below(4);
		mask[3] = (uint8_t)(1 + rnd_below(3));
		value[3] &= mask[3];
		hal_match_set(m, FIELD_REG0, value, mask);
	}
	if (one_in(4)) {
		memset(mask, 0, sizeof(mask));
		memset(value, 0, sizeof(value));
		mask[3] = (uint8_t)(1u << rnd_below(6));
		value[3] = one_in(2) ? mask[3] : 0;
		hal_match_set(m, FIELD_CT_STATE, value, mask);
	}
}

void gen_match(struct hal_match *m, unsigned table)
{
	unsigned n = rnd_below(4);
	struct hal_key k;

	memset(m, 0, sizeof(*m));
	gen_key(&k);
	if (one_in(3))
		hal_match_set_u64(m, FIELD_IN_PORT, 1 + rnd_below(GEN_PORTS));
	while (n--) {
		enum hal_field_id id = match_fields[rnd_below(N_MATCH_FIELDS)];
		struct xlate_key ones;

		memset(&ones, 0xff, sizeof(ones));
		if (hal_field_prereq_ok(id, &k, &ones))
			add_field(m, id, &k);
	}
	if (table)
		add_pipeline_fields(m);
}

/* ---- actions ---- */

static struct of_action *add_action(struct of_actions *acts, enum of_action_type type)
{
	acts->a = realloc(acts->a, (acts->n + 1) * sizeof(*acts->a));
	if (!acts->a)
		abort();
	acts->a[acts->n] = (struct of_action){.type = type};
	return &acts->a[acts->n++];
}

static const enum hal_field_id set_fields[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_VID,
	FIELD_VLAN_PCP, FIELD_VLAN_TCI, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_DST,
	FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_IP_TTL, FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_UDP_DST,
	FIELD_ARP_OP, FIELD_ARP_SPA, FIELD_ND_TARGET, FIELD_MPLS_LABEL, FIELD_PKT_MARK,
	FIELD_METADATA, FIELD_REG0, FIELD_REG0, FIELD_REG1};
#define N_SET_FIELDS (sizeof(set_fields) / sizeof(set_fields[0]))

/* Most often a field that the match lets be set. */
static enum hal_field_id settable(const struct hal_match *m)
{
	enum hal_field_id id = set_fields[rnd_below(N_SET_FIELDS)];

	for (unsigned i = 0; i < 8 && !hal_field_prereq_ok(id, &m->value, &m->mask); i++)
		id = set_fields[rnd_below(N_SET_FIELDS)];
	return id;
}

static void add_set(struct of_actions *acts, const struct hal_match *m)
{
	enum hal_field_id id = settable(m);
	struct of_action *a = add_action(acts, OFACT_SET_FIELD);
	uint8_t mask[HAL_VALUE_MAX];
	struct hal_key k;

	a->field = id;
	gen_key(&k);
	if (hal_field_is_dp(id))
		hal_field_get(id, &k, a->value);
	else
		a->value[hal_field_bytes(id) - 1] = (uint8_t)rnd_below(8);
	gen_mask(id, mask);
	hal_field_ones(id, a->mask);
	if (memcmp(mask, a->mask, hal_field_bytes(id))) {
		a->has_mask = true;
		memcpy(a->mask, mask, hal_field_bytes(id));
	}
	for (unsigned i = 0; i < hal_field_bytes(id); i++)
		a->value[i] &= a->has_mask ? a->mask[i] : 0xff;
}

static void add_move(struct of_actions *acts, const struct hal_match *m)
{
	static const enum hal_field_id sources[] = {FIELD_ETH_SRC, FIELD_IPV4_SRC, FIELD_IPV4_DST,
		FIELD_TCP_SRC, FIELD_VLAN_TCI, FIELD_IP_TTL, FIELD_REG0, FIELD_METADATA,
		FIELD_IN_PORT};
	enum hal_field_id src = FIELD_ETH_SRC, dst = one_in(2) ? FIELD_REG0 : settable(m);
	struct of_action *a;
	unsigned max;

	for (unsigned i = 0; i < 8; i++) {
		src = sources[rnd_below(sizeof(sources) / sizeof(sources[0]))];
		if (hal_field_prereq_ok(src, &m->value, &m->mask))
			break;
	}
	max = hal_fields[src].bits < hal_fields[dst].bits ? hal_fields[src].bits
							  : hal_fields[dst].bits;
	a = add_action(acts, OFACT_MOVE);
	a->field = src;
	a->dst_field = dst;
	a->n_bits = (uint16_t)(1 + rnd_below(max));
	a->src_ofs = (uint16_t)rnd_below(hal_fields[src].bits - a->n_bits + 1u);
	a->dst_ofs = (uint16_t)rnd_below(hal_fields[dst].bits - a->n_bits + 1u);
}

static uint32_t some_output(void)
{
	static const uint32_t special[] = {OF_PORT_NORMAL, OF_PORT_NORMAL, OF_PORT_FLOOD,
		OF_PORT_ALL, OF_PORT_IN_PORT, OF_PORT_LOCAL, OF_PORT_CONTROLLER};

	if (one_in(4))
		return special[rnd_below(sizeof(special) / sizeof(special[0]))];
	return 1 + rnd_below(GEN_PORTS + 2); /* the last ones may be patch ports, or missing */
}

static void add_output(struct of_actions *acts)
{
	struct of_action *a = add_action(acts, OFACT_OUTPUT);

	a->port = some_output();
	a->max_len = 64;
}

static void add_mpls(struct of_actions *acts)
{
	struct of_action *a = add_action(acts, one_in(2) ? OFACT_PUSH_MPLS : OFACT_POP_MPLS);

	a->eth_type = a->type == OFACT_POP_MPLS && one_in(2) ? 0x800 : 0x8847;
}

void gen_action(struct of_actions *acts, const struct hal_match *m, unsigned table, bool set)
{
	struct of_action *a;

	switch (rnd_below(set ? 9 : 14)) {
	case 0:
	case 1:
	case 2:
		add_set(acts, m);
		break;
	case 3:
		a = add_action(acts, OFACT_PUSH_VLAN);
		a->eth_type = one_in(4) ? 0x88a8 : 0x8100;
		break;
	case 4:
		add_action(acts, OFACT_POP_VLAN);
		break;
	case 5:
		add_action(acts, OFACT_DEC_NW_TTL);
		break;
	case 6:
		if (one_in(3) || m->value.dp.eth_type == RTE_BE16(0x8847))
			add_mpls(acts);
		else
			add_move(acts, m);
		break;
	case 7:
	case 8:
		add_output(acts);
		break;
	case 9:
		a = add_action(acts, OFACT_RESUBMIT);
		a->table = (uint8_t)(table + 1);
		a->port = one_in(3) ? 1 + rnd_below(GEN_PORTS) : OF_PORT_IN_PORT;
		break;
	case 10:
		a = add_action(acts, one_in(2) ? OFACT_SET_VLAN_VID_10 : OFACT_SET_VLAN_PCP_10);
		a->vlan = (uint16_t)rnd_below(8);
		break;
	case 11:
	case 12:
		gen_nested(acts, m, table);
		break;
	default:
		add_output(acts);
		break;
	}
}

/* Rare headers and steps get flows of their own, so that they occur at all. */
static void gen_match_rare(struct hal_match *m, unsigned table, struct of_actions *acts)
{
	static const uint16_t types[] = {0x800, 0x86dd, 0x8847, 0x8847};
	unsigned type = rnd_below(4);

	gen_match(m, table);
	memset(&m->value.dp, 0, sizeof(m->value.dp));
	memset(&m->mask.dp, 0, sizeof(m->mask.dp));
	hal_match_set_u64(m, FIELD_ETH_TYPE, types[type]);
	if (type >= 2)
		add_mpls(acts);
	else if (one_in(3))
		add_action(acts, OFACT_DEC_NW_TTL);
	else
		gen_ct(acts, table);
	if (one_in(2))
		add_output(acts);
}

void gen_flow(struct of_flow_mod *fm)
{
	static uint64_t cookie;
	unsigned table = one_in(2) ? 0 : rnd_below(GEN_TABLES), n = rnd_below(4);

	*fm = (struct of_flow_mod){
		.command = OF_FLOW_ADD,
		.version = 4,
		.table = (uint8_t)table,
		.priority = (uint16_t)rnd_below(12),
		.cookie = ++cookie,
		.flags = OF_FLOW_CHECK_OVERLAP,
		.out_port = OF_PORT_ANY,
		.out_group = OF_GROUP_ANY,
	};
	if (one_in(5))
		gen_match_rare(&fm->match, table, &fm->ins.apply);
	else
		gen_match(&fm->match, table);
	while (n--)
		gen_action(&fm->ins.apply, &fm->match, table, false);
	if (one_in(4))
		for (n = rnd_below(4); n--;)
			gen_action(&fm->ins.write, &fm->match, table, true);
	fm->ins.clear = one_in(16);
	if (table + 1 < GEN_TABLES && one_in(2)) {
		fm->ins.has_goto = true;
		fm->ins.goto_table = (uint8_t)(table + 1 + rnd_below(GEN_TABLES - table - 1));
		if (one_in(2)) {
			fm->ins.has_metadata = true;
			fm->ins.metadata = rnd_below(8);
			fm->ins.metadata_mask = rnd_below(8);
		}
	} else if (!one_in(4)) {
		add_output(&fm->ins.apply);
	}
}

bool gen_flow_add(void)
{
	struct of_flow_mod fm;
	enum of_error error;

	gen_flow(&fm);
	error = pl_flow_mod(rig.br, &fm);
	of_instructions_free(&fm.ins);
	return !error;
}

struct flow *gen_some_flow(unsigned n_tables)
{
	struct flow_table *t = &rig.br->tables[rnd_below(n_tables)];
	unsigned skip = t->n ? rnd_below(t->n) : 0;
	struct flow *f;

	TAILQ_FOREACH (f, &t->flows, order)
		if (!skip--)
			return f;
	return NULL;
}

void gen_flow_change(enum of_flow_mod_command command, uint16_t flags)
{
	struct flow *f = gen_some_flow(GEN_TABLES);
	struct of_flow_mod fm;

	if (!f)
		return;
	gen_flow(&fm);
	fm.command = command;
	fm.table = f->table;
	fm.priority = f->priority;
	fm.flags = flags;
	hal_cmatch_expand(f->match, &fm.match);
	if (fm.ins.has_goto && fm.ins.goto_table <= fm.table)
		fm.ins.has_goto = false;
	pl_flow_mod(rig.br, &fm);
	of_instructions_free(&fm.ins);
}

/* ---- ports and stations ---- */

void gen_port(struct pl_bridge *br, uint32_t number, struct pl_port_config *cfg)
{
	static const uint16_t vids[] = {0, 1, 2, 10, 20};

	memset(cfg, 0, sizeof(*cfg));
	snprintf(cfg->name, sizeof(cfg->name), "%s-p%u", pl_bridge_name(br), number);
	cfg->number = number;
	cfg->dp_port = rig_dp_port(br, number);
	cfg->vlan_mode = (enum pl_vlan_mode)rnd_below(4);
	if (one_in(2))
		cfg->vlan_mode = PL_VLAN_TRUNK;
	if (cfg->vlan_mode != PL_VLAN_TRUNK)
		cfg->tag = vids[1 + rnd_below(4)];
	if (cfg->vlan_mode != PL_VLAN_ACCESS && one_in(4))
		for (unsigned i = 0; i < 3; i++)
			cfg->trunks[0] |= 1ull << vids[rnd_below(5)];
}

void gen_station(void)
{
	static const uint16_t vids[] = {0, 0, 1, 2, 10, 20};
	char mac[18];

	snprintf(mac, sizeof(mac), "02:00:00:00:00:0%u", 1 + rnd_below(3));
	rig_learn(one_in(6) ? rig.br2 : rig.br, vids[rnd_below(6)], mac,
		1 + rnd_below(GEN_PORTS + 1));
}

void gen_ports(void)
{
	struct pl_port_config cfg;

	for (unsigned i = 1; i <= GEN_PORTS; i++) {
		gen_port(rig.br, i, &cfg);
		EXPECT(!pl_port_add(rig.br, &cfg), cfg.name);
	}
	for (unsigned i = 1; i <= 2; i++) {
		gen_port(rig.br2, i, &cfg);
		EXPECT(!pl_port_add(rig.br2, &cfg), cfg.name);
	}
	if (one_in(2)) {
		rig_patch(rig.br, GEN_PORTS + 1, "there", "back");
		rig_patch(rig.br2, GEN_PORTS + 1, "back", "there");
		EXPECT(!rig_flow_on(rig.br2, "priority=1,actions=NORMAL"), "flow of bridge 2");
		if (one_in(2))
			EXPECT(!rig_flow_on(rig.br2,
				       "priority=2,ip,actions=dec_ttl,mod_vlan_vid:7,output:1"),
				"flow of bridge 2");
	}
	for (unsigned i = rnd_below(5); i--;)
		gen_station();
}
