/* SPDX-License-Identifier: Apache-2.0 */
/* The API for the rest of the daemon. */
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct server server;
static struct client client;
static int n_commits;

static void on_commit(struct ovsdb *db, void *aux)
{
	(void)db;
	(*(int *)aux)++;
}

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

static void test_read(void)
{
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Bridge','where':[],'row':{"
			    "'flood_vlans':['set',[7,5]],'stp_enable':true,"
			    "'protocols':['set',['OpenFlow13','OpenFlow10']],"
			    "'other_config':['map',[['n','0x10'],['t','true'],['f','x']]]}}"),
		"[{'count':1}]");
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Bridge", "br0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_PTR_EQUAL(ovsdb_find(server.db, "Bridge", ovsdb_row_uuid(row)), row);
	CU_ASSERT_STRING_EQUAL(ovsdb_row_table(row), "Bridge");
	CU_ASSERT_STRING_EQUAL(ovsdb_string(row, "name"), "br0");
	CU_ASSERT_PTR_NULL(ovsdb_string(row, "fail_mode"));
	CU_ASSERT(ovsdb_bool(row, "stp_enable", false));
	CU_ASSERT_EQUAL(ovsdb_count(row, "flood_vlans"), 2);
	CU_ASSERT_EQUAL(ovsdb_integer_at(row, "flood_vlans", 0), 5);
	CU_ASSERT_EQUAL(ovsdb_integer_at(row, "flood_vlans", 1), 7);
	CU_ASSERT_EQUAL(ovsdb_integer_at(row, "flood_vlans", 2), 0);
	CU_ASSERT(ovsdb_set_has_integer(row, "flood_vlans", 7));
	CU_ASSERT(!ovsdb_set_has_integer(row, "flood_vlans", 6));
	CU_ASSERT(ovsdb_set_has_string(row, "protocols", "OpenFlow13"));
	CU_ASSERT(!ovsdb_set_has_string(row, "protocols", "OpenFlow14"));
	CU_ASSERT_STRING_EQUAL(ovsdb_map_string(row, "other_config", "t"), "true");
	CU_ASSERT_PTR_NULL(ovsdb_map_string(row, "other_config", "u"));
	CU_ASSERT_EQUAL(ovsdb_map_integer(row, "other_config", "n", 3), 16);
	CU_ASSERT_EQUAL(ovsdb_map_integer(row, "other_config", "t", 3), 3);
	CU_ASSERT(ovsdb_map_bool(row, "other_config", "t", false));
	CU_ASSERT(!ovsdb_map_bool(row, "other_config", "f", true));
	CU_ASSERT(ovsdb_map_bool(row, "other_config", "u", true));
	CU_ASSERT_STRING_EQUAL(ovsdb_string_at(row, "other_config", 0), "f");
	CU_ASSERT_STRING_EQUAL(ovsdb_value_at(row, "other_config", 0), "x");

	const struct ovsdb_row *port = ovsdb_ref(row, "ports", 0);
	CU_ASSERT_PTR_EQUAL(port, ovsdb_find_name(server.db, "Port", "br0"));
	CU_ASSERT(ovsdb_uuid_equal(ovsdb_uuid_at(row, "ports", 0), ovsdb_row_uuid(port)));
	CU_ASSERT_PTR_NULL(ovsdb_ref(row, "ports", 1));
	CU_ASSERT_EQUAL(ovsdb_integer(port, "tag", -1), -1);
	/* Mistakes read as empty. */
	CU_ASSERT_EQUAL(ovsdb_count(row, "nope"), 0);
	CU_ASSERT_PTR_NULL(ovsdb_string(row, "flood_vlans"));
	CU_ASSERT_PTR_NULL(ovsdb_ref(row, "name", 0));
	CU_ASSERT_PTR_NULL(ovsdb_first(server.db, "nope"));
	CU_ASSERT_PTR_NULL(ovsdb_find_name(server.db, "Mirror", "m"));
	CU_ASSERT_PTR_NULL(ovsdb_find_name(server.db, "Bridge", "br1"));
	size_t n = 0;
	OVSDB_FOR_EACH(each, server.db, "Interface")
	n += !strcmp(ovsdb_string(each, "name"), "br0");
	CU_ASSERT_EQUAL(n, 1);
}

static void test_map_ref(void)
{
	json_t *result = client_transact(&client,
		"{'op':'insert','table':'QoS','row':{'queues':['map',["
		" [0,['named-uuid','a']],[7,['named-uuid','b']]]]}},"
		"{'op':'insert','table':'Queue','uuid-name':'a','row':{'dscp':1}},"
		"{'op':'insert','table':'Queue','uuid-name':'b','row':{'dscp':2}}");
	json_decref(result);
	const struct ovsdb_row *qos = ovsdb_first(server.db, "QoS");
	CU_ASSERT_PTR_NOT_NULL_FATAL(qos);
	CU_ASSERT_EQUAL(ovsdb_integer(ovsdb_map_ref(qos, "queues", 7), "dscp", 0), 2);
	CU_ASSERT_PTR_NULL(ovsdb_map_ref(qos, "queues", 1));
	CU_ASSERT_EQUAL(ovsdb_integer_at(qos, "queues", 1), 7);
	CU_ASSERT_EQUAL(ovsdb_integer(ovsdb_ref(qos, "queues", 1), "dscp", 0), 2);
}

static void test_write(void)
{
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Interface", "br0");
	const struct ovsdb_pair status[] = {{"driver", "tun"}, {"a", "b"}};
	const struct ovsdb_count statistics[] = {{"rx_bytes", 5}, {"tx_bytes", -1}};
	const char *const types[] = {"vxlan", "internal", "vxlan"};
	const int64_t mpids[] = {3, 1};
	struct ovsdb_txn *txn = ovsdb_txn_new(server.db);
	struct ovsdb_edit *edit = ovsdb_edit(txn, row);

	ovsdb_set_integer(edit, "ofport", 65534);
	ovsdb_set_string(edit, "mac_in_use", "00:11:22:33:44:55");
	ovsdb_set_map(edit, "status", status, 2);
	ovsdb_set_key(edit, "status", "a", NULL);
	ovsdb_set_key(edit, "status", "c", "d");
	ovsdb_set_counts(edit, "statistics", statistics, 2);
	ovsdb_set_integers(edit, "cfm_remote_mpids", mpids, 2);
	ovsdb_set_bool(edit, "cfm_fault", true);
	edit = ovsdb_edit(txn, ovsdb_first(server.db, "Open_vSwitch"));
	ovsdb_set_strings(edit, "iface_types", types, 3);
	ovsdb_set_integer(edit, "cur_cfg", 4);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);

	ASSERT_LIKE(client_transact(&client,
			    "{'op':'select','table':'Interface','where':[],'columns':['ofport',"
			    "'mac_in_use','status','statistics','cfm_remote_mpids','cfm_fault']},"
			    "{'op':'select','table':'Open_vSwitch','where':[],'columns':"
			    "['iface_types','cur_cfg']}"),
		"[{'rows':[{'ofport':65534,'mac_in_use':'00:11:22:33:44:55',"
		"'status':['map',[['driver','tun'],['c','d']]],'cfm_fault':true,"
		"'statistics':['map',[['rx_bytes',5],['tx_bytes',-1]]],"
		"'cfm_remote_mpids':['set',[1,3]]}]},"
		"{'rows':[{'cur_cfg':4,'iface_types':['set',['internal','vxlan']]}]}]");

	row = ovsdb_find_name(server.db, "Interface", "br0");
	txn = ovsdb_txn_new(server.db);
	edit = ovsdb_edit(txn, row);
	ovsdb_clear(edit, "ofport");
	ovsdb_set_string(edit, "mac_in_use", NULL);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
	row = ovsdb_find_name(server.db, "Interface", "br0");
	CU_ASSERT_EQUAL(ovsdb_count(row, "ofport"), 0);
	CU_ASSERT_EQUAL(ovsdb_count(row, "mac_in_use"), 0);
}

static void test_insert(void)
{
	const struct ovsdb_row *bridge = ovsdb_find_name(server.db, "Bridge", "br0");
	struct ovsdb_txn *txn = ovsdb_txn_new(server.db);
	struct ovsdb_edit *port = ovsdb_insert(txn, "Port");
	struct ovsdb_edit *iface = ovsdb_insert(txn, "Interface");
	struct ovsdb_uuid uuid = *ovsdb_edit_row_uuid(port);
	struct ovsdb_uuid ports[2] = {*ovsdb_uuid_at(bridge, "ports", 0), uuid};

	ovsdb_set_string(port, "name", "p9");
	ovsdb_set_uuids(port, "interfaces", ovsdb_edit_row_uuid(iface), 1);
	ovsdb_set_string(iface, "name", "p9");
	ovsdb_set_uuids(ovsdb_edit(txn, bridge), "ports", ports, 2);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
	CU_ASSERT_PTR_NOT_NULL(ovsdb_find(server.db, "Port", &uuid));
	CU_ASSERT_PTR_NOT_NULL(ovsdb_find_name(server.db, "Interface", "p9"));

	/* Still referred to. */
	txn = ovsdb_txn_new(server.db);
	ovsdb_delete(ovsdb_edit_uuid(txn, "Port", &uuid));
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), -EINVAL);
	txn = ovsdb_txn_new(server.db);
	ovsdb_delete(ovsdb_edit_uuid(txn, "Port", &uuid));
	ovsdb_set_uuids(
		ovsdb_edit(txn, ovsdb_find_name(server.db, "Bridge", "br0")), "ports", ports, 1);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
	CU_ASSERT_PTR_NULL(ovsdb_find_name(server.db, "Interface", "p9"));
	/* A row that is gone is skipped. */
	txn = ovsdb_txn_new(server.db);
	ovsdb_set_integer(ovsdb_edit_uuid(txn, "Port", &uuid), "tag", 5);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
}

static int try_edit(void (*set)(struct ovsdb_edit *edit))
{
	struct ovsdb_txn *txn = ovsdb_txn_new(server.db);
	struct ovsdb_edit *edit = ovsdb_edit(txn, ovsdb_find_name(server.db, "Interface", "br0"));

	ovsdb_set_integer(edit, "ofport", 123);
	set(edit);
	return ovsdb_txn_commit(txn);
}

static void no_column(struct ovsdb_edit *edit)
{
	ovsdb_set_integer(edit, "nope", 1);
}

static void wrong_type(struct ovsdb_edit *edit)
{
	ovsdb_set_integer(edit, "error", 1);
}

static void bad_choice(struct ovsdb_edit *edit)
{
	ovsdb_set_string(edit, "admin_state", "sideways");
}

static void too_large(struct ovsdb_edit *edit)
{
	ovsdb_set_integer(edit, "cfm_health", 101);
}

static void no_table(struct ovsdb_edit *edit)
{
	struct ovsdb_txn *txn = ovsdb_txn_new(server.db);
	struct ovsdb_edit *lost = ovsdb_insert(txn, "Nope");

	ovsdb_set_integer(lost, "tag", 1);
	ovsdb_clear(lost, "tag");
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), -EINVAL);
	ovsdb_clear(edit, "nope");
}

static void test_bad_writes(void)
{
	CU_ASSERT_EQUAL(try_edit(no_column), -EINVAL);
	CU_ASSERT_EQUAL(try_edit(wrong_type), -EINVAL);
	CU_ASSERT_EQUAL(try_edit(bad_choice), -EINVAL);
	CU_ASSERT_EQUAL(try_edit(too_large), -EINVAL);
	CU_ASSERT_EQUAL(try_edit(no_table), -EINVAL);
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Interface", "br0");
	CU_ASSERT_EQUAL(ovsdb_count(row, "ofport"), 0);
}

/* Client commits are told and numbered, the daemon's own are not; both reach
 * monitors. */
static void test_commits(void)
{
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Interface", "br0");
	struct ovsdb_uuid uuid = *ovsdb_row_uuid(row);
	struct client watcher;

	server_run(&server, 5);
	client_open(&watcher, &server);
	json_decref(client_call(&watcher, "monitor_cond",
		json_format("['Open_vSwitch','m',{'Interface':[{'columns':['ofport']}]}]"), NULL));
	ovsdb_on_commit(server.db, on_commit, &n_commits);
	n_commits = 0;
	uint64_t before = ovsdb_seqno(server.db);
	struct ovsdb_txn *txn = ovsdb_txn_new(server.db);
	ovsdb_set_integer(ovsdb_edit(txn, row), "ofport", 77);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
	json_t *update = client_receive(&watcher, 1000, NULL);
	ASSERT_LIKE(update, "{'id':null,'method':'update2','params':['m',{'Interface':'*'}]}");
	CU_ASSERT_EQUAL(n_commits, 0);
	CU_ASSERT_EQUAL(ovsdb_seqno(server.db), before);

	/* Writing the same again is no commit. */
	txn = ovsdb_txn_new(server.db);
	ovsdb_set_integer(ovsdb_edit_uuid(txn, "Interface", &uuid), "ofport", 77);
	CU_ASSERT_EQUAL(ovsdb_txn_commit(txn), 0);
	CU_ASSERT_PTR_NULL(client_receive(&watcher, 50, NULL));

	json_decref(client_transact(
		&client, "{'op':'update','table':'Interface','where':[],'row':{'mac':'x'}}"));
	server_run(&server, 5);
	CU_ASSERT_EQUAL(n_commits, 1);
	CU_ASSERT_EQUAL(ovsdb_seqno(server.db), before + 1);
	CU_ASSERT_EQUAL(ovsdb_table_seqno(server.db, "Interface"), before + 1);
	CU_ASSERT(ovsdb_table_seqno(server.db, "Bridge") <= before);
	CU_ASSERT_EQUAL(ovsdb_row_seqno(ovsdb_find(server.db, "Interface", &uuid)), before + 1);
	/* Failed, and empty. */
	json_decref(client_transact(&client, "{'op':'abort'}"));
	json_decref(client_transact(&client, "{'op':'comment','comment':''}"));
	server_run(&server, 5);
	CU_ASSERT_EQUAL(n_commits, 1);
	ovsdb_on_commit(server.db, NULL, NULL);
	client_close(&watcher);
}

/* Ten thousand ports in one transaction, one more in another, all deleted:
 * each in time that a user would not notice much. */
static void test_many(void)
{
	enum { N = 10000 };
	json_t *params = json_array();
	json_t *ports = json_array();

	json_array_append_new(params, json_string("Open_vSwitch"));
	for (int i = 0; i < N; i++) {
		json_array_append_new(params,
			json_format("{'op':'insert','table':'Port','uuid-name':'p%d',"
				    "'row':{'name':'p%d','interfaces':['named-uuid','i%d']}}",
				i, i, i));
		json_array_append_new(
			params, json_format("{'op':'insert','table':'Interface','uuid-name':'i%d',"
					    "'row':{'name':'p%d'}}",
					i, i));
		json_array_append_new(ports, json_format("['named-uuid','p%d']", i));
	}
	json_t *mutate = json_format("{'op':'mutate','table':'Bridge','where':[],'mutations':[]}");
	json_array_append_new(json_object_get(mutate, "mutations"),
		json_pack("[s, s, [s, o]]", "ports", "insert", "set", ports));
	json_array_append_new(params, mutate);
	json_decref(client_call(&client, "transact", params, NULL));
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Port"), N + 1);
	CU_ASSERT_PTR_NOT_NULL(ovsdb_find_name(server.db, "Interface", "p9999"));

	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Interface','where':[['name','==','p5000']],"
			    "'row':{'ofport':1}}"),
		"[{'count':1}]");
	ASSERT_LIKE(client_transact(&client, "{'op':'update','table':'Bridge','where':[],"
					     "'row':{'ports':['set',[]]}}"),
		"[{'count':1}]");
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Port"), 0);
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "Interface"), 0);
}

int suite_api(void)
{
	CU_pSuite suite = CU_add_suite("in-process API", init, cleanup);

	return !suite || !CU_add_test(suite, "reading", test_read) ||
	       !CU_add_test(suite, "maps to rows", test_map_ref) ||
	       !CU_add_test(suite, "writing", test_write) ||
	       !CU_add_test(suite, "inserting and deleting", test_insert) ||
	       !CU_add_test(suite, "bad writes", test_bad_writes) ||
	       !CU_add_test(suite, "commit callback and numbers", test_commits) ||
	       !CU_add_test(suite, "ten thousand ports", test_many);
}
