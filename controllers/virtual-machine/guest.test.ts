import t from 'tap';
import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { GuestAddress, GuestSight, Machine, MachineId } from '#drivers/driver.js';
import { addressKey } from '../host/guests-view.js';
import type { ObservedMachine } from './desired.js';
import { tellGuest } from './guest.js';

const mac = '52:54:00:00:00:01';
const bootedAt = Date.UTC(2030, 0, 1, 12);
const live = {
  cpuCount: 1,
  memoryBytes: 1,
  disks: [],
  interfaces: [{ name: 'lan', network: 'n', macAddress: mac }],
  serial: false,
  rng: false,
};
const machine: Machine = {
  id: 'm' as MachineId,
  uuid: 'm',
  nativeName: 'm',
  power: { state: 'On', reason: 'Booted' },
  live,
  configured: live,
  hardware: {},
};
const observed = (
  sight: GuestSight | undefined,
  { early = [] as readonly string[], state = 'On' as 'On' | 'Off', boot = 3 } = {},
): ObservedMachine => ({
  machine: { ...machine, power: { state, reason: 'Unknown' } },
  record: { boot: { number: 3, at: bootedAt } },
  ...(sight === undefined ? {} : { guest: { boot, sight, early } }),
});
const resource = (status?: VirtualMachineStatus) =>
  ({ metadata: {}, spec: {}, ...(status === undefined ? {} : { status }) }) as VirtualMachine;
const address = (ip: string, source: GuestAddress['source'], more: Partial<GuestAddress> = {}): GuestAddress => ({
  macAddress: mac,
  ip,
  source,
  ...more,
});
const told = (sight: GuestSight | undefined, more: Parameters<typeof observed>[1] = {}, status?: VirtualMachineStatus) =>
  tellGuest(resource(status), observed(sight, more));
const ips = (sight: GuestSight, more: Parameters<typeof observed>[1] = {}, status?: VirtualMachineStatus) =>
  told(sight, more, status)
    .addresses.get('lan')
    ?.map(({ ip, source }) => `${ip} ${source}`);
const before: VirtualMachineStatus = {
  run: { bootId: '3' },
  interfaces: [{ name: 'lan', addresses: [{ ip: '10.0.0.9', source: 'ARP' }] }],
  guest: { hostname: 'db' },
  conditions: [
    { type: 'AddressKnown', status: 'True', reason: 'AddressKnown', message: '', lastTransitionTime: '2030-01-01T00:00:00Z' },
    { type: 'GuestAgentConnected', status: 'True', reason: 'Connected', message: '', lastTransitionTime: '2030-01-01T00:00:00Z' },
  ],
};

t.test('a lease counts when it was given in this boot, by whatever name it is known', async (t) => {
  const lease = (sinceMs: number) => ({ addresses: [address('10.0.0.5', 'Lease', { since: bootedAt + sinceMs })] });
  t.same(ips(lease(4_000)), ['10.0.0.5 Lease']);
  t.same(ips(lease(-4_000)), []);
  t.match(told(lease(-4_000)).conditions, { AddressKnown: { status: 'False', reason: 'NoAddress' } });
  t.match(told(lease(4_000)).conditions, { AddressKnown: { status: 'True' } });
});

t.test('what nobody can date counts when it was not there as the boot began, or was told of this boot already', async (t) => {
  const arp = address('10.0.0.9', 'ARP');
  t.same(ips({ addresses: [arp] }), ['10.0.0.9 ARP']);
  t.same(ips({ addresses: [arp] }, { early: [addressKey(arp)] }), []);
  t.same(ips({ addresses: [arp] }, { early: [addressKey(arp)] }, before), ['10.0.0.9 ARP']);
  t.same(ips({ addresses: [arp] }, { early: [addressKey(arp)] }, { ...before, run: { bootId: '2' } }), []);
});

t.test(
  'addresses of other MAC addresses, of the link alone and of no shape are left out; each is told once, by whom knows best',
  async (t) => {
    const addresses = [
      address('fd00::1', 'Agent'),
      address('fe80::1', 'Agent'),
      address('10.0.0.5', 'ARP'),
      address('10.0.0.5', 'Agent'),
      address('10.0.0.6', 'Lease', { since: bootedAt }),
      address('172.17.0.1', 'Agent', { macAddress: '02:42:00:00:00:01' }),
      address('drop table', 'Agent'),
    ];
    t.same(ips({ agent: 'Connected', addresses }), ['10.0.0.5 Agent', '10.0.0.6 Lease', 'fd00::1 Agent']);
    const many = Array.from({ length: 500 }, (_, index) => address(`10.0.${index >> 8}.${index & 255}`, 'Agent'));
    t.equal(ips({ agent: 'Connected', addresses: many })?.length, 16);
  },
);

t.test('what a guest says of itself is kept short and plain', async (t) => {
  const { guest } = told({ agent: 'Connected', hostname: `a\u0000\u001b${'b'.repeat(400)}`, os: { name: 'x'.repeat(400) }, addresses: [] });
  t.equal(guest?.hostname?.length, 253);
  t.match(guest?.hostname, /^a {2}b+$/);
  t.equal(guest?.os?.name?.length, 128);
});

t.test('an agent is told as connected, gone or silent, and not at all where there is no channel', async (t) => {
  const reason = (agent?: GuestSight['agent']) =>
    told({ ...(agent === undefined ? {} : { agent }), addresses: [] }).conditions['GuestAgentConnected'];
  t.match(reason('Connected'), { status: 'True' });
  t.match(reason('Silent'), { status: 'False', reason: 'Silent' });
  t.match(reason('Disconnected'), { status: 'False', reason: 'Disconnected' });
  t.equal(reason(), undefined);
});

t.test('until a guest was looked at again, what was told of this boot stays; of another boot nothing does', async (t) => {
  const same = told(undefined, {}, before);
  t.same([...same.addresses], [['lan', [{ ip: '10.0.0.9', source: 'ARP' }]]]);
  t.match(
    [same.guest, same.conditions],
    [{ hostname: 'db' }, { AddressKnown: { status: 'True' }, GuestAgentConnected: { status: 'True' } }],
  );
  const other = told(undefined, {}, { ...before, run: { bootId: '2' } });
  t.same([[...other.addresses], other.guest], [[], undefined]);
  t.match(other.conditions, { AddressKnown: { status: 'False', reason: 'Booting' } });
  const stale = told({ agent: 'Connected', addresses: [address('10.0.0.5', 'Agent')] }, { boot: 2 }, { ...before, run: { bootId: '2' } });
  t.same([...stale.addresses], [], 'what was seen of the boot before is not told of this one');
});

t.test('a machine that is off has no addresses, and says why', async (t) => {
  const off = told(undefined, { state: 'Off' }, before);
  t.same([[...off.addresses], off.guest], [[], undefined]);
  t.match(off.conditions, {
    AddressKnown: { status: 'False', reason: 'NotRunning' },
    GuestAgentConnected: { status: 'False', reason: 'NotRunning' },
  });
  t.same(told(undefined, { state: 'Off' }).conditions, {}, 'nothing is said of what was never known');
});
