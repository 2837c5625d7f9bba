/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"

/* Rules of one chain that share a mask, by the hash of their value. */
struct nic_tuple {
	struct nic_tuple *next;
	union nic_key mask;
	uint8_t words[NIC_KEY_WORDS]; /* that the mask has bits in */
	uint8_t n_words;
	uint32_t chain;
	uint32_t max_priority; /* of any rule that it ever had */
	uint32_t n, n_buckets;
	struct nic_rule **buckets;
};

#define FIRST_BUCKETS 16u

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint32_t key_hash(const union nic_key *key, const struct nic_tuple *t)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < t->n_words; i++)
		h = mix(h, key->words[t->words[i]] & t->mask.words[t->words[i]]);
	return (uint32_t)(h >> 16);
}

static uint32_t ufid_hash(const struct hal_ufid *ufid)
{
	return (uint32_t)(mix(mix(0, ufid->u[0]), ufid->u[1]) >> 16);
}

static bool covers(const struct nic_rule *rule, const struct nic_tuple *t, const union nic_key *key)
{
	for (unsigned i = 0; i < t->n_words; i++) {
		unsigned w = t->words[i];

		if ((key->words[w] & t->mask.words[w]) != rule->value.words[w])
			return false;
	}
	return true;
}

int nic_rules_init(struct nic_rules *rules)
{
	memset(rules, 0, sizeof(*rules));
	TAILQ_INIT(&rules->all);
	rules->n_buckets = 1024;
	rules->ufids = calloc(rules->n_buckets, sizeof(*rules->ufids));
	return rules->ufids ? 0 : -ENOMEM;
}

void nic_rules_clear(struct nic_rules *rules)
{
	struct nic_rule *rule;

	while ((rule = TAILQ_FIRST(&rules->all)))
		nic_rules_remove(rules, rule);
}

void nic_rules_destroy(struct nic_rules *rules)
{
	nic_rules_clear(rules);
	free(rules->ufids);
}

static int parse_match(
	const uint8_t *p, size_t len, union nic_key *value, union nic_key *mask, uint32_t *field)
{
	struct sim_tlv tlv;

	while (len) {
		if (len < sizeof(tlv))
			return -EBADMSG;
		memcpy(&tlv, p, sizeof(tlv));
		p += sizeof(tlv);
		len -= sizeof(tlv);
		*field = tlv.type;
		if (!nic_field_bytes(tlv.type))
			return -EOPNOTSUPP;
		if (tlv.len != nic_field_bytes(tlv.type) || len < 2u * tlv.len)
			return -EBADMSG;
		nic_field_put(tlv.type, value, p);
		if (MUTATE(201, true, tlv.type != FIELD_IPV4_DST))
			nic_field_put(tlv.type, mask, p + tlv.len);
		p += 2 * tlv.len;
		len -= 2u * tlv.len;
	}
	for (unsigned i = 0; i < NIC_KEY_WORDS; i++)
		value->words[i] &= mask->words[i];
	return 0;
}

int nic_rule_parse(const uint8_t *wire, size_t len, struct nic_rule **out, uint32_t *field)
{
	struct sim_rule head;
	struct nic_rule *rule;
	int err;

	*field = FIELD_MAX;
	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, wire, sizeof(head));
	if ((uint64_t)sizeof(head) + head.match_len + head.action_len != len)
		return -EBADMSG;
	rule = calloc(1, sizeof(*rule) + len);
	if (!rule)
		return -ENOMEM;
	rule->ufid = head.ufid;
	rule->chain = head.chain;
	rule->priority = head.priority;
	rule->len = (uint32_t)len;
	memcpy(rule->wire, wire, len);
	rule->actions = rule->wire + sizeof(head) + head.match_len;
	rule->actions_len = head.action_len;
	err = parse_match(wire + sizeof(head), head.match_len, &rule->value, &rule->mask, field);
	if (err) {
		free(rule);
		return err;
	}
	*out = rule;
	return 0;
}

void nic_rule_free(struct nic_rule *rule)
{
	free(rule);
}

struct nic_rule *nic_rules_find(const struct nic_rules *rules, const struct hal_ufid *ufid)
{
	struct nic_rule *rule = rules->ufids[ufid_hash(ufid) & (rules->n_buckets - 1)];

	while (rule && !hal_ufid_equal(&rule->ufid, ufid))
		rule = rule->next_same_ufid_hash;
	return rule;
}

static void ufids_grow(struct nic_rules *rules)
{
	uint32_t n = rules->n_buckets * 2;
	struct nic_rule **buckets = calloc(n, sizeof(*buckets)), *rule;

	if (!buckets)
		return; /* longer chains, nothing worse */
	TAILQ_FOREACH (rule, &rules->all, by_serial) {
		struct nic_rule **head = &buckets[ufid_hash(&rule->ufid) & (n - 1)];

		rule->next_same_ufid_hash = *head;
		*head = rule;
	}
	free(rules->ufids);
	rules->ufids = buckets;
	rules->n_buckets = n;
}

static void tuple_grow(struct nic_tuple *t)
{
	uint32_t n = t->n_buckets * 2;
	struct nic_rule **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return;
	for (uint32_t i = 0; i < t->n_buckets; i++) {
		struct nic_rule *rule, *next;

		for (rule = t->buckets[i]; rule; rule = next) {
			uint32_t at = key_hash(&rule->value, t) & (n - 1);

			next = rule->next_same_hash;
			rule->next_same_hash = buckets[at];
			buckets[at] = rule;
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
}

static void tuple_unlink(struct nic_rules *rules, struct nic_tuple *t)
{
	struct nic_tuple **at = &rules->tuples;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
}

/* Tuples with a higher priority in them come first, so that a lookup can stop. */
static void tuple_link(struct nic_rules *rules, struct nic_tuple *t)
{
	struct nic_tuple **at = &rules->tuples;

	while (*at && (*at)->max_priority > t->max_priority)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static struct nic_tuple *tuple_get(
	struct nic_rules *rules, uint32_t chain, const union nic_key *mask, uint32_t priority)
{
	struct nic_tuple *t;

	for (t = rules->tuples; t; t = t->next) {
		if (t->chain == chain && !memcmp(t->mask.words, mask->words, sizeof(mask->words)))
			break;
	}
	if (t) {
		if (priority > t->max_priority) {
			tuple_unlink(rules, t);
			t->max_priority = priority;
			tuple_link(rules, t);
		}
		return t;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->n_buckets = FIRST_BUCKETS;
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	if (!t->buckets) {
		free(t);
		return NULL;
	}
	t->mask = *mask;
	for (unsigned i = 0; i < NIC_KEY_WORDS; i++) {
		if (mask->words[i])
			t->words[t->n_words++] = (uint8_t)i;
	}
	t->chain = chain;
	t->max_priority = priority;
	tuple_link(rules, t);
	return t;
}

int nic_rules_insert(struct nic_rules *rules, struct nic_rule *rule)
{
	struct nic_tuple *t = tuple_get(rules, rule->chain, &rule->mask, rule->priority);
	struct nic_rule **head;

	if (!t)
		return -ENOMEM;
	if (t->n >= t->n_buckets)
		tuple_grow(t);
	if (rules->n >= rules->n_buckets)
		ufids_grow(rules);
	rule->tuple = t;
	head = &t->buckets[key_hash(&rule->value, t) & (t->n_buckets - 1)];
	rule->next_same_hash = *head;
	*head = rule;
	t->n++;
	head = &rules->ufids[ufid_hash(&rule->ufid) & (rules->n_buckets - 1)];
	rule->next_same_ufid_hash = *head;
	*head = rule;
	rule->serial = ++rules->serial;
	TAILQ_INSERT_TAIL(&rules->all, rule, by_serial);
	rules->n++;
	return 0;
}

void nic_rules_remove(struct nic_rules *rules, struct nic_rule *rule)
{
	struct nic_tuple *t = rule->tuple;
	struct nic_rule **at;

	at = &t->buckets[key_hash(&rule->value, t) & (t->n_buckets - 1)];
	while (*at != rule)
		at = &(*at)->next_same_hash;
	*at = rule->next_same_hash;
	if (!--t->n) {
		tuple_unlink(rules, t);
		free(t->buckets);
		free(t);
	}
	at = &rules->ufids[ufid_hash(&rule->ufid) & (rules->n_buckets - 1)];
	while (*at != rule)
		at = &(*at)->next_same_ufid_hash;
	*at = rule->next_same_ufid_hash;
	TAILQ_REMOVE(&rules->all, rule, by_serial);
	rules->n--;
	nic_rule_free(rule);
}

struct nic_rule *nic_rules_lookup(
	const struct nic_rules *rules, uint32_t chain, const union nic_key *key)
{
	struct nic_rule *best = NULL;

	for (const struct nic_tuple *t = rules->tuples; t; t = t->next) {
		if (t->chain != chain)
			continue;
		if (best && best->priority >= t->max_priority)
			break;
		for (struct nic_rule *rule = t->buckets[key_hash(key, t) & (t->n_buckets - 1)];
			rule; rule = rule->next_same_hash) {
			if (covers(rule, t, key) && (!best || rule->priority > best->priority))
				best = rule;
		}
	}
	return best;
}
