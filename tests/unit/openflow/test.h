/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the unit tests of OpenFlow: the suites, random contents that a seed reproduces
 * (environment variable SLUICE_SEED; the seed in use is printed), and a peer for the agent.
 */
#ifndef SLUICE_TESTS_UNIT_OPENFLOW_TEST_H
#define SLUICE_TESTS_UNIT_OPENFLOW_TEST_H

#include <CUnit/CUnit.h>

#include "ofctl/openflow/agent.h"
#include "ofctl/openflow/buf.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"
#include "tests/unit/openflow/fake_pipeline.h"

uint64_t rnd(void);

static inline unsigned rnd_below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

/* A match that 1.3 (or, `v10`, 1.0) can say, and lists that go with it. The caller frees. */
void rnd_match(struct hal_match *m, bool v10);
void rnd_actions(struct of_actions *acts, bool v10);
void rnd_flow_mod(struct of_flow_mod *fm, bool v10);

bool match_equal(const struct hal_match *a, const struct hal_match *b);

/* Fails with the item of a table, or the text, that it is about. */
void expect(bool ok, const char *what, const char *item, const char *file, int line);
#define EXPECT(OK, ITEM) expect((OK), #OK, (ITEM), __FILE__, __LINE__)

/* ---- a peer of the agent, over a unix socket, in one event loop with it ---- */

struct rig {
	struct event_base *base;
	struct of_agents *all;
	struct of_agent *agent;
	struct pipeline_ops ops;
	char dir[64], target[128], path[100];
};
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
void rig_run(struct rig *rig, unsigned ms); /* lets the agent work for so long; 0: what it has */

/* A blocking peer. The first connects; the second also says hello and eats the agent's. */
int peer_open(struct rig *rig);
int peer_greet(struct rig *rig, uint8_t version);
void peer_send(int fd, const void *data, size_t len);
/* Reads a whole message, running the agent meanwhile. Returns its length, 0 if the peer was closed,
 * -1 if nothing came in `ms`. */
int peer_read(struct rig *rig, int fd, uint8_t *msg, size_t n, unsigned ms);
/* Sends a message of a header and a body in hexadecimal (blanks are skipped). */
void peer_hex(int fd, uint8_t version, uint8_t type, uint32_t xid, const char *body);

size_t from_hex(const char *hex, uint8_t *out, size_t n);

/* What was written: the same; what a text in hexadecimal says; a whole message of 1.5, and what is
 * behind its header. */
bool same_bytes(const struct of_buf *a, const struct of_buf *b);
bool is_hex(const struct of_buf *b, const char *hex);
struct of_rd body15(const struct of_buf *b);

extern CU_TestInfo codec_tests[], message_tests[], malformed_tests[], text_tests[], agent_tests[],
	serve_tests[], async_tests[], monitor_tests[], nicira_tests[], remote_tests[], fuzz_tests[],
	message15_tests[], group15_tests[], serve15_tests[];

#endif
