/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTNIC_PORT_H
#define TESTNIC_PORT_H

struct devlink;
struct device;

int testnic_port_add(unsigned int index, struct devlink *devlink, struct device *parent);
void testnic_port_del(unsigned int index); /* nothing if it is not there */

#endif
