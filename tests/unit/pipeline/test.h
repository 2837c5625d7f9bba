/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the unit tests of ofctl/pipeline: a pipeline over software and hardware paths that only
 * record what they are told (fake_paths.c), packets as text, and random flows and keys that a seed
 * reproduces (environment variable SLUICE_SEED; the seed in use is printed).
 *
 * Time is the monotonic clock plus rig.ahead_ms, so that timeouts need no waiting.
 */
#ifndef SLUICE_TESTS_UNIT_PIPELINE_TEST_H
#define SLUICE_TESTS_UNIT_PIPELINE_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CUnit/CUnit.h>

#include "hal/megaflow.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* ---- random numbers ---- */

void rnd_seed(uint64_t seed);
uint64_t rnd(void); /* of the calling thread's own sequence */

static inline unsigned rnd_below(unsigned n)
{
	return (unsigned)((rnd() >> 16) % n);
}

static inline bool one_in(unsigned n)
{
	return !rnd_below(n);
}

/* ---- what the paths were told ---- */

/* References to megaflows, as a layer holds them. */
struct mf_set {
	struct hal_megaflow **mf;
	unsigned n, capacity;
};
bool mf_set_has(const struct mf_set *s, const struct hal_megaflow *mf);
void mf_set_add(struct mf_set *s, struct hal_megaflow *mf);        /* takes over a reference */
bool mf_set_take(struct mf_set *s, const struct hal_megaflow *mf); /* gives it back */
void mf_set_clear(struct mf_set *s);

struct fake_paths {
	struct mf_set installed; /* in the software path's classifier */
	struct mf_set offloaded; /* known to offload */
	struct mf_set young;     /* held by the worker that made them */
	unsigned installs, removes, replaces, lives, withdraws, succeeded;
	bool no_replace; /* swpath_megaflow_replace() runs out of memory */
	bool masks_full; /* every mask is one too many, and all look at every header */
	/* The last packet that was injected. */
	unsigned injects;
	struct hal_key inject_key;
	char injected[1024];
	/* Meters: the last one set, and how often one was set or deleted. */
	uint32_t meter;
	struct hal_meter meter_cfg;
	unsigned meters_set, meters_deleted;
	uint32_t admin_port;
	bool admin_up;
};
extern struct fake_paths paths;

/* ---- the rig ---- */

struct event_base;

struct rig {
	struct event_base *base;
	struct pipeline *pl;
	struct pl_bridge *br, *br2;
	_Atomic uint64_t ahead_ms;
	void (*on_clock)(void); /* called once, the next time that the clock is read */
	void (*on_wake)(void);  /* called once, after the next wake-up of the control thread */
	unsigned packet_ins, removed, port_events;
	struct of_packet_in pin; /* the last; no pointers in it are good */
	void (*on_pin)(const struct of_packet_in *pin);
	struct of_flow_removed gone; /* the last flow-removed; no pointers in it are good */
	void (*on_removed)(const struct of_flow_removed *fr);
	enum of_port_reason port_reason;
	struct of_port_desc port_desc;
};
extern struct rig rig;

/* A pipeline with two bridges without ports, and back to nothing. */
void rig_open(void);
void rig_close(void);

/* Bridge 1 with ports 1 to `n` in trunk mode and LOCAL. */
void rig_ports(unsigned n);

/* Datapath id of a port of a bridge. */
uint32_t rig_dp_port(const struct pl_bridge *br, uint32_t number);
void rig_port(struct pl_bridge *br, uint32_t number, enum pl_vlan_mode mode, uint16_t tag,
	const char *trunks);
void rig_patch(struct pl_bridge *br, uint32_t number, const char *name, const char *peer);

/* The n-th calloc() or realloc() from now on, by this thread, finds no memory; 0: all do. */
void rig_fail_allocation(unsigned n);

/* Lets the control thread do all that waits for it. */
void rig_settle(void);
void rig_sweep(unsigned ahead_ms); /* moves the clock, then a sweep */

/* Flow-mods on bridge 1 as text, OpenFlow 1.3. */
enum of_error rig_mod(enum of_flow_mod_command command, uint8_t version, const char *text);
enum of_error rig_flow_on(struct pl_bridge *br, const char *text);
#define rig_flow(TEXT) rig_flow_on(rig.br, TEXT)

/* A packet as text ("in_port=1,tcp,tp_dst=80"). */
struct hal_key rig_key(const char *text);

/* Translates without registering; NULL: error. Freed with megaflow_free(&m->mf). */
struct pl_megaflow *rig_translate(const struct hal_key *key);

/* The program that a packet gets, as text, of bridge 1; and the megaflow's match. Good until the
 * next call. */
const char *rig_program(const char *packet);
const char *rig_match(const char *packet);

/* Sends packets of 100 bytes: by a megaflow that is there, or by a new one. NULL: not translated.
 * The pointer is good until the next rig_settle(). */
struct hal_megaflow *rig_send(const struct hal_key *key, unsigned packets);
struct hal_megaflow *rig_send_text(const char *packet, unsigned packets);

/* Packets of the flow with this cookie; UINT64_MAX: there is none. */
uint64_t rig_packets(uint64_t cookie);
unsigned rig_flows(const char *filter); /* how many the filter selects */
uint64_t rig_age_ms(uint64_t cookie);   /* since it was created */

/* Teaches a bridge where a station is. */
void rig_learn(struct pl_bridge *br, uint16_t vlan, const char *mac, uint32_t port);

/* The live megaflow that covers the key, or NULL. */
struct pl_megaflow *rig_live(const struct hal_key *key);

/* Fails unless every live megaflow is what a fresh translation of its sample says, and the paths
 * know exactly the live ones. Returns the number of live ones. */
unsigned rig_check_live(const char *when);

void expect_text(const char *got, const char *want, const char *file, int line);
#define EXPECT_TEXT(GOT, WANT) expect_text((GOT), (WANT), __FILE__, __LINE__)
void expect(bool ok, const char *what, const char *item, const char *file, int line);
#define EXPECT(OK, ITEM) expect((OK), #OK, (ITEM), __FILE__, __LINE__)

/* ---- random flows and packets ---- */

/* A key as a parser makes them, from a small world of values. */
void gen_key(struct hal_key *key);

/* Makes a key consistent again: no tag without presence, no member without its header. */
void gen_key_tidy(struct hal_key *key);

/* Another packet of the megaflow: random in what `mask` leaves open. False if none was found. */
bool gen_key_like(const struct hal_key *key, const struct hal_key *mask, struct hal_key *like);

/* A random flow-mod that adds; the caller frees its instructions. */
void gen_flow(struct of_flow_mod *fm);
bool gen_flow_add(void); /* makes one and adds it, overlap checked; false: refused */
/* A flow of the first so many tables, NULL if there is none. */
struct flow *gen_some_flow(unsigned n_tables);
/* The command with the match of some flow that is there, if there is one, and new actions. */
void gen_flow_change(enum of_flow_mod_command command, uint16_t flags);
void gen_match(struct hal_match *m, unsigned table);

/* One random action that may be executed where `m` matches; `set`: in an action set. gen_nested():
 * one that recirculates or holds others; gen_ct(): ct or ct_clear. */
void gen_ct(struct of_actions *acts, unsigned table);
void gen_action(struct of_actions *acts, const struct hal_match *m, unsigned table, bool set);
void gen_nested(struct of_actions *acts, const struct hal_match *m, unsigned table);

/* Ports of both bridges in all modes, patch ports between them, and stations. */
void gen_ports(void);
void gen_port(struct pl_bridge *br, uint32_t number, struct pl_port_config *cfg);
void gen_station(void);

#define GEN_TABLES 5
#define GEN_PORTS 6

extern CU_TestInfo action_tests[], birth_tests[], chain_tests[], change_tests[], count_tests[],
	bucket_tests[], flow_mod_tests[], group_tests[], normal_tests[], packet_tests[],
	patch_tests[], race_tests[], recirc_tests[], table_tests[], width_tests[];

#endif
