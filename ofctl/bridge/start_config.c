/* SPDX-License-Identifier: Apache-2.0
 */
#include "ofctl/bridge/start_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/ovsdb/ovsdb.h"

LOG_DEFINE(start_config);

#define MAX_MEM_MB (1024 * 1024)

static const char *value(const struct ovsdb *db, const char *key)
{
	const struct ovsdb_row *root = ovsdb_first(db, "Open_vSwitch");
	const char *text = root ? ovsdb_map_string(root, "other_config", key) : NULL;

	return text && *text ? text : NULL;
}

/* Hexadecimal, with or without 0x. */
static uint64_t read_mask(const struct ovsdb *db, const char *key, bool loud)
{
	const char *text = value(db, key);
	char *end;
	uint64_t mask;

	if (!text)
		return 0;
	errno = 0;
	mask = strtoull(text, &end, 16);
	if (!errno && !*end && mask && !strchr("+- ", *text))
		return mask;
	if (loud)
		log_warn("other_config:%s=%s: expected a mask of CPUs 0 to 63, such as 0x6; it is "
			 "ignored",
			key, text);
	return 0;
}

/* Megabytes of each socket, separated by commas. */
static unsigned read_memory(const struct ovsdb *db, const char *key, bool loud)
{
	const char *text = value(db, key), *at = text;
	unsigned long sum = 0, mb;
	char *end;

	while (at) {
		mb = strtoul(at, &end, 10);
		if (end == at || (*end && *end != ',') || mb > MAX_MEM_MB || *at == '-')
			break;
		sum += mb;
		if (!*end && sum <= MAX_MEM_MB)
			return (unsigned)sum;
		at = end + 1;
	}
	if (text && loud)
		log_warn("other_config:%s=%s: expected megabytes, such as 1024 or 1024,1024; it is "
			 "ignored",
			key, text);
	return 0;
}

static void read_all(const struct ovsdb *db, struct start_config *c, bool loud)
{
	const char *extra = value(db, "dpdk-extra");

	memset(c, 0, sizeof(*c));
	c->pmd_cpus = read_mask(db, "pmd-cpu-mask", loud);
	c->lcore_cpus = read_mask(db, "dpdk-lcore-mask", loud);
	c->socket_mem_mb = read_memory(db, "dpdk-socket-mem", loud);
	if (extra && strlen(extra) < sizeof(c->dpdk_extra))
		snprintf(c->dpdk_extra, sizeof(c->dpdk_extra), "%s", extra);
	else if (extra && loud)
		log_warn("other_config:dpdk-extra is longer than %zu characters; it is ignored",
			sizeof(c->dpdk_extra) - 1);
}

void start_config_read(const struct ovsdb *db, struct start_config *c)
{
	read_all(db, c, true);
}

static void compare_one(bool changed, const char *key)
{
	if (changed)
		log_warn("other_config:%s was changed: a restart of sluiced applies it", key);
}

void start_config_compare(const struct ovsdb *db, struct start_config *c)
{
	struct start_config now;

	read_all(db, &now, false);
	compare_one(now.pmd_cpus != c->pmd_cpus, "pmd-cpu-mask");
	compare_one(now.lcore_cpus != c->lcore_cpus, "dpdk-lcore-mask");
	compare_one(now.socket_mem_mb != c->socket_mem_mb, "dpdk-socket-mem");
	compare_one(strcmp(now.dpdk_extra, c->dpdk_extra) != 0, "dpdk-extra");
	*c = now;
}
