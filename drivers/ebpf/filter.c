/* SPDX-License-Identifier: Apache-2.0
 *
 * The program at the TC ingress of a netdev, or at the egress of one of the host's.
 */
#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "drivers/ebpf/ebpf.h"

#define PRIO 0xffe1u /* after everybody else's but for the software path's */
/* Upper byte of the handle: whether we made the qdisc, too. Below it, the instance. */
#define HANDLE 0x5d000000u
#define HANDLE_QDISC 0x5e000000u
#define INSTANCE 0xffffffu

static uint32_t handle_of(const struct ebpf_dev *dev, bool qdisc_is_ours)
{
	return (qdisc_is_ours ? HANDLE_QDISC : HANDLE) | (dev->instance & INSTANCE);
}

static enum bpf_tc_attach_point point_of(bool host)
{
	return host ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

struct search {
	const struct ebpf_dev *dev;
	struct ebpf_filter *out;
};

static uint32_t program_of(struct nlattr *options)
{
	struct nlattr *a =
		options ? nla_find(nla_data(options), nla_len(options), TCA_BPF_ID) : NULL;

	return a && nla_len(a) >= 4 ? nla_get_u32(a) : 0;
}

static int take(void *ctx, unsigned i, struct nlmsghdr *h)
{
	const struct search *s = ctx;
	const struct tcmsg *tcm = nlmsg_data(h);
	const uint32_t upper = tcm->tcm_handle & ~INSTANCE;

	(void)i;
	if (h->nlmsg_type != RTM_NEWTFILTER || h->nlmsg_len < NLMSG_HDRLEN + sizeof(*tcm) ||
		TC_H_MAJ(tcm->tcm_info) >> 16 != PRIO || (upper != HANDLE && upper != HANDLE_QDISC))
		return 0;
	if ((tcm->tcm_handle & INSTANCE) != (s->dev->instance & INSTANCE)) {
		s->out->is_anothers = true;
		return 0;
	}
	s->out->found = true;
	s->out->qdisc_is_ours = upper == HANDLE_QDISC;
	s->out->program = program_of(nlmsg_find_attr(h, sizeof(*tcm), TCA_OPTIONS));
	return 0;
}

int ebpf_filter_find(struct ebpf_dev *dev, uint32_t ifindex, bool host, struct ebpf_filter *out)
{
	const struct tcmsg tcm = {.tcm_ifindex = (int)ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, host ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS)};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETTFILTER, 0);
	struct search s = {dev, out};
	int err = -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (msg && !nlmsg_append(msg, (void *)(uintptr_t)&tcm, sizeof(tcm), NLMSG_ALIGNTO))
		err = netdev_channel_dump(dev->ch, msg, take, &s);
	nlmsg_free(msg);
	return err;
}

int ebpf_filter_attach(
	struct ebpf_dev *dev, uint32_t ifindex, bool host, bool qdisc_is_ours, struct hal_reason *r)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point_of(host));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = ebpf_program_fd(dev, host), .priority = PRIO,
		.handle = handle_of(dev, qdisc_is_ours), .flags = BPF_TC_F_REPLACE);
	const int err = bpf_tc_attach(&hook, &opts);

	if (err)
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "the program cannot be attached: %s",
			strerror(-err));
	return err;
}

void ebpf_filter_detach(struct ebpf_dev *dev, uint32_t ifindex, bool host)
{
	for (unsigned ours = 0; ours < 2; ours++) {
		LIBBPF_OPTS(
			bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point_of(host));
		LIBBPF_OPTS(bpf_tc_opts, opts, .priority = PRIO, .handle = handle_of(dev, ours));

		bpf_tc_detach(&hook, &opts);
	}
}
