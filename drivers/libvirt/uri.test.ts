import t from 'tap';
import { parseLibvirtUri } from './uri.js';

t.test('a libvirt URI names the driver, what the daemon is told, and where it listens', async (t) => {
  t.same(parseLibvirtUri('qemu+unix:///system?socket=/tmp/a%20b+c'), {
    driver: 'qemu',
    name: 'qemu:///system',
    place: { kind: 'unix', paths: ['/tmp/a b+c'] },
  });
  t.match(parseLibvirtUri('test+unix:///default?socket=/s'), { driver: 'test', name: 'test:///default' });
  t.match(parseLibvirtUri('test:///srv/node.xml'), { driver: 'test', name: 'test:///srv/node.xml' });
  t.match(parseLibvirtUri('lxc:///system'), { driver: 'lxc', name: 'lxc:///system' });
  t.match(parseLibvirtUri('xen:///system'), { driver: 'xen', name: 'xen:///system' });
  for (const driver of ['bhyve', 'ch', 'vbox', 'vz'])
    t.match(parseLibvirtUri(`${driver}:///system`), { driver, name: `${driver}:///system` });
});

t.test('without a socket, the usual places are looked at in turn', async (t) => {
  const paths = [
    '/run/libvirt/libvirt-sock',
    '/var/run/libvirt/libvirt-sock',
    '/run/libvirt/virtqemud-sock',
    '/var/run/libvirt/virtqemud-sock',
  ];
  t.same(parseLibvirtUri('qemu:///system').place, { kind: 'unix', paths });
});

t.test('a host is reached by TLS, said or not, and TCP alone leads to this one only', async (t) => {
  t.same(parseLibvirtUri('qemu+tls://kvm3.example.org/system'), {
    driver: 'qemu',
    name: 'qemu:///system',
    place: { kind: 'tls', host: 'kvm3.example.org', port: 16_514 },
  });
  t.match(parseLibvirtUri('qemu://kvm3/system').place, { kind: 'tls', host: 'kvm3' });
  t.match(parseLibvirtUri('qemu+tls://[2001:db8::3]:99/system').place, { host: '2001:db8::3', port: 99 });
  t.match(parseLibvirtUri('test+tls://kvm3/default'), { name: 'test:///default' });
  for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '[::1]'])
    t.match(parseLibvirtUri(`qemu+tcp://${host}/system`).place, { kind: 'tcp', port: 16_509 });
});

t.test('by SSH a user logs in, and the daemon has the usual places there', async (t) => {
  t.match(parseLibvirtUri('qemu+ssh://virtwright@kvm3/system').place, {
    kind: 'ssh',
    user: 'virtwright',
    host: 'kvm3',
    port: 22,
    paths: ['/run/libvirt/libvirt-sock', '/var/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock', '/var/run/libvirt/virtqemud-sock'],
  });
  t.match(parseLibvirtUri('qemu+ssh://root@[::1]:2222/system?socket=/s').place, { host: '::1', port: 2222, paths: ['/s'] });
});

t.test('what is not understood is refused with what would be', async (t) => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['qemu', /it is no URI/],
    ['vmware:///system', /driver "vmware" is not known/],
    ['constructor:///system', /driver "constructor" is not known/],
    ['qemu+tls:///system', /the host is missing/],
    ['qemu+tls://kvm3:0/system', /port 0 was given/],
    ['qemu+tls://kvm3/system?socket=/s', /a port is meant/],
    ['qemu+libssh2://kvm3/system', /transport "libssh2" is not known/],
    ['qemu+unix+unix:///system', /transport "unix\+unix" is not known/],
    ['qemu+unix://kvm3/system', /host "kvm3" was given, and a socket on this host is meant/],
    ['qemu+tcp://kvm3/system', /TCP alone keeps nothing secret .*use tls/],
    ['qemu+tcp://127.0.0.1.example.org/system', /TCP alone/],
    ['qemu+tls://root:hunter2@kvm3/system', /^uri "qemu\+tls:\/\/kvm3\/system": user and password stand in the Secret/],
    ['qemu+tls://kvm3/system?no_verify=1', /"no_verify": the certificate of a host is always verified/],
    ['qemu://kvm3/system?pkipath=/tmp', /"pkipath": certificates come from the Secret/],
    ['qemu:///session', /path "\/session" is not served/],
    ['test:///', /path "\/" is not served/],
    ['qemu:///system?socket=relative', /socket "relative" is no absolute path/],
    ['qemu:///system?socket=/a&socket=/b', /more than one socket/],
    ['qemu+ssh://kvm3/system', /the user to log in as is missing/],
    ['qemu+ssh://-oProxyCommand@kvm3/system', /no plain name/],
    ['qemu+ssh://root:hunter2@kvm3/system', /^uri "qemu\+ssh:\/\/kvm3\/system": user and password stand in the Secret/],
    ['qemu+ssh://root@kvm3/system?keyfile=/k', /"keyfile": the key to log in with comes from/],
    ['qemu+ssh://root@kvm3/system?known_hosts_verify=ignore', /"known_hosts_verify": the key of a host is always verified/],
    ['qemu:///system?no_sanity=1', /parameter "no_sanity" is not known/],
    ['qemu:///system#there', /nothing may follow/],
  ];
  for (const [uri, message] of refusals) {
    t.throws(() => parseLibvirtUri(uri), { code: 'Invalid', message }, uri);
    t.throws(() => parseLibvirtUri(uri), { message: /accepted: qemu:\/\/\/system, .*socket=/ });
  }
});
