/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_TESTS_EBPF_H
#define SLUICE_TESTS_EBPF_H

#include <stdint.h>

#include "drivers/ebpf/ebpf.h"

uint32_t test_rand(void);

/* Ports 1 to 89 have ifindexes from 1001 on; from 90 to 99 they are ends of tunnels. */
#define TEST_IFINDEX 1000u
#define TEST_TUNNEL 90u
/* Meters 1 to 9 have twice their id for number. */
#define TEST_METERS 10u
extern const struct ebpf_ports test_ports;

/* A device without a kernel: its maps are our memory, and its ports those above. */
struct ebpf_dev *test_device(void);
void test_device_free(struct ebpf_dev *dev);

void add_code_suite(void);
void add_key_suite(void);
void add_masks_suite(void);
void add_pool_suite(void);

#endif
