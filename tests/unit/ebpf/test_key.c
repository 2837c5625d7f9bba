/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches to keys and back; and keys are found by the packets that match, and by no other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "test_ebpf.h"

#define ROUNDS 5000

/* A word that the program knows, where a datapath key has it. */
static unsigned word_of(unsigned i)
{
	return i < EBPF_HEAD_WORDS ? i
				   : i - EBPF_HEAD_WORDS + offsetof(struct hal_key, tun_flags) / 8;
}

/* Any bits of what the program knows, few words or many. */
static void random_match(struct hal_key *value, struct hal_key *mask)
{
	uint64_t v[HAL_KEY_WORDS] = {0}, m[HAL_KEY_WORDS] = {0};
	const unsigned density = 1 + test_rand() % 6;
	unsigned n = 0;

	for (unsigned i = 0; i < EBPF_WORDS; i++) {
		const unsigned at = word_of(i);

		if (test_rand() % density || n == EBPF_KEY_WORDS - 1)
			continue;
		n++;
		m[at] = (uint64_t)test_rand() << 32 | test_rand();
		v[at] = ((uint64_t)test_rand() << 32 | test_rand()) & m[at];
	}
	memcpy(value, v, sizeof(*value));
	memcpy(mask, m, sizeof(*mask));
	memset(value->ct_label, 0, sizeof(value->ct_label));
	memset(mask->ct_label, 0, sizeof(mask->ct_label));
	value->recirc_id = mask->recirc_id = 0;
	value->in_port = rte_cpu_to_be_32(1 + test_rand() % 99);
	mask->in_port = UINT32_MAX;
	if (test_rand() % 4 == 0)
		value->in_port = mask->in_port = 0;
}

/* What the program does to find a rule. */
static bool finds(const struct ebpf_key *key, const struct hal_key *packet, uint32_t ifindex)
{
	uint64_t word[HAL_KEY_WORDS];
	struct hal_key named = *packet;

	named.in_port = ifindex;
	memcpy(word, &named, sizeof(word));
	for (unsigned i = 0; i < key->mask.words; i++)
		if ((word[word_of(key->mask.index[i])] & key->mask.mask[i]) != key->w[i])
			return false;
	return true;
}

static void there_and_back(void)
{
	struct ebpf_dev *dev = test_device();
	unsigned of_class[EBPF_CLASSES] = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_key value, mask;
		struct hal_cmatch *match, *back;
		struct ebpf_key key;

		random_match(&value, &mask);
		match = hal_cmatch_new_dp(&value, &mask);
		CU_ASSERT_EQUAL_FATAL(ebpf_key_encode(dev, match, &key, NULL), 0);
		CU_ASSERT_FATAL(key.mask.n <= key.mask.words && key.mask.words <= EBPF_KEY_WORDS);
		CU_ASSERT_FATAL(ebpf_class_of(&key.mask) < EBPF_CLASSES);
		of_class[ebpf_class_of(&key.mask)]++;
		back = ebpf_key_decode(dev, &key);
		CU_ASSERT_FATAL(back && hal_cmatch_equal(match, back));
		free(match);
		free(back);
	}
	for (unsigned class = 0; class < EBPF_CLASSES; class ++)
		CU_ASSERT(of_class[class] > ROUNDS / 100);
	test_device_free(dev);
}

static void found_by_what_matches(void)
{
	struct ebpf_dev *dev = test_device();

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hal_key value, mask, packet;
		uint64_t *word = (uint64_t *)&packet;
		struct hal_cmatch *match;
		struct ebpf_key key;
		unsigned at;

		random_match(&value, &mask);
		match = hal_cmatch_new_dp(&value, &mask);
		CU_ASSERT_EQUAL_FATAL(ebpf_key_encode(dev, match, &key, NULL), 0);
		memset(&packet, 0, sizeof(packet));
		for (unsigned n = 1, w; n < EBPF_WORDS; n++) {
			w = word_of(n);
			if (n == EBPF_HEAD_WORDS - 1)
				continue;
			word[w] = ((const uint64_t *)&value)[w] |
				  (~((const uint64_t *)&mask)[w] & test_rand());
		}
		memcpy(packet.arp_tha, value.arp_tha, 6);
		packet.in_port = value.in_port ? value.in_port : rte_cpu_to_be_32(5);
		at = TEST_IFINDEX + rte_be_to_cpu_32(packet.in_port);
		CU_ASSERT(hal_cmatch_covers(match, &packet));
		CU_ASSERT(finds(&key, &packet, at));
		/* And no other, by any bit of it. */
		at = 1 + test_rand() % (EBPF_WORDS - 1);
		word[word_of(at)] ^= 1ull << test_rand() % 64;
		CU_ASSERT_EQUAL(hal_cmatch_covers(match, &packet),
			finds(&key, &packet, TEST_IFINDEX + rte_be_to_cpu_32(packet.in_port)));
		free(match);
	}
	test_device_free(dev);
}

static void what_is_refused(void)
{
	struct ebpf_dev *dev = test_device();
	struct hal_key value = {0}, mask = {0};
	struct hal_cmatch *match;
	struct hal_reason r;
	struct ebpf_key key;

	value.in_port = rte_cpu_to_be_32(100);
	mask.in_port = UINT32_MAX;
	match = hal_cmatch_new_dp(&value, &mask);
	CU_ASSERT(ebpf_key_encode(dev, match, &key, &r) < 0);
	CU_ASSERT(r.code == HAL_REASON_UNBOUND_PORT && r.port == 100);
	free(match);
	value.in_port = mask.in_port = 0;
	mask.tun_opts[5] = value.tun_opts[5] = 1;
	match = hal_cmatch_new_dp(&value, &mask);
	CU_ASSERT_EQUAL(ebpf_key_encode(dev, match, &key, &r), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_FIELD);
	free(match);
	memset(&mask, 0xff, offsetof(struct hal_key, ct_label));
	mask.in_port = mask.recirc_id = 0;
	mask.tun_id = mask.tun_ipv4_src = 1;
	memset(mask.tun_opts, 0, sizeof(mask.tun_opts));
	match = hal_cmatch_new_dp(&(struct hal_key){0}, &mask);
	CU_ASSERT_EQUAL(ebpf_key_encode(dev, match, &key, &r), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(r.code, HAL_REASON_UNSUPPORTED_COMBINATION);
	free(match);
	test_device_free(dev);
}

/* What no encoding of ours looks like. */
static void broken_keys(void)
{
	struct ebpf_dev *dev = test_device();
	struct ebpf_key key = {
		.mask = {.words = EBPF_NARROW, .n = 2, .index = {3, 5}, .mask = {1, 1}}};
	struct hal_cmatch *match = ebpf_key_decode(dev, &key);
	struct ebpf_key bad = key;

	CU_ASSERT_PTR_NOT_NULL(match);
	free(match);
	bad.mask.index[1] = 3;
	CU_ASSERT_PTR_NULL(ebpf_key_decode(dev, &bad));
	bad = key;
	bad.mask.index[1] = EBPF_WORDS;
	CU_ASSERT_PTR_NULL(ebpf_key_decode(dev, &bad));
	bad = key;
	bad.w[0] = 2;
	CU_ASSERT_PTR_NULL(ebpf_key_decode(dev, &bad));
	bad = key;
	bad.mask.n = 5;
	CU_ASSERT_PTR_NULL(ebpf_key_decode(dev, &bad));
	test_device_free(dev);
}

void add_key_suite(void)
{
	CU_pSuite suite = CU_add_suite("ebpf: keys", NULL, NULL);

	CU_add_test(suite, "matches there and back", there_and_back);
	CU_add_test(suite, "keys are found by what matches", found_by_what_matches);
	CU_add_test(suite, "what cannot be a key", what_is_refused);
	CU_add_test(suite, "broken keys", broken_keys);
}
