import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { GuestSight, Machine, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { GuestsView } from './guests-view.js';

const lan = { name: 'lan', network: 'lan', macAddress: '52:54:00:00:00:01' };
const shape = { cpuCount: 1, memoryBytes: 1 << 20, disks: [], interfaces: [lan], serial: false, rng: false, guestAgent: true };
const machine = (id: string, { boot = 1, state = 'On' }: { boot?: number; state?: 'On' | 'Off' } = {}): Machine => ({
  id: id as MachineId,
  uuid: id,
  nativeName: id,
  power: { state, reason: 'Unknown' },
  mark: { owner: { cluster: 'c', namespace: 'n', name: id, uid: id }, record: `${boot}` },
  ...(state === 'On' ? { live: shape } : {}),
  hardware: {},
});
const known = { agent: 'Connected', addresses: [{ macAddress: lan.macAddress, ip: '10.0.0.5', source: 'Agent' }] } as const;
const pace = { firstMs: 20, mostMs: 60_000, settledMs: 60_000 };

class Stage {
  readonly looks: string[] = [];
  readonly told: string[] = [];
  readonly stop = new AbortController();
  answer: (id: string) => Promise<GuestSight> = async () => known;
  readonly view = new GuestsView(
    {
      guests: {
        look: (id) => {
          this.looks.push(id);
          return this.answer(id);
        },
      },
    },
    ({ id }) => this.told.push(id),
    { pace, bootOf: ({ mark }) => ({ number: Number(mark?.record), at: Number(mark?.record) * 60_000 }) },
  );
  readonly running = this.view.run(this.stop.signal);

  async until(isSo: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !isSo(); await sleep(5)) if (Date.now() > end) throw new Error('it never came to that');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
  }
}

t.test('a machine that was started is looked at at once, and until what is missing is there; then it is left in peace', async (t) => {
  await using stage = new Stage();
  stage.answer = async () => (stage.looks.length < 4 ? { agent: 'Disconnected', addresses: [] } : known);
  stage.view.follow([machine('a')]);
  await stage.until(() => stage.view.known('a' as MachineId)?.sight === known);
  t.equal(stage.looks.length, 4);
  t.same(stage.told, ['a', 'a'], 'told of what is new alone');
  await sleep(100);
  t.equal(stage.looks.length, 4);
  stage.view.hint('a' as MachineId);
  await stage.until(() => stage.looks.length === 5);
});

t.test('a lease of the boot before does not make anybody wait for the new one', async (t) => {
  await using stage = new Stage();
  const lease = (since: number): GuestSight => ({ addresses: [{ macAddress: lan.macAddress, ip: '10.0.0.5', source: 'Lease', since }] });
  stage.answer = async () => lease(stage.looks.length < 3 ? 119_000 : 120_000);
  stage.view.follow([machine('a', { boot: 2 })]);
  await stage.until(() => stage.view.known('a' as MachineId)?.sight.addresses[0]?.since === 120_000);
  await sleep(100);
  t.equal(stage.looks.length, 3);
});

t.test('nothing of one boot is known in the next, nor of a machine that is off or gone', async (t) => {
  await using stage = new Stage();
  stage.view.follow([machine('a')]);
  await stage.until(() => stage.view.known('a' as MachineId) !== undefined);
  stage.view.follow([machine('a', { boot: 2 })]);
  t.equal(stage.view.known('a' as MachineId), undefined);
  await stage.until(() => stage.view.known('a' as MachineId)?.boot === 2);
  stage.view.follow([machine('a', { boot: 2, state: 'Off' })]);
  t.equal(stage.view.known('a' as MachineId), undefined);
  stage.view.follow([machine('b')]);
  stage.view.forget([machine('b')]);
  t.equal(stage.view.known('b' as MachineId), undefined);
});

t.test('what an earlier boot asked is not told of the next', async (t) => {
  await using stage = new Stage();
  let answer: (sight: GuestSight) => void = () => {};
  stage.answer = () => new Promise((resolve) => (answer = resolve));
  stage.view.follow([machine('a')]);
  await stage.until(() => stage.looks.length === 1);
  const old = answer;
  stage.view.follow([machine('a', { boot: 2 })]);
  await stage.until(() => stage.looks.length === 2);
  old(known);
  await sleep(20);
  t.equal(stage.view.known('a' as MachineId), undefined);
});

t.test('undated addresses of the first look are remembered as such until they go away', async (t) => {
  await using stage = new Stage();
  const arp = { macAddress: lan.macAddress, ip: '10.0.0.9', source: 'ARP' } as const;
  const dated = { macAddress: lan.macAddress, ip: '10.0.0.8', source: 'Lease', since: 5 } as const;
  const answers: readonly GuestSight[] = [{ addresses: [arp, dated] }, { addresses: [] }, { addresses: [arp] }];
  stage.answer = async () => answers[Math.min(stage.looks.length - 1, 2)] as GuestSight;
  const early = () => stage.view.known('a' as MachineId)?.early;
  stage.view.follow([machine('a')]);
  await stage.until(() => early() !== undefined);
  t.same(early(), [`${lan.macAddress} 10.0.0.9`]);
  for (const looks of [2, 3]) {
    stage.view.hint('a' as MachineId);
    await stage.until(() => stage.looks.length === looks);
    await sleep(5);
    t.same(early(), []);
  }
});

t.test('guests that never answer keep no other waiting, and one that cannot be looked at is tried again', async (t) => {
  await using stage = new Stage();
  stage.answer = (id) => (id.startsWith('hung') ? new Promise(() => {}) : Promise.resolve(known));
  stage.view.follow(['hung1', 'hung2', 'hung3'].map((id) => machine(id)));
  stage.view.follow([machine('fine')]);
  await stage.until(() => stage.view.known('fine' as MachineId) !== undefined);
  let fails = 2;
  stage.answer = async () => {
    if (fails-- > 0) throw new DriverError('TimedOut', 'no answer');
    return known;
  };
  stage.view.follow([machine('late')]);
  await stage.until(() => stage.view.known('late' as MachineId) !== undefined);
  t.equal(fails, -1);
});
