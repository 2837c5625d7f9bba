/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/operation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "hal/reason.h"
#include "tools/simnic/check.h"
#include "tools/simnic/profile.h"

/* ---- counters ---- */

static uint64_t narrow(const struct nic *nic, uint64_t v)
{
	unsigned bits = nic->profile->caps->counter_bits;

	return bits < 64 ? v & ((UINT64_C(1) << bits) - 1) : v;
}

void nic_counter_read(const struct nic *nic, struct nic_rule *rule, struct sim_counter *out)
{
	*out = (struct sim_counter){.packets = narrow(nic, rule->packets),
		.bytes = narrow(nic, rule->bytes),
		.generation = nic->generation,
		.known = 1,
		.hit = rule->packets != rule->read_packets};
}

static void tomb_add(struct nic *nic, const struct hal_ufid *ufid, const struct sim_counter *c)
{
	nic->tombs[nic->n_tombs++ % NIC_TOMBS] = (struct nic_tomb){*ufid, *c};
}

bool nic_tomb_find(const struct nic *nic, const struct hal_ufid *ufid, struct sim_counter *out)
{
	uint32_t n = nic->n_tombs < NIC_TOMBS ? nic->n_tombs : NIC_TOMBS;

	/* The newest first: a ufid may have been deleted more than once. */
	for (uint32_t i = 0; i < n; i++) {
		const struct nic_tomb *t = &nic->tombs[(nic->n_tombs - 1 - i) % NIC_TOMBS];

		if (hal_ufid_equal(&t->ufid, ufid)) {
			*out = t->counter;
			return true;
		}
	}
	return false;
}

void nic_rules_reset(struct nic *nic)
{
	nic_rules_clear(&nic->rules);
	nic_objects_clear(&nic->objects);
	nic->n_tombs = 0;
	nic->generation++;
}

/* ---- completions ---- */

struct held {
	TAILQ_ENTRY(held) next;
	struct nic_client *client;
	uint64_t due_ms;
	struct sim_msg head;
	struct sim_done done;
};

static TAILQ_HEAD(, held) all_held = TAILQ_HEAD_INITIALIZER(all_held);

static void send_done(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const struct sim_done *done)
{
	struct {
		struct sim_msg head;
		struct sim_done done;
	} msg = {{SIM_DONE, head->id}, *done};

	nic_client_send(nic, client, &msg, sizeof(msg));
}

static void hold(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const struct sim_done *done, uint32_t delay_ms)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h) {
		send_done(nic, client, head, done);
		return;
	}
	*h = (struct held){
		.client = client, .due_ms = nic_now_ms() + delay_ms, .head = *head, .done = *done};
	TAILQ_INSERT_TAIL(&all_held, h, next);
}

int nic_control_due(struct nic *nic, uint64_t now)
{
	struct held *h, *next;
	int64_t wait = -1;

	for (h = TAILQ_FIRST(&all_held); h; h = next) {
		next = TAILQ_NEXT(h, next);
		if (h->due_ms <= now) {
			TAILQ_REMOVE(&all_held, h, next);
			send_done(nic, h->client, &h->head, &h->done);
			free(h);
		} else if (wait < 0 || (int64_t)(h->due_ms - now) < wait) {
			wait = (int64_t)(h->due_ms - now);
		}
	}
	return (int)wait;
}

void nic_control_forget(struct nic *nic, const struct nic_client *client)
{
	struct held *h, *next;

	(void)nic;
	for (h = TAILQ_FIRST(&all_held); h; h = next) {
		next = TAILQ_NEXT(h, next);
		if (h->client != client)
			continue;
		TAILQ_REMOVE(&all_held, h, next);
		free(h);
	}
}

/* ---- judging ---- */

static void refuse(struct sim_done *done, int error, uint32_t reason, const char *text)
{
	done->error = error;
	done->reason = reason;
	snprintf(done->text, sizeof(done->text), "%s", text);
}

int nic_reason_errno(uint32_t reason)
{
	switch (reason) {
	case HAL_REASON_NO_ROOM:
		return -ENOSPC;
	case HAL_REASON_RETRY:
	case HAL_REASON_DEPENDS:
		return -EAGAIN;
	case HAL_REASON_DEVICE_ERROR:
		return -EIO;
	case HAL_REASON_DEVICE_GONE:
		return -ENODEV;
	default:
		return -EOPNOTSUPP;
	}
}

static struct nic_rule *parse(
	struct nic *nic, const uint8_t *body, size_t len, struct sim_done *done)
{
	struct nic_rule *rule = NULL;
	uint32_t field;
	int err = nic_rule_parse(body, len, &rule, &field);

	if (err) {
		done->field = field < FIELD_MAX ? field : FIELD_MAX;
		refuse(done, err,
			err == -EOPNOTSUPP ? HAL_REASON_UNSUPPORTED_FIELD : HAL_REASON_DEVICE_ERROR,
			err == -EOPNOTSUPP ? "cannot look at this field" : strerror(-err));
		return NULL;
	}
	if (!nic_check_steps(nic, rule->actions, rule->actions_len, &rule->may_hand_up, done)) {
		nic_rule_free(rule);
		return NULL;
	}
	return rule;
}

/* ---- doing ---- */

static void add(struct nic *nic, const uint8_t *body, size_t len, bool full, struct sim_done *done)
{
	struct nic_rule *rule = parse(nic, body, len, done);

	if (!rule)
		return;
	if (nic_rules_find(&nic->rules, &rule->ufid))
		refuse(done, -EEXIST, HAL_REASON_DEVICE_ERROR, "this rule is there already");
	else if (full || nic->rules.n >= nic->profile->caps->max_rules)
		refuse(done, -ENOSPC, HAL_REASON_NO_ROOM, "the rule memory is full");
	else if (nic_rules_insert(&nic->rules, rule))
		refuse(done, -ENOMEM, HAL_REASON_NO_ROOM, "out of memory");
	if (done->error)
		nic_rule_free(rule);
	else
		nic_objects_ref(nic, rule->actions, rule->actions_len);
}

/* Takes a rule out of the memory, and its objects' users with it. */
static void remove_rule(struct nic *nic, struct nic_rule *rule)
{
	nic_objects_unref(nic, rule->actions, rule->actions_len);
	nic_rules_remove(&nic->rules, rule);
}

/* The counters go on: it is the same megaflow. No packet is looked up in between. */
static void replace(struct nic *nic, const uint8_t *body, size_t len, struct sim_done *done)
{
	struct nic_rule *rule = parse(nic, body, len, done), *old;

	if (!rule)
		return;
	old = nic_rules_find(&nic->rules, &rule->ufid);
	if (!old) {
		refuse(done, -ENOENT, HAL_REASON_DEVICE_ERROR, "there is no such rule");
		nic_rule_free(rule);
		return;
	}
	nic_counter_read(nic, old, &done->final);
	if (MUTATE(203, false, true)) {
		nic_rule_free(rule);
		return;
	}
	rule->packets = old->packets;
	rule->bytes = old->bytes;
	rule->read_packets = old->read_packets;
	if (nic_rules_insert(&nic->rules, rule)) {
		refuse(done, -ENOMEM, HAL_REASON_NO_ROOM, "out of memory");
		nic_rule_free(rule);
		return;
	}
	nic_objects_ref(nic, rule->actions, rule->actions_len);
	remove_rule(nic, old);
}

static void del(struct nic *nic, const uint8_t *body, struct sim_done *done)
{
	struct nic_rule *rule;
	struct hal_ufid ufid;

	memcpy(&ufid, body, sizeof(ufid));
	rule = nic_rules_find(&nic->rules, &ufid);
	if (!rule) {
		refuse(done, -ENOENT, HAL_REASON_DEVICE_ERROR, "there is no such rule");
		return;
	}
	nic_counter_read(nic, rule, &done->final);
	tomb_add(nic, &ufid, &done->final);
	if (MUTATE(205, true, false))
		remove_rule(nic, rule);
}

void nic_operation(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const uint8_t *body, size_t len)
{
	struct nic_verdict v = nic_script_judge(&nic->script, head->type, nic->rules.n);
	struct sim_done done = {.field = FIELD_MAX, .action = ACTION_MAX};

	if (v.refuse || v.late)
		refuse(&done, nic_reason_errno(v.code), v.code, v.text);
	else if (head->type == SIM_ADD)
		add(nic, body, len, v.full, &done);
	else if (head->type == SIM_REPLACE)
		replace(nic, body, len, &done);
	else
		del(nic, body, &done);
	if (v.reset)
		nic_rules_reset(nic);
	if (v.lose && !done.error)
		return;
	if (v.delay_ms)
		hold(nic, client, head, &done, v.delay_ms);
	else
		send_done(nic, client, head, &done);
}
