import fc from 'fast-check';
import t from 'tap';
import type { Capability, Machine, MachineId, MachineShape } from '#drivers/driver.js';
import type { Subject } from './action.js';
import { pendingChanges, planLive, whyWaiting } from './live.js';
import { type MachineRecord, noteAsked, noteRefused } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';
import { forgetDone } from './restarts.js';

const now = Date.UTC(2026, 0, 1);
const seconds = 1_000;
const owner = { cluster: 'c1', namespace: 'shop', name: 'web', uid: 'uid-1' };
const capabilities: readonly Capability[] = [
  { field: 'cpu.count', change: 'Hotplug' },
  { field: 'memory.size', change: 'Live' },
  { field: 'disks', values: ['VirtioBlk'], change: 'Hotplug' },
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network', change: 'Live' },
  { field: 'disks.serial' },
  { field: 'disks.cdrom', change: 'Live' },
  { field: 'disks.limits', change: 'Live' },
  { field: 'interfaces.linkState', change: 'Live' },
];
const root = { name: 'root', location: '/p/root', format: 'Raw', bus: 'VirtioBlk' } as const;
const data = { ...root, name: 'data', location: '/p/data' };
const lan = { name: 'lan', network: 'br-lan', model: 'Virtio', macAddress: '52:54:00:00:00:01' } as const;
const shape: MachineShape = {
  cpuCount: 1,
  maxCpuCount: 4,
  memoryBytes: 100,
  maxMemoryBytes: 400,
  disks: [root],
  interfaces: [],
  serial: false,
  rng: false,
};

const machineOf = (live: Partial<MachineShape>, configured: Partial<MachineShape>): Machine => ({
  id: 'm' as MachineId,
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  power: { state: 'On', reason: 'Booted' },
  configured: { ...shape, ...configured },
  live: { ...shape, ...live },
  hardware: {},
});
/** By the agent that asked whatever the record says. */
const planFor = (machine: Machine, record: MachineRecord = {}, at = now, heard = new Set(Object.keys(record.live ?? {}))) => {
  const subject: Subject = { machine, record, owner, now: at, startsPaused: true, heard };
  return planLive(capabilities, subject);
};
const changeOf = (live: Partial<MachineShape>, configured: Partial<MachineShape>) =>
  pendingChanges(machineOf(live, configured), capabilities);

t.test('each difference has its class, by what the host says of it', async (t) => {
  const rows = [
    [{ cpuCount: 2 }, 'spec.cpu.count', 'Hotplug'],
    [{ cpuCount: 5, maxCpuCount: 5 }, 'spec.cpu.count', 'Restart'],
    [{ maxCpuCount: 8 }, 'spec.cpu.maxCount', 'Restart'],
    [{ memoryBytes: 400 }, 'spec.memory.size', 'Live'],
    [{ memoryBytes: 401 }, 'spec.memory.size', 'Restart'],
    [{ disks: [root, data] }, 'spec.disks[data]', 'Hotplug'],
    [{ disks: [] }, 'spec.disks[root]', 'Hotplug'],
    [{ disks: [root, { ...data, bus: 'LsiLogic' as const }] }, 'spec.disks[data]', 'Restart'],
    [{ disks: [{ ...root, serial: 'x' }] }, 'spec.disks[root]', 'Restart'],
    [{ disks: [{ ...root, location: '/p/other' }] }, 'spec.disks[root]', 'Restart'],
    [{ disks: [{ ...root, limits: { readIops: 1 } }] }, 'spec.disks[root]', 'Live'],
    [{ cdroms: [{ name: 'tools', bus: 'VirtioBlk' as const }] }, 'spec.disks[tools]', 'Restart'],
    [{ disks: [], cdroms: [{ name: 'root' }] }, 'spec.disks[root]', 'Restart'],
    [{ bootOrder: [{ kind: 'disk' as const, name: 'root' }] }, 'spec.boot.order', 'NextBoot'],
    [{ interfaces: [lan] }, 'spec.interfaces[lan]', 'Hotplug'],
    [{ rng: true }, 'spec.devices.rng', 'Restart'],
  ] as const;
  for (const [configured, field, kind] of rows) {
    const [change] = changeOf({}, configured);
    t.match(change, { field, class: kind }, JSON.stringify(configured));
  }
  t.match(changeOf({ interfaces: [lan] }, { interfaces: [{ ...lan, network: 'br-dmz' }] }), [{ class: 'Live' }]);
  t.match(changeOf({ interfaces: [lan] }, { interfaces: [{ ...lan, network: 'br-dmz', model: 'E1000e' }] }), [{ class: 'Restart' }]);
  t.match(changeOf({ interfaces: [{ ...lan, linkState: 'Down' }] }, { interfaces: [lan] }), [{ class: 'Live' }], 'a cable is plugged in');
  t.match(changeOf({ disks: [{ ...root, limits: { readIops: 1 } }] }, {}), [{ class: 'Live' }], 'limits are lifted');
  const drive = { name: 'tools', bus: 'SATA' as const };
  t.match(changeOf({ cdroms: [drive] }, { cdroms: [{ ...drive, location: '/p/disc' }] }), [{ class: 'Live', letsGo: true }]);
  t.match(changeOf({ cdroms: [{ ...drive, location: '/p/disc' }] }, { cdroms: [drive] }), [{ class: 'Live', letsGo: true }]);
  t.match(changeOf({ interfaces: [lan] }, { interfaces: [{ ...lan, linkState: 'Down' }] }), [{ class: 'Live', letsGo: false }]);
  t.same(changeOf({ interfaces: [lan] }, { interfaces: [{ ...lan, linkState: 'Up' }] }), []);
  t.same(
    changeOf(
      { disks: [{ ...root, limits: { readIops: 1, writeIops: 2 } }] },
      { disks: [{ ...root, limits: { writeIops: 2, readIops: 1 } }] },
    ),
    [],
  );
  t.same(changeOf({}, { disks: [{ ...root, limits: {} }] }), []);
  t.match(pendingChanges(machineOf({}, { memoryBytes: 400 }), []), [{ class: 'Restart' }], 'a host that says nothing');
  t.same(changeOf({}, {}), []);
});

t.test('what only comes is plugged in at once, and what must be let go is noted before it is asked for', async (t) => {
  const [plug] = planFor(machineOf({}, { disks: [root, data] }));
  t.match(plug, { kind: 'act', action: { kind: 'apply', part: { kind: 'disk', name: 'data' }, owner } });
  t.notOk(plug?.kind === 'act' && 'mark' in plug.action, 'without a note');
  const [unplug] = planFor(machineOf({}, { disks: [] }));
  if (unplug?.kind !== 'act' || unplug.action.kind !== 'apply') throw new Error('an act');
  t.match(decodeRecord(unplug.action.mark?.record ?? ''), { live: { [unplug.action.key]: { at: now, times: 1 } } });
  t.same(
    planFor({ ...machineOf({}, { disks: [] }), power: { state: 'Paused', reason: 'User' } }),
    [],
    'a guest that is paused is not asked',
  );
});

t.test('a guest that does not let go is waited for, then left, and asked again less and less often', async (t) => {
  const machine = machineOf({}, { disks: [] });
  const [change] = pendingChanges(machine, capabilities);
  if (change === undefined) throw new Error('a change');
  let record = noteAsked({}, change.key, now);
  const word = (at: number) => planFor(machine, record, at).map(({ kind }) => kind);
  t.same(word(now + 5 * seconds), ['wait']);
  t.same(word(now + 29 * seconds), ['leave']);
  t.same(word(now + 30 * seconds), ['act']);
  record = noteAsked(record, change.key, now + 30 * seconds);
  t.same(word(now + 89 * seconds), ['leave']);
  t.same(word(now + 90 * seconds), ['act']);
  for (let times = 0; times < 20; times++) record = noteAsked(record, change.key, now);
  t.same(word(now + 3_599 * seconds), ['leave']);
  t.same(word(now + 3_600 * seconds), ['act']);
  t.match(
    whyWaiting(change, { at: now, times: 1 }),
    /asked of the guest at 2026-01-01T00:00:00Z, which has not done so yet; see what uses it/,
  );
  const ballooned = machineOf({}, { memoryBytes: 50 });
  const [memory] = pendingChanges(ballooned, capabilities);
  t.same(
    planFor(ballooned, noteAsked({}, memory?.key ?? '', now), now + 1e9).map(({ kind }) => kind),
    ['leave'],
    'a balloon keeps what it was told',
  );
});

t.test('what was noted, and perhaps never asked, is asked again; what was refused is not', async (t) => {
  const ballooned = machineOf({}, { memoryBytes: 50 });
  const [memory] = pendingChanges(ballooned, capabilities);
  const noted = noteAsked({}, memory?.key ?? '', now);
  const again = planFor(ballooned, noted, now + seconds, new Set());
  t.match(again, [
    { kind: 'act', action: { kind: 'apply', part: { kind: 'memory' }, record: { live: { [memory?.key ?? '']: { times: 2 } } } } },
  ]);
  const unplug = machineOf({}, { disks: [] });
  const [disk] = pendingChanges(unplug, capabilities);
  const word = (at: number) => planFor(unplug, noteAsked({}, disk?.key ?? '', now), at, new Set()).map(({ kind }) => kind);
  t.same([word(now + 9 * seconds), word(now + 10 * seconds)], [['wait'], ['act']], 'a button is not pressed twice at once');
  const refused = noteRefused(noted, memory?.key ?? '', 'no', false);
  t.match(planFor(ballooned, refused, now + seconds, new Set()), [{ kind: 'leave' }]);
});

t.test('what the host refused waits for a restart, until another thing is asked', async (t) => {
  const machine = machineOf({}, { disks: [root, data] });
  const [change] = pendingChanges(machine, capabilities);
  const record = noteRefused(noteAsked({}, change?.key ?? '', now), change?.key ?? '', 'no slot is free', true);
  t.match(planFor(machine, record, now + seconds), [{ kind: 'leave', reason: 'RestartRequired', because: /no slot is free.*restart/ }]);
  const other = machineOf({}, { disks: [root, { ...data, location: '/p/other' }] });
  t.match(planFor(other, record, now + seconds), [{ kind: 'act' }]);
  t.same(forgetDone(record, other, capabilities), {}, 'and what was asked before is forgotten');
  t.same(forgetDone(record, machine, capabilities), record);
  t.same(forgetDone(record, machineOf({}, {}), capabilities), {});
});

t.test('one that holds out hinders no other', async (t) => {
  const machine = machineOf({}, { disks: [data] });
  const [, unplug] = pendingChanges(machine, capabilities);
  const plan = planFor(machine, noteAsked({}, unplug?.key ?? '', now), now + 20 * seconds);
  t.match(plan, [{ kind: 'act', action: { part: { name: 'data' } } }, { kind: 'leave' }]);
});

t.test('whatever was asked stays readable, and leaves room in the record', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ maxLength: 400 })), { maxLength: 60 }),
      (asked) => {
        const record = asked.reduce<MachineRecord>((before, [key, message]) => {
          const noted = noteAsked(before, `disk ${key}`, now);
          return noteRefused(noted, `disk ${key}`, message, true);
        }, {});
        const text = encodeRecord(record);
        t.ok(Object.keys(record.live ?? {}).length <= 12);
        t.equal(encodeRecord(decodeRecord(text)), text);
      },
    ),
    { numRuns: 100 },
  );
});
