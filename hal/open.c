/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the driver of "<driver>:<args>". Apart from hal.c, so that a program that brings its own
 * driver need not link the list.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/device.h"

/* "sim, tc" into buf. */
static void list_drivers(char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; hal_drivers[i] && at < n; i++)
		at += (size_t)snprintf(
			buf + at, n - at, "%s%s", i ? ", " : "", hal_drivers[i]->name);
}

bool hal_driver_is_known(const char *name)
{
	for (unsigned i = 0; hal_drivers[i]; i++)
		if (!strcmp(hal_drivers[i]->name, name))
			return true;
	return false;
}

static bool is_of(const char *spec, const struct hal_driver *drv)
{
	const size_t len = strcspn(spec, ":");

	return strlen(drv->name) == len && !memcmp(drv->name, spec, len);
}

void hal_forget_others(const char *spec, const struct hal_env *env)
{
	for (unsigned i = 0; hal_drivers[i]; i++)
		if (hal_drivers[i]->forget && !is_of(spec, hal_drivers[i]))
			hal_drivers[i]->forget(env);
}

int hal_device_open(
	const char *spec, const struct hal_env *env, struct hal_device **out, struct hal_reason *r)
{
	const char *colon = strchr(spec, ':');
	char known[80];

	for (unsigned i = 0; hal_drivers[i]; i++) {
		const struct hal_driver *drv = hal_drivers[i];

		if (is_of(spec, drv))
			return hal_device_open_driver(drv, colon ? colon + 1 : "", env, out, r);
	}
	list_drivers(known, sizeof(known));
	hal_refuse(r, HAL_REASON_DEVICE_ERROR, "\"%.30s\": no such driver (there are: %s)", spec,
		known[0] ? known : "none");
	return -ENOENT;
}
