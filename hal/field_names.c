/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/field_names.h"

#include <strings.h>

#include "hal/ct_state.h"

static const struct {
	uint32_t port;
	const char *word;
} ports[] = {
	{0xfffffff7, "UNSET"}, /* OpenFlow 1.5: no port in the action set */
	{0xfffffff8, "IN_PORT"}, {0xfffffff9, "TABLE"}, {0xfffffffa, "NORMAL"},
	{0xfffffffb, "FLOOD"}, {0xfffffffc, "ALL"}, {0xfffffffd, "CONTROLLER"},
	{0xfffffffe, "LOCAL"}, {0xffffffff, "ANY"}, {0xffffffff, "NONE"}, /* OpenFlow 1.0's name */
};

#define N_PORTS (sizeof(ports) / sizeof(ports[0]))

const char *hal_port_word(uint32_t port)
{
	for (size_t i = 0; i < N_PORTS; i++)
		if (ports[i].port == port)
			return ports[i].word;
	return NULL;
}

bool hal_port_by_word(const char *word, uint32_t *port)
{
	for (size_t i = 0; i < N_PORTS; i++) {
		if (strcasecmp(ports[i].word, word))
			continue;
		*port = ports[i].port;
		return true;
	}
	return false;
}

static const struct hal_flag tcp_flags[] = {
	{0x001, "fin"},
	{0x002, "syn"},
	{0x004, "rst"},
	{0x008, "psh"},
	{0x010, "ack"},
	{0x020, "urg"},
	{0x040, "ece"},
	{0x080, "cwr"},
	{0x100, "ns"},
	{0, NULL},
};

static const struct hal_flag ct_states[] = {
	{HAL_CS_NEW, "new"},
	{HAL_CS_EST, "est"},
	{HAL_CS_REL, "rel"},
	{HAL_CS_RPL, "rpl"},
	{HAL_CS_INV, "inv"},
	{HAL_CS_TRK, "trk"},
	{HAL_CS_SNAT, "snat"},
	{HAL_CS_DNAT, "dnat"},
	{0, NULL},
};

static const struct hal_flag tun_flags[] = {
	{0x1, "oam"},
	{0x2, "df"},
	{0x4, "csum"},
	{0x8, "key"},
	{0, NULL},
};

const struct hal_flag *hal_flags(enum hal_format format)
{
	switch (format) {
	case FMT_TCP_FLAGS:
		return tcp_flags;
	case FMT_CT_STATE:
		return ct_states;
	case FMT_TUN_FLAGS:
		return tun_flags;
	default:
		return NULL;
	}
}

/* HAL_FRAG_LATER comes with HAL_FRAG_ANY, so that two masks can say the same: the first is read. */
const struct hal_frag_word hal_frag_words[] = {
	{"no", 0, HAL_FRAG_ANY | HAL_FRAG_LATER},
	{"no", 0, HAL_FRAG_ANY},
	{"yes", HAL_FRAG_ANY, HAL_FRAG_ANY},
	{"first", HAL_FRAG_ANY, HAL_FRAG_ANY | HAL_FRAG_LATER},
	{"later", HAL_FRAG_LATER, HAL_FRAG_LATER},
	{"later", HAL_FRAG_ANY | HAL_FRAG_LATER, HAL_FRAG_ANY | HAL_FRAG_LATER},
	{"not_later", 0, HAL_FRAG_LATER},
	{NULL, 0, 0},
};
