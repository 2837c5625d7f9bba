/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "hal/reason.h"
#include "hal/rule.h"
#include "tests/unit/hal/test.h"

static void test_refuse(void)
{
	struct hal_reason r;
	char text[300];

	memset(&r, 0xff, sizeof(r));
	CU_ASSERT_EQUAL(hal_refuse_field(&r, HAL_REASON_UNSUPPORTED_FIELD, FIELD_IPV6_DST,
				"the parser of this device stops at %s", "IPv4"),
		-EOPNOTSUPP);
	hal_reason_format(&r, text, sizeof(text));
	EXPECT_TEXT(text, "unsupported field ipv6_dst: the parser of this device stops at IPv4");
	CU_ASSERT_EQUAL(r.action, ACTION_MAX);
	CU_ASSERT_EQUAL(r.port, 0);
	CU_ASSERT(r.since_ms > UINT64_C(1600000000000));
	CU_ASSERT_EQUAL(
		hal_refuse_action(&r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_CT, "no"), -EOPNOTSUPP);
	hal_reason_format(&r, text, sizeof(text));
	EXPECT_TEXT(text, "unsupported action ct: no");
	CU_ASSERT_EQUAL(hal_refuse(&r, HAL_REASON_NO_ROOM, "%u of %u rules", 5u, 5u), -ENOSPC);
	hal_reason_format(&r, text, sizeof(text));
	EXPECT_TEXT(text, "no room now: 5 of 5 rules");
	CU_ASSERT_EQUAL(hal_refuse(NULL, HAL_REASON_RETRY, "x"), -EAGAIN);
	CU_ASSERT_EQUAL(hal_refuse(NULL, HAL_REASON_DEPENDS, "x"), -EAGAIN);
	CU_ASSERT_EQUAL(hal_refuse(NULL, HAL_REASON_DEVICE_ERROR, "x"), -EIO);
	CU_ASSERT_EQUAL(hal_refuse(NULL, HAL_REASON_DEVICE_GONE, "x"), -ENODEV);
	memset(&r, 0, sizeof(r));
	hal_reason_format(&r, text, sizeof(text));
	EXPECT_TEXT(text, "none");
}

/* Every refusal has a name, an advice and an error. */
static void test_all_reasons(void)
{
	for (unsigned code = HAL_REASON_NONE + 1; code < HAL_REASON_MAX; code++) {
		const char *name = hal_reason_name((enum hal_reason_code)code);

		EXPECT(name && *name, "name");
		EXPECT(*hal_reason_advice((enum hal_reason_code)code), name);
		EXPECT(hal_refuse(NULL, (enum hal_reason_code)code, "x") < 0, name);
	}
}

static void test_long_text(void)
{
	struct hal_reason r;
	char text[8];
	char many[400];

	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	hal_refuse(&r, HAL_REASON_POLICY, "%s", many);
	CU_ASSERT_EQUAL(strlen(r.text), sizeof(r.text) - 1);
	CU_ASSERT_EQUAL(hal_reason_format(&r, text, sizeof(text)),
		(int)(strlen("policy: ") + sizeof(r.text) - 1));
	EXPECT_TEXT(text, "policy:");
}

static void test_ufid(void)
{
	struct hal_ufid u = {{UINT64_C(0x0123456789abcdef), UINT64_C(0x1122334455667788)}}, back;
	char text[HAL_UFID_STR];

	hal_ufid_format(&u, text);
	EXPECT_TEXT(text, "01234567-89ab-cdef-1122-334455667788");
	CU_ASSERT_EQUAL(hal_ufid_parse("01234567-89AB-CDEF-1122-334455667788", &back), 0);
	CU_ASSERT_TRUE(hal_ufid_equal(&u, &back));
	for (unsigned i = 0; i < 1000; i++) {
		rnd_bytes(&u, sizeof(u));
		hal_ufid_format(&u, text);
		EXPECT(!hal_ufid_parse(text, &back) && hal_ufid_equal(&u, &back), text);
		text[rnd_below(HAL_UFID_STR - 1)] = 'g';
		EXPECT(hal_ufid_parse(text, &back) == -EINVAL, text);
	}
	CU_ASSERT_EQUAL(hal_ufid_parse("", &back), -EINVAL);
	CU_ASSERT_EQUAL(hal_ufid_parse("01234567-89ab-cdef-1122-3344556677881", &back), -EINVAL);
	CU_ASSERT_EQUAL(hal_ufid_parse("0123456789abcdef11223344556677889999", &back), -EINVAL);
}

CU_TestInfo reason_tests[] = {
	{"refusals", test_refuse},
	{"all reasons", test_all_reasons},
	{"long texts", test_long_text},
	{"ufid text", test_ufid},
	CU_TEST_INFO_NULL,
};
