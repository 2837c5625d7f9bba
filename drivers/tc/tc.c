/* SPDX-License-Identifier: Apache-2.0
 *
 * The TC driver: devices named "tc:none", "tc:skip_sw" and "tc:skip_hw", by the policy.
 */
#include "drivers/tc/tc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const policies[] = {
	[TC_POLICY_NONE] = "none",
	[TC_POLICY_SKIP_SW] = "skip_sw",
	[TC_POLICY_SKIP_HW] = "skip_hw",
};

static int parse_policy(const char *text, enum tc_policy *out, struct hal_reason *r)
{
	if (!*text)
		text = policies[TC_POLICY_NONE];
	for (enum tc_policy p = TC_POLICY_NONE; p <= TC_POLICY_SKIP_HW; p++) {
		if (!strcmp(text, policies[p])) {
			*out = p;
			return 0;
		}
	}
	return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
		"\"tc:%s\" is no TC device: expected tc:none, tc:skip_sw or tc:skip_hw", text);
}

/* Since Linux 6.4 act_pedit looks for the transport header; older ones are not told apart. */
static bool finds_transport(void)
{
	unsigned major = 0, minor = 0, patch = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return false;
	return major > 6 || (major == 6 && minor >= 4);
}

static void fill_caps(const struct tc_dev *dev, struct hal_caps *caps)
{
	static const enum hal_action_type actions[] = {ACTION_OUTPUT, ACTION_PUSH_VLAN,
		ACTION_POP_VLAN, ACTION_SET, ACTION_DEC_TTL, ACTION_RECIRC, ACTION_CT_CLEAR};
	static const enum hal_field_id sets[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_TCI,
		FIELD_VLAN_VID, FIELD_VLAN_PCP, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_SRC,
		FIELD_IPV6_DST, FIELD_IPV6_FLABEL, FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_NW_TOS,
		FIELD_IP_TTL, FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_UDP_SRC, FIELD_UDP_DST,
		FIELD_ARP_OP, FIELD_ARP_SPA, FIELD_ARP_TPA, FIELD_ARP_SHA, FIELD_ARP_THA};

	snprintf(caps->name, sizeof(caps->name), "tc:%s", policies[dev->policy]);
	tc_flower_caps(caps);
	for (unsigned i = 0; i < RTE_DIM(actions); i++)
		caps->action[actions[i]] = true;
	for (unsigned i = 0; i < RTE_DIM(sets); i++)
		caps->set[sets[i]] = true;
	caps->set_masked = true;
	caps->max_rules = TC_MAX_RULES;
	caps->max_ports = HAL_PORT_MAX;
	caps->counts_packets = caps->counts_bytes = true;
	caps->counter_bits = 64;
	caps->chains = true;
	caps->atomic_update = true;
	caps->survives_restart = true;
	caps->by_kernel = dev->policy != TC_POLICY_SKIP_SW;
	caps->kernel_ports = true;
}

static int tc_open(const char *args, const struct hal_env *env, void **out, struct hal_caps *caps,
	struct hal_reason *r)
{
	struct tc_dev *dev = calloc(1, sizeof(*dev));
	const char *rundir = env && env->rundir ? env->rundir : "";
	int err;

	if (!dev)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	err = parse_policy(args, &dev->policy, r);
	if (err)
		goto free_device;
	if (env)
		dev->env = *env;
	dev->instance = hash_bytes(rundir, strlen(rundir), 0);
	dev->writes_transport = finds_transport();
	hmap_init(&dev->ports);
	hmap_init(&dev->ports_by_ifindex);
	hmap_init(&dev->rules);
	hmap_init(&dev->handles);
	dev->used = calloc(1, TC_MAX_RULES / 8);
	if (!dev->used) {
		err = hal_refuse(r, HAL_REASON_RETRY, "out of memory");
		goto free_device;
	}
	err = tc_channel_open(&dev->ch);
	if (err) {
		err = hal_refuse(r, HAL_REASON_DEVICE_ERROR, "no routing netlink socket: %s",
			strerror(-err));
		goto free_used;
	}
	err = tc_dump_open(dev);
	if (err) {
		err = hal_refuse(r, HAL_REASON_DEVICE_ERROR, "no second one: %s", strerror(-err));
		goto close_channel;
	}
	fill_caps(dev, caps);
	*out = dev;
	return 0;

close_channel:
	tc_channel_close(dev->ch);
free_used:
	free(dev->used);
free_device:
	free(dev);
	return err;
}

static void tc_close(void *ctx)
{
	struct tc_dev *dev = ctx;

	tc_ports_close(dev);
	tc_rules_clear(dev);
	tc_dump_close(dev);
	tc_channel_close(dev->ch);
	free(dev->done);
	free(dev->used);
	free(dev);
}

const struct hal_driver tc_driver = {
	.name = "tc",
	.open = tc_open,
	.close = tc_close,
	.check = tc_check,
	.submit = tc_submit,
	.poll = tc_poll,
	.counters_read = tc_counters_read,
	.dump = tc_dump,
	.port_bind = tc_port_bind,
	.port_unbind = tc_port_unbind,
	.port_stats = tc_port_stats,
	.port_miss = tc_port_miss,
	.stats = tc_stats,
};
