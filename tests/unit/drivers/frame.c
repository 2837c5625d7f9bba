/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <string.h>

static uint32_t add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t pseudo(const uint8_t *ip, bool ip6, unsigned proto, size_t len)
{
	uint8_t tail[4] = {0, (uint8_t)proto, (uint8_t)(len >> 8), (uint8_t)len};
	uint32_t sum = add(0, tail, sizeof(tail));

	return ip6 ? add(sum, ip + 8, 32) : add(sum, ip + 12, 8);
}

static size_t make_ip(uint8_t *ip, bool ip6, unsigned proto, size_t len)
{
	static const uint8_t a4[] = {10, 0, 0, 1, 10, 0, 0, 2};

	memset(ip, 0, 40);
	if (ip6) {
		ip[0] = 0x60;
		put(ip + 4, (unsigned)len);
		ip[6] = (uint8_t)proto;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
		return 40;
	}
	ip[0] = 0x45;
	put(ip + 2, (unsigned)len + 20);
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	memcpy(ip + 12, a4, 8);
	put(ip + 10, ~add(0, ip, 20));
	return 20;
}

size_t frame_make(uint8_t *buf, bool ip6, bool tcp, size_t payload, bool partial)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	size_t l4_len = (tcp ? 20 : 8) + payload;
	uint8_t *ip = buf + 14, *l4, *field;
	uint32_t sum;

	memcpy(buf, macs, 12);
	put(buf + 12, ip6 ? 0x86dd : 0x0800);
	l4 = ip + make_ip(ip, ip6, tcp ? 6 : 17, l4_len);
	memset(l4, 0, 20);
	put(l4, 1000);
	put(l4 + 2, 2000);
	if (tcp)
		l4[12] = 0x50, l4[13] = 0x18;
	else
		put(l4 + 4, (unsigned)l4_len);
	for (size_t i = 0; i < payload; i++)
		l4[(tcp ? 20 : 8) + i] = (uint8_t)(i * 7 + 1);
	field = l4 + (tcp ? 16 : 6);
	sum = pseudo(ip, ip6, tcp ? 6 : 17, l4_len);
	put(field, partial ? sum : ~add(sum, l4, l4_len) & 0xffff);
	return (size_t)(l4 - buf) + l4_len;
}

bool frame_sums_ok(const uint8_t *frame, size_t len)
{
	const uint8_t *type = frame + 12, *ip, *l4;
	unsigned proto;
	size_t l4_len;
	bool ip6;

	while (type[0] == 0x81 || type[0] == 0x88)
		type += 4;
	ip = type + 2;
	ip6 = type[0] == 0x86;
	if (!ip6 && add(0, ip, 20) != 0xffff)
		return false;
	proto = ip6 ? ip[6] : ip[9];
	l4 = ip + (ip6 ? 40 : 20);
	l4_len = ip6 ? (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]) - 20;
	if ((size_t)(l4 - frame) + l4_len > len)
		return false;
	return add(pseudo(ip, ip6, proto, l4_len), l4, l4_len) == 0xffff;
}
