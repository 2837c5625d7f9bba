#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ask our OVSDB server and a stock ovsdb-server the same, and compare.

    compare.py PATH-OF-ovsdb_standalone

Both get every request below on one connection that also has monitors of all
three versions; replies and updates must be equal but for uuids, the words of
details, and the order in which a client's monitors are served. Exits with 77
(skipped) where no stock server is installed.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
NIL = '00000000-0000-0000-0000-000000000000'


class Client:
    """One connection, and the names that the script gave to rows."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.sock.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.sock.settimeout(10)
        self.buffer = ''
        self.names = {}  # uuid -> <name>

    def receive(self):
        while True:
            self.buffer = self.buffer.lstrip()
            try:
                message, end = json.JSONDecoder().raw_decode(self.buffer)
                self.buffer = self.buffer[end:]
                return message
            except json.JSONDecodeError:
                data = self.sock.recv(1 << 16)
                if not data:
                    raise EOFError('the server closed the connection')
                self.buffer += data.decode()

    def call(self, method, params):
        """All messages up to the reply."""
        self.sock.sendall(json.dumps(
            {'id': 1, 'method': method, 'params': self.with_uuids(params)}).encode())
        messages = [self.receive()]
        while 'method' in messages[-1]:
            messages.append(self.receive())
        return messages

    def with_uuids(self, value):
        """'$name' stands for the uuid of the row inserted under that name."""
        if isinstance(value, list):
            return [self.with_uuids(v) for v in value]
        if isinstance(value, dict):
            return {k: self.with_uuids(v) for k, v in value.items()}
        if isinstance(value, str) and value.startswith('$'):
            return next(u for u, n in self.names.items() if n == '<%s>' % value[1:])
        return value

    def learn(self, operations, results):
        for operation, result in zip(operations, results):
            if isinstance(result, dict) and 'uuid' in result:
                self.names[result['uuid'][1]] = '<%s>' % operation.get('uuid-name')

    def normal(self, value):
        """Without what may differ."""
        if isinstance(value, dict):
            out = {self.normal(k): self.normal(v) for k, v in value.items()
                   if k not in ('details', 'syntax', '_version', 'cksum')}
            if out.get('result', 0) is None:
                del out['result']  # stock leaves it out of an error reply
            if 'rows' in out:
                out['rows'].sort(key=str)
            return out
        if isinstance(value, list):
            out = [self.normal(v) for v in value]
            if len(out) == 2 and out[0] in ('set', 'map'):
                out[1].sort(key=str)
            return out
        if isinstance(value, str) and UUID.match(value):
            return self.names.get(value, 'some uuid')
        return value


class Comparison:
    def __init__(self, *clients):
        self.clients = clients
        self.n = self.different = 0

    def call(self, method, *params):
        views = []
        for client in self.clients:
            messages = client.call(method, list(params))
            if method == 'transact':
                client.learn(params[1:], messages[-1].get('result') or [])
            views.append(messages)
        texts = []
        for client, messages in zip(self.clients, views):
            messages = [json.dumps(client.normal(m), sort_keys=True) for m in messages]
            texts.append(sorted(messages[:-1]) + messages[-1:])
        self.n += 1
        if texts[0] != texts[1]:
            self.different += 1
            print('DIFFERENT', method, json.dumps(params))
            print('  stock', *texts[0], sep='\n    ')
            print('  ours ', *texts[1], sep='\n    ')

    def transact(self, *operations):
        self.call('transact', 'Open_vSwitch', *operations)

    def update(self, **row):
        self.transact({'op': 'update', 'table': 'Bridge', 'where': [BRIDGE], 'row': row})

    def mutate(self, *mutations, table='Bridge'):
        self.transact({'op': 'mutate', 'table': table, 'where': [],
                       'mutations': list(mutations)})

    def select(self, *where, table='Port', columns=('name', 'tag')):
        self.transact({'op': 'select', 'table': table, 'where': list(where),
                       'columns': list(columns)})

    def wait(self, until, rows, timeout=0, column='name'):
        self.transact({'op': 'wait', 'table': 'Bridge', 'where': [BRIDGE], 'until': until,
                       'columns': [column], 'rows': rows, 'timeout': timeout})


BRIDGE = ['_uuid', '==', ['uuid', '$br']]


def insert(table, name=None, /, **row):
    operation = {'op': 'insert', 'table': table, 'row': row}
    return dict(operation, **{'uuid-name': name}) if name else operation


def named(*names):
    return ['set', [['named-uuid', name] for name in names]]


def set_up(c):
    c.call('monitor', 'Open_vSwitch', 'm1', {
        'Bridge': [{'columns': ['name', 'ports', 'other_config', 'fail_mode', 'protocols']}],
        'Port': {}, 'Open_vSwitch': {'columns': ['bridges', 'next_cfg']}})
    c.call('monitor_cond', 'Open_vSwitch', 'm2', {
        'Bridge': [{'columns': ['name', 'ports', 'other_config', 'fail_mode', 'flood_vlans']}],
        'Port': [{'where': [['name', '==', 'p1'], ['name', '==', 'p2']],
                  'columns': ['name', 'tag', 'trunks']}],
        'Mirror': [{}], 'Open_vSwitch': [{'columns': ['bridges', 'next_cfg']}]})
    c.call('monitor_cond_since', 'Open_vSwitch', 'm3', {
        'Interface': [{'columns': ['name', 'options', 'ofport', 'type'],
                       'select': {'initial': False}}]}, NIL)
    c.call('monitor', 'Open_vSwitch', 'm4', {
        'Port': [{'columns': ['name'], 'select': {'initial': False, 'modify': False}},
                 {'columns': ['tag'], 'select': {'insert': False, 'delete': False}}]})
    c.transact(
        {'op': 'update', 'table': 'Open_vSwitch', 'where': [],
         'row': {'bridges': ['named-uuid', 'br']}},
        insert('Port', 'p', name='br0', interfaces=['named-uuid', 'i']),
        insert('Interface', 'i', name='br0', type='internal'),
        insert('Bridge', 'br', name='br0', ports=['named-uuid', 'p'],
               other_config=['map', [['a', '1'], ['b', '2']]]))


def methods(c):
    c.call('echo', 1, 'a', {})
    c.call('list_dbs')
    for request in (['nope', {}], ['Open_vSwitch', 'x', {'Zip': {}}],
                    ['Open_vSwitch', 'x', {'Port': {'columns': ['zip']}}],
                    ['Open_vSwitch', 'x', {'Port': {'colums': []}}],
                    ['Open_vSwitch', 'm1', {}]):
        c.call('monitor', *request)
    for method, *params in (('get_schema', 'nope'), ('frobnicate',), ('transact', 'nope'),
                            ('transact',), ('monitor_cancel', 'x'), ('lock', 'l'),
                            ('lock', 'l'), ('steal', 'l'), ('unlock', 'l'), ('unlock', 'l'),
                            ('lock', 1), ('set_db_change_aware', True)):
        c.call(method, *params)


def updates(c):
    c.update(other_config=['map', [['a', '9'], ['c', '3']]])
    for value in ('secure', ['set', []], ['set', []], 'bogus', 3, ['set', ['secure', 'standalone']]):
        c.update(fail_mode=value)
    for value in (['set', [5, 3, 4]], 3, ['set', [1, 4096]], ['set', []], ['set', [3, 8]]):
        c.update(flood_vlans=value)
    c.update(name='x')
    c.update(nope=1)
    c.update(_uuid=['uuid', '$br'])
    c.update(ports=['uuid', NIL])
    c.update(ports=['named-uuid', 'nobody'])


def mutations(c):
    for mutation in (['insert', ['set', [7, 8]]], ['delete', ['set', [3, 99]]], ['+=', 1],
                     ['+=', 5000], ['*=', 0], ['/=', 0], ['%=', 0], ['^=', 0]):
        c.mutate(['flood_vlans', *mutation])
    for mutation in (['insert', ['map', [['a', 'z'], ['q', '1']]]], ['delete', ['set', ['a', 'z']]],
                     ['delete', ['map', [['q', '2'], ['c', '3']]]], ['delete', 'q'], ['+=', 1]):
        c.mutate(['other_config', *mutation])
    for value in (['set', ['OpenFlow13']], ['set', ['OpenFlow99']], ['set', ['OpenFlow14']]):
        c.mutate(['protocols', 'insert', value])
    c.mutate(['name', 'insert', 'x'])
    for operator, value in (('+=', 5), ('-=', 2), ('*=', -3), ('/=', 2), ('%=', 3), ('/=', 0),
                            ('%=', 0), ('*=', 1 << 62), ('+=', 1.5), ('+=', 'x')):
        c.mutate(['next_cfg', operator, value], table='Open_vSwitch')


def integrity(c):
    c.transact(insert('Port', 'q', name='br0', interfaces=['uuid', '$i']),
               {'op': 'mutate', 'table': 'Bridge', 'where': [],
                'mutations': [['ports', 'insert', ['named-uuid', 'q']]]})
    c.transact(insert('Port', 'q', name='a'), insert('Port', 'q', name='b'))
    c.transact(insert('Interface', name='unreferenced'))
    c.transact(insert('Port', name='without interface'))
    c.transact(insert('Open_vSwitch'))
    c.transact({'op': 'update', 'table': 'Port', 'where': [], 'row': {'interfaces': ['set', []]}})
    c.transact({'op': 'delete', 'table': 'Port', 'where': []})
    c.transact({'op': 'delete', 'table': 'Open_vSwitch', 'where': []}, {'op': 'abort'},
               {'op': 'comment', 'comment': ''})
    c.transact(insert('QoS', 'qos', queues=['map', [[0, ['named-uuid', 'q0']],
                                                    [5, ['named-uuid', 'q5']]]]),
               insert('Queue', 'q0'), insert('Queue', 'q5'))
    delete = {'op': 'delete', 'table': 'Queue', 'where': [['_uuid', '==', ['uuid', '$q5']]]}
    c.transact(delete)
    c.mutate(['queues', 'delete', ['set', [-1]]], table='QoS')
    c.mutate(['queues', 'delete', 5], table='QoS')
    c.transact(delete)
    c.transact(
        insert('Port', 'p1', name='p1', tag=5, interfaces=['named-uuid', 'i1']),
        insert('Interface', 'i1', name='p1', options=['map', [['k', 'v']]], ofport=1),
        insert('Port', 'p2', name='p2', interfaces=named('i2', 'i3')),
        insert('Interface', 'i2', name='i2'), insert('Interface', 'i3', name='i3'),
        insert('Mirror', 'm', name='m', output_port=['named-uuid', 'p1'],
               select_src_port=named('p1', 'p2')),
        {'op': 'mutate', 'table': 'Bridge', 'where': [],
         'mutations': [['ports', 'insert', named('p1', 'p2')], ['mirrors', 'insert', named('m')]]})


def conditions(c):
    for clause in (['tag', '<', 6], ['tag', '<=', 5], ['tag', '>', 4], ['tag', '>=', 5],
                   ['tag', '==', 5], ['tag', '!=', 5], ['tag', 'includes', 5],
                   ['tag', 'excludes', 5], ['tag', '==', ['set', []]],
                   ['tag', 'includes', ['set', []]], ['tag', '<', ['set', []]],
                   ['name', '<', 'x'], ['name', 'includes', 'p1'], ['name', '~', 'p1'],
                   ['interfaces', 'includes', ['uuid', '$i2']],
                   ['interfaces', 'excludes', ['uuid', '$i2']],
                   ['interfaces', '==', ['set', [['uuid', '$i2'], ['uuid', '$i3']]]],
                   ['bond_fake_iface', '==', False], ['other_config', 'includes', ['map', []]],
                   ['_uuid', '==', ['uuid', '$p1']], ['_uuid', '!=', ['uuid', '$p1']],
                   ['nope', '==', 1], True, False):
        c.select(clause)
    c.select(table='Interface', columns=['type'])
    c.select(table='Interface', columns=['typo'])
    c.select(table='Zip')
    for function in ('includes', 'excludes'):
        c.select(['options', function, ['map', [['k', 'v']]]], table='Interface')
    c.call('monitor_cond_change', 'm2', 'm2b', {
        'Port': [{'where': [['name', '==', 'br0'], ['name', '==', 'p2']]}]})
    c.call('monitor_cond_change', 'm9', 'm9', {'Port': [{'where': []}]})
    c.call('monitor_cond_change', 'm2b', 'm2b', {'NetFlow': [{'where': []}]})


def other_operations(c):
    c.transact({'op': 'update', 'table': 'Port', 'where': [], 'row': {'tag': 7}})
    c.transact({'op': 'update', 'table': 'Interface', 'where': [['name', '==', 'p1']],
                'row': {'options': ['map', [['k', 'w'], ['l', 'm']]], 'ofport': ['set', []]}})
    c.mutate(['ports', 'delete', ['uuid', '$p1']])
    c.select(table='Mirror', columns=['name', 'output_port', 'select_src_port'])
    c.wait('==', [{'name': 'br0'}])
    c.wait('!=', [{'name': 'br0'}])
    c.wait('==', [{'name': 'br1'}], timeout=50)
    c.wait('==', [{'name': 'br0'}, {'name': 'br0'}])
    c.wait('==', [{}], column='fail_mode')
    c.wait('=', [{}], column='fail_mode')
    for operation in ({'op': 'commit', 'durable': True}, {'op': 'assert', 'lock': 'x'},
                      {'op': 'zap'}, {}, {'op': 'comment', 'comment': '', 'x': 1},
                      {'op': 'comment'}, {'op': 'select', 'table': 'Bridge'},
                      {'op': 'insert', 'table': 'Queue', 'row': []},
                      {'op': 'insert', 'table': 'Queue'}, insert('Queue', '1x')):
        c.transact(operation)
    chosen = dict(insert('QoS'), uuid='11111111-1111-1111-1111-111111111111')
    c.transact(chosen)
    c.transact(chosen)
    c.call('transact', '_Server', {'op': 'delete', 'table': 'Database', 'where': []})
    c.call('transact', '_Server', {
        'op': 'select', 'table': 'Database', 'where': [],
        'columns': ['name', 'model', 'connected', 'leader', 'cid', 'sid', 'index']})
    c.transact({'op': 'update', 'table': 'Open_vSwitch', 'where': [],
                'row': {'bridges': ['set', []]}})
    c.call('monitor_cancel', 'm1')


def main():
    if not shutil.which('ovsdb-server') or not os.path.exists(SCHEMA):
        print('no stock ovsdb-server: skipped')
        return 77
    directory = tempfile.mkdtemp(prefix='ovsdb-compare.')
    path = directory + '/'
    subprocess.check_call(['ovsdb-tool', 'create', path + 'stock.db', SCHEMA])
    servers = [
        subprocess.Popen(['ovsdb-server', '--remote=punix:' + path + 'stock.sock',
                          '--unixctl=' + path + 'ctl', '-vconsole:off', path + 'stock.db']),
        subprocess.Popen([sys.argv[1], 'punix:' + path + 'ours.sock', path + 'ours.db'],
                         stderr=subprocess.DEVNULL)]
    try:
        stock, ours = Client(path + 'stock.sock'), Client(path + 'ours.sock')
        stock.call('transact', ['Open_vSwitch', insert('Open_vSwitch')])
        comparison = Comparison(stock, ours)
        for part in (set_up, methods, updates, mutations, integrity, conditions,
                     other_operations):
            part(comparison)
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        shutil.rmtree(directory)
    print(comparison.n, 'requests compared,', comparison.different, 'different')
    return 1 if comparison.different or comparison.n < 140 else 0


if __name__ == '__main__':
    sys.exit(main())
