/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hal/test.h"

/* A small world, so that all packets can be tried: two bits of each of three words far apart. */
#define BITS 6
#define PACKETS (1u << BITS)

static void put_bits(struct xlate_key *k, unsigned bits)
{
	*k = (struct xlate_key){0};
	k->dp.in_port = rte_cpu_to_be_32(bits & 3);
	k->dp.tun_opts[127] = (uint8_t)((bits >> 2 & 3) << 6);
	k->reg[15] = rte_cpu_to_be_32(bits >> 4 << 30);
}

struct small {
	unsigned value, mask;
	struct hal_cmatch *cm;
};

static struct small random_small(void)
{
	struct small s = {
		.value = rnd_below(PACKETS), .mask = rnd_below(PACKETS) & (unsigned)rnd()};
	struct hal_match m;

	put_bits(&m.value, s.value); /* with bits outside the mask: they are dropped */
	put_bits(&m.mask, s.mask);
	s.cm = hal_cmatch_new(&m);
	s.value &= s.mask;
	return s;
}

static bool small_covers(const struct small *s, unsigned packet)
{
	return (packet & s->mask) == s->value;
}

static void test_brute_force(void)
{
	unsigned overlaps = 0, contains = 0;

	for (unsigned i = 0; i < 5000; i++) {
		struct small a = random_small(), b = random_small();
		bool overlap = false, contain = true;

		for (unsigned p = 0; p < PACKETS; p++) {
			bool in_a = small_covers(&a, p), in_b = small_covers(&b, p);
			struct xlate_key key;

			put_bits(&key, p);
			EXPECT(hal_cmatch_covers(a.cm, &key) == in_a, "covers");
			overlap = overlap || (in_a && in_b);
			contain = contain && (in_a || !in_b);
		}
		EXPECT(hal_cmatch_overlap(a.cm, b.cm) == overlap, "overlap");
		EXPECT(hal_cmatch_overlap(b.cm, a.cm) == overlap, "overlap, the other way");
		EXPECT(hal_cmatch_contains(a.cm, b.cm) == contain, "contains");
		EXPECT(hal_cmatch_equal(a.cm, b.cm) == (a.mask == b.mask && a.value == b.value),
			"equal");
		EXPECT(hal_cmatch_same_mask(a.cm, b.cm) == (a.mask == b.mask), "same mask");
		overlaps += overlap;
		contains += contain;
		free(a.cm);
		free(b.cm);
	}
	CU_ASSERT(overlaps > 100 && overlaps < 4900);
	CU_ASSERT(contains > 100 && contains < 4900);
}

static void random_match(struct hal_match *m)
{
	unsigned n = rnd_below(8);

	*m = (struct hal_match){0};
	while (n--) {
		enum hal_field_id id = (enum hal_field_id)rnd_below(FIELD_MAX);
		uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];

		rnd_value(id, value);
		rnd_mask(id, mask);
		hal_match_set(m, id, value, mask);
	}
}

static void test_expand(void)
{
	for (unsigned i = 0; i < 5000; i++) {
		struct hal_match m, back;
		struct hal_cmatch *cm, *again;

		random_match(&m);
		cm = hal_cmatch_new(&m);
		memset(&back, 0xee, sizeof(back));
		hal_cmatch_expand(cm, &back);
		EXPECT(!memcmp(&m, &back, sizeof(m)), "expand");
		again = hal_cmatch_new(&back);
		EXPECT(hal_cmatch_equal(cm, again) && cm->hash == again->hash, "made again");
		EXPECT(hal_cmatch_covers(cm, &m.value), "covers its own value");
		free(cm);
		free(again);
	}
}

/* A datapath match is the same as a whole one that touches the datapath key only, and reads no
 * further than a datapath key. */
static void test_dp(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct hal_match m;
		struct hal_cmatch *dp, *whole;
		struct hal_key *key = malloc(sizeof(*key));

		random_match(&m);
		dp = hal_cmatch_new_dp(&m.value.dp, &m.mask.dp);
		memset((uint8_t *)&m.value + sizeof(m.value.dp), 0,
			sizeof(m.value) - sizeof(m.value.dp));
		memset((uint8_t *)&m.mask + sizeof(m.mask.dp), 0,
			sizeof(m.mask) - sizeof(m.mask.dp));
		whole = hal_cmatch_new(&m);
		EXPECT(hal_cmatch_equal(dp, whole), "dp");
		EXPECT(!dp->map[1], "words of a datapath key are in map[0]");
		*key = m.value.dp;
		EXPECT(hal_cmatch_covers(dp, key), "covers");
		EXPECT(hal_cmatch_key_hash(dp, key) == hal_cmatch_value_hash(dp), "hash");
		free(dp);
		free(whole);
		free(key);
	}
}

static void test_key_hash(void)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < 5000; i++) {
		struct hal_match m;
		struct hal_cmatch *cm;
		struct xlate_key key, other;

		random_match(&m);
		cm = hal_cmatch_new(&m);
		rnd_bytes(&key, sizeof(key));
		rnd_bytes(&other, sizeof(other));
		differ += cm->n && hal_cmatch_key_hash(cm, &key) != hal_cmatch_key_hash(cm, &other);
		for (size_t j = 0; j < sizeof(key); j++) {
			uint8_t mask = ((uint8_t *)&m.mask)[j];

			((uint8_t *)&key)[j] = (uint8_t)((((uint8_t *)&key)[j] & ~mask) |
							 ((uint8_t *)&m.value)[j]);
		}
		EXPECT(hal_cmatch_key_hash(cm, &key) == hal_cmatch_value_hash(cm), "key hash");
		free(cm);
	}
	CU_ASSERT(differ > 4000);
}

/* Hashes of addresses in a row spread over the low bits, which tables use. */
static void test_spread(void)
{
	unsigned bucket[256] = {0}, worst = 0;
	struct hal_match m = {0};
	struct hal_cmatch *cm;

	hal_match_set_u64(&m, FIELD_IPV4_DST, 0);
	cm = hal_cmatch_new(&m);
	for (unsigned i = 0; i < 256 * 64; i++) {
		struct xlate_key key = {0};

		key.dp.ipv4_dst = rte_cpu_to_be_32(0x0a000000 + i);
		bucket[hal_cmatch_key_hash(cm, &key) & 255]++;
	}
	for (unsigned i = 0; i < 256; i++)
		worst = bucket[i] > worst ? bucket[i] : worst;
	CU_ASSERT(worst < 128); /* 64 are expected; 128 is 8 standard deviations off */
	free(cm);
}

CU_TestInfo cmatch_tests[] = {
	{"covers, overlap, contains against brute force", test_brute_force},
	{"expand is the inverse", test_expand},
	{"datapath matches", test_dp},
	{"keys that agree hash alike", test_key_hash},
	{"hashes spread", test_spread},
	CU_TEST_INFO_NULL,
};
