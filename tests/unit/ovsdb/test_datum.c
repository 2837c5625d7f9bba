/* SPDX-License-Identifier: Apache-2.0 */
/* Atoms, datums and their JSON. */
#include "ofctl/ovsdb/datum.h"
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

static const struct ovsdb_type integers = {
	.key = {.type = OVSDB_INTEGER, .min = 0, .max = 100}, .n_max = OVSDB_UNLIMITED};
static const struct ovsdb_type reals = {.key = {.type = OVSDB_REAL}, .n_max = OVSDB_UNLIMITED};
static const struct ovsdb_type strings = {.key = {.type = OVSDB_STRING}, .n_max = OVSDB_UNLIMITED};
static const struct ovsdb_type scalar = {.key = {.type = OVSDB_STRING}, .n_min = 1, .n_max = 1};
static const struct ovsdb_type optional = {.key = {.type = OVSDB_BOOLEAN}, .n_max = 1};
static const struct ovsdb_type uuids = {.key = {.type = OVSDB_UUID}, .n_max = 2};
static const struct ovsdb_type map = {
	.key = {.type = OVSDB_STRING}, .value = {.type = OVSDB_STRING}, .n_max = OVSDB_UNLIMITED};

static struct ovsdb_datum *decode(const struct ovsdb_type *type, const char *text)
{
	struct ovsdb_error error = {0};
	struct ovsdb_datum *datum;
	json_t *json = json_format("%s", text);

	if (ovsdb_datum_from_json(&datum, type, json, NULL, &error))
		CU_ASSERT_PTR_NOT_NULL(error.tag);
	json_decref(json);
	return datum;
}

/* Decoded and encoded again, 'text' is 'expected', exactly; NULL: refused. */
static void round_trip(const struct ovsdb_type *type, const char *text, const char *expected)
{
	struct ovsdb_datum *datum = decode(type, text);

	if (!expected) {
		CU_ASSERT_PTR_NULL(datum);
		if (datum)
			fprintf(stderr, "\n  accepted %s\n", text);
		ovsdb_datum_unref(datum, type);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(datum);
	json_t *json = ovsdb_datum_to_json(datum, type);
	json_t *wanted = json_format("%s", expected);
	CU_ASSERT(json_equal(json, wanted));
	json_decref(wanted);
	json_decref(json);
	ovsdb_datum_unref(datum, type);
}

static void test_json(void)
{
	round_trip(&integers, "['set',[3,1,2]]", "['set',[1,2,3]]");
	round_trip(&integers, "5", "5");
	round_trip(&integers, "['set',[5]]", "5");
	round_trip(&integers, "['set',[]]", "['set',[]]");
	round_trip(&integers, "5.0", "5");
	round_trip(&integers, "1e2", "100");
	round_trip(&integers, "5.5", NULL);
	round_trip(&integers, "101", NULL);
	round_trip(&integers, "-1", NULL);
	round_trip(&integers, "1e300", NULL);
	round_trip(&integers, "['set',[1,1]]", NULL);
	round_trip(&integers, "'5'", NULL);
	round_trip(&integers, "null", NULL);
	round_trip(&integers, "{}", NULL);
	round_trip(&integers, "['set']", NULL);
	round_trip(&integers, "['set',[1],2]", NULL);
	round_trip(&integers, "['map',[[1,2]]]", NULL);
	round_trip(&reals, "['set',[1.5,0,-2]]", "['set',[-2.0,0.0,1.5]]");
	round_trip(&strings, "['set',['b','','a']]", "['set',['','a','b']]");
	round_trip(&strings, "'\\u00e4\\u20ac'", "'\\u00e4\\u20ac'");
	round_trip(&scalar, "''", "''");
	round_trip(&scalar, "['set',[]]", NULL);
	round_trip(&scalar, "['set',['a','b']]", NULL);
	round_trip(&optional, "true", "true");
	round_trip(&optional, "['set',[]]", "['set',[]]");
	round_trip(&optional, "['set',[true,false]]", NULL);
	round_trip(&optional, "1", NULL);
}

static void test_json_uuid_and_map(void)
{
	const char *uuid = "['uuid','01234567-89ab-cdef-0123-456789abcdef']";

	round_trip(&uuids, uuid, uuid);
	round_trip(&uuids, "['uuid','01234567-89AB-CDEF-0123-456789ABCDEF']", uuid);
	round_trip(&uuids, "['uuid','01234567-89ab-cdef-0123-456789abcde']", NULL);
	round_trip(&uuids, "['uuid','01234567-89ab-cdef-0123-456789abcdefa']", NULL);
	round_trip(&uuids, "['uuid','01234567089ab-cdef-0123-456789abcdef']", NULL);
	round_trip(&uuids, "['uuid','']", NULL);
	round_trip(&uuids, "['uuid']", NULL);
	round_trip(&uuids, "['named-uuid','x']", NULL);
	round_trip(&map, "['map',[['b','1'],['a','2']]]", "['map',[['a','2'],['b','1']]]");
	round_trip(&map, "['map',[]]", "['map',[]]");
	round_trip(&map, "['map',[['a','1'],['a','2']]]", NULL);
	round_trip(&map, "['map',[['a']]]", NULL);
	round_trip(&map, "['map',[['a','b','c']]]", NULL);
	round_trip(&map, "['map',[['a',1]]]", NULL);
	round_trip(&map, "['set',[]]", NULL);
	round_trip(&map, "'a'", NULL);
}

/* OP applied to two datums gives a third. */
static void combine(struct ovsdb_datum *(*op)(const struct ovsdb_datum *,
			    const struct ovsdb_datum *, const struct ovsdb_type *),
	const struct ovsdb_type *type, const char *a_text, const char *b_text, const char *expected)
{
	struct ovsdb_datum *a = decode(type, a_text), *b = decode(type, b_text);
	struct ovsdb_datum *result = op(a, b, type), *wanted = decode(type, expected);

	CU_ASSERT(ovsdb_datum_equal(result, wanted, type));
	ovsdb_datum_unref(a, type);
	ovsdb_datum_unref(b, type);
	ovsdb_datum_unref(result, type);
	ovsdb_datum_unref(wanted, type);
}

static struct ovsdb_datum *diff(
	const struct ovsdb_datum *a, const struct ovsdb_datum *b, const struct ovsdb_type *type)
{
	return ovsdb_datum_diff((struct ovsdb_datum *)a, (struct ovsdb_datum *)b, type);
}

static void test_merges(void)
{
	combine(ovsdb_datum_union, &integers, "['set',[1,3]]", "['set',[2,3]]", "['set',[1,2,3]]");
	combine(ovsdb_datum_subtract, &integers, "['set',[1,3]]", "['set',[2,3]]", "1");
	combine(diff, &integers, "['set',[1,3]]", "['set',[2,3]]", "['set',[1,2]]");
	combine(diff, &integers, "['set',[1,3]]", "['set',[1,3]]", "['set',[]]");
	combine(diff, &optional, "true", "['set',[]]", "['set',[]]");
	combine(diff, &optional, "true", "false", "false");
	combine(ovsdb_datum_union, &map, "['map',[['a','1']]]", "['map',[['a','2'],['b','3']]]",
		"['map',[['a','1'],['b','3']]]");
	combine(ovsdb_datum_subtract, &map, "['map',[['a','1'],['b','2']]]",
		"['map',[['a','1'],['b','3']]]", "['map',[['b','2']]]");
	/* A changed key shows its new value, one that went its old one. */
	combine(diff, &map, "['map',[['a','1'],['b','2'],['c','3']]]",
		"['map',[['a','1'],['b','9'],['d','4']]]",
		"['map',[['b','9'],['c','3'],['d','4']]]");
}

static void test_lookup(void)
{
	struct ovsdb_datum *datum = decode(&integers, "['set',[2,4,6,8]]");
	struct ovsdb_datum *part = decode(&integers, "['set',[4,8]]");
	struct ovsdb_datum *other = decode(&integers, "['set',[1,9]]");

	for (int64_t i = 0; i < 10; i++) {
		union ovsdb_atom atom = {.integer = i};
		ssize_t expected = i && i % 2 == 0 ? i / 2 - 1 : -1;
		CU_ASSERT_EQUAL(ovsdb_datum_find(datum, &integers, &atom), expected);
	}
	CU_ASSERT(ovsdb_datum_includes(datum, part, &integers));
	CU_ASSERT(!ovsdb_datum_includes(part, datum, &integers));
	CU_ASSERT(!ovsdb_datum_excludes(datum, part, &integers));
	CU_ASSERT(ovsdb_datum_excludes(datum, other, &integers));
	CU_ASSERT(ovsdb_datum_compare(part, other, &integers) > 0);
	CU_ASSERT(ovsdb_datum_hash(part, &integers, 0) != ovsdb_datum_hash(other, &integers, 0));
	ovsdb_datum_unref(datum, &integers);
	ovsdb_datum_unref(part, &integers);
	ovsdb_datum_unref(other, &integers);
}

static void test_defaults(void)
{
	static const struct {
		const struct ovsdb_type *type;
		const char *is_default, *is_not;
	} cases[] = {
		{&integers, "['set',[]]", "0"},
		{&scalar, "''", "'x'"},
		{&optional, "['set',[]]", "false"},
		{&map, "['map',[]]", "['map',[['','']]]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ovsdb_type *type = cases[i].type;
		struct ovsdb_datum *a = ovsdb_datum_default(type);
		struct ovsdb_datum *b = decode(type, cases[i].is_default);
		struct ovsdb_datum *c = decode(type, cases[i].is_not);
		CU_ASSERT(ovsdb_datum_equal(a, b, type));
		CU_ASSERT(ovsdb_datum_is_default(b, type));
		CU_ASSERT(!ovsdb_datum_is_default(c, type));
		ovsdb_datum_unref(a, type);
		ovsdb_datum_unref(b, type);
		ovsdb_datum_unref(c, type);
	}
}

static void test_uuid(void)
{
	char text[OVSDB_UUID_TEXT];
	struct ovsdb_uuid a = ovsdb_uuid_random(), b = ovsdb_uuid_random(), c;

	CU_ASSERT(!ovsdb_uuid_equal(&a, &b));
	ovsdb_uuid_format(&a, text);
	CU_ASSERT_EQUAL(strlen(text), 36);
	CU_ASSERT_EQUAL(text[14], '4'); /* version */
	CU_ASSERT(strchr("89ab", text[19]) != NULL);
	CU_ASSERT(ovsdb_uuid_parse(&c, text));
	CU_ASSERT(ovsdb_uuid_equal(&a, &c));
	CU_ASSERT(!ovsdb_uuid_parse(&c, "01234567-89ab-cdef-0123-456789abcdeg"));
}

int suite_datum(void)
{
	CU_pSuite suite = CU_add_suite("datum", NULL, NULL);

	return !suite || !CU_add_test(suite, "JSON of sets", test_json) ||
	       !CU_add_test(suite, "JSON of uuids and maps", test_json_uuid_and_map) ||
	       !CU_add_test(suite, "union, subtraction, difference", test_merges) ||
	       !CU_add_test(suite, "lookup and inclusion", test_lookup) ||
	       !CU_add_test(suite, "default values", test_defaults) ||
	       !CU_add_test(suite, "uuids", test_uuid);
}
