/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC on the wire: good and bad messages, locks, limits. */
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct server server;

static int init(void)
{
	server_start(&server, false);
	return 0;
}

static int cleanup(void)
{
	server_stop(&server);
	return 0;
}

static void test_methods(void)
{
	struct client c;

	client_open(&c, &server);
	ASSERT_LIKE(client_call(&c, "echo", json_format("[1,'a',{}]"), NULL),
		"{'id':1,'result':[1,'a',{}],'error':null}");
	ASSERT_LIKE(client_call(&c, "list_dbs", json_format("[]"), NULL),
		"{'id':2,'result':['Open_vSwitch','_Server'],'error':null}");
	ASSERT_LIKE(client_call(&c, "get_schema", json_format("['Open_vSwitch']"), NULL),
		"{'id':3,'error':null,'result':"
		"{'name':'Open_vSwitch','version':'8.3.1','tables':{'Bridge':'*','...':0}}}");
	ASSERT_LIKE(client_call(&c, "get_schema", json_format("['_Server']"), NULL),
		"{'id':4,'error':null,'result':{'name':'_Server','version':'1.2.0','tables':'*'}}");
	ASSERT_LIKE(client_call(&c, "get_schema", json_format("['nope']"), NULL),
		"{'id':5,'result':null,'error':{'error':'unknown database','details':'*'}}");
	ASSERT_LIKE(client_call(&c, "set_db_change_aware", json_format("[true]"), NULL),
		"{'id':6,'result':{},'error':null}");
	ASSERT_LIKE(client_call(&c, "get_server_id", json_format("[]"), NULL),
		"{'id':7,'result':'*','error':null}");
	ASSERT_LIKE(client_call(&c, "frobnicate", json_format("[]"), NULL),
		"{'id':8,'result':null,'error':'unknown method'}");
	ASSERT_LIKE(client_call(&c, "transact", json_format("['nope']"), NULL),
		"{'id':9,'result':null,'error':{'error':'unknown database','details':'*'}}");
	ASSERT_LIKE(client_call(&c, "transact", json_format("[]"), NULL),
		"{'id':10,'result':null,'error':{'error':'syntax error','details':'*'}}");
	ASSERT_LIKE(client_call(&c, "transact", json_format("{}"), NULL),
		"{'id':11,'result':null,'error':{'error':'syntax error','details':'*'}}");
	ASSERT_LIKE(client_call(&c, "transact", json_format("['Open_vSwitch']"), NULL),
		"{'id':12,'result':[],'error':null}");
	client_close(&c);
}

/* What isn't JSON-RPC costs the connection, and only this one. */
static void test_garbage(void)
{
	static const char *const garbage[] = {
		"hello",
		"[]",
		"}",
		"{}",
		"{\"method\":\"echo\",\"params\":[]}",
		"{\"method\":5,\"params\":[],\"id\":1}",
		"{\"method\":\"echo\",\"params\":[],\"id\":1,}",
		"{\"method\":\"echo\",\"params\":[],\"id\":tru}",
		"{\"method\":\"echo\",\"params\":[\"\xff\xfe\"],\"id\":1}",
		"{\"method\":\"echo\",\"params\":[\"\\u0000\"],\"id\":1}",
		"{\"id\":1,\"id\":2,\"method\":\"echo\",\"params\":[]}",
		"{\"method\":\"echo\",\"params\":[1e999],\"id\":1}",
		"{\"a\":]}",
	};
	struct client good, bad;

	client_open(&good, &server);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		client_open(&bad, &server);
		client_send_text(&bad, garbage[i]);
		bool closed = client_is_closed(&bad);
		if (!closed)
			fprintf(stderr, "\n  accepted %s\n", garbage[i]);
		CU_ASSERT(closed);
		client_close(&bad);
	}
	ASSERT_LIKE(client_call(&good, "echo", json_format("[]"), NULL),
		"{'id':1,'result':[],'error':null}");
	CU_ASSERT_EQUAL(ovsdb_n_clients(server.db), 1);
	client_close(&good);
	server_run(&server, 5);
	CU_ASSERT_EQUAL(ovsdb_n_clients(server.db), 0);
}

static void test_nesting(void)
{
	struct client c;
	char *text = malloc(200001);

	memset(text, '[', 200000);
	text[200000] = '\0';
	client_open(&c, &server);
	client_send_text(&c, "{\"id\":1,\"method\":\"echo\",\"params\":");
	client_send_text(&c, text);
	memset(text, ']', 200000);
	client_send_text(&c, text);
	client_send_text(&c, "}");
	CU_ASSERT(client_is_closed(&c));
	client_close(&c);
	free(text);
}

/* Byte by byte, and many in one. */
static void test_framing(void)
{
	const char *text = " \n{\"id\":\"a\\\"}{\",\"method\":\"echo\",\"params\":[\"]}\\\\\"]}\t";
	struct client c;
	char one[2] = "";

	client_open(&c, &server);
	for (const char *p = text; *p; p++) {
		one[0] = *p;
		client_send_text(&c, one);
		server_run(&server, 0);
	}
	json_t *message = client_receive(&c, 1000, NULL);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(message, "id")), "a\"}{");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_array_get(json_object_get(message, "result"), 0)), "]}\\");
	json_decref(message);

	char *many = malloc(100 * 64);
	char *end = many;
	for (int i = 0; i < 100; i++)
		end += sprintf(end, "{\"id\":%d,\"method\":\"echo\",\"params\":[]}", i);
	client_send_text(&c, many);
	free(many);
	for (int i = 0; i < 100; i++) {
		message = client_receive(&c, 1000, NULL);
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(message, "id")), i);
		json_decref(message);
	}
	/* Notifications and replies have no reply. */
	client_send_text(&c, "{\"id\":null,\"method\":\"nope\",\"params\":[]}"
			     "{\"id\":5,\"result\":1,\"error\":null}");
	CU_ASSERT_PTR_NULL(client_receive(&c, 50, NULL));
	ASSERT_LIKE(client_call(&c, "echo", json_format("[]"), NULL),
		"{'id':1,'result':[],'error':null}");
	client_close(&c);
}

static void test_limits(void)
{
	struct client c, slow;
	char *text = malloc(100001);

	memset(text, 'x', 100000);
	text[100000] = '\0';
	ovsdb_set_limits(server.db, 50000, 400000);
	client_open(&c, &server);
	client_send_text(&c, "{\"id\":1,\"method\":\"echo\",\"params\":[\"");
	client_send_text(&c, text);
	CU_ASSERT(client_is_closed(&c));
	client_close(&c);

	/* One that asks and doesn't read is dropped, and others live on. */
	client_open(&slow, &server);
	client_open(&c, &server);
	text[20000] = '\0';
	for (int i = 0; i < 100; i++) {
		char request[20100];
		int n = snprintf(request, sizeof(request),
			"{\"id\":1,\"method\":\"echo\",\"params\":[\"%s\"]}", text);
		if (send(slow.fd, request, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
			break;
		server_run(&server, 2);
	}
	server_run(&server, 50);
	CU_ASSERT_EQUAL(ovsdb_n_clients(server.db), 1);
	ASSERT_LIKE(client_call(&c, "echo", json_format("[]"), NULL),
		"{'id':1,'result':[],'error':null}");
	client_close(&slow);
	client_close(&c);
	free(text);
	ovsdb_set_limits(server.db, 1 << 25, 1 << 26);
}

static void test_locks(void)
{
	struct client a, b;

	client_open(&a, &server);
	client_open(&b, &server);
	ASSERT_LIKE(client_call(&a, "lock", json_format("['l']"), NULL),
		"{'id':1,'result':{'locked':true},'error':null}");
	ASSERT_LIKE(client_call(&b, "lock", json_format("['l']"), NULL),
		"{'id':1,'result':{'locked':false},'error':null}");
	ASSERT_LIKE(client_transact(&a, "{'op':'assert','lock':'l'}"), "[{}]");
	ASSERT_LIKE(client_transact(&b, "{'op':'assert','lock':'l'}"),
		"[{'error':'not owner','details':'*'}]");
	ASSERT_LIKE(client_call(&a, "lock", json_format("['l']"), NULL),
		"{'id':3,'result':null,'error':{'error':'syntax error','details':'*'}}");
	ASSERT_LIKE(client_call(&a, "unlock", json_format("['l']"), NULL),
		"{'id':4,'result':{},'error':null}");
	ASSERT_LIKE(client_receive(&b, 1000, NULL), "{'id':null,'method':'locked','params':['l']}");
	ASSERT_LIKE(client_call(&a, "steal", json_format("['l']"), NULL),
		"{'id':5,'result':{'locked':true},'error':null}");
	ASSERT_LIKE(client_receive(&b, 1000, NULL), "{'id':null,'method':'stolen','params':['l']}");
	/* A client that goes gives back what it held. */
	client_close(&a);
	ASSERT_LIKE(client_receive(&b, 1000, NULL), "{'id':null,'method':'locked','params':['l']}");
	ASSERT_LIKE(client_call(&b, "unlock", json_format("['l']"), NULL),
		"{'id':3,'result':{},'error':null}");
	ASSERT_LIKE(client_call(&b, "unlock", json_format("['l']"), NULL),
		"{'id':4,'result':null,'error':{'error':'syntax error','details':'*'}}");
	client_close(&b);
}

static void test_listen(void)
{
	char remote[128];

	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "foo:bar"), -EAFNOSUPPORT);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "ptcp:99999"), -EINVAL);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "ptcp:0:1.2.3"), -EINVAL);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "punix:/nonexistent/dir/sock"), -ENOENT);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "ptcp:0:127.0.0.1"), 0);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "ptcp:0:127.0.0.1"), 0);
	CU_ASSERT_EQUAL(ovsdb_unlisten(server.db, "ptcp:0:127.0.0.1"), 0);
	CU_ASSERT_EQUAL(ovsdb_unlisten(server.db, "ptcp:0:127.0.0.1"), -ENOENT);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, "ptcp:0:[::1]"), 0);
	/* The socket is served already: by us, under another name. */
	snprintf(remote, sizeof(remote), "punix:%s", server.sock);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, remote), -EADDRINUSE);
	/* A file that isn't a socket stays. */
	FILE *file = fopen(server.file, "w");
	fclose(file);
	snprintf(remote, sizeof(remote), "punix:%s", server.file);
	CU_ASSERT_EQUAL(ovsdb_listen(server.db, remote), -EEXIST);
}

int suite_protocol(void)
{
	CU_pSuite suite = CU_add_suite("protocol", init, cleanup);

	return !suite || !CU_add_test(suite, "methods", test_methods) ||
	       !CU_add_test(suite, "garbage", test_garbage) ||
	       !CU_add_test(suite, "deep nesting", test_nesting) ||
	       !CU_add_test(suite, "partial and pipelined messages", test_framing) ||
	       !CU_add_test(suite, "limits", test_limits) ||
	       !CU_add_test(suite, "locks", test_locks) ||
	       !CU_add_test(suite, "listeners", test_listen);
}
