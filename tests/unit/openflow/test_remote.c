/* SPDX-License-Identifier: Apache-2.0
 *
 * Controllers that are connected to, and fail modes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ofctl/openflow/target.h"
#include "tests/unit/openflow/test.h"

static struct rig rig;
static uint8_t msg[70000];
static unsigned changes;

static void on_change(void *ctx, struct of_agent *agent, const char *target)
{
	(void)ctx;
	(void)agent;
	(void)target;
	changes++;
}

static void test_targets(void)
{
	static const struct {
		const char *text, *host;
		bool ok, passive;
		uint16_t port;
	} targets[] = {
		{"tcp:1.2.3.4", "1.2.3.4", true, false, 6653},
		{"tcp:1.2.3.4:77", "1.2.3.4", true, false, 77},
		{"tcp:[::1]:77", "::1", true, false, 77},
		{"tcp:host.example", "host.example", true, false, 6653},
		{"tcp:", "", false, false, 0},
		{"tcp:1.2.3.4:0", "", false, false, 0},
		{"tcp:1.2.3.4:65536", "", false, false, 0},
		{"tcp:1.2.3.4:x", "", false, false, 0},
		{"tcp:[::1", "", false, false, 0},
		{"unix:/a/b", "/a/b", true, false, 0},
		{"unix:", "", false, false, 0},
		{"ptcp:", "0.0.0.0", true, true, 6653},
		{"ptcp:0:127.0.0.1", "127.0.0.1", true, true, 0},
		{"ptcp:6634", "0.0.0.0", true, true, 6634},
		{"ptcp::[::1]", "::1", true, true, 6653},
		{"ptcp:x", "", false, true, 0},
		{"punix:/a", "/a", true, true, 0},
		{"ssl:1.2.3.4", "1.2.3.4", true, false, 6653},
		{"ssl:[::1]:77", "::1", true, false, 77},
		{"ssl:", "", false, false, 0},
		{"pssl:6634:127.0.0.1", "127.0.0.1", true, true, 6634},
		{"pssl:x", "", false, true, 0},
		{"tls:1.2.3.4", "", false, true, 0},
		{"", "", false, false, 0},
	};

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct of_target t;
		char err[256] = "";
		int ret = of_target_parse(targets[i].text, &t, err, sizeof(err));

		EXPECT((ret == 0) == targets[i].ok, targets[i].text);
		EXPECT(ret == 0 || *err, targets[i].text);
		if (ret)
			continue;
		EXPECT(!strcmp(t.host, targets[i].host), targets[i].text);
		EXPECT(t.passive == targets[i].passive, targets[i].text);
		EXPECT(t.port == targets[i].port, targets[i].text);
	}
}

/* A controller's socket to be connected to. */
static int controller_listen(char *target, size_t n)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%.64s/ctl", rig.dir);
	unlink(un.sun_path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 4), 0);
	snprintf(target, n, "unix:%s", un.sun_path);
	return fd;
}

/* Waits for the agent to connect; says hello. -1 if it does not. */
static int controller_accept(int listener, unsigned ms)
{
	int fd = -1;

	for (unsigned waited = 0; fd < 0 && waited < ms; waited += 5) {
		rig_run(&rig, 5);
		fd = accept(listener, NULL, NULL);
	}
	if (fd < 0)
		return -1;
	peer_hex(fd, OFP13, OFPT_HELLO, 1, "");
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 1000), 16);
	rig_run(&rig, 10);
	return fd;
}

static void controller_unlisten(int fd)
{
	char path[100];

	close(fd);
	snprintf(path, sizeof(path), "%.64s/ctl", rig.dir);
	unlink(path);
}

static struct of_controller_status status(const char *target)
{
	struct of_controller_status st = {0};

	CU_ASSERT_EQUAL(of_agent_controller_status(rig.agent, target, &st), 0);
	return st;
}

static void test_reconnect(void)
{
	struct of_controller_config cfg = {
		.inactivity_probe_ms = 60, .local_backoff_ms = 20, .max_backoff_ms = 40};
	char target[128];
	int listener, fd;

	rig_open(&rig);
	of_agent_on_change(rig.agent, on_change, NULL);
	listener = controller_listen(target, sizeof(target));
	cfg.target = target;
	CU_ASSERT_EQUAL(of_agent_set_controllers(rig.agent, &cfg, 1), 0);
	CU_ASSERT_EQUAL(status(target).sec_since_connect, -1);
	changes = 0;
	fd = controller_accept(listener, 500);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(changes > 0);
	CU_ASSERT(status(target).is_connected);
	CU_ASSERT_EQUAL(status(target).version, OFP13);
	CU_ASSERT(!strcmp(status(target).state, "ACTIVE"));
	/* A controller gets events without asking. */
	rig.ops.port_status(
		rig.ops.ctx, fake_bridge(), OF_PORT_ADD, &(struct of_port_desc){.number = 1});
	CU_ASSERT(peer_read(&rig, fd, msg, sizeof(msg), 50) > 0);
	CU_ASSERT_EQUAL(msg[1], OFPT_PORT_STATUS);
	/* Silence is probed, and ends the connection if it goes on. */
	CU_ASSERT(peer_read(&rig, fd, msg, sizeof(msg), 500) > 0);
	CU_ASSERT_EQUAL(msg[1], OFPT_ECHO_REQUEST);
	CU_ASSERT(!strcmp(status(target).state, "IDLE"));
	peer_hex(fd, OFP13, OFPT_ECHO_REPLY, 0, "");
	rig_run(&rig, 10);
	CU_ASSERT(!strcmp(status(target).state, "ACTIVE"));
	CU_ASSERT(peer_read(&rig, fd, msg, sizeof(msg), 500) > 0);
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 500), 0);
	CU_ASSERT(!status(target).is_connected);
	CU_ASSERT(strstr(status(target).last_error, "probe") != NULL);
	close(fd);
	/* It comes again, also when nobody listened in between. */
	fd = controller_accept(listener, 500);
	CU_ASSERT_FATAL(fd >= 0);
	controller_unlisten(listener);
	close(fd);
	rig_run(&rig, 100);
	CU_ASSERT(!strcmp(status(target).state, "BACKOFF"));
	listener = controller_listen(target, sizeof(target));
	fd = controller_accept(listener, 500);
	CU_ASSERT_FATAL(fd >= 0);
	/* The same rows keep the connection, others end it. */
	CU_ASSERT_EQUAL(of_agent_set_controllers(rig.agent, &cfg, 1), 0);
	CU_ASSERT(status(target).is_connected);
	CU_ASSERT_EQUAL(of_agent_set_controllers(rig.agent, NULL, 0), 0);
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 100), 0);
	CU_ASSERT_EQUAL(
		of_agent_controller_status(rig.agent, target, &(struct of_controller_status){0}),
		-ENOENT);
	close(fd);
	controller_unlisten(listener);
	rig_close(&rig);
}

static void test_bad_targets(void)
{
	struct of_controller_config cfg[] = {{.target = "nonsense"}, {.target = "ptcp:1:1.2.3.4"},
		{.target = "tcp:127.0.0.1:1"}};
	char err[256];

	rig_open(&rig);
	CU_ASSERT_EQUAL(of_agent_set_controllers(rig.agent, cfg, 3), 0);
	rig_run(&rig, 50);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(!status(cfg[i].target).is_connected);
		EXPECT(status(cfg[i].target).last_error[0], cfg[i].target);
	}
	CU_ASSERT_EQUAL(of_agent_listen(rig.agent, "tcp:1.2.3.4", err, sizeof(err)), -EINVAL);
	CU_ASSERT(of_agent_listen(rig.agent, "punix:/nonexistent/x", err, sizeof(err)) < 0);
	CU_ASSERT(strstr(err, "/nonexistent/x") != NULL);
	rig_close(&rig);
}

static void test_fail_modes(void)
{
	struct of_controller_config cfg = {
		.inactivity_probe_ms = 20, .local_backoff_ms = 5, .max_backoff_ms = 5};
	char target[128];
	int listener, fd;

	rig_open(&rig); /* secure */
	CU_ASSERT_EQUAL(fake_n_flows(), 0);
	of_agent_set_fail_mode(rig.agent, PL_FAIL_STANDALONE);
	CU_ASSERT_EQUAL(fake_n_flows(), 1);
	CU_ASSERT(!fake.standalone);
	/* With a controller the flow goes; without one for long, the bridge forwards again. */
	listener = controller_listen(target, sizeof(target));
	cfg.target = target;
	of_agent_set_controllers(rig.agent, &cfg, 1);
	CU_ASSERT_EQUAL(fake_n_flows(), 0);
	CU_ASSERT(!fake.standalone);
	rig_run(&rig, 100);
	CU_ASSERT(fake.standalone);
	CU_ASSERT_EQUAL(fake_n_flows(), 0);
	/* Those that nobody accepted were given up. */
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		close(fd);
	fd = controller_accept(listener, 500);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(!fake.standalone);
	close(fd);
	controller_unlisten(listener);
	rig_run(&rig, 120);
	CU_ASSERT(fake.standalone);
	of_agent_set_fail_mode(rig.agent, PL_FAIL_SECURE);
	CU_ASSERT(!fake.standalone);
	of_agent_set_controllers(rig.agent, NULL, 0);
	CU_ASSERT_EQUAL(fake_n_flows(), 0);
	of_agent_set_fail_mode(rig.agent, PL_FAIL_STANDALONE);
	CU_ASSERT_EQUAL(fake_n_flows(), 1);
	rig_close(&rig);
}

CU_TestInfo remote_tests[] = {
	{"targets", test_targets},
	{"reconnecting", test_reconnect},
	{"targets that do not work", test_bad_targets},
	{"fail modes", test_fail_modes},
	CU_TEST_INFO_NULL,
};
