/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/swpath_port/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/Basic.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>

#include "hal/hal.h"
#include "swpath/port/rxbuf.h"

struct rte_mempool *test_pool;
unsigned test_workers = 2;
char test_rundir[64];
char test_err[256];
struct rte_mbuf *device_sent[SENT_MAX];
unsigned device_n_sent, device_room = SENT_MAX;

static uint64_t state;

/* xorshift64*, Vigna 2016 */
uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- what ports ask of the rest ---- */

const char *swpath_rundir(const struct swpath *sp)
{
	(void)sp;
	return test_rundir;
}

bool swpath_has_captures(const struct swpath *sp)
{
	(void)sp;
	return false;
}

void swpath_tap_drop(struct swpath *sp, unsigned worker, struct rte_mbuf *const *pkts, unsigned n,
	enum swpath_drop why)
{
	(void)sp;
	(void)worker;
	(void)pkts;
	(void)n;
	(void)why;
}

unsigned swpath_n_workers(const struct swpath *sp)
{
	(void)sp;
	return test_workers;
}

const char *hal_device_name(const struct hal_device *dev)
{
	(void)dev;
	return "test:device";
}

unsigned hal_port_tx(struct hal_device *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n)
{
	(void)dev;
	(void)port;
	if (n > device_room - device_n_sent)
		n = device_room - device_n_sent;
	memcpy(device_sent + device_n_sent, pkts, n * sizeof(*pkts));
	device_n_sent += n;
	return n;
}

struct swpath_port *port_open(
	const struct swpath_port_class *class, const struct swpath_port_config *cfg)
{
	struct swpath_port *p = aligned_alloc(64, sizeof(*p));
	int rc;

	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", cfg->name);
	p->class = class;
	p->pool = test_pool;
	p->id = 1;
	test_err[0] = '\0';
	rc = class->open(p, cfg, test_err, sizeof(test_err));
	if (rc == 0)
		return p;
	free(p);
	errno = -rc;
	return NULL;
}

void port_close(struct swpath_port *port, bool delete_netdev)
{
	port->class->close(port, delete_netdev);
	free(port);
}

/* mbufs that were not given back: a failure. */
static unsigned left_over(struct rte_mempool *pool)
{
	unsigned n = pool ? rte_mempool_in_use_count(pool) : 0;

	if (n)
		fprintf(stderr, "%s: %u mbufs were not given back\n", pool->name, n);
	return n != 0;
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m",
		"64", "--log-level=*:critical", NULL};
	const char *seed = argc > 1 ? argv[1] : getenv("SLUICE_TEST_SEED");
	unsigned failed;

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) << 20 | (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)state);
	state |= UINT64_C(1) << 63;
	snprintf(test_rundir, sizeof(test_rundir), "/tmp/sluice-test-%d", (int)getpid());
	if (rte_eal_init(8, eal) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	test_pool = rte_pktmbuf_pool_create("test", 4095, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, 0);
	if (!test_pool || CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	add_frame_suite();
	add_segment_suite();
	add_vnet_suite();
	add_plain_suite();
	add_netlink_suite();
	add_dpdk_suite();
	add_rxbuf_suite();
	add_kernel_suite();
	add_kernel_link_suite();
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	failed += left_over(test_pool) + left_over(swpath_rxbuf_big());
	rte_eal_cleanup();
	return failed ? 1 : 0;
}
