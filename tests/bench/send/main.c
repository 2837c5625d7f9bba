/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends the frames of a file out of a netdev, in a circle, as fast as it takes them:
 *
 *   send-frames NETDEV FILE SECONDS THREADS
 *
 * Each thread sends all of them through a packet socket of its own. FILE is a pcap file in the
 * host's byte order.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64u
#define MAX_THREADS 64u

struct pcap_record {
	uint32_t sec, usec, len, orig_len;
};

static struct {
	struct iovec *frame;
	unsigned n;
	unsigned ifindex;
	double seconds;
} job;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The whole file; it stays in memory as long as the process. */
static char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *data = NULL;
	long end;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && (end = ftell(f)) > 24 && !fseek(f, 0, SEEK_SET)) {
		*size = (size_t)end;
		data = malloc(*size);
		if (data && fread(data, 1, *size, f) != *size) {
			free(data);
			data = NULL;
		}
	}
	fclose(f);
	return data;
}

static int load(const char *path)
{
	struct pcap_record r;
	size_t size = 0, at = 24;
	char *data = read_file(path, &size);

	if (!data)
		return -1;
	job.frame = calloc(size / sizeof(r), sizeof(*job.frame));
	while (job.frame && size - at >= sizeof(r)) {
		memcpy(&r, data + at, sizeof(r));
		at += sizeof(r);
		if (r.len > size - at)
			break;
		job.frame[job.n++] = (struct iovec){data + at, r.len};
		at += r.len;
	}
	return job.n ? 0 : -1;
}

static int open_socket(void)
{
	const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)job.ifindex};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
		bind(fd, (const struct sockaddr *)&to, sizeof(to)))
		return -1;
	return fd;
}

/* NULL, or what is wrong. A frame that a full queue did not take is not sent again. */
static void *run(void *arg)
{
	const double end = now() + job.seconds;
	struct mmsghdr msg[BATCH];
	const int fd = open_socket();
	unsigned at = 0;

	(void)arg;
	if (fd < 0)
		return strerror(errno);
	memset(msg, 0, sizeof(msg));
	while (now() < end) {
		for (unsigned i = 0; i < BATCH; i++) {
			msg[i].msg_hdr.msg_iov = &job.frame[at];
			msg[i].msg_hdr.msg_iovlen = 1;
			at = at + 1 < job.n ? at + 1 : 0;
		}
		if (sendmmsg(fd, msg, BATCH, 0) < 0 && errno != ENOBUFS && errno != EAGAIN)
			return strerror(errno);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const unsigned n = argc == 5 ? (unsigned)atoi(argv[4]) : 0;
	pthread_t thread[MAX_THREADS];
	int status = 0;

	if (!n || n > MAX_THREADS)
		return 2;
	job.ifindex = if_nametoindex(argv[1]);
	job.seconds = atof(argv[3]);
	if (!job.ifindex || load(argv[2])) {
		fprintf(stderr, "%s, %s: no such netdev, or no frames\n", argv[1], argv[2]);
		return 1;
	}
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, run, NULL))
			return 1;
	for (unsigned i = 0; i < n; i++) {
		void *error;

		pthread_join(thread[i], &error);
		if (error) {
			fprintf(stderr, "%s: %s\n", argv[1], (const char *)error);
			status = 1;
		}
	}
	return status;
}
