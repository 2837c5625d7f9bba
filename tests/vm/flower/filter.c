/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000

int filter_open(struct filter *f, const char *netdev, struct hal_reason *r)
{
	const struct hal_env env = {.rundir = "/run"};
	struct hal_port_handle h = {.kind = HAL_PORT_NETDEV, .index = if_nametoindex(netdev)};
	int err = hal_device_open("tc:skip_hw", &env, &f->dev, r);

	snprintf(h.name, sizeof(h.name), "%s", netdev);
	f->ufid = (struct hal_ufid){{1, 0}};
	return err ? err : hal_port_bind(f->dev, FILTER_PORT, &h, r);
}

static int run(
	struct filter *f, enum hal_op_type type, const struct hal_rule *rule, struct hal_reason *r)
{
	struct hal_op op = {.type = type, .rule = *rule};

	hal_reason_clear(r);
	return hal_submit_all(f->dev, &op, 1, TIMEOUT_MS, r);
}

int filter_add(struct filter *f, const struct hal_match *m, struct hal_reason *r)
{
	struct hal_rule rule = {.match = hal_cmatch_new(m), .priority = 1};
	struct hal_builder b;
	int err = -ENOMEM;

	hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	f->ufid.u[1]++;
	rule.ufid = f->ufid;
	hal_builder_init(&b); /* nothing is done to the packet, and it goes nowhere */
	rule.program = hal_builder_finish(&b);
	if (rule.match && rule.program)
		err = hal_check(f->dev, &rule, r) ? 1 : run(f, HAL_OP_ADD, &rule, r);
	free((void *)(uintptr_t)rule.match);
	free((void *)(uintptr_t)rule.program);
	return err;
}

int filter_packets(struct filter *f, uint64_t *packets)
{
	struct hal_counter c;
	int err = hal_counters_read(f->dev, &f->ufid, 1, &c);

	*packets = c.packets;
	return err ? err : c.known ? 0 : -ENOENT;
}

struct reading {
	const struct hal_ufid *ufid;
	struct hal_match *m;
	bool found;
};

static int on_rule(void *ctx, const struct hal_dump_entry *entry)
{
	struct reading *r = ctx;

	if (!hal_ufid_equal(&entry->ufid, r->ufid))
		return 0;
	hal_cmatch_expand(entry->match, r->m);
	r->found = true;
	return 0;
}

int filter_match(struct filter *f, struct hal_match *m)
{
	struct reading r = {.ufid = &f->ufid, .m = m};
	int err = hal_dump(f->dev, on_rule, &r);

	return err ? err : r.found ? 0 : -ENOENT;
}

int filter_del(struct filter *f, struct hal_reason *r)
{
	const struct hal_rule rule = {.ufid = f->ufid};
	int err = run(f, HAL_OP_DEL, &rule, r);

	hal_counter_forget(f->dev, &f->ufid);
	return err;
}
