/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sim driver's tests share: a network namespace with veth pairs, a device with a real
 * sluice-simnic, rules made of text.
 *
 *   wire end slup1 ---- slu1 = port 1 \
 *   wire end slup2 ---- slu2 = port 2  > sluice-simnic ---- rings ---- test (as the driver's user)
 *   wire end slup3 ---- slu3 = port 3 /
 */
#ifndef SLUICE_TESTS_UNIT_DRIVERS_FIXTURE_H
#define SLUICE_TESTS_UNIT_DRIVERS_FIXTURE_H

#include <stdarg.h>

#include <CUnit/Basic.h>

#include "hal/hal_driver.h"

#define WIRES 3

struct sim_fixture {
	char rundir[32];
	struct rte_mempool *pool;
	int wire[WIRES + 1]; /* packet sockets on slupN, with virtio headers */
};

extern struct sim_fixture fx;
extern const struct hal_driver sim_driver;

/* 0, or 77 (meson's code for "skipped") with a line that says why. */
int fixture_open(void);
void fixture_close(void);

/* Opens "sim:<args>" and binds ports 1 to WIRES. */
void *device_open(const char *args, struct hal_caps *caps);
void device_bind_all(void *dev);
void device_close(void *dev, const char *name); /* and ends its process */
void device_script(const char *name, const char *script);
int device_load_script(const char *name); /* gives it to the process; its exit status */
int device_pid(void *dev);

/* A rule: match in flow text ("in_port" is the datapath port), action program by the callback. */
struct test_rule {
	struct hal_rule rule;
	struct hal_cmatch *match;
	struct hal_program *program;
};
void rule_make(struct test_rule *t, uint64_t ufid, uint32_t in_port, const char *match);
void rule_output(struct test_rule *t, uint32_t port);
void rule_program(struct test_rule *t, struct hal_builder *b);
void rule_free(struct test_rule *t);

/* The same, put into the device; CU_ASSERTs that it takes it. rule_drop deletes and frees it. */
void rule_add(void *dev, struct test_rule *t, struct hal_builder *b);
void rule_drop(void *dev, struct test_rule *t, uint64_t packets); /* that it has counted */

/* Steps by number: RECIRC, METER, TRUNC, GROUP, MIRROR. */
void build_number(struct hal_builder *b, enum hal_action_type type, uint32_t number);
void build_set(struct hal_builder *b, enum hal_field_id id, uint64_t value);

int object_set(void *dev, enum hal_object_type type, uint32_t id, const void *arg, size_t len,
	struct hal_reason *r);

/* Submits one operation and polls until it completes (at most 3 s). Its error; 1 if it never
 * completed; `c` may be NULL. */
int run_op(void *dev, enum hal_op_type type, const struct test_rule *t, struct hal_completion *c);

/* Frames on the wire ends. wire_recv waits up to `ms` and returns the length, 0 if nothing came. */
void wire_send(unsigned wire, const void *frame, size_t len);
/* Sends by wire 1 as a stack does that leaves the checksum to the device, and with `gso` the
 * cutting into segments of as many bytes of payload (TCP over IPv4). */
void wire_send_partial(const uint8_t *frame, size_t len, size_t l4, bool tcp, uint16_t gso);
size_t wire_recv(unsigned wire, void *frame, size_t room, unsigned ms);

/* A packet that the device handed up: its length, 0 if none came within `ms`. */
size_t device_recv(void *dev, void *frame, size_t room, struct hal_rx_meta *meta, unsigned ms);
void device_send(void *dev, uint32_t port, const void *frame, size_t len);

bool process_alive(int pid); /* a zombie is not */
uint64_t now_ms(void);
void doze(unsigned ms);
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void codec_suite(void);
void ring_suite(void);
void forward_suite(void);
void rewrite_suite(void);
void faults_suite(void);
void process_suite(void);
void chain_suite(void);
void connection_suite(void);
void object_suite(void);
void nested_suite(void);
void tunnel_suite(void);

#endif
