/* SPDX-License-Identifier: Apache-2.0 */
/* References, garbage collection, indexes, numbers of rows, and undo. */
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

static struct server server;
static struct client client;
static char bridge[OVSDB_UUID_TEXT];

static int init(void)
{
	server_start(&server, false);
	client_open(&client, &server);
	add_bridge(&client, bridge);
	return 0;
}

static int cleanup(void)
{
	client_close(&client);
	server_stop(&server);
	return 0;
}

#define VIOLATION "{'error':'constraint violation','details':'*'}"
#define BROKEN "{'error':'referential integrity violation','details':'*'}"
#define PORTS "{'op':'update','table':'Bridge','where':[],'row':{'ports':%s}}"
#define ADD_PORT                                                                     \
	"{'op':'insert','table':'Port','uuid-name':'%s',"                            \
	" 'row':{'name':'%s','interfaces':['named-uuid','i%s']}},"                   \
	"{'op':'insert','table':'Interface','uuid-name':'i%s','row':{'name':'%s'}}," \
	"{'op':'mutate','table':'Bridge','where':[],"                                \
	" 'mutations':[['ports','insert',['named-uuid','%s']]]}"

static void add_port(const char *name)
{
	ASSERT_LIKE(client_transact(&client, ADD_PORT, name, name, name, name, name, name),
		"['*','*',{'count':1}]");
}

static void remove_port(const char *name)
{
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Port", name);
	char uuid[OVSDB_UUID_TEXT];

	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	ovsdb_uuid_format(ovsdb_row_uuid(row), uuid);
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'mutate','table':'Bridge','where':[],"
			    "'mutations':[['ports','delete',['uuid','%s']]]}",
			    uuid),
		"[{'count':1}]");
}

static void assert_rows(size_t bridges, size_t ports, size_t interfaces, size_t mirrors)
{
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Bridge"), bridges);
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Port"), ports);
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Interface"), interfaces);
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Mirror"), mirrors);
}

static void test_references(void)
{
	ASSERT_LIKE(
		client_transact(&client, PORTS, "['uuid','00000000-0000-0000-0000-000000000001']"),
		"[{'count':1}," BROKEN "]");
	ASSERT_LIKE(client_transact(&client, PORTS, "['named-uuid','nobody']"),
		"[{'count':1}," BROKEN "]");
	ASSERT_LIKE(client_transact(&client, "{'op':'delete','table':'Interface','where':[]}"),
		"[{'count':1}," BROKEN "]");
	/* A required reference has no default that exists. */
	ASSERT_LIKE(client_transact(&client, "{'op':'insert','table':'Port','row':{'name':'x'}}"),
		"['*'," BROKEN "]");
	/* Referrer and target may go together. */
	add_port("p1");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'delete','table':'Port','where':[['name','==','p1']]}," PORTS,
			    "['set',[]]"),
		"[{'count':1},{'count':1}]");
	assert_rows(1, 0, 0, 0);
}

static void test_collection(void)
{
	assert_rows(1, 0, 0, 0);
	add_port("p1");
	add_port("p2");
	assert_rows(1, 2, 2, 0);
	/* Inserted, and never referred to. */
	ASSERT_LIKE(client_transact(
			    &client, "{'op':'insert','table':'Interface','row':{'name':'lost'}}"),
		"[{'uuid':'*'}]");
	assert_rows(1, 2, 2, 0);
	remove_port("p1");
	assert_rows(1, 1, 1, 0);
	/* Moved from one place to another within a transaction: kept. */
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Port", "p2");
	char uuid[OVSDB_UUID_TEXT];
	ovsdb_uuid_format(ovsdb_row_uuid(row), uuid);
	ASSERT_LIKE(client_transact(&client,
			    PORTS ",{'op':'insert','table':'Bridge','uuid-name':'b',"
				  "'row':{'name':'br1','ports':['uuid','%s']}},"
				  "{'op':'mutate','table':'Open_vSwitch','where':[],"
				  "'mutations':[['bridges','insert',['named-uuid','b']]]}",
			    "['set',[]]", uuid),
		"[{'count':1},'*','*']");
	assert_rows(2, 1, 1, 0);
	/* The whole tree goes with its root. */
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'mutate','table':'Open_vSwitch','where':[],"
			    "'mutations':[['bridges','delete',['uuid','%s']]]}",
			    bridge),
		"[{'count':1}]");
	assert_rows(1, 1, 1, 0);
	ASSERT_LIKE(client_transact(&client, "{'op':'update','table':'Open_vSwitch','where':[],"
					     "'row':{'bridges':['set',[]]}}"),
		"[{'count':1}]");
	assert_rows(0, 0, 0, 0);
	add_bridge(&client, bridge);
}

static void test_weak(void)
{
	add_port("p1");
	add_port("p2");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'insert','table':'Mirror','uuid-name':'m',"
			    " 'row':{'name':'m','output_port':['uuid','00000000-0000-0000-0000-"
			    "000000000009']}},"
			    "{'op':'mutate','table':'Bridge','where':[],"
			    "'mutations':[['mirrors','insert',['named-uuid','m']]]}"),
		"['*',{'count':1}]");
	const struct ovsdb_row *mirror = ovsdb_first(server.db, "Mirror");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mirror);
	/* What it refers to never existed. */
	CU_ASSERT_EQUAL(ovsdb_count(mirror, "output_port"), 0);

	const struct ovsdb_row *p1 = ovsdb_find_name(server.db, "Port", "p1");
	const struct ovsdb_row *p2 = ovsdb_find_name(server.db, "Port", "p2");
	char a[OVSDB_UUID_TEXT], b[OVSDB_UUID_TEXT];
	ovsdb_uuid_format(ovsdb_row_uuid(p1), a);
	ovsdb_uuid_format(ovsdb_row_uuid(p2), b);
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Mirror','where':[],'row':{"
			    "'output_port':['uuid','%s'],"
			    "'select_src_port':['set',[['uuid','%s'],['uuid','%s']]]}}",
			    a, a, b),
		"[{'count':1}]");
	remove_port("p1");
	mirror = ovsdb_first(server.db, "Mirror");
	CU_ASSERT_EQUAL(ovsdb_count(mirror, "output_port"), 0);
	CU_ASSERT_EQUAL(ovsdb_count(mirror, "select_src_port"), 1);
	CU_ASSERT_PTR_EQUAL(
		ovsdb_ref(mirror, "select_src_port", 0), ovsdb_find_name(server.db, "Port", "p2"));
	remove_port("p2");
	ASSERT_LIKE(client_transact(&client, "{'op':'update','table':'Bridge','where':[],"
					     "'row':{'mirrors':['set',[]]}}"),
		"[{'count':1}]");
	assert_rows(1, 1, 1, 0);
}

static void test_index(void)
{
	add_port("p1");
	ASSERT_LIKE(client_transact(&client, ADD_PORT, "p1", "p1", "p1", "p1", "other", "p1"),
		"['*','*',{'count':1}," VIOLATION "]");
	CU_ASSERT_PTR_NOT_NULL(ovsdb_find_name(server.db, "Port", "p1"));
	CU_ASSERT_PTR_NULL(ovsdb_find_name(server.db, "Interface", "other"));
	/* A name is free for whoever comes in the same transaction. */
	ASSERT_LIKE(client_transact(&client, PORTS "," ADD_PORT, "['set',[]]", "p1", "p1", "p1",
			    "p1", "p1", "p1"),
		"[{'count':1},'*','*',{'count':1}]");
	assert_rows(1, 1, 1, 0);
	/* Two columns: a collector set is unique by id and bridge together. */
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'insert','table':'Flow_Sample_Collector_Set',"
			    " 'row':{'id':1,'bridge':['uuid','%s']}},"
			    "{'op':'insert','table':'Flow_Sample_Collector_Set',"
			    " 'row':{'id':2,'bridge':['uuid','%s']}}",
			    bridge, bridge),
		"['*','*']");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Flow_Sample_Collector_Set','where':[],"
			    "'row':{'id':3}}"),
		"[{'count':2}," VIOLATION "]");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Flow_Sample_Collector_Set',"
			    "'where':[['id','==',1]],'row':{'id':3}},"
			    "{'op':'update','table':'Flow_Sample_Collector_Set',"
			    "'where':[['id','==',2]],'row':{'id':1}},"
			    "{'op':'delete','table':'Flow_Sample_Collector_Set','where':[]}"),
		"[{'count':1},{'count':1},{'count':2}]");
	remove_port("p1");
}

static void test_max_rows(void)
{
	ASSERT_LIKE(client_transact(&client, "{'op':'insert','table':'Open_vSwitch','row':{}}"),
		"['*'," VIOLATION "]");
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Open_vSwitch"), 1);
	/* One transaction may replace the row. */
	ASSERT_LIKE(
		client_transact(&client, "{'op':'insert','table':'SSL','uuid-name':'s','row':{}},"
					 "{'op':'insert','table':'SSL','uuid-name':'t','row':{}},"
					 "{'op':'update','table':'Open_vSwitch','where':[],"
					 "'row':{'ssl':['named-uuid','t']}}"),
		"['*','*',{'count':1}]");
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "SSL"), 1);
}

/* A failure at the last moment undoes inserts, changes, deletes, counts and
 * the index. Done many times, nothing drifts. */
static void test_undo(void)
{
	add_port("p1");
	add_port("p2");
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Port", "p2");
	char p2[OVSDB_UUID_TEXT];
	ovsdb_uuid_format(ovsdb_row_uuid(row), p2);
	for (int i = 0; i < 20; i++) {
		ASSERT_LIKE(client_transact(&client,
				    ADD_PORT "," PORTS
					     ",{'op':'insert','table':'Open_vSwitch','row':{}}",
				    "p3", "p3", "p3", "p3", "p3", "p3", "['set',[]]"),
			"['*','*',{'count':1},{'count':1},'*'," VIOLATION "]");
		assert_rows(1, 2, 2, 0);
	}
	CU_ASSERT_PTR_NULL(ovsdb_find_name(server.db, "Port", "p3"));
	remove_port("p1");
	assert_rows(1, 1, 1, 0);
	CU_ASSERT_PTR_EQUAL(ovsdb_ref(ovsdb_first(server.db, "Bridge"), "ports", 0),
		ovsdb_find_name(server.db, "Port", "p2"));
	remove_port("p2");
	assert_rows(1, 0, 0, 0);
}

int suite_integrity(void)
{
	CU_pSuite suite = CU_add_suite("integrity", init, cleanup);

	return !suite || !CU_add_test(suite, "strong references", test_references) ||
	       !CU_add_test(suite, "garbage collection", test_collection) ||
	       !CU_add_test(suite, "weak references", test_weak) ||
	       !CU_add_test(suite, "indexes", test_index) ||
	       !CU_add_test(suite, "numbers of rows", test_max_rows) ||
	       !CU_add_test(suite, "undo", test_undo);
}
