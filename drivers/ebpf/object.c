/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects by their type: meters (meters.c) and ends of tunnels (tunnel.c).
 */
#include <errno.h>

#include "drivers/ebpf/ebpf.h"

int ebpf_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r)
{
	switch (obj->type) {
	case HAL_OBJECT_METER:
		return ebpf_meter_set(dev, obj, r);
	case HAL_OBJECT_TUNNEL:
		return ebpf_tunnel_set(dev, obj, r);
	default:
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "this device has no %s objects",
			hal_object_name(obj->type));
	}
}

int ebpf_object_del(void *dev, enum hal_object_type type, uint32_t id)
{
	switch (type) {
	case HAL_OBJECT_METER:
		return ebpf_meter_del(dev, id);
	case HAL_OBJECT_TUNNEL:
		return ebpf_tunnel_del(dev, id);
	default:
		return -EOPNOTSUPP;
	}
}

int ebpf_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	*out = (struct hal_object_stats){0};
	switch (type) {
	case HAL_OBJECT_METER:
		return ebpf_meter_stats(dev, id, out);
	case HAL_OBJECT_TUNNEL:
		return ebpf_tunnel_stats(dev, id, out);
	default:
		return -ENOENT;
	}
}
