/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody does to the device in memory behind its driver's back.
 */
#include "internal.h"

static bool find(struct fake *f, const struct hal_ufid *ufid, bool there,
	void (*act)(struct fake *f, struct fake_rule *r, const struct hal_rule *rule),
	const struct hal_rule *rule)
{
	struct fake_rule *r;
	bool found;

	pthread_mutex_lock(&f->lock);
	r = fake_find(f, ufid);
	found = r != NULL;
	if (found == there)
		act(f, r ? r : fake_free_slot(f), rule);
	pthread_mutex_unlock(&f->lock);
	return found == there;
}

static void take(struct fake *f, struct fake_rule *r, const struct hal_rule *rule)
{
	(void)rule;
	fake_take(f, r);
}

static void spoil(struct fake *f, struct fake_rule *r, const struct hal_rule *rule)
{
	(void)f, (void)rule;
	r->spoiled = true;
}

bool fake_remove(struct fake *f, const struct hal_ufid *ufid)
{
	return find(f, ufid, true, take, NULL);
}

bool fake_spoil(struct fake *f, const struct hal_ufid *ufid)
{
	return find(f, ufid, true, spoil, NULL);
}

bool fake_change(struct fake *f, const struct hal_rule *rule)
{
	return find(f, &rule->ufid, true, fake_put, rule);
}

bool fake_plant(struct fake *f, const struct hal_rule *rule)
{
	return find(f, &rule->ufid, false, fake_put, rule);
}

void fake_ghost(struct fake *f, const struct hal_rule *rule)
{
	WITH(f, f->ghost = rule);
}

void fake_no_dumps(struct fake *f, bool on)
{
	WITH(f, f->no_dumps = on);
}
