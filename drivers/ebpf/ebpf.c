/* SPDX-License-Identifier: Apache-2.0
 *
 * The eBPF driver: one device, "ebpf", the kernel of the daemon's network namespace.
 */
#include "drivers/ebpf/ebpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_common.h>

#include "hal/device.h"

/* All that the program's parser finds, however it is masked. */
static void fill_matches(struct hal_caps *caps)
{
	static const enum hal_field_id exact[] = {FIELD_DP_PORT, FIELD_RECIRC_ID};
	static const enum hal_field_id none[] = {FIELD_CT_LABEL};
	static const enum hal_field_id tunnel[] = {FIELD_TUNNEL_ID, FIELD_TUN_IPV4_SRC,
		FIELD_TUN_IPV4_DST, FIELD_TUN_IPV6_SRC, FIELD_TUN_IPV6_DST, FIELD_TUN_FLAGS,
		FIELD_TUN_TOS, FIELD_TUN_TTL, FIELD_TUN_GBP_ID, FIELD_TUN_GBP_FLAGS,
		FIELD_TUN_OPTS_PRESENT};

	for (enum hal_field_id id = 0; id < FIELD_MAX; id++)
		if (hal_fields[id].offset + (size_t)hal_fields[id].size <=
			offsetof(struct ebpf_headers, rest))
			caps->match[id] = HAL_MATCH_ANY;
	for (unsigned i = 0; i < RTE_DIM(tunnel); i++)
		caps->match[tunnel[i]] = HAL_MATCH_ANY;
	for (unsigned i = 0; i < RTE_DIM(exact); i++)
		caps->match[exact[i]] = HAL_MATCH_EXACT;
	for (unsigned i = 0; i < RTE_DIM(none); i++)
		caps->match[none[i]] = 0;
}

static void fill_caps(struct hal_caps *caps)
{
	snprintf(caps->name, sizeof(caps->name), "ebpf");
	fill_matches(caps);
	ebpf_code_caps(caps);
	caps->any_bits = true;
	caps->object[HAL_OBJECT_TUNNEL] = true;
	caps->max_objects[HAL_OBJECT_TUNNEL] = EBPF_TUNNELS;
	caps->max_rules = EBPF_RULES;
	caps->max_ports = EBPF_PORTS;
	caps->object[HAL_OBJECT_METER] = true;
	caps->max_objects[HAL_OBJECT_METER] = EBPF_METERS;
	caps->max_vlan_tags = 2;
	caps->counts_packets = caps->counts_bytes = true;
	caps->counter_bits = 64;
	caps->chains = true;
	caps->looks_ahead = true;
	caps->atomic_update = true;
	caps->survives_restart = true;
	caps->by_kernel = true;
	caps->kernel_ports = caps->internal_ports = true;
}

static void free_device(struct ebpf_dev *dev)
{
	pool_destroy(&dev->entries);
	pool_destroy(&dev->slots);
	pool_destroy(&dev->programs);
	ebpf_meters_close(dev);
	free(dev->program_of);
	free(dev->by_entry);
	free(dev->dump);
	free(dev->done);
	free(dev);
}

/* 0: the kernel does not tell. */
static uint64_t netns_cookie(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	close(fd);
	return cookie;
}

static struct ebpf_dev *new_device(const struct hal_env *env)
{
	struct ebpf_dev *dev = calloc(1, sizeof(*dev));
	const char *rundir = env && env->rundir ? env->rundir : "";

	if (!dev)
		return NULL;
	if (env)
		dev->env = *env;
	dev->bound_ms = hal_now_ms();
	dev->netns = netns_cookie();
	dev->instance = hash_bytes(rundir, strlen(rundir), (uint32_t)dev->netns);
	hmap_init(&dev->ports);
	hmap_init(&dev->ports_by_key);
	hmap_init(&dev->rules);
	hmap_init(&dev->matches);
	hmap_init(&dev->meters);
	dev->program_of = calloc(EBPF_SLOTS, sizeof(*dev->program_of));
	dev->by_entry = calloc(EBPF_RULES, sizeof(*dev->by_entry));
	dev->dump = ebpf_dump_new();
	if (pool_init(&dev->entries, EBPF_RULES) || pool_init(&dev->slots, EBPF_SLOTS) ||
		pool_init(&dev->programs, EBPF_PROGRAMS) || ebpf_meters_open(dev) ||
		!dev->program_of || !dev->by_entry || !dev->dump) {
		free_device(dev);
		return NULL;
	}
	return dev;
}

static int ebpf_open(const char *args, const struct hal_env *env, void **out, struct hal_caps *caps,
	struct hal_reason *r)
{
	struct ebpf_dev *dev;
	int err;

	if (*args)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"\"ebpf:%s\" is no device: expected ebpf", args);
	dev = new_device(env);
	if (!dev)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	err = netdev_channel_open(&dev->ch);
	if (err) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "no routing netlink socket: %s",
			strerror(-err));
		goto free_device;
	}
	err = ebpf_load(dev, r);
	if (err)
		goto close_channel;
	err = ebpf_ports_found(dev);
	if (!err)
		err = ebpf_meters_found(dev);
	if (!err)
		err = ebpf_rules_found(dev);
	if (err) {
		hal_refuse(
			r, HAL_REASON_DEVICE_ERROR, "its rules cannot be read: %s", strerror(-err));
		goto unload;
	}
	ebpf_meters_sweep(dev);
	fill_caps(caps);
	*out = dev;
	return 0;

unload:
	ebpf_ports_close(dev);
	ebpf_rules_clear(dev);
	ebpf_unload(dev, true);
close_channel:
	netdev_channel_close(dev->ch);
free_device:
	free_device(dev);
	return err;
}

/* What is in the kernel stays there, unless no port leads to it. */
static void ebpf_close(void *ctx)
{
	struct ebpf_dev *dev = ctx;
	const bool keep = hmap_count(&dev->ports) || dev->n_former;

	ebpf_ports_close(dev);
	ebpf_rules_clear(dev);
	ebpf_unload(dev, keep);
	netdev_channel_close(dev->ch);
	free_device(dev);
}

/* Maps live as long as a program or a pin uses them. */
static void ebpf_forget(const struct hal_env *env)
{
	struct ebpf_dev *dev = new_device(env);

	if (!dev)
		return;
	if (!netdev_channel_open(&dev->ch)) {
		ebpf_ports_forget(dev);
		ebpf_pins_forget(dev);
		netdev_channel_close(dev->ch);
	}
	ebpf_ports_close(dev);
	free_device(dev);
}

const struct hal_driver ebpf_driver = {
	.name = "ebpf",
	.open = ebpf_open,
	.close = ebpf_close,
	.forget = ebpf_forget,
	.check = ebpf_check,
	.submit = ebpf_submit,
	.poll = ebpf_poll,
	.counters_read = ebpf_counters_read,
	.dump = ebpf_dump,
	.object_set = ebpf_object_set,
	.object_del = ebpf_object_del,
	.object_stats = ebpf_object_stats,
	.port_bind = ebpf_port_bind,
	.port_unbind = ebpf_port_unbind,
	.port_stats = ebpf_port_stats,
	.port_miss = ebpf_port_miss,
	.stats = ebpf_stats,
};
