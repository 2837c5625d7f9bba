/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluiced/cpus.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"

LOG_DEFINE(cpus);

static uint64_t mask_of(const cpu_set_t *set)
{
	uint64_t mask = 0;

	for (unsigned cpu = 0; cpu < 64; cpu++)
		mask |= (uint64_t)(CPU_ISSET(cpu, set) != 0) << cpu;
	return mask;
}

uint64_t cpus_allowed(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	return mask_of(&set);
}

/* The kernel cuts what is asked for down to what can be had. */
uint64_t cpus_usable(void)
{
	cpu_set_t was, all;
	uint64_t mask = 0;

	CPU_ZERO(&was);
	if (sched_getaffinity(0, sizeof(was), &was))
		return 0;
	memset(&all, 0xff, sizeof(all));
	if (!sched_setaffinity(0, sizeof(all), &all))
		mask = cpus_allowed();
	sched_setaffinity(0, sizeof(was), &was);
	return mask ? mask : mask_of(&was);
}

void cpus_confine(uint64_t cpus)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned cpu = 0; cpu < 64; cpu++)
		if (cpus >> cpu & 1)
			CPU_SET(cpu, &set);
	while (dir && (entry = readdir(dir))) {
		pid_t thread = (pid_t)atoi(entry->d_name);

		if (thread > 0 && sched_setaffinity(thread, sizeof(set), &set) && errno != ESRCH)
			log_warn("CPUs %#llx cannot be used: %s", (unsigned long long)cpus,
				strerror(errno));
	}
	if (dir)
		closedir(dir);
}
