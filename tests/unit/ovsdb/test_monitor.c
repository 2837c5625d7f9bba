/* SPDX-License-Identifier: Apache-2.0 */
/* What monitors are told, to the letter. */
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

#define UPDATE "{'op':'update','table':'Bridge','where':[],'row':{%s}}"

/* Carry out 'operation' as another client, and return the one update that
 * 'watcher' gets, or NULL. */
static json_t *watch(struct client *watcher, const char *operation)
{
	json_t *result = client_transact(&client, "%s", operation);

	CU_ASSERT_PTR_NOT_NULL(result);
	json_decref(result);
	return client_receive(watcher, 300, NULL);
}

static void assert_silent(struct client *watcher, const char *operation)
{
	json_t *update = watch(watcher, operation);

	CU_ASSERT_PTR_NULL(update);
	json_decref(update);
}

/* The text that says 'content' of the bridge's row. */
static void expect(json_t *message, const char *method, const char *content)
{
	char *expected;

	if (asprintf(&expected, "{'id':null,'method':'%s','params':['m',%s{'Bridge':{'%s':%s}}]}",
		    method, *(method + 6) == '3' ? "'*'," : "", bridge, content) < 0)
		abort();
	ASSERT_LIKE(message, expected);
	free(expected);
}

static json_t *start(struct client *watcher, const char *method, const char *requests)
{
	bool since = method[7] && method[12] == '_';

	client_open(watcher, &server);
	return client_call(watcher, method,
		json_format("['Open_vSwitch','m',%s%s]", requests,
			since ? ",'00000000-0000-0000-0000-000000000000'" : ""),
		NULL);
}

static void test_v1(void)
{
	struct client w;
	char expected[512];

	snprintf(expected, sizeof(expected),
		"{'id':1,'error':null,'result':{'Bridge':{'%s':{'new':"
		"{'name':'br0','fail_mode':['set',[]],'other_config':['map',[]]}}}}}",
		bridge);
	ASSERT_LIKE(
		start(&w, "monitor", "{'Bridge':{'columns':['name','fail_mode','other_config']}}"),
		expected);
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'fail_mode':'secure'}}"),
		"update",
		"{'old':{'fail_mode':['set',[]]},"
		"'new':{'name':'br0','fail_mode':'secure','other_config':['map',[]]}}");
	assert_silent(&w, "{'op':'update','table':'Bridge','where':[],'row':{'stp_enable':true}}");
	assert_silent(
		&w, "{'op':'update','table':'Bridge','where':[],'row':{'fail_mode':'secure'}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'fail_mode':['set',[]]}}"),
		"update",
		"{'old':{'fail_mode':'secure'},"
		"'new':{'name':'br0','fail_mode':['set',[]],'other_config':['map',[]]}}");
	client_close(&w);
}

static void test_v1_select(void)
{
	struct client w;

	ASSERT_LIKE(
		start(&w, "monitor",
			"{'Bridge':[{'columns':['name'],'select':{'initial':false,'modify':false}},"
			"{'columns':['fail_mode'],'select':{'initial':false,'delete':false}}]}"),
		"{'id':1,'error':null,'result':{}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'fail_mode':'secure'}}"),
		"update", "{'old':{'fail_mode':['set',[]]},'new':{'fail_mode':'secure'}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'fail_mode':['set',[]]}}"),
		"update", "{'old':{'fail_mode':'secure'},'new':{'fail_mode':['set',[]]}}");
	client_close(&w);
}

/* Defaults are left out, sets and maps come as differences. */
static void test_v2(void)
{
	struct client w;
	char expected[256];

	snprintf(expected, sizeof(expected),
		"{'id':1,'error':null,'result':{'Bridge':{'%s':{'initial':{'name':'br0'}}}}}",
		bridge);
	ASSERT_LIKE(start(&w, "monitor_cond",
			    "{'Bridge':[{'columns':['name','fail_mode','flood_vlans',"
			    "'other_config','protocols']}]}"),
		expected);
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],'row':{"
			 "'fail_mode':'secure','flood_vlans':['set',[1,2]],"
			 "'other_config':['map',[['a','1'],['b','2']]]}}"),
		"update2",
		"{'modify':{'fail_mode':'secure','flood_vlans':['set',[1,2]],"
		"'other_config':['map',[['a','1'],['b','2']]]}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],'row':{"
			 "'fail_mode':['set',[]],'flood_vlans':2,"
			 "'other_config':['map',[['a','9'],['c','3']]]}}"),
		"update2",
		"{'modify':{'fail_mode':['set',[]],'flood_vlans':1,"
		"'other_config':['map',[['a','9'],['b','2'],['c','3']]]}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],'row':{"
			 "'flood_vlans':['set',[]],'other_config':['map',[]]}}"),
		"update2",
		"{'modify':{'flood_vlans':2,'other_config':['map',[['a','9'],['c','3']]]}}");
	client_close(&w);
}

static void test_v2_insert_delete(void)
{
	struct client w;

	ASSERT_LIKE(start(&w, "monitor_cond", "{'QoS':{'columns':['type','other_config']}}"),
		"{'id':1,'error':null,'result':{}}");
	json_t *result =
		client_transact(&client, "{'op':'insert','table':'QoS','row':{'type':'x'}},"
					 "{'op':'insert','table':'QoS','row':{}}");
	char a[OVSDB_UUID_TEXT], b[OVSDB_UUID_TEXT], expected[512];
	snprintf(a, sizeof(a), "%s", inserted(result, 0));
	snprintf(b, sizeof(b), "%s", inserted(result, 1));
	json_decref(result);
	snprintf(expected, sizeof(expected),
		"{'id':null,'method':'update2','params':['m',{'QoS':"
		"{'%s':{'insert':{'type':'x'}},'%s':{'insert':{}}}}]}",
		a, b);
	ASSERT_LIKE(client_receive(&w, 1000, NULL), expected);
	snprintf(expected, sizeof(expected),
		"{'id':null,'method':'update2','params':['m',{'QoS':"
		"{'%s':{'delete':null},'%s':{'delete':null}}}]}",
		a, b);
	ASSERT_LIKE(watch(&w, "{'op':'delete','table':'QoS','where':[]}"), expected);
	/* Inserted and deleted at once: nothing to tell. */
	assert_silent(&w, "{'op':'insert','table':'QoS','row':{}},"
			  "{'op':'delete','table':'QoS','where':[]}");
	client_close(&w);
}

static void test_v3(void)
{
	struct client w;

	json_t *reply = start(&w, "monitor_cond_since", "{'Bridge':[{'columns':['stp_enable']}]}");
	char last[OVSDB_UUID_TEXT];
	const json_t *result = json_object_get(reply, "result");
	snprintf(last, sizeof(last), "%s", json_string_value(json_array_get(result, 1)));
	CU_ASSERT(json_is_false(json_array_get(result, 0)));
	json_decref(reply);
	json_t *update = watch(&w, "{'op':'update','table':'Bridge','where':[],"
				   "'row':{'stp_enable':false}}");
	snprintf(last, sizeof(last), "%s",
		json_string_value(json_array_get(json_object_get(update, "params"), 1)));
	expect(update, "update3", "{'modify':{'stp_enable':false}}");
	client_close(&w);

	/* Up to date: nothing again. Else everything. */
	client_open(&w, &server);
	ASSERT_LIKE(client_call(&w, "monitor_cond_since",
			    json_format("['Open_vSwitch','m',{'Bridge':[{}]},'%s']", last), NULL),
		"{'id':1,'error':null,'result':[true,'*',{}]}");
	ASSERT_LIKE(client_call(&w, "monitor_cond_since",
			    json_format("['Open_vSwitch','n',{'Bridge':[{'columns':['name']}]},"
					"'00000000-0000-0000-0000-000000000000']"),
			    NULL),
		"{'id':2,'error':null,'result':[false,'*',{'Bridge':'*'}]}");
	client_close(&w);
}

/* Rows come into and leave the view of a condition, by their own change and
 * by the condition's. Its clauses are alternatives. */
static void test_conditions(void)
{
	struct client w;

	ASSERT_LIKE(start(&w, "monitor_cond",
			    "{'Bridge':[{'columns':['name','fail_mode'],'where':"
			    "[['fail_mode','==','secure'],['datapath_type','==','x']]}]}"),
		"{'id':1,'error':null,'result':{}}");
	assert_silent(&w, "{'op':'update','table':'Bridge','where':[],'row':{'stp_enable':true}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'datapath_type':'x'}}"),
		"update2", "{'insert':{'name':'br0'}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'datapath_type':'','fail_mode':'secure'}}"),
		"update2", "{'modify':{'fail_mode':'secure'}}");
	expect(watch(&w, "{'op':'update','table':'Bridge','where':[],"
			 "'row':{'fail_mode':['set',[]]}}"),
		"update2", "{'delete':null}");

	json_t *before;
	ASSERT_LIKE(client_call(&w, "monitor_cond_change",
			    json_format("['m','m',{'Bridge':[{'where':[['name','==','br0']]}]}]"),
			    &before),
		"{'id':2,'error':null,'result':{}}");
	expect(json_incref(json_array_get(before, 0)), "update2", "{'insert':{'name':'br0'}}");
	json_decref(before);
	ASSERT_LIKE(client_call(&w, "monitor_cond_change",
			    json_format("['m','m',{'Bridge':[{'where':[false]}]}]"), &before),
		"{'id':3,'error':null,'result':{}}");
	expect(json_incref(json_array_get(before, 0)), "update2", "{'delete':null}");
	json_decref(before);
	/* A refused change changes nothing. */
	ASSERT_LIKE(client_call(&w, "monitor_cond_change",
			    json_format("['m','m',{'Bridge':[{'where':[true]}],'Port':[]}]"), NULL),
		"{'id':4,'result':null,'error':{'error':'syntax error','details':'*'}}");
	assert_silent(&w, "{'op':'update','table':'Bridge','where':[],'row':{'fail_mode':"
			  "'standalone'}}");
	client_close(&w);
}

/* The client's own update comes before the reply. */
static void test_order(void)
{
	json_t *before;
	struct client w;

	json_decref(start(&w, "monitor_cond", "{'Bridge':[{'columns':['datapath_type']}]}"));
	ASSERT_LIKE(
		client_call(&w, "transact",
			json_format("['Open_vSwitch'," UPDATE "]", "'datapath_type':'y'"), &before),
		"{'id':2,'error':null,'result':[{'count':1}]}");
	CU_ASSERT_EQUAL(json_array_size(before), 1);
	expect(json_incref(json_array_get(before, 0)), "update2",
		"{'modify':{'datapath_type':'y'}}");
	json_decref(before);
	ASSERT_LIKE(client_call(&w, "monitor_cancel", json_format("['m']"), NULL),
		"{'id':3,'error':null,'result':{}}");
	ASSERT_LIKE(client_call(&w, "monitor_cancel", json_format("['m']"), NULL),
		"{'id':4,'result':null,'error':'unknown monitor'}");
	assert_silent(&w, "{'op':'update','table':'Bridge','where':[],'row':{'datapath_type':''}}");
	client_close(&w);
}

static void test_bad_requests(void)
{
	static const char *const bad[] = {"{'Zip':{}}", "{'Bridge':{'columns':['zip']}}",
		"{'Bridge':{'colums':[]}}", "{'Bridge':{'columns':['name','name']}}",
		"{'Bridge':[5]}", "{'Bridge':{'select':5}}", "{'Bridge':{'select':{'initial':1}}}",
		"{'Bridge':{'columns':5}}", "{'Bridge':{'where':[['zip','==',1]]}}", "5"};
	struct client w;

	client_open(&w, &server);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *params = json_format("['Open_vSwitch','m',%s]", bad[i]);
		json_t *reply = client_call(&w, "monitor_cond", params, NULL);
		ASSERT_LIKE(reply, "{'id':'*','result':null,'error':{'error':'*','details':'*'}}");
	}
	json_t *reply = client_call(&w, "monitor", json_format("['Open_vSwitch','m',{}]"), NULL);
	ASSERT_LIKE(reply, "{'id':'*','result':{},'error':null}");
	reply = client_call(&w, "monitor", json_format("['Open_vSwitch','m',{}]"), NULL);
	ASSERT_LIKE(reply, "{'id':'*','result':null,'error':{'error':'*','details':'*'}}");
	client_close(&w);
}

int suite_monitor(void)
{
	CU_pSuite suite = CU_add_suite("monitor", init, cleanup);

	return !suite || !CU_add_test(suite, "monitor", test_v1) ||
	       !CU_add_test(suite, "monitor with select", test_v1_select) ||
	       !CU_add_test(suite, "monitor_cond", test_v2) ||
	       !CU_add_test(suite, "monitor_cond: insert, delete", test_v2_insert_delete) ||
	       !CU_add_test(suite, "monitor_cond_since", test_v3) ||
	       !CU_add_test(suite, "conditions and their change", test_conditions) ||
	       !CU_add_test(suite, "update before reply, cancel", test_order) ||
	       !CU_add_test(suite, "bad requests", test_bad_requests);
}
