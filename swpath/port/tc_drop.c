/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/tc_drop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "swpath/port/rtnl.h"

#define FILTER_NAME "sluice-drop"

enum {
	/* Filters run by ascending priority: everybody else's comes first. */
	PRIORITY = 0xfff0,
	/* The filter's handle says who made the qdisc. */
	HANDLE_QDISC_OURS = 0x510001,
	HANDLE_QDISC_FOREIGN = 0x510002,
	INGRESS = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	EGRESS = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
};

/* The program: the frame is taken, which is no loss that a statistic should show. */
static int load_program(char *err, size_t n)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_STOLEN},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t) "Apache-2.0";
	snprintf(attr.prog_name, sizeof(attr.prog_name), "sluice_drop");
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		return fd;
	fd = -errno;
	snprintf(err, n,
		"loading the BPF program that keeps frames from the host stack failed: %s "
		"(bpf(2) needs CAP_BPF and CAP_NET_ADMIN)",
		strerror(-fd));
	return fd;
}

static struct nlmsghdr *begin_tc(
	void *buf, uint16_t type, uint16_t flags, uint32_t ifindex, uint32_t parent)
{
	struct nlmsghdr *nlh = swpath_rtnl_begin(buf, type, flags);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = parent;
	return nlh;
}

static struct tcmsg *tcmsg_of(struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload(nlh);
}

/* 0: made, -EEXIST: there is a clsact already, or another -errno. */
static int add_qdisc(uint32_t ifindex, char *err, size_t n)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh =
		begin_tc(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, TC_H_CLSACT);

	tcmsg_of(nlh)->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return swpath_rtnl_request(nlh, NULL, NULL, err, n);
}

static int delete_qdisc(uint32_t ifindex)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = begin_tc(buf, RTM_DELQDISC, 0, ifindex, TC_H_CLSACT);

	tcmsg_of(nlh)->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

static int add_filter(uint32_t ifindex, uint32_t handle, int prog, char *err, size_t n)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh =
		begin_tc(buf, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, ifindex, INGRESS);
	struct nlattr *options;

	tcmsg_of(nlh)->tcm_handle = handle;
	tcmsg_of(nlh)->tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)prog);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, FILTER_NAME);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	/* In the NIC it would drop before the packet socket sees anything. */
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS_GEN, TCA_CLS_FLAGS_SKIP_HW);
	mnl_attr_nest_end(nlh, options);
	return swpath_rtnl_request(nlh, NULL, NULL, err, n);
}

static int delete_filter(uint32_t ifindex, uint32_t handle)
{
	_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
	struct nlmsghdr *nlh = begin_tc(buf, RTM_DELTFILTER, 0, ifindex, INGRESS);

	tcmsg_of(nlh)->tcm_handle = handle;
	tcmsg_of(nlh)->tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	return swpath_rtnl_request(nlh, NULL, NULL, NULL, 0);
}

/* What a dump of filters found. */
struct found {
	uint32_t handle; /* of ours, 0: not there */
	unsigned others;
};

static bool is_named_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *opt;
	bool bpf = false, named = false;

	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			bpf = strcmp(mnl_attr_get_str(attr), "bpf") == 0;
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(
			opt, attr) if (mnl_attr_get_type(opt) == TCA_BPF_NAME &&
				       mnl_attr_validate(opt, MNL_TYPE_NUL_STRING) >= 0) named =
			strcmp(mnl_attr_get_str(opt), FILTER_NAME) == 0;
	}
	return bpf && named;
}

static int filter_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct found *found = ctx;
	const struct tcmsg *tc;

	if (nlh->nlmsg_type != RTM_NEWTFILTER || mnl_nlmsg_get_payload_len(nlh) < sizeof(*tc))
		return 0;
	tc = mnl_nlmsg_get_payload(nlh);
	/* A priority's head is listed before its filters, without a handle. */
	if (tc->tcm_handle == 0)
		return 0;
	if (TC_H_MAJ(tc->tcm_info) >> 16 == PRIORITY && is_named_ours(nlh))
		found->handle = tc->tcm_handle;
	else
		found->others++;
	return 0;
}

/* Filters at ingress and egress. 0 or -errno; without a clsact qdisc nothing is found. */
static int find_filters(uint32_t ifindex, struct found *found)
{
	static const uint32_t parents[] = {INGRESS, EGRESS};

	*found = (struct found){0};
	for (unsigned i = 0; i < 2; i++) {
		_Alignas(struct nlmsghdr) char buf[SWPATH_RTNL_BUF];
		struct nlmsghdr *nlh =
			begin_tc(buf, RTM_GETTFILTER, NLM_F_DUMP, ifindex, parents[i]);
		int rc = swpath_rtnl_request(nlh, filter_cb, found, NULL, 0);

		if (rc < 0 && rc != -EINVAL && rc != -ENOENT)
			return rc;
	}
	return 0;
}

int swpath_tc_drop_attach(uint32_t ifindex, const char *name, char *err, size_t n)
{
	char why[160] = "";
	struct found found;
	bool made;
	int prog, rc;

	rc = find_filters(ifindex, &found);
	if (rc < 0) {
		snprintf(err, n, "%s: reading its TC filters failed: %s", name, strerror(-rc));
		return rc;
	}
	if (found.handle)
		return 0;
	prog = load_program(err, n);
	if (prog < 0)
		return prog;
	rc = add_qdisc(ifindex, why, sizeof(why));
	if (rc < 0 && rc != -EEXIST) {
		snprintf(err, n, "%s: adding a clsact qdisc failed: %s%s%s", name, strerror(-rc),
			why[0] ? ": " : "", why);
		goto close_program;
	}
	made = rc == 0;
	rc = add_filter(
		ifindex, made ? HANDLE_QDISC_OURS : HANDLE_QDISC_FOREIGN, prog, why, sizeof(why));
	if (rc < 0) {
		snprintf(err, n, "%s: adding the TC filter " FILTER_NAME " failed: %s%s%s", name,
			strerror(-rc), why[0] ? ": " : "", why);
		if (made)
			delete_qdisc(ifindex);
	}

close_program:
	close(prog); /* the filter holds it */
	return rc;
}

int swpath_tc_drop_detach(uint32_t ifindex)
{
	struct found found;
	int rc = find_filters(ifindex, &found);

	if (rc == -ENODEV)
		return 0;
	if (rc < 0 || !found.handle)
		return rc;
	rc = delete_filter(ifindex, found.handle);
	if (rc == -ENODEV || rc == -ENOENT)
		return 0;
	if (rc == 0 && found.handle == HANDLE_QDISC_OURS && found.others == 0)
		rc = delete_qdisc(ifindex);
	return rc;
}
