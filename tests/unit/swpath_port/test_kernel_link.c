/* SPDX-License-Identifier: Apache-2.0
 *
 * Netdevs that change, go and come back under kernel ports; and internal ports, whose netdevs are
 * ours.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <event2/event.h>

#include "tests/unit/swpath_port/kernel_rig.h"

static struct built f;
static struct swpath_port *a, *b;

static void link_changed(void *ctx, const struct swpath_link *link)
{
	(void)ctx;
	a->class->link_changed(a, link);
}

static void turn(struct event_base *base, bool up)
{
	const struct timeval tick = {.tv_usec = 20000};

	event_base_loop(base, EVLOOP_NONBLOCK); /* what ip(8) did is queued already */
	for (unsigned i = 0; i < WAIT_MS / 20 && atomic_load(&a->up) != up; i++) {
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
	}
	CU_ASSERT_EQUAL(atomic_load(&a->up), up);
}

static void netdev_comes_back(void)
{
	struct spec s = {.proto = IPPROTO_TCP, .payload = 100};
	struct event_base *base;
	struct swpath_netlink *nl;
	struct swpath_port_status st;
	int fd;

	NEEDS_NAMESPACE();
	base = event_base_new();
	rig_open(&a, &b);
	fd = a->class->rx_fd(a);
	CU_ASSERT_EQUAL_FATAL(swpath_netlink_open(base, link_changed, NULL, &nl), 0);
	frame_build(&s, &f);
	/* Down and up. */
	rig_run("ip link set slua0 down");
	turn(base, false);
	rig_run("ip link set slua0 up mtu 1400");
	turn(base, true);
	CU_ASSERT_EQUAL(atomic_load(&a->mtu), 1400);
	rig_wait_carrier("slub0");
	CU_ASSERT_TRUE(rig_crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	/* Away and back, as another device. */
	port_close(b, false);
	rig_run("ip link del slua0");
	turn(base, false);
	CU_ASSERT_EQUAL(rig_tx_drop(a, frame_mbuf(&f, 0), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(a->class->status(a, &st), -ENODEV);
	CU_ASSERT_FALSE(st.exists);
	rig_run("ip link add slua0 type veth peer name slub0");
	rig_run("ip link set slub0 up");
	rig_run("ip link set slua0 up");
	turn(base, true);
	rig_wait_carrier("slua0");
	rig_wait_carrier("slub0");
	b = rig_netdev("slub0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(a->class->rx_fd(a), fd);
	CU_ASSERT_TRUE(rig_crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	CU_ASSERT_TRUE(rig_crosses(a, b, frame_mbuf(&f, 0), f.data, f.len));
	/* Under another name it is another's. */
	rig_run("ip link set slua0 down");
	rig_run("ip link set slua0 name slux0");
	rig_run("ip link set slux0 up");
	turn(base, false);
	{
		uint64_t drops[SWPATH_DROP_MAX] = {0};
		struct rte_mbuf *m = frame_mbuf(&f, 0);

		b->class->tx(b, 0, &m, 1, drops);
		CU_ASSERT_PTR_NULL(rig_receive(a, QUIET_MS));
	}
	CU_ASSERT_EQUAL(rig_lines("tc qdisc show dev slux0", "clsact"), 0);
	rig_run("ip link set slux0 down");
	rig_run("ip link set slux0 name slua0");
	rig_run("ip link set slua0 up");
	turn(base, true);
	rig_wait_carrier("slub0");
	CU_ASSERT_TRUE(rig_crosses(b, a, frame_mbuf(&f, 0), f.data, f.len));
	swpath_netlink_close(nl);
	event_base_free(base);
	rig_close(a, b);
}

/* A device's port that is a netdev has the netdev's link. */
static void device_has_its_netdevs_link(void)
{
	static int device;
	struct swpath_port_config cfg = {.name = "slua0", .device = (struct hal_device *)&device};
	struct swpath_link link = {.mtu = 1400, .admin_up = true};
	struct swpath_port_status st;
	struct swpath_port *p;

	NEEDS_NAMESPACE();
	p = port_open(&swpath_device_class, &cfg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL_FATAL(p->class->status(p, &st), 0);
	CU_ASSERT_TRUE(st.exists && st.link_up && st.ifindex == rig_ifindex("slua0"));
	CU_ASSERT_STRING_EQUAL(st.driver, "test:device");
	CU_ASSERT_TRUE(st.mac[0] || st.mac[5]);
	CU_ASSERT_FALSE(p->class->link_changed(p, &link));
	link.ifindex = st.ifindex;
	CU_ASSERT_TRUE(p->class->link_changed(p, &link));
	CU_ASSERT_EQUAL(atomic_load(&p->mtu), 1400);
	frame_build(&(struct spec){.payload = 10}, &f);
	CU_ASSERT_EQUAL(rig_tx_drop(p, frame_mbuf(&f, 0), SWPATH_DROP_PORT_DOWN), 1);
	CU_ASSERT_EQUAL(p->class->set_admin(p, false), 0);
	CU_ASSERT_EQUAL(p->class->status(p, &st), 0);
	CU_ASSERT_FALSE(st.admin_up || st.link_up);
	CU_ASSERT_EQUAL(p->class->set_admin(p, true), 0);
	port_close(p, false);
	rig_wait_carrier("slua0");
}

struct seen {
	unsigned events;
	uint32_t mtu; /* of slue0, 0: gone */
	bool other_gone;
};

static void see_link(void *ctx, const struct swpath_link *link)
{
	struct seen *seen = ctx;

	seen->events++;
	if (strcmp(link->name, "slue0") == 0)
		seen->mtu = link->gone ? 0 : link->mtu;
	if (strcmp(link->name, "sluf0") == 0)
		seen->other_gone = link->gone;
}

/* More events than the socket holds: what is true in the end is known all the same. */
static void lost_events_are_made_up_for(void)
{
	enum { CHANGES = 4000 };
	struct event_base *base;
	struct swpath_netlink *nl;
	struct seen seen = {0};
	FILE *ip;

	NEEDS_NAMESPACE();
	base = event_base_new();
	rig_run("ip link add slue0 type veth peer name slue1");
	rig_run("ip link add sluf0 type veth peer name sluf1");
	CU_ASSERT_EQUAL_FATAL(swpath_netlink_open(base, see_link, &seen, &nl), 0);
	CU_ASSERT_EQUAL(seen.mtu, 1500);
	seen.events = 0;
	ip = popen("ip -batch -", "w");
	for (unsigned i = 0; i < CHANGES; i++)
		fprintf(ip, "link set slue0 mtu %u\n", 1000 + i % 2);
	fprintf(ip, "link del sluf0\nlink set slue0 mtu 1234\n");
	CU_ASSERT_EQUAL(pclose(ip), 0);
	for (unsigned i = 0; i < CHANGES / 32 && seen.mtu != 1234; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	CU_ASSERT_TRUE(seen.events < CHANGES); /* they were lost */
	CU_ASSERT_EQUAL(seen.mtu, 1234);
	CU_ASSERT_TRUE(seen.other_gone);
	swpath_netlink_close(nl);
	event_base_free(base);
	rig_run("ip link del slue0");
}

static const uint8_t mac[6] = {2, 0x51, 0, 0, 0, 1};

static struct swpath_port *internal(const char *name)
{
	struct swpath_port_config cfg = {.name = name, .mac = mac, .mtu = 1400};

	return port_open(&swpath_internal_class, &cfg);
}

static void list_cb(void *ctx, const char *name)
{
	strcat(strcat(ctx, name), " ");
}

static void internal_port_outlives_us(void)
{
	struct swpath_port_status st;
	struct swpath_port *p;
	char names[200] = "";

	NEEDS_NAMESPACE();
	p = internal("slui0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	rig_run("ip addr add 10.9.9.1/24 dev slui0");
	CU_ASSERT_EQUAL(p->class->status(p, &st), 0);
	CU_ASSERT_EQUAL(memcmp(st.mac, mac, 6), 0);
	CU_ASSERT_EQUAL(st.mtu, 1400);
	CU_ASSERT_EQUAL(p->class->set_admin(p, true), 0);
	CU_ASSERT_PTR_NULL(internal("slui0")); /* while it is open */
	CU_ASSERT_EQUAL(errno, EBUSY);
	port_close(p, false);
	CU_ASSERT_EQUAL(rig_lines("ip -o addr show slui0", "10.9.9.1"), 1);
	rig_run("ip tuntap add slufor0 mode tap");
	swpath_internal_netdevs(NULL, list_cb, names);
	CU_ASSERT_STRING_EQUAL(names, "slui0 ");
	CU_ASSERT_PTR_NULL(internal("slufor0"));
	CU_ASSERT_EQUAL(errno, EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(test_err, "slufor0"));
	CU_ASSERT_PTR_NULL(internal("slua0"));
	CU_ASSERT_EQUAL(errno, EEXIST);
	CU_ASSERT_EQUAL(swpath_internal_netdev_delete(NULL, "slufor0"), -EPERM);
	/* Another run directory's is as foreign. */
	strcat(test_rundir, "x");
	CU_ASSERT_PTR_NULL(internal("slui0"));
	test_rundir[strlen(test_rundir) - 1] = '\0';
	p = internal("slui0");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(p->up);
	CU_ASSERT_TRUE(rig_host_answers(p, WAIT_MS));
	port_close(p, true);
	CU_ASSERT_EQUAL(rig_ifindex("slui0"), 0);
	p = internal("slui1");
	port_close(p, false);
	CU_ASSERT_EQUAL(swpath_internal_netdev_delete(NULL, "slui1"), 0);
	CU_ASSERT_EQUAL(rig_ifindex("slui1"), 0);
}

static void refuses_what_is_no_netdev(void)
{
	NEEDS_NAMESPACE();
	CU_ASSERT_PTR_NULL(rig_netdev("slunone"));
	CU_ASSERT_EQUAL(errno, ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(test_err, "slunone"));
	CU_ASSERT_PTR_NULL(rig_netdev("a-name-too-long-for-a-netdev"));
	CU_ASSERT_PTR_NULL(internal("a-name-too-long-for-a-netdev"));
	rig_run("ip tuntap add slutun0 mode tun");
	CU_ASSERT_PTR_NULL(rig_netdev("slutun0"));
	CU_ASSERT_EQUAL(errno, EPFNOSUPPORT);
}

void add_kernel_link_suite(void)
{
	CU_pSuite s = CU_add_suite("kernel links", rig_set_up, NULL);

	CU_add_test(s, "a netdev comes back", netdev_comes_back);
	CU_add_test(s, "a device has its netdev's link", device_has_its_netdevs_link);
	CU_add_test(s, "lost events are made up for", lost_events_are_made_up_for);
	CU_add_test(s, "an internal port outlives us", internal_port_outlives_us);
	CU_add_test(s, "refuses what is no netdev", refuses_what_is_no_netdev);
}
