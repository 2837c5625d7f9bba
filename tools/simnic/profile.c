/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/profile.h"

#include <string.h>

#include <jansson.h>

#define EXACT HAL_MATCH_EXACT
#define PREFIX (HAL_MATCH_EXACT | HAL_MATCH_PREFIX)
#define ANY (HAL_MATCH_EXACT | HAL_MATCH_PREFIX | HAL_MATCH_ANY)

/* clang-format off */
#define NIC_CAPS(RESUMES, BY_OBJECTS) { \
	.match = { \
		[FIELD_DP_PORT] = EXACT, [FIELD_RECIRC_ID] = EXACT, [FIELD_PACKET_TYPE] = EXACT, \
		[FIELD_PKT_MARK] = ANY, [FIELD_DP_HASH] = ANY, \
		[FIELD_CT_STATE] = ANY, [FIELD_CT_ZONE] = EXACT, [FIELD_CT_MARK] = ANY, \
		[FIELD_CT_LABEL] = ANY, [FIELD_CT_NW_PROTO] = EXACT, \
		[FIELD_CT_NW_SRC] = ANY, [FIELD_CT_NW_DST] = ANY, \
		[FIELD_CT_IPV6_SRC] = ANY, [FIELD_CT_IPV6_DST] = ANY, \
		[FIELD_CT_TP_SRC] = ANY, [FIELD_CT_TP_DST] = ANY, \
		[FIELD_TUNNEL_ID] = ANY, [FIELD_TUN_IPV4_SRC] = ANY, [FIELD_TUN_IPV4_DST] = ANY, \
		[FIELD_TUN_IPV6_SRC] = ANY, [FIELD_TUN_IPV6_DST] = ANY, [FIELD_TUN_FLAGS] = ANY, \
		[FIELD_TUN_TOS] = ANY, [FIELD_TUN_TTL] = ANY, [FIELD_TUN_GBP_ID] = ANY, \
		[FIELD_TUN_GBP_FLAGS] = ANY, [FIELD_TUN_OPTS_PRESENT] = ANY, \
		[FIELD_MPLS_LABEL] = ANY, [FIELD_MPLS_TC] = ANY, [FIELD_MPLS_BOS] = ANY, \
		[FIELD_MPLS_TTL] = ANY, [FIELD_MPLS_LSE2] = ANY, [FIELD_MPLS_LSE3] = ANY, \
		[FIELD_ETH_DST] = ANY, [FIELD_ETH_SRC] = ANY, [FIELD_ETH_TYPE] = EXACT, \
		[FIELD_VLAN_TCI] = ANY, [FIELD_VLAN_VID] = ANY, [FIELD_VLAN_PCP] = ANY, \
		[FIELD_VLAN_TPID] = ANY, [FIELD_VLAN2_TCI] = ANY, [FIELD_VLAN2_TPID] = ANY, \
		[FIELD_IPV4_SRC] = ANY, [FIELD_IPV4_DST] = ANY, \
		[FIELD_IPV6_SRC] = ANY, [FIELD_IPV6_DST] = ANY, [FIELD_IPV6_FLABEL] = ANY, \
		[FIELD_IP_PROTO] = EXACT, [FIELD_IP_DSCP] = ANY, [FIELD_IP_ECN] = ANY, \
		[FIELD_NW_TOS] = ANY, [FIELD_IP_TTL] = ANY, [FIELD_IP_FRAG] = ANY, \
		[FIELD_ARP_OP] = EXACT, [FIELD_ARP_SPA] = ANY, [FIELD_ARP_TPA] = ANY, \
		[FIELD_ARP_SHA] = ANY, [FIELD_ARP_THA] = ANY, \
		[FIELD_TCP_SRC] = ANY, [FIELD_TCP_DST] = ANY, [FIELD_TCP_FLAGS] = ANY, \
		[FIELD_UDP_SRC] = ANY, [FIELD_UDP_DST] = ANY, \
		[FIELD_SCTP_SRC] = ANY, [FIELD_SCTP_DST] = ANY, \
		[FIELD_ICMPV4_TYPE] = ANY, [FIELD_ICMPV4_CODE] = ANY, \
		[FIELD_ICMPV6_TYPE] = ANY, [FIELD_ICMPV6_CODE] = ANY, \
		[FIELD_ND_TARGET] = ANY, [FIELD_ND_SLL] = ANY, [FIELD_ND_TLL] = ANY, \
	}, \
	.action = { \
		[ACTION_OUTPUT] = true, [ACTION_PUSH_VLAN] = true, [ACTION_POP_VLAN] = true, \
		[ACTION_SET] = true, [ACTION_DEC_TTL] = true, [ACTION_RECIRC] = true, \
		[ACTION_PUSH_MPLS] = true, [ACTION_POP_MPLS] = true, [ACTION_HASH] = true, \
		[ACTION_CT] = true, [ACTION_CT_CLEAR] = true, [ACTION_METER] = true, \
		[ACTION_TRUNC] = !(BY_OBJECTS), [ACTION_SAMPLE] = true, [ACTION_CLONE] = true, \
		[ACTION_CHECK_PKT_LEN] = true, [ACTION_GROUP] = true, [ACTION_MIRROR] = true, \
		[ACTION_TUNNEL_PUSH] = true, [ACTION_TUNNEL_POP] = (RESUMES), \
	}, \
	.set = { \
		[FIELD_ETH_DST] = true, [FIELD_ETH_SRC] = true, \
		[FIELD_VLAN_TCI] = true, [FIELD_VLAN_VID] = true, [FIELD_VLAN_PCP] = true, \
		[FIELD_IPV4_SRC] = true, [FIELD_IPV4_DST] = true, \
		[FIELD_IPV6_SRC] = true, [FIELD_IPV6_DST] = true, \
		[FIELD_IP_DSCP] = true, [FIELD_IP_ECN] = true, [FIELD_NW_TOS] = true, \
		[FIELD_IP_TTL] = true, \
		[FIELD_TCP_SRC] = true, [FIELD_TCP_DST] = true, \
		[FIELD_UDP_SRC] = true, [FIELD_UDP_DST] = true, \
		[FIELD_PKT_MARK] = true, [FIELD_DP_HASH] = true, \
		[FIELD_MPLS_LABEL] = true, [FIELD_MPLS_TC] = true, [FIELD_MPLS_BOS] = true, \
		[FIELD_MPLS_TTL] = true, \
	}, \
	.object = { \
		[HAL_OBJECT_GROUP] = true, [HAL_OBJECT_METER] = true, [HAL_OBJECT_MIRROR] = true, \
		[HAL_OBJECT_TUNNEL] = true, [HAL_OBJECT_CONNECTION] = true, \
	}, \
	.max_objects = { \
		[HAL_OBJECT_GROUP] = 4096, [HAL_OBJECT_METER] = 4096, [HAL_OBJECT_MIRROR] = 64, \
		[HAL_OBJECT_TUNNEL] = 256, [HAL_OBJECT_CONNECTION] = 262144, \
	}, \
	.set_masked = true, \
	.max_rules = 65536, \
	.max_actions = 1024, \
	.max_ports = 1024, \
	.max_vlan_tags = 2, \
	.outputs_by_group = (BY_OBJECTS), \
	.counts_packets = true, .counts_bytes = true, .counter_bits = 48, \
	.chains = true, .resumes = (RESUMES), .priorities = true, \
	.atomic_update = true, .survives_restart = true, \
}

static const struct hal_caps nic_caps = NIC_CAPS(true, false);
static const struct hal_caps nic_noresume_caps = NIC_CAPS(false, false);
/* Several outputs are a group, outputs that cut are mirrors. */
static const struct hal_caps nic_objects_caps = NIC_CAPS(true, true);

static const struct hal_caps asic_small_caps = {
	.match = {
		[FIELD_DP_PORT] = EXACT, [FIELD_PACKET_TYPE] = EXACT,
		[FIELD_ETH_DST] = ANY, [FIELD_ETH_SRC] = ANY, [FIELD_ETH_TYPE] = EXACT,
		[FIELD_VLAN_TCI] = ANY, [FIELD_VLAN_VID] = ANY, [FIELD_VLAN_PCP] = EXACT,
		[FIELD_VLAN_TPID] = EXACT,
		[FIELD_IPV4_SRC] = PREFIX, [FIELD_IPV4_DST] = PREFIX,
		[FIELD_IP_PROTO] = EXACT, [FIELD_IP_FRAG] = ANY,
		[FIELD_TCP_SRC] = EXACT, [FIELD_TCP_DST] = EXACT,
		[FIELD_UDP_SRC] = EXACT, [FIELD_UDP_DST] = EXACT,
	},
	.action = {
		[ACTION_OUTPUT] = true, [ACTION_PUSH_VLAN] = true, [ACTION_POP_VLAN] = true,
		[ACTION_SET] = true,
	},
	.set = { [FIELD_VLAN_VID] = true, [FIELD_VLAN_PCP] = true },
	.max_rules = 512,
	.max_actions = 32,
	.max_outputs = 16,
	.max_ports = 64,
	.max_vlan_tags = 1,
	.counts_packets = true, .counts_bytes = true, .counter_bits = 32,
	.priorities = true, .atomic_update = true, .survives_restart = true,
};
/* clang-format on */

const struct nic_profile nic_profiles[] = {
	{"nic",
		"broad fields with any mask, VLAN, MPLS, set-field, chains, connection tracking, "
		"groups, meters, mirrors, tunnels, 65536 rules",
		&nic_caps, false},
	{"nic-noresume", "as nic, but a chain that misses half-way is dropped", &nic_noresume_caps,
		false},
	{"nic-objects", "as nic, but sends to several ports by groups and cuts by mirrors only",
		&nic_objects_caps, false},
	{"asic-small", "L2 and the IPv4 5-tuple, output, drop and VLAN only, 512 rules",
		&asic_small_caps, false},
	{"flaky", "as nic, with the faults of a script", &nic_caps, true},
	{0},
};

const struct nic_profile *nic_profile_find(const char *name)
{
	for (const struct nic_profile *p = nic_profiles; p->name; p++) {
		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

static const char *const field_names[FIELD_MAX] = {
#define FIELD(ID, NAME, ...) NAME,
#include "hal/fields.def"
#undef FIELD
};

static const char *const action_names[ACTION_MAX] = {
#define ACTION(ID, NAME, ...) NAME,
#include "hal/actions.def"
#undef ACTION
};

static const char *mask_word(uint8_t kinds)
{
	return kinds & HAL_MATCH_ANY ? "any" : kinds & HAL_MATCH_PREFIX ? "prefix" : "exact";
}

static const char *const object_names[HAL_OBJECT_MAX] = {
	[HAL_OBJECT_GROUP] = "group",
	[HAL_OBJECT_METER] = "meter",
	[HAL_OBJECT_MIRROR] = "mirror",
	[HAL_OBJECT_TUNNEL] = "tunnel",
	[HAL_OBJECT_CONNECTION] = "connection",
};

const char *nic_object_name(uint32_t type)
{
	return object_names[type];
}

static json_t *objects_json(const struct hal_caps *caps)
{
	json_t *objects = json_object();

	for (unsigned i = 0; i < HAL_OBJECT_MAX; i++) {
		if (caps->object[i])
			json_object_set_new(objects, object_names[i],
				json_integer((json_int_t)caps->max_objects[i]));
	}
	return objects;
}

static json_t *profile_json(const struct nic_profile *p)
{
	json_t *match = json_object(), *actions = json_array(), *set = json_array();

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (p->caps->match[i])
			json_object_set_new(
				match, field_names[i], json_string(mask_word(p->caps->match[i])));
		if (p->caps->set[i])
			json_array_append_new(set, json_string(field_names[i]));
	}
	for (unsigned i = 0; i < ACTION_MAX; i++) {
		if (p->caps->action[i])
			json_array_append_new(actions, json_string(action_names[i]));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:i, s:i, s:i, s:i, s:b, s:b, s:o}",
		"name", p->name, "summary", p->summary, "match", match, "actions", actions, "set",
		set, "set_masked", p->caps->set_masked, "max_rules", (int)p->caps->max_rules,
		"max_outputs", (int)p->caps->max_outputs, "max_vlan_tags",
		(int)p->caps->max_vlan_tags, "counter_bits", (int)p->caps->counter_bits, "chains",
		p->caps->chains, "resumes", p->caps->resumes, "objects", objects_json(p->caps));
}

static void profile_text(FILE *out, const struct nic_profile *p)
{
	fprintf(out, "%s: %s\n  match:", p->name, p->summary);
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (p->caps->match[i])
			fprintf(out, " %s(%s)", field_names[i], mask_word(p->caps->match[i]));
	}
	fprintf(out, "\n  actions:");
	for (unsigned i = 0; i < ACTION_MAX; i++) {
		if (p->caps->action[i])
			fprintf(out, " %s", action_names[i]);
	}
	fprintf(out, "\n  set%s:", p->caps->set_masked ? " (masked)" : "");
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (p->caps->set[i])
			fprintf(out, " %s", field_names[i]);
	}
	fprintf(out, "\n  objects:");
	for (unsigned i = 0; i < HAL_OBJECT_MAX; i++) {
		if (p->caps->object[i])
			fprintf(out, " %s(%u)", object_names[i], p->caps->max_objects[i]);
	}
	fprintf(out, "\n  rules: %u, counters of %u bits\n", p->caps->max_rules,
		p->caps->counter_bits);
}

void nic_profiles_print(FILE *out, bool json)
{
	json_t *all = json_array();

	for (const struct nic_profile *p = nic_profiles; p->name; p++) {
		if (json)
			json_array_append_new(all, profile_json(p));
		else
			profile_text(out, p);
	}
	if (json) {
		json_dumpf(all, out, JSON_INDENT(2));
		fputc('\n', out);
	}
	json_decref(all);
}
