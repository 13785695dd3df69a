import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { MachineId } from '#drivers/driver.js';
import type { NativeMachine } from './config/native.js';
import { Foreigners } from './foreigners.js';
import type { Group } from './inventory.js';
import type { Ref } from './soap/types.js';

const signal = AbortSignal.timeout(60_000);
const native = (id: number, changeVersion = '1'): NativeMachine => ({
  ref: { type: 'VirtualMachine', value: `vm-${id}` },
  glance: { id: `vm-${id}` as MachineId, uuid: '', nativeName: '', power: { state: 'Off', reason: 'Unknown' } },
  connection: 'connected',
  changeVersion,
  guestId: '',
  firmware: 'bios',
  version: '',
  file: undefined,
  manager: undefined,
  hasSnapshots: false,
  cpuCount: 1,
  memoryBytes: 2 ** 20,
  extra: {},
  devices: [],
});
const group = (name: string): Group => ({ ref: { type: 'Network', value: name }, name, accessible: true });

function foreigners() {
  const asked: string[] = [];
  const devicesOf = async (refs: readonly Ref[]) => {
    asked.push(...refs.map(({ value }) => value));
    return new Map();
  };
  return { foreigners: new Foreigners({ devicesOf }), asked: () => asked.splice(0) };
}

t.test('devices are asked for once, and again when the machine or the port groups have changed', async (t) => {
  const { foreigners: them, asked } = foreigners();
  const [lan, wan] = [[group('lan')], [group('wan')]];
  t.same([...(await them.found([native(1), native(2)], lan, signal)).keys()], ['vm-1', 'vm-2']);
  t.same(asked(), ['vm-1', 'vm-2']);
  t.same([...(await them.found([native(1), native(2, '2')], lan, signal)).keys()], ['vm-1', 'vm-2']);
  t.same(asked(), ['vm-2']);
  await them.found([], [], signal);
  await them.found([native(1)], lan, signal);
  t.same(asked(), [], 'a look at none forgets none');
  const [one, other] = await Promise.all([them.found([native(1), native(3)], lan, signal), them.found([native(1)], wan, signal)]);
  t.same([[...one.keys()], [...other.keys()]], [['vm-1', 'vm-3'], ['vm-1']], 'also of looks beside one another');
  t.same(asked(), ['vm-3', 'vm-1']);
});

t.test('many machines of others beside many port groups take little memory', async (t) => {
  setFlagsFromString('--expose-gc');
  const heap = () => {
    runInNewContext('gc')();
    return process.memoryUsage().heapUsed;
  };
  const groups = Array.from({ length: 1_000 }, (_, at) => group(`${at} ${'x'.repeat(50)}`));
  const { foreigners: them } = foreigners();
  const natives = Array.from({ length: 2_000 }, (_, at) => native(at));
  const before = heap();
  await them.found(natives, groups, signal);
  await them.found(natives, groups, signal);
  const taken = heap() - before;
  t.ok(taken < 20 * 2 ** 20, `${taken} bytes`);
  t.equal((await them.found(natives, groups, signal)).size, natives.length);
});
