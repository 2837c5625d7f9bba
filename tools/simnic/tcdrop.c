/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps a port's frames from the host: a BPF program at TC ingress drops them once our packet
 * socket has seen them.
 *
 * Only what we made is touched. The filter carries our name, and its handle says whether we made
 * the clsact qdisc too, so that a process that was killed can be cleaned up after; the qdisc is
 * removed only if nobody else's filter is in it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "tools/simnic/nic.h"

#define FILTER_NAME "sluice-simnic"
#define PRIO 0xffe0 /* filters run by rising priority: everybody else's come first */
#define HANDLE_QDISC_OURS 0x510011u
#define HANDLE_QDISC_FOREIGN 0x510012u

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

static struct tcmsg *begin(char *buf, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = (uint32_t)time(NULL);
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)ifindex;
	return tcm;
}

/* Sends the request in `buf` and reads all of its answer. 0 or -errno. */
static int transact(char *buf, mnl_cb_t cb, void *ctx)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char answer[16384];
	uint32_t portid;
	ssize_t n;
	int ret = -1;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		goto out;
	portid = mnl_socket_get_portid(nl);
	do {
		n = mnl_socket_recvfrom(nl, answer, sizeof(answer));
		if (n < 0)
			goto out;
		ret = mnl_cb_run(answer, (size_t)n, nlh->nlmsg_seq, portid, cb, ctx);
	} while (ret > 0);

out:
	ret = ret < 0 ? -errno : 0;
	mnl_socket_close(nl);
	return ret;
}

static int qdisc(uint32_t ifindex, uint16_t type, uint16_t flags)
{
	char buf[512];
	struct tcmsg *tcm = begin(buf, type, flags | NLM_F_ACK, ifindex);

	tcm->tcm_parent = TC_H_CLSACT;
	tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz((struct nlmsghdr *)buf, TCA_KIND, "clsact");
	return transact(buf, NULL, NULL);
}

/* ---- filters that are there ---- */

struct found {
	unsigned others;
	uint32_t handle; /* of ours, or 0 */
};

static int filter_name(const struct nlattr *attr, void *ctx)
{
	bool *ours = ctx;

	if (mnl_attr_get_type(attr) == TCA_BPF_NAME &&
		!strncmp(mnl_attr_get_str(attr), FILTER_NAME, mnl_attr_get_payload_len(attr)))
		*ours = true;
	return MNL_CB_OK;
}

static int filter_attr(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == TCA_OPTIONS)
		return mnl_attr_parse_nested(attr, filter_name, ctx);
	return MNL_CB_OK;
}

static int filter_seen(const struct nlmsghdr *nlh, void *ctx)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	struct found *found = ctx;
	bool ours = false;

	if (nlh->nlmsg_type != RTM_NEWTFILTER || !tcm->tcm_handle)
		return MNL_CB_OK; /* handle 0 is the list itself, not a filter */
	mnl_attr_parse(nlh, sizeof(*tcm), filter_attr, &ours);
	if (ours)
		found->handle = tcm->tcm_handle;
	else
		found->others++;
	return MNL_CB_OK;
}

static int find_filters(uint32_t ifindex, uint32_t parent, struct found *found)
{
	char buf[512];
	struct tcmsg *tcm = begin(buf, RTM_GETTFILTER, NLM_F_DUMP, ifindex);

	tcm->tcm_parent = parent;
	return transact(buf, filter_seen, found);
}

/* ---- our filter ---- */

static int load_program(void)
{
	/* Taken, which is no loss that a statistic should show. */
	const struct bpf_insn insns[] = {
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
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static int filter_new(const struct nic_port *port, int program)
{
	char buf[512];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct tcmsg *tcm =
		begin(buf, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, port->ifindex);
	struct nlattr *options;

	tcm->tcm_parent = INGRESS;
	tcm->tcm_handle = port->filter;
	tcm->tcm_info = TC_H_MAKE((uint32_t)PRIO << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)program);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, FILTER_NAME);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, options);
	return transact(buf, NULL, NULL);
}

static int filter_delete(uint32_t ifindex, uint32_t handle)
{
	char buf[512];
	struct tcmsg *tcm = begin(buf, RTM_DELTFILTER, NLM_F_ACK, ifindex);

	tcm->tcm_parent = INGRESS;
	tcm->tcm_handle = handle;
	tcm->tcm_info = TC_H_MAKE((uint32_t)PRIO << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz((struct nlmsghdr *)buf, TCA_KIND, "bpf");
	return transact(buf, NULL, NULL);
}

/* Makes the qdisc, or finds one: somebody else's, or our own of a process that was killed. */
static int open_qdisc(struct nic_port *port)
{
	struct found found = {0};
	int err = qdisc(port->ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);

	port->filter = err ? HANDLE_QDISC_FOREIGN : HANDLE_QDISC_OURS;
	if (err != -EEXIST)
		return err;
	err = find_filters(port->ifindex, INGRESS, &found);
	if (!err && found.handle) {
		port->filter = found.handle;
		err = filter_delete(port->ifindex, found.handle);
	}
	return err;
}

int nic_tcdrop_add(struct nic_port *port, char text[SIM_TEXT])
{
	int program, err;

	err = open_qdisc(port);
	if (err) {
		snprintf(text, SIM_TEXT, "clsact qdisc on %.40s: %s", port->name, strerror(-err));
		return err;
	}
	program = load_program();
	err = program < 0 ? program : filter_new(port, program);
	if (program >= 0)
		close(program);
	if (err) {
		snprintf(text, SIM_TEXT, "drop filter on %.40s: %s", port->name, strerror(-err));
		nic_tcdrop_remove(port);
	}
	return err;
}

void nic_tcdrop_remove(struct nic_port *port)
{
	struct found found = {0};

	filter_delete(port->ifindex, port->filter);
	if (port->filter != HANDLE_QDISC_OURS || find_filters(port->ifindex, INGRESS, &found) ||
		find_filters(port->ifindex, EGRESS, &found))
		return;
	if (!found.handle && !found.others)
		qdisc(port->ifindex, RTM_DELQDISC, 0);
}
