/* SPDX-License-Identifier: Apache-2.0
 *
 * Bonds of the kernel: a bond is a port of the switch that all of its members are ports of. Who
 * they are is asked when the bond is bound, and again with its counters; rules that are there stay,
 * since the kernel runs them too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/tc/tc.h"

#define ATTEMPTS 5 /* to read links that change meanwhile */

void tc_members_add(struct tc_members *m, const struct netdev_link *member)
{
	if (!member->switch_id.len) {
		snprintf(m->no_port, sizeof(m->no_port), "%s", member->name);
	} else if (!m->first[0]) {
		m->switch_id = member->switch_id;
		snprintf(m->first, sizeof(m->first), "%s", member->name);
	} else if (memcmp(&m->switch_id, &member->switch_id, sizeof(m->switch_id))) {
		snprintf(m->other, sizeof(m->other), "%s", member->name);
	}
	m->n++;
}

int tc_members_switch(const struct tc_members *m, const char *bond, struct netdev_switch_id *out,
	struct hal_reason *r)
{
	memset(out, 0, sizeof(*out));
	if (!m->n)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"the bond %s has no members, whose switch could take its rules", bond);
	if (m->no_port[0])
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"%s, a member of the bond %s, is no port of a switch", m->no_port, bond);
	if (m->other[0])
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"%s and %s, members of the bond %s, are ports of different switches",
			m->first, m->other, bond);
	*out = m->switch_id;
	return 0;
}

static void add(void *ctx, const struct netdev_link *member)
{
	tc_members_add(ctx, member);
}

int tc_bond_switch(struct tc_dev *dev, const struct netdev_link *bond, struct netdev_switch_id *out,
	struct hal_reason *r)
{
	struct tc_members m;
	int err = -EINTR;

	for (unsigned i = 0; i < ATTEMPTS && err == -EINTR; i++) {
		memset(&m, 0, sizeof(m));
		err = netdev_link_members(dev->ch, bond->ifindex, add, &m);
	}
	if (!err)
		return tc_members_switch(&m, bond->name, out, r);
	memset(out, 0, sizeof(*out));
	return hal_refuse(r, HAL_REASON_RETRY, "the members of the bond %s cannot be read: %s",
		bond->name, strerror(-err));
}
