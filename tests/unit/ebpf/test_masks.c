/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of masks: one number for each, room ends, and every mask in use is tried once.
 */
#include <errno.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "test_ebpf.h"

static struct ebpf_mask nth(unsigned n)
{
	return (struct ebpf_mask){.words = EBPF_NARROW, .n = 1, .index = {4}, .mask = {n + 1}};
}

/* Every number that was ever used, once. */
static void check_order(const struct ebpf_dev *dev)
{
	const struct ebpf_control *c = dev->maps.control;
	const struct ebpf_order *order = &c->order[c->which & 1];
	bool seen[EBPF_MASKS] = {false};

	CU_ASSERT_EQUAL_FATAL(order->n, dev->masks.n);
	for (uint32_t i = 0; i < order->n; i++) {
		CU_ASSERT_FALSE(seen[order->mask[i]]);
		seen[order->mask[i]] = true;
	}
}

static void room_ends(void)
{
	struct ebpf_dev *dev = test_device();
	struct ebpf_mask mask;
	struct hal_reason r;
	int first, other;

	for (unsigned i = 0; i < EBPF_MASKS; i++) {
		mask = nth(i);
		CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, &r), (int)i);
		CU_ASSERT(!memcmp(&dev->maps.masks[i], &mask, sizeof(mask)));
	}
	check_order(dev);
	mask = nth(EBPF_MASKS);
	hal_reason_clear(&r);
	CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, &r), -ENOSPC);
	CU_ASSERT(r.code == HAL_REASON_NO_ROOM && strstr(r.text, "128 different masks"));
	/* Two rules have the first: it is free after both. */
	mask = nth(0);
	first = ebpf_mask_hold(dev, &mask, &r);
	CU_ASSERT_EQUAL(first, 0);
	ebpf_mask_drop(dev, 0);
	mask = nth(EBPF_MASKS);
	CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, &r), -ENOSPC);
	ebpf_mask_drop(dev, 0);
	other = ebpf_mask_hold(dev, &mask, &r);
	CU_ASSERT_EQUAL(other, 0);
	CU_ASSERT(!memcmp(&dev->maps.masks[0], &mask, sizeof(mask)));
	check_order(dev);
	test_device_free(dev);
}

static void found_again(void)
{
	struct ebpf_dev *dev = test_device();
	struct ebpf_mask mask = nth(7);

	dev->maps.masks[2] = mask;
	ebpf_masks_found(dev);
	check_order(dev);
	CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, NULL), 2);
	mask = nth(8);
	CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, NULL), 3);
	check_order(dev);
	test_device_free(dev);
}

/* What somebody writes over them, in whichever way. */
static void put_right(void)
{
	struct ebpf_dev *dev = test_device();
	struct ebpf_mask mask;

	dev->n_cpus = 1;
	dev->maps.mask_hits = -1;
	for (unsigned i = 0; i < 5; i++) {
		mask = nth(i);
		ebpf_mask_hold(dev, &mask, NULL);
	}
	for (unsigned n = 0; n < 200; n++) {
		uint8_t *at = (uint8_t *)(n % 2 ? (void *)dev->maps.control : dev->maps.masks);
		const size_t size = n % 2 ? sizeof(struct ebpf_control) : 5 * sizeof(mask);

		at[test_rand() % size] = (uint8_t)test_rand();
		if (n % 3) /* as the driver goes on, before and after */
			ebpf_masks_mend(dev);
		mask = nth(n % 7);
		CU_ASSERT_EQUAL(ebpf_mask_hold(dev, &mask, NULL), (int)(n % 7));
		dev->masks.sorted_ms = 0;
		ebpf_masks_sort(dev);
	}
	memset(dev->maps.control, 0xff, sizeof(*dev->maps.control));
	memset(dev->maps.masks, 0xff, EBPF_MASKS * sizeof(mask));
	ebpf_masks_mend(dev);
	check_order(dev);
	for (unsigned i = 0; i < 7; i++) {
		mask = nth(i);
		CU_ASSERT(!memcmp(&dev->maps.masks[i], &mask, sizeof(mask)));
	}
	test_device_free(dev);
}

void add_masks_suite(void)
{
	CU_pSuite suite = CU_add_suite("ebpf: masks", NULL, NULL);

	CU_add_test(suite, "room ends, and comes back", room_ends);
	CU_add_test(suite, "those of a former run", found_again);
	CU_add_test(suite, "what somebody altered is put right", put_right);
}
