/* SPDX-License-Identifier: Apache-2.0 */
/* What is on disk, and when. */
#include "tests/unit/ovsdb/failing_vfs.h"
#include "tests/unit/ovsdb/harness.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SET_KEY                                             \
	"{'op':'mutate','table':'Open_vSwitch','where':[]," \
	"'mutations':[['external_ids','insert',['map',[['%d','x']]]]]}"

static void test_restart(void)
{
	struct server server;
	struct client client;
	char bridge[OVSDB_UUID_TEXT];
	struct ovsdb_uuid root;

	server_start(&server, true);
	root = *ovsdb_row_uuid(ovsdb_first(server.db, "Open_vSwitch"));
	client_open(&client, &server);
	add_bridge(&client, bridge);
	ASSERT_LIKE(client_transact(&client,
			    "{'op':'update','table':'Bridge','where':[],'row':{"
			    "'flood_vlans':['set',[1,2]],'datapath_id':'1234',"
			    "'other_config':['map',[['a','\\u00e4\\n\\\\']]]}},"
			    "{'op':'update','table':'Interface','where':[],'row':{'ofport':5,"
			    "'statistics':['map',[['rx_bytes',1]]]}},"
			    "{'op':'insert','table':'QoS','row':{'type':'x'}}"),
		"[{'count':1},{'count':1},'*']");
	ASSERT_LIKE(client_transact(&client, "{'op':'delete','table':'QoS','where':[]}"),
		"[{'count':1}]");
	client_close(&client);
	CU_ASSERT_EQUAL_FATAL(server_restart(&server), 0);

	/* All rows with their uuids, without what is ephemeral. */
	CU_ASSERT_PTR_NOT_NULL(ovsdb_find(server.db, "Open_vSwitch", &root));
	const struct ovsdb_row *row = ovsdb_find_name(server.db, "Bridge", "br0");
	char text[OVSDB_UUID_TEXT];
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_STRING_EQUAL(ovsdb_uuid_format(ovsdb_row_uuid(row), text), bridge);
	CU_ASSERT_EQUAL(ovsdb_count(row, "flood_vlans"), 2);
	CU_ASSERT_EQUAL(ovsdb_count(row, "datapath_id"), 0);
	CU_ASSERT_STRING_EQUAL(ovsdb_map_string(row, "other_config", "a"), "\u00e4\n\\");
	row = ovsdb_ref(ovsdb_ref(row, "ports", 0), "interfaces", 0);
	CU_ASSERT_EQUAL(ovsdb_integer(row, "ofport", 0), 5);
	CU_ASSERT_EQUAL(ovsdb_count(row, "statistics"), 0);
	CU_ASSERT_EQUAL(ovsdb_n_rows(server.db, "QoS"), 0);
	server_stop(&server);
}

/* A server in another process, until it is killed. */
static pid_t fork_server(const char *file, const char *sock)
{
	int ready[2];
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid_t pid = fork();
	if (pid) {
		close(ready[1]);
		CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ready[0]);
	struct event_base *base = event_base_new();
	struct ovsdb *db;
	if (!ovsdb_open(&db, base, file) && !ovsdb_listen(db, sock) && write(ready[1], "r", 1) == 1)
		event_base_dispatch(base);
	_exit(1);
}

/* Send transactions without pause, count the replies until 'n', and kill. */
static int kill_after(pid_t pid, const char *sock, int first, int n)
{
	struct client client;
	int acknowledged = 0;

	client_connect(&client, sock);
	for (int i = 0; i < 2 * n; i++) {
		json_t *params = json_format("['Open_vSwitch'," SET_KEY "]", first + i);
		json_t *request = json_pack(
			"{s:i, s:s, s:o}", "id", first + i, "method", "transact", "params", params);
		char *text = json_dumps(request, 0);
		client_send_text(&client, text);
		free(text);
		json_decref(request);
	}
	while (acknowledged < n) {
		json_t *reply = client_receive(&client, MESSAGE_TIMEOUT_MS, NULL);
		json_t *result = json_object_get(reply, "result");
		CU_ASSERT_EQUAL(json_array_size(result), 1);
		json_decref(reply);
		if (!reply)
			break;
		acknowledged++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Replies that were under way count too. */
	json_t *reply;
	while ((reply = client_receive(&client, 100, NULL))) {
		json_decref(reply);
		acknowledged++;
	}
	client_close(&client);
	return acknowledged;
}

static void test_kill(void)
{
	enum { ROUNDS = 6, STEP = 1000 };
	struct server server;
	int acknowledged[ROUNDS];

	server_start(&server, true);
	ovsdb_close(server.db);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork_server(server.file, server.sock);
		acknowledged[i] = kill_after(pid, server.sock, i * STEP, 1 + i * 17);
	}
	CU_ASSERT_EQUAL_FATAL(ovsdb_open(&server.db, server.base, server.file), 0);
	const struct ovsdb_row *row = ovsdb_first(server.db, "Open_vSwitch");
	for (int i = 0; i < ROUNDS; i++) {
		int missing = 0;
		CU_ASSERT(acknowledged[i] >= 1 + i * 17);
		for (int j = 0; j < acknowledged[i]; j++) {
			char key[16];
			snprintf(key, sizeof(key), "%d", i * STEP + j);
			missing += !ovsdb_map_string(row, "external_ids", key);
		}
		CU_ASSERT_EQUAL(missing, 0);
	}
	server_stop(&server);
}

/* No reply, and nothing told to others, before the disk has it. */
static void test_held_back(void)
{
	struct server server;
	struct client a, b;

	CU_ASSERT_EQUAL_FATAL(failing_vfs_register(), 0);
	server_start(&server, true);
	client_open(&a, &server);
	client_open(&b, &server);
	json_decref(client_call(&b, "monitor_cond",
		json_format("['Open_vSwitch','m',{'Open_vSwitch':[{'columns':['external_ids']}]}]"),
		NULL));
	failing_vfs_block(true);
	client_send_text(&a,
		"{\"id\":7,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"mutate\","
		"\"table\":\"Open_vSwitch\",\"where\":[],\"mutations\":[[\"external_ids\","
		"\"insert\",[\"map\",[[\"a\",\"b\"]]]]]}]}");
	CU_ASSERT_PTR_NULL(client_receive(&a, 100, NULL));
	CU_ASSERT_PTR_NULL(client_receive(&b, 10, NULL));
	/* The loop doesn't wait: memory has it, and echo works. */
	CU_ASSERT_PTR_NOT_NULL(
		ovsdb_map_string(ovsdb_first(server.db, "Open_vSwitch"), "external_ids", "a"));
	ASSERT_LIKE(client_call(&b, "echo", json_format("[]"), NULL),
		"{'id':2,'result':[],'error':null}");
	failing_vfs_block(false);
	ASSERT_LIKE(client_receive(&a, 2000, NULL), "{'id':7,'result':[{'count':1}],'error':null}");
	ASSERT_LIKE(client_receive(&b, 2000, NULL), "{'id':null,'method':'update2','params':'*'}");
	client_close(&a);
	client_close(&b);
	server_stop(&server);
	failing_vfs_unregister();
}

static void test_sync_failure(void)
{
	struct server server;
	struct client client;
	const char *io_error = "[{'count':1},{'error':'I/O error','details':'*'}]";

	CU_ASSERT_EQUAL_FATAL(failing_vfs_register(), 0);
	server_start(&server, true);
	client_open(&client, &server);
	ASSERT_LIKE(client_transact(&client, SET_KEY, 1), "[{'count':1}]");
	failing_vfs_fail(true);
	ASSERT_LIKE(client_transact(&client, SET_KEY, 2), io_error);
	CU_ASSERT_EQUAL(ovsdb_disk_error(server.db), -EIO);
	/* From now on refused at once, without effect. */
	ASSERT_LIKE(client_transact(&client, SET_KEY, 3), io_error);
	const struct ovsdb_row *row = ovsdb_first(server.db, "Open_vSwitch");
	CU_ASSERT_PTR_NULL(ovsdb_map_string(row, "external_ids", "3"));
	/* What isn't stored, and reading, go on. */
	ASSERT_LIKE(client_transact(&client, "{'op':'update','table':'Open_vSwitch','where':[],"
					     "'row':{'statistics':['map',[['a','b']]]}}"),
		"[{'count':1}]");
	failing_vfs_fail(false);
	for (int i = 0; i < 50 && ovsdb_disk_error(server.db); i++)
		server_run(&server, 100);
	CU_ASSERT_EQUAL(ovsdb_disk_error(server.db), 0);
	ASSERT_LIKE(client_transact(&client, SET_KEY, 4), "[{'count':1}]");
	client_close(&client);
	CU_ASSERT_EQUAL_FATAL(server_restart(&server), 0);
	row = ovsdb_first(server.db, "Open_vSwitch");
	CU_ASSERT_PTR_NOT_NULL(ovsdb_map_string(row, "external_ids", "1"));
	CU_ASSERT_PTR_NOT_NULL(ovsdb_map_string(row, "external_ids", "4"));
	server_stop(&server);
	failing_vfs_unregister();
}

static void write_file(const char *path, const char *text, size_t n, long at)
{
	FILE *file = fopen(path, at ? "r+" : "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fseek(file, at, SEEK_SET);
	CU_ASSERT_EQUAL(fwrite(text, 1, n, file), n);
	fclose(file);
}

static int try_open(struct server *server)
{
	struct ovsdb *db = NULL;
	int rc = ovsdb_open(&db, server->base, server->file);

	if (!rc)
		ovsdb_close(db);
	return rc;
}

static int run_sql(const char *path, const char *text)
{
	sqlite3 *db;
	int rc = sqlite3_open(path, &db);

	if (!rc)
		rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

static void test_bad_files(void)
{
	struct server server;
	struct ovsdb *db;

	server_start(&server, true);
	/* In use. */
	CU_ASSERT_EQUAL(ovsdb_open(&db, server.base, server.file), -EBUSY);
	ovsdb_close(server.db);

	static const char log[] = "OVSDB JSON 12 0123456789abcdef0123456789abcdef01234567\n{}\n"
				  "and so on, as another server writes it, for quite a while .....";
	write_file(server.file, log, sizeof(log), 0);
	CU_ASSERT_EQUAL(try_open(&server), -EINVAL);

	unlink(server.file);
	CU_ASSERT_EQUAL(run_sql(server.file, "CREATE TABLE row(a); CREATE TABLE b(c)"), 0);
	CU_ASSERT_EQUAL(try_open(&server), -EINVAL);

	unlink(server.file);
	CU_ASSERT_EQUAL(ovsdb_open(&db, server.base, "/nonexistent/conf.db"), -ENOENT);
	CU_ASSERT_EQUAL(ovsdb_open(&db, server.base, server.dir), -EISDIR);

	/* Ours, with contents that aren't. */
	static const char *const spoil[] = {
		"INSERT INTO row VALUES('Nope','11111111-1111-1111-1111-111111111111','{}')",
		"INSERT INTO row VALUES('QoS','not a uuid','{}')",
		"UPDATE row SET columns = '{'",
		"UPDATE row SET columns = '{\"nope\":1}'",
		"UPDATE row SET columns = '{\"next_cfg\":\"x\"}'",
		"UPDATE row SET columns = '{\"bridges\":[\"uuid\","
		"\"11111111-1111-1111-1111-111111111111\"]}'",
		"INSERT INTO row VALUES('Open_vSwitch','11111111-1111-1111-1111-111111111111',"
		"'{}')",
	};
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		CU_ASSERT_EQUAL(try_open(&server), 0);
		CU_ASSERT_EQUAL(run_sql(server.file, spoil[i]), 0);
		CU_ASSERT_EQUAL(try_open(&server), -EBADMSG);
		unlink(server.file);
	}
	CU_ASSERT_EQUAL(try_open(&server), 0);
	CU_ASSERT_EQUAL(run_sql(server.file, "PRAGMA user_version=99"), 0);
	CU_ASSERT_EQUAL(try_open(&server), -EINVAL);

	/* A page overwritten. */
	unlink(server.file);
	CU_ASSERT_EQUAL(try_open(&server), 0);
	char rubbish[2048];
	memset(rubbish, 0xa5, sizeof(rubbish));
	write_file(server.file, rubbish, sizeof(rubbish), 4096);
	CU_ASSERT_EQUAL(try_open(&server), -EBADMSG);

	unlink(server.file);
	CU_ASSERT_EQUAL_FATAL(ovsdb_open(&server.db, server.base, server.file), 0);
	server_stop(&server);
}

int suite_store(void)
{
	CU_pSuite suite = CU_add_suite("store", NULL, NULL);

	return !suite || !CU_add_test(suite, "restart", test_restart) ||
	       !CU_add_test(suite, "kill -9", test_kill) ||
	       !CU_add_test(suite, "nothing leaves before the disk has it", test_held_back) ||
	       !CU_add_test(suite, "a failing disk", test_sync_failure) ||
	       !CU_add_test(suite, "bad files", test_bad_files);
}
