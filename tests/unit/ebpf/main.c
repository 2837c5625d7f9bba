/* SPDX-License-Identifier: Apache-2.0 */
#include "test_ebpf.h"

#include <stdlib.h>

#include <CUnit/Basic.h>

/* xorshift64*, Vigna 2016 */
uint32_t test_rand(void)
{
	static uint64_t state = 1;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static uint32_t to_ifindex(const void *ctx, uint32_t port)
{
	(void)ctx;
	if (port >= TEST_TUNNEL && port < 100)
		return EBPF_TUNNEL | port;
	return port && port < TEST_TUNNEL ? TEST_IFINDEX + port : 0;
}

static uint32_t to_port(const void *ctx, uint32_t ifindex)
{
	(void)ctx;
	if (ifindex >= (EBPF_TUNNEL | TEST_TUNNEL) && ifindex < (EBPF_TUNNEL | 100))
		return ifindex & ~EBPF_TUNNEL;
	return ifindex > TEST_IFINDEX && ifindex < TEST_IFINDEX + TEST_TUNNEL
		       ? ifindex - TEST_IFINDEX
		       : HAL_PORT_NONE;
}

/* Each but the first is there twice: one of a former run has the number above. */
static int64_t to_meter(const void *ctx, uint32_t id)
{
	(void)ctx;
	return id && id < TEST_METERS ? (int64_t)id * 2 : -1;
}

static int64_t to_meter_id(const void *ctx, uint32_t number)
{
	(void)ctx;
	return number > 1 && number < 2 * TEST_METERS && number != 3 ? (int64_t)number / 2 : -1;
}

const struct ebpf_ports test_ports = {to_ifindex, to_port, NULL, to_meter, to_meter_id};

struct ebpf_dev *test_device(void)
{
	struct ebpf_dev *dev = calloc(1, sizeof(*dev));

	hmap_init(&dev->ports);
	hmap_init(&dev->ports_by_key);
	dev->former = calloc(99, sizeof(*dev->former));
	for (uint32_t id = 1; id < 100; id++)
		dev->former[dev->n_former++] = (struct ebpf_former){id, TEST_IFINDEX + id};
	dev->maps.masks = calloc(EBPF_MASKS, sizeof(*dev->maps.masks));
	dev->maps.control = calloc(1, sizeof(*dev->maps.control));
	dev->maps.grace = dev->maps.grace_inner = -1;
	return dev;
}

void test_device_free(struct ebpf_dev *dev)
{
	free(dev->former);
	free(dev->maps.masks);
	free(dev->maps.control);
	free(dev);
}

int main(void)
{
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	add_code_suite();
	add_key_suite();
	add_masks_suite();
	add_pool_suite();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
