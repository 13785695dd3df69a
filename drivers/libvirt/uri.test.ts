import t from 'tap';
import { parseLibvirtUri } from './uri.js';

t.test('a libvirt URI names the driver, what the daemon is told, and where it listens', async (t) => {
  t.same(parseLibvirtUri('qemu+unix:///system?socket=/tmp/a%20b+c'), {
    driver: 'qemu',
    name: 'qemu:///system',
    socketPaths: ['/tmp/a b+c'],
  });
  t.match(parseLibvirtUri('test+unix:///default?socket=/s'), { driver: 'test', name: 'test:///default' });
  t.match(parseLibvirtUri('test:///srv/node.xml'), { driver: 'test', name: 'test:///srv/node.xml' });
  t.match(parseLibvirtUri('lxc:///system'), { driver: 'lxc', name: 'lxc:///system' });
  t.match(parseLibvirtUri('xen:///system'), { driver: 'xen', name: 'xen:///system' });
});

t.test('without a socket, the usual places are looked at in turn', async (t) => {
  t.same(parseLibvirtUri('qemu:///system').socketPaths, [
    '/run/libvirt/libvirt-sock',
    '/var/run/libvirt/libvirt-sock',
    '/run/libvirt/virtqemud-sock',
    '/var/run/libvirt/virtqemud-sock',
  ]);
});

t.test('what is not understood is refused with what would be', async (t) => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['qemu', /it is no URI/],
    ['vmware:///system', /driver "vmware" is not known/],
    ['constructor:///system', /driver "constructor" is not known/],
    ['qemu+tls:///system', /transport "tls" is not known/],
    ['qemu+unix+unix:///system', /transport "unix\+unix" is not known/],
    ['qemu://kvm3/system', /host "kvm3" is not this one/],
    ['qemu:///session', /path "\/session" is not served/],
    ['test:///', /path "\/" is not served/],
    ['qemu:///system?socket=relative', /socket "relative" is no absolute path/],
    ['qemu:///system?socket=/a&socket=/b', /more than one socket/],
    ['qemu:///system?no_verify=1', /parameter "no_verify" is not known/],
    ['qemu:///system#there', /nothing may follow/],
  ];
  for (const [uri, message] of refusals) {
    t.throws(() => parseLibvirtUri(uri), { code: 'Invalid', message }, uri);
    t.throws(() => parseLibvirtUri(uri), { message: /accepted: qemu:\/\/\/system, .*socket=/ });
  }
});
