/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules and the meters that they use: whether the policers fit their packets, and who is counted as
 * a user.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/tc/meter.h"

bool tc_uses_meter(const struct hal_program *p)
{
	ACTION_FOR_EACH (a, p) {
		if (a->type == ACTION_METER)
			return true;
	}
	return false;
}

static int refuse_length(const struct tc_meter *m, unsigned uncounted, struct hal_reason *r)
{
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
		"the kernel leaves %u bytes of each of these packets uncounted, and %u of those "
		"that other rules send to meter %u",
		uncounted, m->uncounted, m->id);
}

/* Whether the policer may still be altered for the rule's sake: 0, or what stands against it. */
static int check_unused(
	struct tc_dev *dev, struct tc_meter *m, unsigned uncounted, struct hal_reason *r)
{
	struct tc_reading now;

	if (m->users || m->promised == dev->batch)
		return refuse_length(m, uncounted, r);
	if (!tc_meter_read(dev, m, &now) && now.policer.bound)
		return hal_refuse_action(r, HAL_REASON_RETRY, ACTION_METER,
			"the kernel still has filters that used meter %u for other packets", m->id);
	return 0;
}

/* Makes the policer ready for packets of which the kernel leaves so much uncounted. */
static int fit_length(
	struct tc_dev *dev, struct tc_meter *m, int uncounted, bool to_send, struct hal_reason *r)
{
	int err = 0;

	if (uncounted < 0)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"the kernel polices these packets by the length that they came with");
	if (m->uncounted != (unsigned)uncounted) {
		err = check_unused(dev, m, (unsigned)uncounted, r);
		if (!err && to_send)
			err = tc_meter_remake(dev, m, (unsigned)uncounted, r);
		if (err == -EBUSY) /* somebody began to use it */
			err = refuse_length(m, (unsigned)uncounted, r);
	}
	if (!err && to_send)
		m->promised = dev->batch;
	return err;
}

static int prepare(
	struct tc_dev *dev, uint32_t id, int uncounted, bool to_send, struct hal_reason *r)
{
	struct tc_meter *m = tc_meter_find(dev, id);
	struct tc_reading now;

	if (to_send && (!m || tc_meter_read(dev, m, &now)))
		return hal_refuse_action(
			r, HAL_REASON_DEPENDS, ACTION_METER, "meter %u is not in the device", id);
	return m && tc_by_kernel(dev) ? fit_length(dev, m, uncounted, to_send, r) : 0;
}

int tc_meters_prepare(struct tc_dev *dev, const struct tc_port *port, const struct hal_rule *rule,
	bool to_send, struct hal_reason *r)
{
	int uncounted = (int)tc_uncounted(rule->match);
	int err = 0;

	if (!tc_uses_meter(rule->program))
		return 0;
	if (tc_by_kernel(dev))
		err = tc_check_merged(dev, port, r);
	else if (port && tc_port_by_kernel(dev, port))
		err = hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"the meters of %s would be in its card and in the kernel", port->name);
	if (err)
		return err;
	ACTION_FOR_EACH (a, rule->program) {
		if (a->type == ACTION_PUSH_VLAN || a->type == ACTION_PUSH_MPLS)
			uncounted += (int)TC_TAG;
		else if (a->type == ACTION_POP_VLAN || a->type == ACTION_POP_MPLS)
			uncounted -= (int)TC_TAG;
		else if (a->type == ACTION_METER)
			err = prepare(dev, ((const struct hal_act_meter *)a)->meter, uncounted,
				to_send, r);
		if (err)
			return err;
	}
	return 0;
}

static void count_users(struct tc_dev *dev, const struct tc_rule *rule, uint32_t more)
{
	for (uint32_t i = 0; i < rule->n_meters; i++) {
		struct tc_meter *m = tc_meter_at(dev, rule->meters[i]);

		if (m)
			m->users += more;
	}
}

/* Without memory the rule counts for nothing here, and the kernel still knows of it. */
static void list_meters(struct tc_dev *dev, struct tc_rule *rule, const struct hal_program *p)
{
	ACTION_FOR_EACH (a, p) {
		uint32_t *more;

		if (a->type != ACTION_METER)
			continue;
		more = realloc(rule->meters, (rule->n_meters + 1) * sizeof(*more));
		if (!more)
			return;
		rule->meters = more;
		more[rule->n_meters++] =
			tc_meter_index(dev, ((const struct hal_act_meter *)a)->meter);
	}
}

void tc_meters_hold(struct tc_dev *dev, struct tc_rule *rule, const struct hal_program *p)
{
	count_users(dev, rule, UINT32_MAX);
	free(rule->meters);
	rule->meters = NULL;
	rule->n_meters = 0;
	if (!p)
		return;
	list_meters(dev, rule, p);
	count_users(dev, rule, 1);
}
