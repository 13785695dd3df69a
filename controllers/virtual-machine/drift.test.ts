import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Machine, MachineDefinition, MachineId, MachineShape, OwnerMark, PowerState } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import { newDrift } from '../drift.js';
import type { DesiredMachine } from './desired.js';
import { differences, named } from './difference.js';
import { keyOf } from './digests.js';
import type { DriftPolicy, DriftWish } from './drifted.js';
import { planMachine } from './plan.js';
import { calmMs } from './put-back.js';
import { noteBoot } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';
import { reportMachine } from './report.js';
import { rememberedRecord } from './report-run.js';
import { fieldsIn } from './shape-fields.js';

const start = Date.UTC(2030, 0);
const seconds = 1_000;
const owner: OwnerMark = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const wanted: MachineDefinition = {
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  cpuCount: 2,
  maxCpuCount: 4,
  cpuShares: 500,
  memoryBytes: 64 << 20,
  maxMemoryBytes: 128 << 20,
  firmware: 'UEFI',
  secureBoot: false,
  bootOrder: [{ kind: 'disk', name: 'root' }],
  boot: { kernel: '/p/kernel', commandLine: 'quiet' },
  disks: [
    { name: 'root', location: '/p/root', format: 'Qcow2', bus: 'VirtioBlk', cache: 'None', limits: { readIops: 9 } },
    { name: 'data', location: '/p/data', format: 'Raw', io: 'Native' },
  ],
  cdroms: [{ name: 'tools', location: '/p/tools.iso' }],
  interfaces: [{ name: 'lan', network: 'shop.lan', model: 'Virtio', macAddress: '52:54:00:00:00:01', mtu: 1500 }],
  serial: true,
  rng: true,
  guestAgent: true,
  graphics: { type: 'VNC' },
  seed: { kind: 'CloudInit', location: '/s/web.iso' },
};
/** What the host chose where nothing was asked. */
const made: MachineShape = {
  ...wanted,
  disks: wanted.disks.map((disk) => ({ bus: 'VirtioBlk', cache: 'WriteBack', discard: 'Unmap', ...disk }) as const),
};

/** A hand's edits, each of one field. */
const edits: Readonly<Record<string, (shape: MachineShape) => MachineShape>> = {
  'spec.cpu.count': (shape) => ({ ...shape, cpuCount: 3 }),
  'spec.cpu.maxCount': (shape) => ({ ...shape, maxCpuCount: 8 }),
  'spec.cpu.shares': ({ cpuShares: _, ...shape }) => shape,
  'spec.memory.size': (shape) => ({ ...shape, memoryBytes: 96 << 20 }),
  'spec.memory.maxSize': (shape) => ({ ...shape, maxMemoryBytes: 256 << 20 }),
  'spec.firmware.type': (shape) => ({ ...shape, firmware: 'BIOS' }),
  'spec.firmware.secureBoot': (shape) => ({ ...shape, secureBoot: true }),
  'spec.firmware.tpm': (shape) => ({ ...shape, tpm: 'V2' }),
  'spec.boot.order': ({ bootOrder: _, ...shape }) => shape,
  'spec.boot.kernel.commandLine': (shape) => ({ ...shape, boot: { kernel: '/p/kernel', ...shape.boot, commandLine: 'verbose' } }),
  'spec.boot.kernel.initrdVolumeRef': (shape) => ({
    ...shape,
    boot: { kernel: '/p/kernel', commandLine: 'quiet', ...shape.boot, initrd: '/i' },
  }),
  'spec.disks[root].cache': (shape) => ({
    ...shape,
    disks: shape.disks.map((one) => (one.name === 'root' ? { ...one, cache: 'WriteBack' } : one)),
  }),
  'spec.disks[root].limits': (shape) => ({
    ...shape,
    disks: shape.disks.map((one) => (one.name === 'root' ? { ...one, limits: { readIops: 100 } } : one)),
  }),
  'spec.disks[data]': (shape) => ({ ...shape, disks: shape.disks.filter(({ name }) => name !== 'data') }),
  'spec.disks[tools].cdrom': (shape) => ({ ...shape, cdroms: [{ name: 'tools' }] }),
  'spec.interfaces[lan].network': (shape) => ({ ...shape, interfaces: shape.interfaces.map((one) => ({ ...one, network: 'other' })) }),
  'spec.interfaces[lan].linkState': (shape) => shape,
  'spec.devices.serial': (shape) => ({ ...shape, serial: false }),
  'spec.devices.rng': (shape) => ({ ...shape, rng: false }),
  'spec.devices.guestAgent': ({ guestAgent: _, ...shape }) => shape,
  'spec.devices.graphics': ({ graphics: _, ...shape }) => shape,
  'spec.cloudInit': (shape) => ({ ...shape, seed: { kind: 'CloudInit', location: '/s/another.iso' } }),
};
const silent = 'spec.interfaces[lan].linkState'; // the manifest does not speak of it, so nobody can change it behind its back
const names = Object.keys(edits);
const edited = (shape: MachineShape, fields: readonly string[]) => fields.reduce((one, field) => edits[field]?.(one) ?? one, shape);
const told = (fields: readonly string[]) => fields.filter((field) => field !== silent).sort();

/** A host with one machine, and an agent beside it that can be asked for one look at a time. */
class Host {
  configured: MachineShape = made;
  record = '';
  status: VirtualMachineStatus | undefined;
  calls: string[] = [];
  live: MachineShape | undefined;
  now = start;
  definition: MachineDefinition = wanted;
  drift: DriftWish | undefined;
  more: Partial<DesiredMachine> = {};
  half: Pick<Machine, 'halfSeed'> = {};
  readonly events: string[] = [];

  constructor(policy?: DriftPolicy, live = false) {
    if (policy !== undefined) this.drift = { policy };
    const [define] = planMachine(this.desired, { record: {} }, this.now);
    if (define?.kind !== 'act' || define.action.kind !== 'define') throw new Error('not made');
    this.record = define.action.mark.record;
    if (live) this.live = made;
  }

  get desired(): DesiredMachine {
    return {
      want: 'present',
      host: 'one',
      owner,
      definition: this.definition,
      runStrategy: 'Manual',
      keepState: true,
      stop: { mode: 'Hard', timeoutMs: 0 },
      capabilities: everything,
      ...(this.drift === undefined ? {} : { drift: this.drift }),
      ...(this.definition.seed === undefined ? {} : { keptSeed: this.definition.seed }),
      ...this.more,
    };
  }

  get observed() {
    const power: PowerState = this.live === undefined ? { state: 'Off', reason: 'Unknown' } : { state: 'On', reason: 'Booted' };
    const machine: Machine = {
      id: 'm' as MachineId,
      uuid: 'uuid-1',
      nativeName: 'shop.web',
      power,
      mark: { owner, record: this.record },
      configured: this.configured,
      ...(this.live === undefined ? {} : { live: this.live }),
      hardware: {},
      ...this.half,
    };
    return { machine, record: decodeRecord(this.record) };
  }

  /** Until nothing is left to do; what was done, but for what was only noted. `looks`: killed after so many. */
  pass(looks = 9): readonly string[] {
    this.calls = [];
    for (let look = 0; look < looks; look++) {
      const plan = planMachine(this.desired, this.observed, this.now);
      const next = plan.find(({ kind }) => kind === 'act');
      if (next?.kind !== 'act') break;
      const { action } = next;
      if ('mark' in action && action.mark !== undefined) this.record = action.mark.record;
      if (action.kind !== 'note') this.calls.push(action.kind);
      if (action.kind === 'define') {
        this.configured = this.#defined(action.definition);
        this.half = {};
      }
      if (action.kind === 'apply') this.live = this.configured;
    }
    return this.calls;
  }

  /** And tells of it. */
  report(): NonNullable<VirtualMachineStatus['drift']> {
    const { desired, observed, now } = this;
    const resource = {
      metadata: { generation: 1, namespace: 'shop', name: 'web', uid: 'u-1' },
      spec: {},
      status: this.status,
    } as VirtualMachine;
    const status = reportMachine(resource, { desired, observed, plan: planMachine(desired, observed, now), now });
    const news = newDrift(this.status, status);
    if (news !== undefined) this.events.push(news);
    this.status = status;
    return status.drift ?? [];
  }

  #defined(definition: MachineDefinition): MachineShape {
    const disks = definition.disks.map((disk) => ({ ...this.configured.disks.find(({ name }) => name === disk.name), ...disk }));
    const { cpuShares } = this.configured;
    return { ...(cpuShares === undefined ? {} : { cpuShares }), ...definition, disks };
  }

  condition(type: string) {
    return this.status?.conditions?.find((one) => one.type === type);
  }
}

t.test('half a seed is our own doing: whatever the policy for what others change, it is brought to its end', async (t) => {
  for (const policy of ['Observe', 'Accept', 'Enforce'] as const) {
    const host = new Host(policy);
    const { seed: _, ...unseeded } = made;
    host.configured = unseeded;
    if (policy !== 'Enforce') t.match(host.report(), [{ field: 'spec.cloudInit' }], 'without a sign of ours it is another hand');
    host.half = { halfSeed: true };
    t.same(host.report(), []);
    t.same(host.pass(), ['define'], policy);
    t.same(host.configured.seed, wanted.seed);
  }
});

t.test('each plain field that is compared has its place', async (t) => {
  const source = await readFile(new URL('../../../controllers/virtual-machine/difference.ts', import.meta.url), 'utf8');
  const compared = [...source.matchAll(/'(spec\.[\w.]+)'/g)].map(([, field = '']) => field);
  const known = new Set(fieldsIn(wanted).map(([path]) => path));
  t.ok(compared.length > 15);
  t.same(
    [...new Set(compared)].filter((field) => !known.has(field)),
    [],
  );
});

t.test('a rule may name each field that can drift', async (t) => {
  const manifest = await readFile(new URL('../../../crds/virtualmachines.yaml', import.meta.url), 'utf8');
  const [, accepted = ''] = /self[.]matches[(]'(\^spec.*?[$])'[)]/.exec(manifest) ?? [];
  // RE2 reads a bracket within brackets as itself.
  const rule = new RegExp(accepted.replaceAll('[[]', '\\[').replaceAll('[^]]', '[^\\]]').replaceAll('[]]', '\\]'));
  const ofNamed = Object.values(named).flatMap(({ list, fields }) => [
    `spec.${list}[a]`,
    ...Object.keys(fields).map((field) => `spec.${list}[a].${field.slice(list.length + 1)}`),
  ]);
  const all = [...fieldsIn(wanted).map(([path]) => path), ...ofNamed];
  t.ok(all.includes('spec.interfaces[a].vlan'));
  t.same(
    all.filter((path) => !rule.test(path)),
    [],
  );
  t.notMatch('spec.runStrategy', rule);
  t.notMatch('spec.interfaces[a].speed', rule);
});

const some = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });
const fieldsOf = (drift: readonly { readonly field: string }[]) => drift.map(({ field }) => field).sort();

t.test('each edit changes a field that is compared', async (t) => {
  const known = new Set(fieldsIn(wanted).map(([path]) => path));
  for (const field of names.filter((one) => one !== silent)) {
    t.ok(known.has(field), field);
    t.not(differences(edited(made, [field]), wanted).length, 0, field);
  }
  t.same(differences(made, wanted), []);
});

t.test('Enforce: what a hand changed is told field by field, put back, and remembered', async (t) => {
  fc.assert(
    fc.property(some, (fields) => {
      const host = new Host();
      t.same(host.pass(), []);
      host.configured = edited(made, fields);
      t.same(fieldsOf(host.report()), told(fields));
      t.same(host.pass(), told(fields).length === 0 ? [] : ['define']);
      t.same(differences(host.configured, wanted), []);
      t.same(host.pass(), [], 'and it is at rest');
      const after = host.report();
      const remembered = after.filter(({ state }) => state === 'PutBack');
      t.equal(remembered.length, Math.min(told(fields).length, 8));
      t.equal(host.condition('Drifted'), undefined);
      t.ok(remembered.every(({ treatment, corrections }) => treatment === 'Enforce' && corrections === 1));
      host.now += calmMs;
      t.same(host.pass(), []);
      t.same(host.report(), [], 'until it has held for long');
    }),
  );
});

t.test('Observe: no call at all, and Drifted says so; then another manifest is carried out, and no more than that', async (t) => {
  fc.assert(
    fc.property(some, fc.boolean(), (fields, running) => {
      const host = new Host('Observe', running);
      const seen = edited(made, fields);
      host.configured = seen;
      t.same(host.pass(), []);
      t.equal(host.configured, seen);
      t.same(fieldsOf(host.report()), told(fields));
      t.equal(host.condition('Ready')?.status, 'True');
      t.equal(host.condition('Drifted')?.status, told(fields).length === 0 ? undefined : 'True');
      t.equal(host.status?.pendingChanges, undefined);
      const [first] = host.report();
      host.now += 60 * seconds;
      t.equal(host.report()[0]?.since, first?.since, 'since it was first seen');

      host.definition = { ...wanted, cpuCount: 4 };
      t.same(
        host.pass().filter((call) => call === 'define'),
        ['define'],
      );
      t.same(
        differences(host.configured, { ...edited(wanted, fields), cpuCount: 4 }).filter(({ field }) => field === 'spec.cpu.count'),
        [],
      );
      t.same(fieldsOf(host.report()), told(fields.filter((field) => field !== 'spec.cpu.count')));

      host.drift = { policy: 'Enforce' };
      host.pass();
      t.same(differences(host.configured, host.definition), [], 'Enforce takes it all back');
    }),
  );
});

t.test('Accept: nothing is done, and it stays accepted until something else is declared', async (t) => {
  fc.assert(
    fc.property(some, (fields) => {
      const host = new Host('Accept');
      host.configured = edited(made, fields);
      t.same(host.pass(), []);
      t.same(
        host.report().map(({ treatment }) => treatment),
        told(fields).map(() => 'Accept'),
      );
      t.equal(host.condition('Drifted'), undefined);
      t.equal(host.condition('ComputeSynced')?.status, 'True');
      host.drift = undefined;
      t.same(host.pass(), [], 'also once nothing more is accepted');
      t.same(planMachine(host.desired, host.observed, host.now), []);

      if (!fields.includes('spec.memory.size')) return;
      host.configured = { ...host.configured, memoryBytes: 72 << 20 };
      t.same(host.pass(), ['define'], 'but a further change is put back');
      t.equal(host.configured.memoryBytes, wanted.memoryBytes);
      t.same(
        fieldsOf(host.report().filter(({ treatment }) => treatment === 'Accept')),
        told(fields.filter((field) => field !== 'spec.memory.size')),
      );
    }),
  );
});

t.test('another password is set under every policy, and is nobody’s drift', (t) => {
  for (const policy of ['Enforce', 'Observe', 'Accept'] as const) {
    const withPassword = (password: string) => ({ ...wanted, graphics: { type: 'VNC', password } as const });
    const host = new Host(policy);
    for (const password of ['one', 'two', 'three', 'four', 'five']) {
      host.definition = withPassword(password);
      t.same(host.report(), [], policy);
      t.same(host.pass(), ['define'], `${policy}: ${password}`);
      t.equal(host.configured.graphics?.password, password);
      t.same(host.pass(), []);
    }
    t.match(decodeRecord(host.record), { accepted: undefined, putBack: undefined });
    t.same(host.events, []);
    host.configured = edited(host.configured, ['spec.devices.graphics']);
    t.match(host.report(), [{ field: 'spec.devices.graphics', treatment: policy }], 'a screen that is gone is drift');
  }
  t.end();
});

/** A machine with these interfaces, of which another hand has changed all that can be. */
function rewired(names: readonly string[]): Host {
  const all = names.map(
    (name) => ({ name, network: 'shop.lan', model: 'Virtio', macAddress: `52:54:${name}`, mtu: 1500, linkState: 'Up' }) as const,
  );
  const host = new Host('Accept');
  host.definition = { ...wanted, disks: [], cdroms: [], interfaces: all };
  host.pass();
  const theirs = all.map(
    ({ name }) => ({ name, network: 'other', model: 'E1000e', macAddress: '52:54:00', mtu: 9000, linkState: 'Down' }) as const,
  );
  host.configured = { ...host.configured, interfaces: theirs };
  return host;
}

/** How many are accepted once that was noted, and nobody accepts more. */
function stillAccepted(t: Test, host: Host): number {
  t.match(planMachine(host.desired, host.observed, host.now), [{ action: { kind: 'note' } }]);
  host.pass(1);
  t.same(planMachine(host.desired, host.observed, host.now), [], 'nothing more is to be written');
  host.drift = { policy: 'Enforce' };
  host.pass();
  return host.report().filter(({ treatment }) => treatment === 'Accept').length;
}

t.test('Accept: fields whose digests have one key are noted once', (t) => {
  t.equal(keyOf('spec.interfaces[web].network'), keyOf('spec.interfaces[web].mtu'), 'one of the pairs there are');
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 8 }), (names) => {
      const all = [...new Set(['web', ...names])];
      t.equal(stillAccepted(t, rewired(all)), 5 * all.length);
    }),
  );
  t.end();
});

t.test('Accept: of more fields than find room, as many stay accepted as do', (t) => {
  t.equal(stillAccepted(t, rewired([...'abcdefghijklmn'])), 64);
  t.end();
});

t.test('what is declared anew is carried out under every policy, also where a hand was before', async (t) => {
  for (const policy of ['Enforce', 'Observe', 'Accept'] as const) {
    const host = new Host(policy);
    host.configured = { ...made, memoryBytes: 96 << 20, cpuCount: 3 };
    host.pass();
    host.definition = { ...wanted, memoryBytes: 128 << 20 };
    t.same(host.pass(), ['define'], policy);
    t.equal(host.configured.memoryBytes, 128 << 20);
    t.equal(host.configured.cpuCount, policy === 'Enforce' ? 2 : 3);
    host.definition = { ...wanted, memoryBytes: 128 << 20, cpuCount: 3 };
    host.pass();
    t.same(
      host.report().filter(({ state }) => state === 'Present'),
      [],
      'the manifest says what the hand made',
    );
    host.configured = { ...host.configured, cpuCount: 1 };
    host.pass();
    t.match(
      host.report().find(({ field }) => field === 'spec.cpu.count'),
      { declared: '3', found: '1', treatment: policy },
    );
  }
});

t.test('a rule is for its field and what is within it, and the longest counts', async (t) => {
  const host = new Host();
  host.drift = {
    policy: 'Enforce',
    rules: [
      { field: 'spec.disks', policy: 'Observe' },
      { field: 'spec.disks[root].cache', policy: 'Accept' },
      { field: 'spec.memory.size', policy: 'Observe' },
    ],
  };
  host.configured = edited(made, ['spec.disks[root].cache', 'spec.disks[root].limits', 'spec.memory.size', 'spec.cpu.count']);
  t.same(host.pass(), ['define']);
  t.equal(host.configured.cpuCount, 2);
  t.equal(host.configured.memoryBytes, 96 << 20);
  t.same(Object.fromEntries(host.report().map(({ field, treatment }) => [field, treatment])), {
    'spec.cpu.count': 'Enforce',
    'spec.memory.size': 'Observe',
    'spec.disks[root].cache': 'Accept',
    'spec.disks[root].limits': 'Observe',
  });
});

t.test('two that change a field in turn: it is put back less and less often, and that is told', async (t) => {
  const host = new Host();
  const flap = () => {
    host.configured = { ...host.configured, memoryBytes: 96 << 20 };
    return host.pass();
  };
  for (const times of [1, 2, 3]) {
    t.same(flap(), ['define'], `${times}`);
    t.match(host.report(), [{ field: 'spec.memory.size', found: '96Mi', corrections: times }]);
    t.equal(host.events.length, times, 'each time is told');
  }
  t.same(flap(), [], 'it is held');
  t.match(host.report(), [
    { found: '96Mi', corrections: 3, reason: /put back 3 times and changed again, and is put back at 2030-01-01T00:00:30Z/ },
  ]);
  t.match(host.condition('Drifted'), { status: 'True', reason: 'Flapping', message: /see who else changes it/ });
  t.equal(host.condition('Ready')?.status, 'True');
  t.match(planMachine(host.desired, host.observed, host.now), [{ kind: 'leave', reason: 'Flapping', recheckMs: 30 * seconds }, {}]);
  host.now += 30 * seconds;
  t.same(host.pass(), ['define']);
  host.now += 59 * seconds;
  t.same(flap(), [], 'for twice as long');
  host.definition = { ...wanted, memoryBytes: 112 << 20 };
  t.same(host.pass(), ['define'], 'what is declared does not wait');
  host.now += calmMs;
  host.pass();
  t.same(flap(), ['define'], 'forgotten once it was let be');
});

t.test('more fields than are known by name are held together', async (t) => {
  const host = new Host();
  const flap = () => {
    host.configured = edited(made, names);
    return host.pass();
  };
  for (const times of [1, 2, 3]) t.same(flap(), ['define'], `${times}`);
  const fields = told(names);
  t.ok(fields.length > 12);
  for (const pause of [30, 60, 120]) {
    t.same(flap(), [], 'nothing is put back');
    const present = host.report();
    t.same(fieldsOf(present), fields);
    t.ok(present.every(({ reason, corrections = 0 }) => reason.includes('is put back at') && corrections >= 3));
    host.now += (pause - 1) * seconds;
    t.same(host.pass(), [], 'until its time has come');
    host.now += 1 * seconds;
    t.same(host.pass(), ['define']);
    t.equal(Object.keys(decodeRecord(host.record).putBack ?? {}).length, 9, 'eight by name, and the rest');
    t.same(host.report().length, 8);
  }
});

t.test('a restart that puts back is counted once, seen through, and made less and less often', async (t) => {
  const host = new Host(undefined, true);
  host.more = { allow: ['Live', 'Hotplug', 'Restart'], stop: { mode: 'TrySoft', timeoutMs: 120 * seconds } };
  const changed = () => {
    host.live = { ...made, rng: false };
    return host.pass(1);
  };
  for (const times of [1, 2, 3]) {
    t.same(changed(), ['press']);
    host.now += 11 * seconds;
    t.same(host.pass(1), ['press'], 'a stop that is under way is not given up');
    host.live = undefined;
    host.pass(1);
    t.match(planMachine(host.desired, host.observed, host.now)[0], { action: { kind: 'start' } });
    host.record = encodeRecord(noteBoot(decodeRecord(host.record), host.now));
    host.live = made;
    t.same(host.pass(), []);
    t.match(host.report(), [{ field: 'spec.devices.rng', state: 'PutBack', found: 'none', corrections: times }]);
  }
  t.same(changed(), [], 'it is held');
  host.report();
  t.match(host.condition('Drifted'), { status: 'True', reason: 'Flapping' });
  host.now += 30 * seconds;
  t.same(host.pass(1), ['press']);
});

t.test('a machine that is made anew for what another hand changed is so less and less often', async (t) => {
  const host = new Host();
  const capabilities = everything.map((one) => (one.field === 'firmware.type' ? { ...one, change: 'Recreate' as const } : one));
  host.more = { allow: ['Live', 'Hotplug', 'Recreate'], capabilities };
  for (const times of [1, 2, 3]) {
    host.configured = edited(made, ['spec.firmware.type']);
    t.match(planMachine(host.desired, host.observed, host.now), [{ action: { kind: 'recreate' }, sayFirst: true }]);
    t.match(host.report(), [{ field: 'spec.firmware.type', corrections: times }]);
    t.equal(host.events.length, times, 'it is told');
    const anew = planMachine(host.desired, { record: rememberedRecord(host.status) }, host.now);
    const define = anew.flatMap((one) => (one.kind === 'act' && one.action.kind === 'define' ? [one.action] : []))[0];
    host.record = define?.mark.record ?? '';
    host.configured = made;
    t.match(host.report(), [{ state: 'PutBack', corrections: times }]);
    t.equal(host.events.length, times, 'once');
  }
  host.configured = edited(made, ['spec.firmware.type']);
  t.match(planMachine(host.desired, host.observed, host.now), [{ kind: 'leave', reason: 'Flapping' }, { kind: 'leave' }]);
});

t.test('what is known of other hands stays told while something is missing', async (t) => {
  const host = new Host('Observe');
  host.configured = edited(made, ['spec.cpu.count']);
  const [first] = host.report();
  t.match(first, { field: 'spec.cpu.count' });
  const { record } = host;
  host.now += 60 * seconds;
  host.definition = { ...wanted, disks: wanted.disks.filter(({ name }) => name !== 'data') };
  host.more = { missing: ['StorageVolume "data"'] };
  t.same(host.report(), [first], 'and what is missing is no drift');
  t.match(host.condition('Drifted'), { status: 'True', reason: 'Observed' });
  t.same(host.pass(), []);
  t.equal(host.record, record, 'nothing is noted of a part of what is asked');
  host.definition = wanted;
  host.more = {};
  t.same(host.report(), [first]);
  t.equal(host.events.length, 1, 'it is told once');
});

t.test('killed between any two calls, an agent tells once, and puts back once', async (t) => {
  const host = new Host();
  host.configured = { ...made, cpuCount: 3 };
  t.match(host.report(), [{ field: 'spec.cpu.count' }], 'seen');
  t.same(host.pass(1), ['define'], 'put back, and killed before a word of it');
  host.status = undefined;
  t.match(host.report(), [{ field: 'spec.cpu.count', found: '3', corrections: 1, reason: 'was put back' }]);
  t.same(host.pass(), []);
});

t.test('what was changed in what runs alone', async (t) => {
  const host = new Host(undefined, true);
  const running = () => {
    host.live = { ...made, cpuCount: 4 };
  };
  running();
  t.match(host.report(), [{ field: 'spec.cpu.count', found: '4', treatment: 'Enforce', reason: /while it runs/ }]);
  t.same(host.pass(), ['apply']);
  t.match(host.report(), [{ field: 'spec.cpu.count', corrections: 1 }]);
  host.drift = { policy: 'Accept' };
  running();
  t.same(host.pass(), []);
  t.match(host.report(), [{ treatment: 'Observe', reason: /until its next start/ }]);
  t.equal(host.status?.pendingChanges, undefined);
  t.equal(host.condition('RestartRequired')?.status, 'False');

  const ballooned = new Host('Observe', true);
  ballooned.live = { ...made, memoryBytes: 128 << 20 };
  t.same(ballooned.report(), [], 'a balloon that is not filled yet is nobody’s hand');
  t.same(ballooned.pass(), ['apply']);

  const changing = new Host('Observe', true);
  changing.definition = { ...wanted, cpuCount: 4 };
  t.same(changing.pass(1), ['define'], 'killed before what runs has it');
  t.same(changing.pass(), ['apply'], 'a change of the manifest is no drift');
  t.same(changing.report(), []);
  t.equal(decodeRecord(changing.record).behind, undefined, 'and what it has got is forgotten');
});

t.test('whose last note was lost when it was made is noted as soon as all of it is there', async (t) => {
  const host = new Host();
  const [define] = planMachine(host.desired, { record: { boot: { number: 3, at: 0 } } }, host.now);
  if (define?.kind !== 'act' || define.action.kind !== 'define') throw new Error('not made');
  const until = define.action.mark.until ?? '';
  host.record = until;
  t.match(decodeRecord(until), { boot: { number: 3 }, applied: '' });
  host.configured = edited(made, ['spec.disks[data]']);
  t.same(host.report(), [], 'what is not there yet nobody has taken away');
  t.same(host.pass(), ['define']);
  host.record = until;
  t.same(host.pass(), [], 'its definition is as it is to be, and is not sent again');
  t.not(host.record, until);
  const noted = host.record;
  host.pass();
  t.equal(host.record, noted, 'once');
  host.configured = edited(made, ['spec.disks[data]']);
  t.match(host.report(), [{ field: 'spec.disks[data]', treatment: 'Enforce' }], 'and from then on another hand is told of');
});

t.test('a machine from before is judged from when it is as declared, and only where that matters', async (t) => {
  const host = new Host();
  host.record = '';
  t.same(planMachine(host.desired, host.observed, host.now), [], 'it is not written to for that');
  host.configured = { ...made, cpuCount: 3 };
  t.same(host.report(), []);
  t.same(host.pass(), ['define']);
  host.record = '';
  host.drift = { policy: 'Observe' };
  host.pass();
  t.not(host.record, '');
  host.configured = { ...made, cpuCount: 3 };
  t.same(host.pass(), []);
  t.match(host.report(), [{ field: 'spec.cpu.count', treatment: 'Observe' }]);
});

t.test('room that runs is let go of where the manifest asks for none, and by no size that is lowered', async (t) => {
  const lowered = (spec: Partial<MachineDefinition>) => {
    const host = new Host();
    const { maxCpuCount: _1, maxMemoryBytes: _2, ...roomless } = wanted;
    host.definition = { ...roomless, cpuCount: 2, memoryBytes: 200 << 20, ...spec };
    host.pass();
    // As hosts read it back.
    const { maxCpuCount: _3, maxMemoryBytes: _4, ...configured } = host.configured;
    host.configured = configured;
    host.live = { ...configured, maxCpuCount: 4, maxMemoryBytes: 400 << 20 };
    host.more = { allow: ['Live', 'Hotplug', 'Restart'] };
    const calls = host.pass();
    const drift = host.report();
    return { calls, drift, pending: (host.status?.pendingChanges ?? []).map(({ field, class: kind }) => `${field} ${kind}`) };
  };
  t.same(lowered({}), { calls: [], drift: [], pending: [] });
  t.match(lowered({ maxCpuCount: 2, maxMemoryBytes: 200 << 20 }), {
    calls: { 0: 'cut' },
    drift: [],
    pending: ['spec.cpu.maxCount Restart', 'spec.memory.maxSize Restart'],
  });
});

t.test('a port that writes nothing down stays as it is, mark and all, when its host gets a place for that', async (t) => {
  const host = new Host();
  host.pass();
  const { record } = host;
  host.definition = { ...wanted, serialLog: '/system/web.console' };
  t.same(host.pass(), []);
  t.equal(host.record, record);
  host.definition = { ...host.definition, memoryBytes: wanted.memoryBytes * 2 };
  t.same(host.pass(), ['define']);
  t.not(host.record, record);
  host.definition = { ...host.definition, serialLog: '/elsewhere/web.console' };
  t.same(host.pass(), ['define'], 'and one that writes goes on where it is to');
  t.same(host.report(), [], 'which is nobody else’s doing');
});

t.test('of more than a mark can hold, what the life of a machine depends on is kept', async (t) => {
  const times = <T>(count: number, of: (at: number) => [string, T]) => Object.fromEntries(Array.from({ length: count }, (_, at) => of(at)));
  for (const letter of ['x', 'あ', '"']) {
    const much = letter.repeat(128);
    const live = (length: number) => times(12, (at) => [`${at}`.padEnd(length, 'k'), { at: 1, times: 1, refused: much }]);
    const lastStop = { boot: 1, cause: 'Failed', at: 1, message: letter.repeat(300) } as const;
    const usual = encodeRecord({ boot: { number: 1, at: 1 }, lastStop, live: live(24), applied: 'abcdef'.repeat(150), accepted: 'abcdef' });
    t.ok(Buffer.byteLength(usual) <= 4_000, letter);
    const read = decodeRecord(usual);
    t.match(read, { boot: { number: 1 }, lastStop: { cause: 'Failed' }, applied: /^abcdef/, accepted: 'abcdef' }, 'words go first');
    t.equal(Object.values(read.live ?? {}).filter(({ refused }) => refused !== undefined).length, 12, 'that it was refused is kept');
    t.equal(encodeRecord(read), usual, 'and it is the same from then on');

    const putBack = times(9, (at) => [`${at}`.padEnd(128, letter), { at: 1, times: 1, found: much }]);
    const adopted = { kept: letter.repeat(300) };
    const most = encodeRecord({ boot: { number: 1, at: 1 }, lastStop, live: live(64), putBack, adopted, applied: 'abcdef'.repeat(150) });
    t.ok(Buffer.byteLength(most) <= 4_000, letter);
    t.match(decodeRecord(most), { boot: { number: 1 }, adopted: { kept: letter } });
  }
});
