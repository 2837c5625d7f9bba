/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of transact. */
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

static struct server server;
static struct client client;

static int init(void)
{
	server_start(&server, false);
	client_open(&client, &server);
	add_bridge(&client, NULL);
	return 0;
}

static int cleanup(void)
{
	client_close(&client);
	server_stop(&server);
	return 0;
}

/* All-or-nothing: what failed left the bridge as it is. */
static void assert_bridge(const char *columns, const char *row)
{
	json_t *result = client_transact(
		&client, "{'op':'select','table':'Bridge','where':[],'columns':%s}", columns);
	char *expected;

	if (asprintf(&expected, "[{'rows':[%s]}]", row) < 0)
		abort();
	ASSERT_LIKE(result, expected);
	free(expected);
}

#define UPDATE "{'op':'update','table':'Bridge','where':[['name','==','br0']],'row':{%s}}"
#define MUTATE "{'op':'mutate','table':'%s','where':[],'mutations':[%s]}"
#define SELECT "{'op':'select','table':'%s','where':[%s],'columns':['name']}"

static void test_update(void)
{
	ASSERT_LIKE(client_transact(&client, UPDATE, "'fail_mode':'secure','flood_vlans':7"),
		"[{'count':1}]");
	assert_bridge("['fail_mode','flood_vlans']", "{'fail_mode':'secure','flood_vlans':7}");
	ASSERT_LIKE(client_transact(&client, UPDATE, "'fail_mode':['set',[]]"), "[{'count':1}]");
	ASSERT_LIKE(client_transact(&client, UPDATE, "'flood_vlans':['set',[]]"), "[{'count':1}]");

	static const struct {
		const char *row, *error;
	} bad[] = {
		{"'fail_mode':'bogus'", "constraint violation"},
		{"'fail_mode':['set',['secure','standalone']]", "syntax error"},
		{"'flood_vlans':4096", "constraint violation"},
		{"'flood_vlans':['set',[1,1]]", "syntax error"},
		{"'name':'br1'", "constraint violation"},
		{"'_uuid':['uuid','00000000-0000-0000-0000-000000000000']", "constraint violation"},
		{"'nope':1", "unknown column"},
		{"'stp_enable':1", "syntax error"},
		{"'other_config':['map',[['a']]]", "syntax error"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char expected[128];
		snprintf(expected, sizeof(expected),
			"[{'count':1},{'error':'%s','details':'*'},null]", bad[i].error);
		json_t *result =
			client_transact(&client, UPDATE "," UPDATE ",{'op':'comment','comment':''}",
				"'datapath_type':'x'", bad[i].row);
		ASSERT_LIKE(result, expected);
	}
	assert_bridge("['datapath_type','fail_mode','flood_vlans','name']",
		"{'datapath_type':'','fail_mode':['set',[]],'flood_vlans':['set',[]],'name':'br0'"
		"}");
}

static void mutate(const char *table, const char *mutation, const char *expected)
{
	json_t *result = client_transact(&client, MUTATE, table, mutation);

	ASSERT_LIKE(result, expected);
}

static void assert_next_cfg(int expected)
{
	char text[64];

	snprintf(text, sizeof(text), "[{'rows':[{'next_cfg':%d}]}]", expected);
	ASSERT_LIKE(client_transact(&client, "{'op':'select','table':'Open_vSwitch','where':[],"
					     "'columns':['next_cfg']}"),
		text);
}

static void test_arithmetic(void)
{
	const char *range = "[{'error':'range error','details':'*'}]";
	const char *domain = "[{'error':'domain error','details':'*'}]";
	const char *syntax = "[{'error':'syntax error','details':'*'}]";

	mutate("Open_vSwitch", "['next_cfg','+=',20],['next_cfg','-=',3]", "[{'count':1}]");
	assert_next_cfg(17);
	mutate("Open_vSwitch", "['next_cfg','*=',-2]", "[{'count':1}]");
	mutate("Open_vSwitch", "['next_cfg','/=',3]", "[{'count':1}]");
	assert_next_cfg(-11);
	mutate("Open_vSwitch", "['next_cfg','%=',4]", "[{'count':1}]");
	assert_next_cfg(-3);
	mutate("Open_vSwitch", "['next_cfg','/=',0]", domain);
	mutate("Open_vSwitch", "['next_cfg','%=',0]", domain);
	mutate("Open_vSwitch", "['next_cfg','*=',9223372036854775807]", range);
	mutate("Open_vSwitch", "['next_cfg','-=',9223372036854775807]", range);
	mutate("Open_vSwitch", "['next_cfg','+=','1']", syntax);
	mutate("Open_vSwitch", "['other_config','+=',1]", syntax);
	mutate("Open_vSwitch", "['next_cfg','insert',1]", syntax);
	mutate("Open_vSwitch", "['next_cfg','^=',1]",
		"[{'error':'unknown mutator','details':'*'}]");
	mutate("Open_vSwitch", "['next_cfg','+=']", syntax);
	assert_next_cfg(-3);
	/* The one quotient and remainder that the processor refuses. */
	ASSERT_LIKE(client_transact(&client, "{'op':'update','table':'Open_vSwitch','where':[],"
					     "'row':{'next_cfg':-9223372036854775808}}"),
		"[{'count':1}]");
	mutate("Open_vSwitch", "['next_cfg','/=',-1]", range);
	mutate("Open_vSwitch", "['next_cfg','%=',-1]", "[{'count':1}]");
	assert_next_cfg(0);
}

static void test_mutate_sets(void)
{
	const char *columns = "['flood_vlans','other_config']";
	const char *violation = "[{'error':'constraint violation','details':'*'}]";

	mutate("Bridge", "['flood_vlans','insert',['set',[3,4]]],['flood_vlans','insert',4]",
		"[{'count':1}]");
	mutate("Bridge", "['flood_vlans','delete',['set',[3,99]]]", "[{'count':1}]");
	mutate("Bridge", "['flood_vlans','insert',['set',[5,6]]],['flood_vlans','+=',10]",
		"[{'count':1}]");
	mutate("Bridge", "['flood_vlans','+=',4080]", violation);
	mutate("Bridge", "['flood_vlans','*=',0]", violation);
	mutate("Bridge", "['flood_vlans','insert',4096]", violation);
	mutate("Bridge", "['name','insert','x']", violation);
	mutate("Bridge",
		"['other_config','insert',['map',[['a','1'],['b','2'],['c','3'],['d','4']]]],"
		"['other_config','insert',['map',[['a','ignored']]]],"
		"['other_config','delete',['map',[['b','not this'],['c','3']]]],"
		"['other_config','delete',['set',['d','x']]]",
		"[{'count':1}]");
	assert_bridge(columns,
		"{'flood_vlans':['set',[14,15,16]],'other_config':['map',[['a','1'],['b','2']]]}");
	mutate("Bridge", "['other_config','delete','a'],['other_config','delete','b']",
		"[{'count':1}]");
	mutate("Bridge", "['flood_vlans','delete',['set',[14,15,16]]]", "[{'count':1}]");
}

static void select_ports(const char *condition, const char *names)
{
	char *expected;

	if (asprintf(&expected, "[{'rows':%s}]", names) < 0)
		abort();
	json_t *result = client_transact(&client, SELECT, "Port", condition);
	ASSERT_LIKE(result, expected);
	free(expected);
}

static void test_conditions(void)
{
	const char *both = "['*','*']", *p1 = "[{'name':'p1'}]", *br0 = "[{'name':'br0'}]";

	ASSERT_LIKE(client_transact(&client,
			    "{'op':'insert','table':'Port','uuid-name':'p',"
			    " 'row':{'name':'p1','tag':5,'trunks':['set',[1,2,3]],"
			    "        'interfaces':['named-uuid','i']}},"
			    "{'op':'insert','table':'Interface','uuid-name':'i',"
			    " 'row':{'name':'p1'}}," MUTATE,
			    "Bridge", "['ports','insert',['named-uuid','p']]"),
		"['*','*',{'count':1}]");
	select_ports("", both);
	select_ports("true", both);
	select_ports("false", "[]");
	select_ports("['tag','==',5]", p1);
	select_ports("['tag','!=',5]", br0);
	select_ports("['tag','==',['set',[]]]", br0);
	select_ports("['tag','<',6]", p1);
	select_ports("['tag','<=',4]", "[]");
	select_ports("['tag','>=',5]", p1);
	select_ports("['tag','>',5]", "[]");
	select_ports("['trunks','includes',['set',[1,3]]]", p1);
	select_ports("['trunks','includes',['set',[1,4]]]", "[]");
	select_ports("['trunks','excludes',['set',[1,4]]]", br0);
	select_ports("['trunks','includes',['set',[]]]", both);
	select_ports("['name','==','p1'],['tag','==',6]", "[]");
	select_ports("['name','includes','p1']", p1);
	select_ports("['_uuid','==',['uuid','00000000-0000-0000-0000-000000000000']]", "[]");

	static const char *const bad[] = {"['name','<','a']", "['tag','<',['set',[]]]",
		"['name','==']", "['name','==',5]", "[]", "'name'", "['tag','==',['uuid','x']]"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *result = client_transact(&client, SELECT, "Port", bad[i]);
		ASSERT_LIKE(result, "[{'error':'syntax error','details':'*'}]");
	}
	ASSERT_LIKE(client_transact(&client, SELECT, "Port", "['name','~','a']"),
		"[{'error':'unknown function','details':'*'}]");
	ASSERT_LIKE(client_transact(&client, SELECT, "Port", "['nope','==','a']"),
		"[{'error':'unknown column','details':'*'}]");
	ASSERT_LIKE(client_transact(&client, SELECT, "Porte", ""),
		"[{'error':'syntax error','details':'*'}]");
}

static void test_select(void)
{
	/* Rows that look the same are one. */
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'select','table':'Port','where':[],'columns':['bond_mode']}"),
		"[{'rows':[{'bond_mode':['set',[]]}]}]");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'select','table':'Port','where':[],'columns':['_uuid']}"),
		"[{'rows':[{'_uuid':['uuid','*']},{'_uuid':['uuid','*']}]}]");
	json_t *result =
		client_transact(&client, "{'op':'select','table':'Open_vSwitch','where':[]}");
	json_t *row = json_array_get(json_object_get(json_array_get(result, 0), "rows"), 0);
	CU_ASSERT_EQUAL(json_object_size(row), 19); /* 17, _uuid and _version */
	json_decref(result);
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'select','table':'Port','where':[],'columns':['name','name']}"),
		"[{'error':'syntax error','details':'*'}]");
}

static void test_insert(void)
{
	const char *uuid = "11111111-2222-3333-4444-555555555555";
	const char *syntax = "[{'error':'syntax error','details':'*'}]";
	char expected[128];

	snprintf(expected, sizeof(expected), "[{'uuid':['uuid','%s']}]", uuid);
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'insert','table':'QoS','uuid':'%s','row':{'type':'a'}}", uuid),
		expected);
	ASSERT_LIKE(client_transact(
			    &client, "{'op':'insert','table':'QoS','uuid':'%s','row':{}}", uuid),
		"[{'error':'duplicate uuid','details':'*'}]");
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'delete','table':'QoS','where':[['_uuid','==',['uuid','%s']]]}",
			    uuid),
		"[{'count':1}]");
	ASSERT_LIKE(
		client_transact(&client, "{'op':'insert','table':'QoS','uuid-name':'1a','row':{}}"),
		syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'insert','table':'QoS','row':[]}"), syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'insert','table':'QoS'}"), syntax);
	ASSERT_LIKE(
		client_transact(&client, "{'op':'insert','table':'QoS','uuid-name':'a','row':{}},"
					 "{'op':'insert','table':'QoS','uuid-name':'a','row':{}}"),
		"['*',{'error':'duplicate uuid-name','details':'*'}]");
	ASSERT_LIKE(client_transact(&client, "{'op':'select','table':'QoS','where':[]}"),
		"[{'rows':[]}]");
}

static void test_small_operations(void)
{
	const char *syntax = "[{'error':'syntax error','details':'*'}]";

	ASSERT_LIKE(client_transact(&client, "{'op':'comment','comment':'hello'}"), "[{}]");
	ASSERT_LIKE(client_transact(&client, "{'op':'commit','durable':true}"), "[{}]");
	ASSERT_LIKE(client_transact(&client, "{'op':'commit','durable':1}"), syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'comment'}"), syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'comment','comment':'x','more':1}"), syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'zap'}"), syntax);
	ASSERT_LIKE(client_transact(&client, "{}"), syntax);
	ASSERT_LIKE(client_transact(&client, "5"), syntax);
	ASSERT_LIKE(client_transact(&client, "{'op':'assert','lock':'l'}"),
		"[{'error':'not owner','details':'*'}]");
	ASSERT_LIKE(client_transact(&client, UPDATE ",{'op':'abort'},{'op':'comment','comment':''}",
			    "'datapath_type':'x'"),
		"[{'count':1},{'error':'aborted','details':'*'},null]");
	assert_bridge("['datapath_type']", "{'datapath_type':''}");
}

#define WAIT                                                                            \
	"{'op':'wait','table':'Bridge','where':[['name','==','br0']],'columns':['%s']," \
	"'until':'%s','rows':[%s]%s}"

static void test_wait(void)
{
	const char *timed_out = "[{'error':'timed out','details':'*'}]";

	ASSERT_LIKE(client_transact(&client, WAIT, "name", "==", "{'name':'br0'}", ",'timeout':0"),
		"[{}]");
	ASSERT_LIKE(client_transact(&client, WAIT, "name", "!=", "{'name':'br0'}", ",'timeout':0"),
		timed_out);
	ASSERT_LIKE(client_transact(&client, WAIT, "name", "==", "{'name':'br1'}", ",'timeout':0"),
		timed_out);
	ASSERT_LIKE(client_transact(&client, WAIT, "name", "==", "{'name':'br1'}", ",'timeout':30"),
		timed_out);
	ASSERT_LIKE(
		client_transact(&client, WAIT, "fail_mode", "==", "{}", ",'timeout':0"), "[{}]");
	ASSERT_LIKE(client_transact(&client, WAIT, "name", "==", "", ",'timeout':0"), timed_out);
	ASSERT_LIKE(client_transact(&client, WAIT, "name", "=", "{}", ""),
		"[{'error':'syntax error','details':'*'}]");
}

/* A wait is met by another client's transaction, and gives up in time. */
static void test_wait_blocks(void)
{
	struct client other;

	client_open(&other, &server);
	client_send_text(&other,
		"{\"id\":1,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"wait\","
		"\"table\":\"Bridge\",\"where\":[],\"columns\":[\"datapath_type\"],"
		"\"until\":\"==\",\"rows\":[{\"datapath_type\":\"go\"}],\"timeout\":100000}]}"
		"{\"id\":2,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"wait\","
		"\"table\":\"Bridge\",\"where\":[],\"columns\":[\"datapath_type\"],"
		"\"until\":\"==\",\"rows\":[{\"datapath_type\":\"never\"}]}]}");
	CU_ASSERT_PTR_NULL(client_receive(&other, 50, NULL));
	ASSERT_LIKE(client_transact(&client, UPDATE, "'stp_enable':true"), "[{'count':1}]");
	CU_ASSERT_PTR_NULL(client_receive(&other, 50, NULL));
	ASSERT_LIKE(client_transact(&client, UPDATE, "'datapath_type':'go'"), "[{'count':1}]");
	ASSERT_LIKE(client_receive(&other, 1000, NULL), "{'id':1,'result':[{}],'error':null}");

	client_send_text(&other, "{\"id\":null,\"method\":\"cancel\",\"params\":[2]}");
	ASSERT_LIKE(
		client_receive(&other, 1000, NULL), "{'id':2,'result':null,'error':'canceled'}");
	client_close(&other);
}

static void test_read_only(void)
{
	json_t *reply = client_call(&client, "transact",
		json_format("['_Server',{'op':'select','table':'Database','where':[],"
			    "'columns':['name','model','connected','leader']},"
			    "{'op':'delete','table':'Database','where':[]}]"),
		NULL);
	ASSERT_LIKE(reply,
		"{'id':'*','error':null,'result':[{'rows':["
		"{'name':'Open_vSwitch','model':'standalone','connected':true,'leader':true},"
		"{'name':'_Server','model':'standalone','connected':true,'leader':true}]},"
		"{'error':'not allowed','details':'*'}]}");
}

int suite_transact(void)
{
	CU_pSuite suite = CU_add_suite("transact", init, cleanup);

	return !suite || !CU_add_test(suite, "update", test_update) ||
	       !CU_add_test(suite, "mutate numbers", test_arithmetic) ||
	       !CU_add_test(suite, "mutate sets and maps", test_mutate_sets) ||
	       !CU_add_test(suite, "conditions", test_conditions) ||
	       !CU_add_test(suite, "select", test_select) ||
	       !CU_add_test(suite, "insert", test_insert) ||
	       !CU_add_test(suite, "comment, commit, abort, assert", test_small_operations) ||
	       !CU_add_test(suite, "wait at once", test_wait) ||
	       !CU_add_test(suite, "wait for others, cancel", test_wait_blocks) ||
	       !CU_add_test(suite, "_Server can only be read", test_read_only);
}
