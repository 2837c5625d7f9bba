/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing but the way to another netdev: the limit of what a program at the TC ingress can forward.
 * TO is its ifindex; PEER: what arrives goes to the other end of that veth at once.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Apache-2.0";

SEC("tc")
int way(struct __sk_buff *skb)
{
	(void)skb;
#ifdef PEER
	return (int)bpf_redirect_peer(TO, 0);
#else
	return (int)bpf_redirect(TO, 0);
#endif
}
