/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, and how the device is.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"

int ebpf_counters_read(
	void *ctx, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	struct ebpf_dev *dev = ctx;

	memset(out, 0, n * sizeof(*out));
	for (unsigned i = 0; i < n; i++) {
		struct ebpf_rule *rule = ebpf_rule_find(dev, &ufids[i]);

		if (rule)
			ebpf_rule_count(dev, rule, &out[i]);
	}
	ebpf_masks_sort(dev);
	return 0;
}

int ebpf_stats(void *ctx, struct hal_device_stats *out)
{
	struct ebpf_dev *dev = ctx;
	struct ebpf_stats by_cpu[dev->n_cpus];
	const uint32_t zero = 0;

	*out = (struct hal_device_stats){
		.rules = hmap_count(&dev->rules),
		.max_rules = EBPF_RULES,
		.ports = hmap_count(&dev->ports),
		.objects = {[HAL_OBJECT_METER] = hmap_count(&dev->meters),
			[HAL_OBJECT_TUNNEL] = ebpf_n_tunnels(dev)},
		.generation = 1,
		.alive = true,
	};
	if (bpf_map_lookup_elem(dev->maps.stats, &zero, by_cpu))
		return 0;
	for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++) {
		out->hit_packets += by_cpu[cpu].hits;
		out->miss_packets += by_cpu[cpu].misses;
		out->dropped_packets += by_cpu[cpu].lost;
	}
	return 0;
}

int ebpf_traffic_read(
	const struct ebpf_dev *dev, int map, const uint32_t *key, struct ebpf_traffic *out)
{
	struct ebpf_traffic by_cpu[dev->n_cpus];

	memset(out, 0, sizeof(*out));
	if (bpf_map_lookup_elem(map, key, by_cpu))
		return -errno;
	for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++) {
		out->rx_packets += by_cpu[cpu].rx_packets;
		out->rx_bytes += by_cpu[cpu].rx_bytes;
		out->tx_packets += by_cpu[cpu].tx_packets;
		out->tx_bytes += by_cpu[cpu].tx_bytes;
	}
	return 0;
}

int ebpf_traffic_clear(const struct ebpf_dev *dev, int map, const uint32_t *key)
{
	struct ebpf_traffic zero[dev->n_cpus];

	memset(zero, 0, sizeof(zero));
	return bpf_map_update_elem(map, key, zero, BPF_ANY) ? -errno : 0;
}
