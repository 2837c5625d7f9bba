/* SPDX-License-Identifier: Apache-2.0
 *
 * The TC driver: devices named "tc:none", "tc:skip_sw" and "tc:skip_hw", by the policy.
 */
#include "drivers/tc/tc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/tc/police.h"

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

static void fill_caps(const struct tc_dev *dev, struct hal_caps *caps)
{
	static const enum hal_action_type actions[] = {ACTION_OUTPUT, ACTION_PUSH_VLAN,
		ACTION_POP_VLAN, ACTION_SET, ACTION_DEC_TTL, ACTION_RECIRC, ACTION_CT_CLEAR,
		ACTION_PUSH_MPLS, ACTION_POP_MPLS, ACTION_METER};
	static const enum hal_field_id sets[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_TCI,
		FIELD_VLAN_VID, FIELD_VLAN_PCP, FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_SRC,
		FIELD_IPV6_DST, FIELD_IPV6_FLABEL, FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_NW_TOS,
		FIELD_IP_TTL, FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_UDP_SRC, FIELD_UDP_DST,
		FIELD_MPLS_LABEL, FIELD_MPLS_TC, FIELD_MPLS_BOS, FIELD_MPLS_TTL, FIELD_ARP_OP,
		FIELD_ARP_SPA, FIELD_ARP_TPA, FIELD_ARP_SHA, FIELD_ARP_THA};

	snprintf(caps->name, sizeof(caps->name), "tc:%s", policies[dev->policy]);
	tc_flower_caps(caps);
	for (unsigned i = 0; i < RTE_DIM(actions); i++)
		caps->action[actions[i]] = true;
	for (unsigned i = 0; i < RTE_DIM(sets); i++)
		caps->set[sets[i]] = true;
	caps->set_masked = true;
	caps->object[HAL_OBJECT_METER] = true;
	caps->max_objects[HAL_OBJECT_METER] = TC_MAX_METERS;
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

int tc_device_new(
	enum tc_policy policy, const struct hal_env *env, struct tc_dev **out, struct hal_reason *r)
{
	struct tc_dev *dev = calloc(1, sizeof(*dev));
	const char *rundir = env && env->rundir ? env->rundir : "";
	int err;

	if (!dev)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	dev->policy = policy;
	if (env)
		dev->env = *env;
	dev->instance = hash_bytes(rundir, strlen(rundir), 0);
	hmap_init(&dev->ports);
	hmap_init(&dev->ports_by_ifindex);
	hmap_init(&dev->rules);
	hmap_init(&dev->handles);
	dev->used = calloc(1, TC_MAX_RULES / 8);
	if (!dev->used) {
		err = hal_refuse(r, HAL_REASON_RETRY, "out of memory");
		goto free_device;
	}
	err = netdev_channel_open(&dev->ch);
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
	err = tc_meters_open(dev);
	if (err) {
		err = hal_refuse(r, HAL_REASON_DEVICE_ERROR, "its policers cannot be read: %s",
			strerror(-err));
		goto close_dump;
	}
	*out = dev;
	return 0;

close_dump:
	tc_dump_close(dev);
close_channel:
	netdev_channel_close(dev->ch);
free_used:
	free(dev->used);
free_device:
	free(dev);
	return err;
}

void tc_device_free(struct tc_dev *dev)
{
	tc_ports_close(dev);
	tc_rules_clear(dev);
	tc_dump_close(dev);
	tc_meters_close(dev);
	netdev_channel_close(dev->ch);
	free(dev->done);
	free(dev->used);
	free(dev);
}

static int tc_open(const char *args, const struct hal_env *env, void **out, struct hal_caps *caps,
	struct hal_reason *r)
{
	enum tc_policy policy = TC_POLICY_NONE;
	struct tc_dev *dev;
	int err = parse_policy(args, &policy, r);

	if (!err)
		err = tc_device_new(policy, env, &dev, r);
	if (err)
		return err;
	if (policy != TC_POLICY_SKIP_SW)
		dev->writes_transport = tc_probe_transport();
	fill_caps(dev, caps);
	*out = dev;
	return 0;
}

static void tc_close(void *ctx)
{
	tc_device_free(ctx);
}

static void tc_forget(const struct hal_env *env)
{
	struct tc_dev *dev;

	if (tc_device_new(TC_POLICY_NONE, env, &dev, NULL))
		return;
	tc_ports_forget(dev);
	tc_object_del(dev, HAL_OBJECT_METER, HAL_OBJECT_ALL);
	tc_device_free(dev);
}

const struct hal_driver tc_driver = {
	.name = "tc",
	.open = tc_open,
	.close = tc_close,
	.forget = tc_forget,
	.check = tc_check,
	.submit = tc_submit,
	.poll = tc_poll,
	.counters_read = tc_counters_read,
	.dump = tc_dump,
	.object_set = tc_object_set,
	.object_del = tc_object_del,
	.object_stats = tc_object_stats,
	.port_bind = tc_port_bind,
	.port_unbind = tc_port_unbind,
	.port_stats = tc_port_stats,
	.port_miss = tc_port_miss,
	.stats = tc_stats,
};
