/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define RECEIVE_BUFFER (16 << 20)
#define FENCE_SEQ 0x80000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- opening ---- */

static int socket_open(const char *ifname)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int one = 1, size = RECEIVE_BUFFER, fd;

	ll.sll_ifindex = (int)if_nametoindex(ifname);
	if (!ll.sll_ifindex)
		return -errno;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
		bind(fd, (struct sockaddr *)&ll, sizeof(ll))) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd;
}

static int watch(struct wire *w, int fd, unsigned peer, unsigned port)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = peer << 8 | port};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int sockets_open(struct wire *w, struct peer *p)
{
	for (unsigned i = 0; i <= UNDERLAY; i++) {
		char name[IFNAMSIZ];
		int err;

		snprintf(name, sizeof(name), "t%u", i);
		p->sock[i] = socket_open(i ? name : p->local);
		if (p->sock[i] < 0 && i == UNDERLAY)
			break;
		if (p->sock[i] < 0) {
			fprintf(stderr, "%s: %s: %s\n", p->netns, i ? name : p->local,
				strerror(-p->sock[i]));
			return p->sock[i];
		}
		err = watch(w, p->sock[i], (unsigned)(p - w->peer), i);
		if (err)
			return err;
	}
	return 0;
}

int wire_open(struct wire *w, struct peer *p)
{
	char path[128];
	int home, ns, err;

	snprintf(path, sizeof(path), "/run/netns/%s", p->netns);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || ns < 0 || setns(ns, CLONE_NEWNET)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	err = sockets_open(w, p);
	if (setns(home, CLONE_NEWNET))
		return -errno;
	close(ns);
	close(home);
	if (err)
		return err;
	p->of = channel_open(p->mgmt);
	if (!p->of) {
		fprintf(stderr, "%s: %s\n", p->mgmt, strerror(errno));
		return -errno;
	}
	return watch(w, channel_fd(p->of), (unsigned)(p - w->peer), PORT_CONTROLLER);
}

static void outputs_clear(struct peer *p)
{
	for (unsigned i = 0; i < p->n_out; i++)
		free(p->out[i].bytes);
	p->n_out = 0;
}

void wire_close(struct wire *w)
{
	for (unsigned i = 0; i < w->n_peers; i++) {
		struct peer *p = &w->peer[i];

		for (unsigned j = 0; j <= UNDERLAY; j++)
			if (p->sock[j] >= 0)
				close(p->sock[j]);
		channel_close(p->of);
		outputs_clear(p);
		free(p->out);
	}
	close(w->epoll);
}

/* ---- receiving ---- */

static bool is_fragment(const uint8_t *frame, unsigned len)
{
	if (len < 34)
		return false;
	if (frame[12] == 0x08 && !frame[13])
		return (frame[20] & 0x3f) || frame[21];
	return frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 44;
}

static void print_stray(const struct peer *p, unsigned port, const uint8_t *frame, unsigned len)
{
	fprintf(stderr, "%s: not ours, port %u: ", p->name, port);
	while (len--)
		fprintf(stderr, "%02x", *frame++);
	fprintf(stderr, "\n");
}

void peer_output(struct wire *w, struct peer *p, unsigned port, const uint8_t *prefix,
	unsigned prefix_len, const uint8_t *frame, unsigned len, const uint8_t cookie[8])
{
	uint16_t program;
	uint32_t seq;
	struct output *o;
	bool known;

	w->last_ns = now_ns();
	known = packet_id(frame, len, &program, &seq);
	if (!known || program != w->program) {
		/* Behind the underlay is a host, with words of its own. Fragments of an incomplete
		 * datagram may be given up late, and a fence be late where nobody waited for it. */
		bool late = known && (is_fragment(frame, len) || seq & FENCE_SEQ);

		if (port != UNDERLAY && !late && !p->strays++)
			print_stray(p, port, frame, len);
		return;
	}
	if (seq & FENCE_SEQ) {
		if (port == PORT_CONTROLLER && (seq >> 8 & 0x7fffff) == w->fence_round)
			p->fences |= 1u << (seq & 0xff);
		return;
	}
	if (p->n_out == p->cap_out) {
		unsigned cap = p->cap_out ? p->cap_out * 2 : 1024;
		struct output *more = realloc(p->out, cap * sizeof(*more));

		if (!more)
			abort();
		p->out = more;
		p->cap_out = cap;
	}
	o = &p->out[p->n_out++];
	*o = (struct output){
		.seq = seq, .port = (uint8_t)port, .len = (uint16_t)(prefix_len + len)};
	o->bytes = malloc(o->len);
	if (!o->bytes)
		abort();
	if (cookie)
		memcpy(&o->cookie, cookie, sizeof(o->cookie));
	if (prefix_len)
		memcpy(o->bytes, prefix, prefix_len);
	memcpy(o->bytes + prefix_len, frame, len);
}

/* The kernel takes the outer tag out of a received frame: puts it back. */
static unsigned restore_tag(struct msghdr *mh, uint8_t *frame, unsigned len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		struct tpacket_auxdata aux;
		uint16_t tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || len < 12)
			continue;
		tag[0] = htons(
			aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : 0x8100);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame + 16, frame + 12, len - 12);
		memcpy(frame + 12, tag, 4);
		return len + 4;
	}
	return len;
}

/* What tunnels may choose freely: the IPv4 identification and the UDP source port (RFC 7348, 5),
 * and what sums them up. */
static void forget_entropy(uint8_t *frame, unsigned len)
{
	if (len >= 62 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 17) {
		memset(frame + 54, 0, 2);
		memset(frame + 60, 0, 2);
		return;
	}
	if (len < 42 || frame[12] != 0x08 || frame[13] || frame[23] != 17)
		return;
	memset(frame + 18, 0, 2);
	memset(frame + 24, 0, 2);
	memset(frame + 34, 0, 2);
	memset(frame + 40, 0, 2);
}

static void socket_read(struct wire *w, struct peer *p, unsigned port)
{
	uint8_t frame[PACKET_MAX + 512];
	union {
		char buf[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;

	for (;;) {
		struct iovec iov = {frame, sizeof(frame) - 4};
		struct msghdr mh = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(p->sock[port], &mh, MSG_DONTWAIT);
		unsigned len;

		if (n <= 0)
			return;
		len = restore_tag(&mh, frame, (unsigned)n);
		if (port == UNDERLAY)
			forget_entropy(frame, len);
		p->count[port].tx_packets++;
		p->count[port].tx_bytes += len;
		peer_output(w, p, port, NULL, 0, frame, len, NULL);
	}
}

static void pump(struct wire *w, int timeout_ms)
{
	struct epoll_event ev[32];
	int n = epoll_wait(w->epoll, ev, 32, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct peer *p = &w->peer[ev[i].data.u32 >> 8];
		unsigned port = ev[i].data.u32 & 0xff;

		if (port != PORT_CONTROLLER) {
			socket_read(w, p, port);
		} else if (channel_read(p->of, w, p)) {
			fprintf(stderr, "%s: closed the OpenFlow connection\n", p->name);
			exit(3);
		}
	}
}

void wire_reset(struct wire *w, uint16_t program)
{
	w->program = program;
	for (unsigned i = 0; i < w->n_peers; i++) {
		struct peer *p = &w->peer[i];

		outputs_clear(p);
		memset(p->count, 0, sizeof(p->count));
		p->strays = 0;
	}
}

static bool agreed(const struct wire *w)
{
	for (unsigned i = 1; i < w->n_peers; i++)
		if (w->peer[i].n_out != w->peer[0].n_out)
			return false;
	return true;
}

void wire_settle(struct wire *w, unsigned quiet_ms, unsigned limit_ms)
{
	w->last_ns = now_ns();
	for (;;) {
		uint64_t idle_ms;

		pump(w, 1);
		idle_ms = (now_ns() - w->last_ns) / 1000000;
		if (idle_ms >= limit_ms || (idle_ms >= quiet_ms && agreed(w)))
			return;
	}
}

/* ---- sending ---- */

static void peer_send(struct peer *p, unsigned port, const uint8_t *frame, unsigned len)
{
	int tries = 0;

	p->count[port].rx_packets++;
	p->count[port].rx_bytes += len;
	while (send(p->sock[port], frame, len, 0) < 0) {
		if ((errno != ENOBUFS && errno != EAGAIN) || tries++ > 1000) {
			fprintf(stderr, "%s: send to port %u: %s\n", p->name, port,
				strerror(errno));
			exit(3);
		}
		usleep(100);
	}
}

void wire_send(struct wire *w, unsigned port, const uint8_t *frame, unsigned len)
{
	for (unsigned i = 0; i < w->n_peers; i++)
		peer_send(&w->peer[i], port, frame, len);
}

static unsigned fences_missing(const struct wire *w)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < w->n_peers; i++)
		if (!w->peer[i].lossy)
			missing += PORTS + 1 -
				   (unsigned)__builtin_popcount(w->peer[i].fences | w->muted);
	return missing;
}

unsigned wire_fence(struct wire *w)
{
	static const unsigned seconds[] = {1, 4, 10};
	uint8_t frame[PACKET_MAX];
	unsigned len;

	/* A fence may be lost once; a guest on a busy machine may stand still for seconds. */
	for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		uint64_t start = now_ns();

		w->fence_round = (w->fence_round + 1) & 0x7fffff;
		for (unsigned p = 0; p < w->n_peers; p++)
			w->peer[p].fences = 0;
		for (unsigned port = 0; port <= PORTS; port++) {
			if (w->muted >> port & 1)
				continue;
			len = packet_fence(
				w->program, FENCE_SEQ | w->fence_round << 8 | port, frame);
			wire_send(w, port, frame, len);
		}
		while (fences_missing(w) && now_ns() - start < seconds[i] * UINT64_C(1000000000))
			pump(w, 1);
		if (!fences_missing(w))
			break;
	}
	return fences_missing(w);
}
