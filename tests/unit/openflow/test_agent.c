/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections: versions, framing, order.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

static struct rig rig;
static uint8_t msg[70000];

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static unsigned xid(void)
{
	return u16(msg + 4) << 16 | u16(msg + 6);
}

static int next(int fd)
{
	return peer_read(&rig, fd, msg, sizeof(msg), 1000);
}

static void test_versions(void)
{
	static const struct {
		uint8_t version;
		const char *bitmap;
		uint8_t speaks; /* 0: refused */
	} hellos[] = {
		{1, "", 1},
		{4, "", 4},
		{5, "", 5},
		{6, "", 6},
		{7, "", 6},
		{3, "", 1},
		{6, "0001 0008 00000010", 4},
		{6, "0001 0008 0000008a", 1},
		{6, "0001 0008 00000042", 6},
		{6, "0001 0008 00000080", 0},
		{4, "0063 0008 00000000 0001 0008 00000012", 4},
		{6, "0001 0002", 0},
	};

	rig_open(&rig);
	for (unsigned i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		int fd = peer_open(&rig);

		peer_hex(fd, hellos[i].version, OFPT_HELLO, 9, hellos[i].bitmap);
		CU_ASSERT_EQUAL(next(fd), 16); /* the agent's hello */
		if (hellos[i].speaks)
			peer_hex(fd, hellos[i].speaks, OFPT_ECHO_REQUEST, 10, "");
		CU_ASSERT(next(fd) >= 8);
		if (hellos[i].speaks) {
			CU_ASSERT_EQUAL(msg[1], OFPT_ECHO_REPLY);
			CU_ASSERT_EQUAL(msg[0], hellos[i].speaks);
		} else {
			CU_ASSERT_EQUAL(msg[1], OFPT_ERROR);
			CU_ASSERT_EQUAL(u16(msg + 8), 0);
			CU_ASSERT_EQUAL(u16(msg + 10), 0);
			CU_ASSERT_EQUAL(xid(), 9);
			CU_ASSERT_EQUAL(next(fd), 0);
		}
		close(fd);
	}
	/* Fewer where the bridge's protocols say so. */
	of_agent_set_versions(rig.agent, 1u << OFP10 | 1u << OFP14);
	for (uint8_t version = OFP10; version <= OFP14; version += OFP14 - OFP10) {
		int fd = peer_greet(&rig, version);

		peer_hex(fd, version, OFPT_ECHO_REQUEST, 10, "");
		CU_ASSERT(next(fd) >= 8 && msg[1] == OFPT_ECHO_REPLY && msg[0] == version);
		close(fd);
	}
	rig_close(&rig);
}

static void test_no_hello(void)
{
	int fd;

	rig_open(&rig);
	fd = peer_open(&rig);
	peer_hex(fd, 4, OFPT_ECHO_REQUEST, 1, "");
	CU_ASSERT_EQUAL(next(fd), 16);
	CU_ASSERT(next(fd) > 12);
	CU_ASSERT_EQUAL(msg[1], OFPT_ERROR);
	CU_ASSERT_EQUAL(next(fd), 0);
	close(fd);
	rig_close(&rig);
}

static void test_allowed_versions(void)
{
	int fd, fd10;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	fd10 = peer_greet(&rig, 1);
	of_agent_set_versions(rig.agent, 1u << OFP10);
	CU_ASSERT_EQUAL(next(fd), 0);
	peer_hex(fd10, 1, OFPT_ECHO_REQUEST, 1, "");
	CU_ASSERT_EQUAL(next(fd10), 8);
	close(fd);
	close(fd10);
	rig_close(&rig);
}

/* Messages in pieces and many at once. */
static void test_framing(void)
{
	static const uint8_t echo[12] = {
		4, OFPT_ECHO_REQUEST, 0, 12, 0, 0, 0, 7, 'a', 'b', 'c', 'd'};
	uint8_t many[12 * 300];
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	for (unsigned i = 0; i < sizeof(echo); i++) {
		peer_send(fd, echo + i, 1);
		rig_run(&rig, 1);
	}
	CU_ASSERT_EQUAL(next(fd), 12);
	CU_ASSERT(!memcmp(msg + 8, "abcd", 4));
	for (unsigned i = 0; i < 300; i++) {
		memcpy(many + 12 * i, echo, 12);
		many[12 * i + 6] = (uint8_t)(i >> 8);
		many[12 * i + 7] = (uint8_t)i;
	}
	peer_send(fd, many, sizeof(many));
	for (unsigned i = 0; i < 300; i++) {
		CU_ASSERT_EQUAL(next(fd), 12);
		CU_ASSERT_EQUAL(xid(), i);
	}
	close(fd);
	rig_close(&rig);
}

/* A length that no message can have ends the connection, and only that one. */
static void test_undelimitable(void)
{
	static const uint8_t bad[8] = {4, OFPT_ECHO_REQUEST, 0, 7, 0, 0, 0, 1};
	int fd, other;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	other = peer_greet(&rig, 4);
	peer_send(fd, bad, sizeof(bad));
	CU_ASSERT_EQUAL(next(fd), 0);
	peer_hex(other, 4, OFPT_ECHO_REQUEST, 1, "");
	CU_ASSERT_EQUAL(next(other), 8);
	close(fd);
	close(other);
	rig_close(&rig);
}

/* Errors carry the request, and the connection goes on. */
static void test_error_data(void)
{
	char body[401];
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	memset(body, 'a', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	peer_hex(fd, 4, 77, 5, body);
	CU_ASSERT(next(fd) >= 12 + 64);
	CU_ASSERT_EQUAL(xid(), 5);
	CU_ASSERT_EQUAL(u16(msg + 8), 1);
	CU_ASSERT_EQUAL(u16(msg + 10), 1);
	CU_ASSERT_EQUAL(msg[12], 4);
	CU_ASSERT_EQUAL(msg[13], 77);
	CU_ASSERT_EQUAL(msg[12 + 63], 0xaa);
	peer_hex(fd, 1, OFPT_ECHO_REQUEST, 6, "");
	CU_ASSERT_EQUAL(next(fd), 12 + 8);
	CU_ASSERT_EQUAL(msg[0], 4);
	CU_ASSERT_EQUAL(u16(msg + 10), 0);
	peer_hex(fd, 4, OFPT_ECHO_REQUEST, 7, "");
	CU_ASSERT_EQUAL(next(fd), 8);
	close(fd);
	rig_close(&rig);
}

/* What follows a barrier waits for its reply. */
static void test_barrier_order(void)
{
	int fd, other;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	other = peer_greet(&rig, 4);
	fake.hold = true;
	peer_hex(fd, 4, OFPT13_BARRIER_REQUEST, 21, "");
	peer_hex(fd, 4, OFPT_ECHO_REQUEST, 22, "");
	CU_ASSERT_EQUAL(peer_read(&rig, fd, msg, sizeof(msg), 50), -1);
	peer_hex(other, 4, OFPT_ECHO_REQUEST, 23, "");
	CU_ASSERT_EQUAL(next(other), 8);
	fake_release();
	CU_ASSERT_EQUAL(next(fd), 8);
	CU_ASSERT_EQUAL(msg[1], OFPT13_BARRIER_REPLY);
	CU_ASSERT_EQUAL(xid(), 21);
	CU_ASSERT_EQUAL(next(fd), 8);
	CU_ASSERT_EQUAL(xid(), 22);
	/* Who leaves while a barrier is pending is not missed. */
	fake.hold = true;
	peer_hex(fd, 4, OFPT13_BARRIER_REQUEST, 24, "");
	rig_run(&rig, 10);
	of_agent_unlisten(rig.agent, rig.target);
	CU_ASSERT_EQUAL(next(fd), 0);
	fake_release();
	close(fd);
	close(other);
	rig_close(&rig);
}

/* What was sent before the end of the stream is still done. */
static void test_last_words(void)
{
	struct of_flow_mod fm = {.buffer_id = OF_NO_BUFFER};
	struct of_buf b = {0};
	int fd;

	rig_open(&rig);
	fd = peer_greet(&rig, 4);
	for (unsigned i = 0; i < 200; i++) {
		fm.priority = (uint16_t)i;
		of_flow_mod_encode(&b, OFP13, i, &fm);
	}
	peer_send(fd, b.data, b.len);
	shutdown(fd, SHUT_WR);
	CU_ASSERT_EQUAL(next(fd), 0);
	CU_ASSERT_EQUAL(fake_n_flows(), 200);
	of_buf_free(&b);
	close(fd);
	rig_close(&rig);
}

CU_TestInfo agent_tests[] = {
	{"versions", test_versions},
	{"no hello", test_no_hello},
	{"allowed versions", test_allowed_versions},
	{"framing", test_framing},
	{"lengths below 8", test_undelimitable},
	{"data of errors", test_error_data},
	{"order around barriers", test_barrier_order},
	{"messages before the end", test_last_words},
	CU_TEST_INFO_NULL,
};
