/* SPDX-License-Identifier: Apache-2.0
 *
 * Hardware devices: opened and closed as other_config says.
 */
#include <stdio.h>
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"

LOG_DEFINE(device);

/* The device of those who name none: the kernel, which everybody has. */
static const char *default_device(void)
{
	return hal_driver_is_known("ebpf") ? "ebpf" : "";
}

/* The spec of the wanted device, "" if none. TC's policy has a key of its own, as users of Open
 * vSwitch know it. */
static void wanted_spec(const struct ovsdb_row *root, char *spec, size_t n)
{
	const char *device = ovsdb_map_string(root, "other_config", "sluice-device");
	const char *policy = ovsdb_map_string(root, "other_config", "tc-policy");

	if (!device)
		device = default_device();
	if (!strcmp(device, "none") || !ovsdb_map_bool(root, "other_config", "hw-offload", false))
		device = "";
	if (!strcmp(device, "tc"))
		snprintf(spec, n, "tc:%s", policy ? policy : "none");
	else
		snprintf(spec, n, "%s", device);
}

static const struct hal_caps *caps_of(struct bridges *b)
{
	struct hal_device *dev =
		b->device < 0 ? NULL : offload_device(b->cfg.ol, (unsigned)b->device);

	return dev ? hal_device_caps(dev) : NULL;
}

static bool has_kernel_ports(struct bridges *b)
{
	const struct hal_caps *caps = caps_of(b);

	return caps && caps->kernel_ports;
}

/* When there is a device that may take them kernel ports are opened anew, and internal ones given
 * to it as they are. */
static void close_kernel_ports(struct bridges *b)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->open && i->want.kind == IFACE_NETDEV)
				iface_close(i, false);
			else
				iface_bind_internal(i);
}

/* Interfaces on a device cannot stay open when it goes. */
static void close_ifaces(struct bridges *b, int device)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->open && i->device == device && i->want.kind == IFACE_INTERNAL)
				iface_unbind_internal(i);
			else if (i->open && i->device == device)
				iface_close(i, false);
}

static void close_device(struct bridges *b)
{
	if (b->device < 0)
		return;
	close_ifaces(b, b->device);
	pipeline_set_need(b->cfg.pl, NULL);
	if (!has_kernel_ports(b))
		swpath_device_detach(b->cfg.sp, offload_device(b->cfg.ol, (unsigned)b->device));
	offload_device_remove(b->cfg.ol, (unsigned)b->device);
	log_info("closed device %s", b->device_spec);
	b->device = -1;
	b->device_spec[0] = '\0';
}

static struct hal_env environment(const struct bridges *b)
{
	return (struct hal_env){
		.rundir = b->cfg.rundir,
		.libexec = b->cfg.libexec,
		.mbuf_pool = swpath_mbuf_pool(b->cfg.sp),
	};
}

static void open_device(struct bridges *b, const char *spec)
{
	const struct hal_env env = environment(b);
	struct hal_reason reason;
	struct hal_device *dev;
	int device, error = 0;

	hal_reason_clear(&reason);
	device = offload_device_add(b->cfg.ol, spec, &env, &reason);
	if (device < 0)
		goto refused;
	dev = offload_device(b->cfg.ol, (unsigned)device);
	if (!hal_device_caps(dev)->kernel_ports)
		error = swpath_device_attach(b->cfg.sp, dev);
	if (!error)
		error = pipeline_set_need(b->cfg.pl, hal_device_caps(dev));
	if (error) {
		hal_refuse(&reason, HAL_REASON_DEVICE_ERROR, "its packets cannot be taken: %s",
			strerror(-error));
		offload_device_remove(b->cfg.ol, (unsigned)device);
		goto refused;
	}
	b->device = device;
	b->device_error[0] = '\0';
	snprintf(b->device_spec, sizeof(b->device_spec), "%s", spec);
	log_info("opened device %s", spec);
	if (has_kernel_ports(b))
		close_kernel_ports(b);
	return;

refused:
	hal_reason_format(&reason, b->device_error, sizeof(b->device_error));
	log_warn("device %s cannot be opened: %s", spec, b->device_error);
}

/* In milliseconds; what is no number, or negative, is the default. */
static void audit_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	int64_t ms = ovsdb_map_integer(root, "other_config", "sluice-audit-interval", -1);

	offload_audit_interval(
		b->cfg.ol, ms >= 0 && ms <= UINT32_MAX ? (unsigned)ms : OFFLOAD_AUDIT_MS);
}

void device_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	char spec[sizeof(b->device_spec)];

	audit_reconcile(b, root);
	wanted_spec(root, spec, sizeof(spec));
	if (!b->others_forgotten) { /* once: a device that is closed leaves nothing */
		const struct hal_env env = environment(b);

		hal_forget_others(spec, &env);
		b->others_forgotten = true;
	}
	if (strcmp(spec, b->device_spec))
		close_device(b);
	if (*spec && b->device < 0)
		open_device(b, spec);
	else if (!*spec)
		b->device_error[0] = '\0';
}

int device_for_kernel_ports(struct bridges *b)
{
	return has_kernel_ports(b) ? b->device : -1;
}

int device_for_internal_ports(struct bridges *b)
{
	const struct hal_caps *caps = caps_of(b);

	return caps && caps->internal_ports ? b->device : -1;
}

int device_find(struct bridges *b, const char *name)
{
	size_t len = strlen(name);

	if (b->device < 0)
		return -1;
	if (!strcmp(b->device_spec, name))
		return b->device;
	return !strncmp(b->device_spec, name, len) && b->device_spec[len] == ':' ? b->device : -1;
}
