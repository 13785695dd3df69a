import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WsmanClient } from '#drivers/hyperv/wsman/client.js';
import { encodeEmbedded } from '#drivers/hyperv/wsman/embedded.js';
import { isReference, type Reference } from '#drivers/hyperv/wsman/instance.js';
import { Lanes } from '#drivers/hyperv/wsman/lanes.js';
import { codes } from './cim/codes.js';
import { Simulator, type SimulatorOptions } from './simulator.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
t.teardown(() => rm(folder, { recursive: true }));
await mkdir(join(folder, 'C/vms'), { recursive: true });

const soon = () => AbortSignal.timeout(30_000);
const user = { name: 'Administrator', password: 'secret' };

async function simulated(t: Test, options: Partial<SimulatorOptions> = {}) {
  const simulator = await Simulator.start({ mode: 'v2', folder, users: [user], jobMs: 5, ...options });
  const endpoint = { host: '127.0.0.1', port: simulator.port };
  const client = new WsmanClient(new Lanes(endpoint, { kind: 'ntlm', username: user.name, domain: '', password: user.password }));
  t.teardown(async () => {
    await client[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });
  const { namespace } = simulator.host.words;
  const references = (wql: string) => client.queryReferences(namespace, wql, soon());
  const one = async (wql: string): Promise<Reference> => {
    const [found] = await references(wql);
    if (found === undefined) throw new Error(`nothing for ${wql}`);
    return found;
  };
  const invoke = (of: Reference, method: string, parameters: Parameters<WsmanClient['invoke']>[2]) =>
    client.invoke(of, method, parameters, soon());
  return { simulator, client, namespace, references, one, invoke };
}

const text = (className: string, values: Readonly<Record<string, string | readonly string[]>>) =>
  encodeEmbedded(
    className,
    Object.entries(values).map(([name, value]) => ({ name, type: 'string', isArray: typeof value !== 'string', values: [value].flat() })),
  );

type Call = readonly [method: string, parameters: Parameters<WsmanClient['invoke']>[2]];

interface Version {
  readonly service: string;
  readonly define: (name: string) => Call;
  readonly destroy: (of: Reference) => Call;
  readonly states: Readonly<Record<'off' | 'running' | 'paused' | 'saved', string>>;
  readonly requests: Readonly<Record<'start' | 'pause' | 'save' | 'off', number>>;
}

/** The same in both versions' words. */
const versions: Readonly<Record<'v1' | 'v2', Version>> = {
  v2: {
    service: 'Msvm_VirtualSystemManagementService',
    define: (name: string) => ['DefineSystem', { SystemSettings: text('Msvm_VirtualSystemSettingData', { ElementName: name }) }],
    destroy: (of: Reference) => ['DestroySystem', { AffectedSystem: of }],
    states: { off: '3', running: '2', paused: '9', saved: '6' },
    requests: { start: 2, pause: 9, save: 6, off: 3 },
  },
  v1: {
    service: 'Msvm_VirtualSystemManagementService',
    define: (name: string) => [
      'DefineVirtualSystem',
      { SystemSettingData: text('Msvm_VirtualSystemGlobalSettingData', { ElementName: name }) },
    ],
    destroy: (of: Reference) => ['DestroyVirtualSystem', { ComputerSystem: of }],
    states: { off: '3', running: '2', paused: '32768', saved: '32769' },
    requests: { start: 2, pause: 32768, save: 32769, off: 3 },
  },
};

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a machine goes through its states, each by a job, and refuses what it has no room for`, async (t) => {
    const words = versions[mode];
    const { simulator, client, namespace, one, invoke } = await simulated(t, { mode });
    const service = await one(`SELECT * FROM ${words.service}`);
    const made = await invoke(service, ...words.define('web'));
    t.equal(made.returnValue, 0);
    const system = await one("SELECT * FROM Msvm_ComputerSystem WHERE Description = 'Microsoft Virtual Machine'");
    const state = async () => (await client.get(system, soon())).properties.get('EnabledState')?.[0];
    const request = async (verb: keyof typeof words.requests) => {
      const { returnValue } = await invoke(system, 'RequestStateChange', { RequestedState: words.requests[verb] });
      while (simulator.host.jobs.all.some((job) => job.state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
      return returnValue;
    };
    t.equal(await state(), words.states.off);
    t.equal(await request('pause'), 32775);
    for (const [verb, after] of [
      ['start', 'running'],
      ['pause', 'paused'],
      ['start', 'running'],
      ['save', 'saved'],
      ['start', 'running'],
    ] as const) {
      t.equal(await request(verb), 4096);
      t.equal(await state(), words.states[after]);
    }
    t.equal(await request('start'), 32775, 'already so is an invalid state');
    const refused = await invoke(service, ...words.destroy(system));
    t.ok([5, 4096].includes(refused.returnValue));
    t.equal(simulator.host.machines.size, 1, 'what runs is not deleted');
    await request('off');
    await invoke(service, ...words.destroy(system));
    while (simulator.host.machines.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    t.same(await client.query(namespace, 'SELECT * FROM Msvm_ComputerSystem WHERE Name != __SERVER', soon()), []);
  });

t.test('between two states a machine shows neither, and takes no other request', async (t) => {
  const { client, one, invoke } = await simulated(t, { jobMs: 300 });
  await invoke(await one('SELECT * FROM Msvm_VirtualSystemManagementService'), ...versions.v2.define('slow'));
  const system = await one("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'slow'");
  await invoke(system, 'RequestStateChange', { RequestedState: 2 });
  t.same((await client.get(system, soon())).properties.get('EnabledState'), ['10']);
  t.equal((await invoke(system, 'RequestStateChange', { RequestedState: 3 })).returnValue, 32775);
});

t.test('a job that fails says so, and why', async (t) => {
  const { simulator, client, namespace, one, invoke } = await simulated(t);
  await invoke(await one('SELECT * FROM Msvm_VirtualSystemManagementService'), ...versions.v2.define('failing'));
  const system = await one("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'failing'");
  simulator.host.troubles.add('RequestStateChange', { kind: 'job', code: 32778, message: 'Not enough memory.' }, 1);
  const { values } = await invoke(system, 'RequestStateChange', { RequestedState: 2 });
  const [job] = values.get('Job') ?? [];
  if (!isReference(job)) throw new Error('no job');
  while (simulator.host.jobs.all.some(({ state }) => state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
  const [seen] = await client.query(
    namespace,
    `SELECT * FROM Msvm_ConcreteJob WHERE InstanceID = '${job.selectors['InstanceID']}'`,
    soon(),
  );
  t.same(
    ['JobState', 'ErrorCode', 'ErrorDescription'].map((name) => seen?.properties.get(name)?.[0]),
    ['10', '32778', 'Not enough memory.'],
  );
  t.match((await invoke(job, 'GetErrorEx', {})).values.get('Errors'), [/Not enough memory/]);
  t.same((await client.get(system, soon())).properties.get('EnabledState'), ['3']);
});

t.test('a virtual disk is made by a job of another class, which queries for the elder class find under its name', async (t) => {
  const { simulator, client, namespace, one, invoke } = await simulated(t);
  const service = await one('SELECT * FROM Msvm_ImageManagementService');
  const disk = (path: string, type = '3') => ({
    VirtualDiskSettingData: text('Msvm_VirtualHardDiskSettingData', {
      Path: path,
      Type: type,
      Format: '3',
      MaxInternalSize: String(2 ** 30),
    }),
  });
  const settled = async () => {
    while (simulator.host.jobs.all.some(({ state }) => state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  t.equal((await invoke(service, 'CreateVirtualHardDisk', disk('C:\\vms\\one.vhdx'))).returnValue, 4096);
  await settled();
  const jobs = await client.query(namespace, 'SELECT * FROM CIM_ConcreteJob', soon());
  t.match(
    jobs.map(({ className }) => className),
    ['CIM_ConcreteJob'],
  );
  t.same(jobs[0]?.properties.get('JobState'), ['7']);
  t.same(await client.query(namespace, 'SELECT * FROM Msvm_ConcreteJob', soon()), [], 'which is a class beside it');
  const { values } = await invoke(service, 'GetVirtualHardDiskSettingData', { Path: 'c:\\VMS\\ONE.vhdx' });
  t.match(values.get('SettingData'), [/NAME="MaxInternalSize"[^>]*><VALUE>1073741824</]);
  await invoke(service, 'CreateVirtualHardDisk', disk('C:\\vms\\one.vhdx'));
  await settled();
  const failed = (await client.query(namespace, 'SELECT * FROM Msvm_StorageJob WHERE JobState = 10', soon()))[0];
  t.match(failed?.properties.get('ErrorDescription')?.[0], /The file exists/);
});

t.test('files of a share are listed by the server that offers it, and by no other host', async (t) => {
  const [drives, served] = [await mkdtemp(join(folder, 'shares-')), await mkdtemp(join(folder, 'shares-'))];
  const { simulator, client } = await simulated(t, { folder: drives });
  const server = await simulated(t, { folder: served, without: true });
  await server.simulator.share('VMs', 'D:\\VMs', 'fs1', simulator);
  const { store } = simulator.host.options;
  await store.create('\\\\FS1\\vms\\a.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes: 2 ** 30 });
  await store.touch('\\\\fs2\\own\\b.iso');
  const found = async (at: WsmanClient, className: string, name = 'Name') =>
    (await at.query('root/cimv2', `SELECT * FROM ${className}`, soon())).map(({ properties }) => properties.get(name)?.[0]);
  t.same(await found(client, 'CIM_DataFile'), []);
  t.same(await found(client, 'Win32_Share'), []);
  t.same(await found(server.client, 'CIM_DataFile'), ['d:\\vms\\a.vhdx']);
  t.same(await found(server.client, 'Win32_Share', 'Path'), ['D:\\VMs']);
  store.isHandedOn = false;
  await t.rejects(store.image('\\\\fs1\\vms\\a.vhdx'), { code: codes.failed, message: /0x80070005/ });
});

t.test('generation 2 has no IDE, and a second machine does not get the first one’s disk', async (t) => {
  const { simulator, references, one, invoke } = await simulated(t);
  const service = await one('SELECT * FROM Msvm_VirtualSystemManagementService');
  await simulator.host.options.store.create('C:\\vms\\shared.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes: 2 ** 30 });
  for (const name of ['first', 'second']) {
    const settings = text('Msvm_VirtualSystemSettingData', { ElementName: name, VirtualSystemSubType: 'Microsoft:Hyper-V:SubType:2' });
    await invoke(service, 'DefineSystem', { SystemSettings: settings });
    const machine = simulator.machineNamed(name);
    if (machine === undefined) throw new Error('no machine');
    const of = await one(`SELECT * FROM Msvm_VirtualSystemSettingData WHERE ElementName = '${name}'`);
    const ids: string[] = [];
    const add = async (values: Readonly<Record<string, string | readonly string[]>>) => {
      const outcome = await invoke(service, 'AddResourceSettings', {
        AffectedConfiguration: of,
        ResourceSettings: [text('Msvm_ResourceAllocationSettingData', values)],
      });
      const [made] = outcome.values.get('ResultingResourceSettings') ?? [];
      ids.push(isReference(made) ? (made.selectors['InstanceID'] ?? '') : '');
      return outcome.returnValue;
    };
    const parent = () =>
      `\\\\H\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID="${(ids.at(-1) ?? '').replaceAll('\\', '\\\\')}"`;
    t.equal(await add({ ResourceType: '6', ResourceSubType: 'Microsoft:Hyper-V:Synthetic SCSI Controller' }), 0);
    t.equal(
      await add({ ResourceType: '17', ResourceSubType: 'Microsoft:Hyper-V:Synthetic Disk Drive', Parent: parent(), AddressOnParent: '0' }),
      0,
    );
    t.equal(
      await add({
        ResourceType: '31',
        ResourceSubType: 'Microsoft:Hyper-V:Virtual Hard Disk',
        Parent: parent(),
        HostResource: ['C:\\vms\\shared.vhdx'],
      }),
      0,
    );
    t.equal(
      await add({
        ResourceType: '31',
        ResourceSubType: 'Microsoft:Hyper-V:Virtual Hard Disk',
        Parent: parent(),
        HostResource: ['C:\\vms\\none.vhdx'],
      }),
      4,
    );
  }
  t.same(await references('SELECT * FROM Msvm_ResourceAllocationSettingData WHERE ResourceType = 5'), []);
  const ends: string[] = [];
  for (const name of ['first', 'second']) {
    await invoke(await one(`SELECT * FROM Msvm_ComputerSystem WHERE ElementName = '${name}'`), 'RequestStateChange', { RequestedState: 2 });
    while (simulator.host.jobs.all.some(({ state }) => state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
    ends.push(simulator.machineNamed(name)?.state ?? '');
  }
  t.same(ends, ['running', 'off']);
  t.match(simulator.host.jobs.all.at(-1)?.failure?.message, /being used by another process/);
});

t.test('version 1 has no events, no version 2, and no VHDX', async (t) => {
  const { client, one, invoke, simulator } = await simulated(t, { mode: 'v1' });
  const wql = "SELECT * FROM __InstanceModificationEvent WITHIN 2 WHERE TargetInstance ISA 'Msvm_ComputerSystem'";
  await t.rejects(client.subscribe('root/virtualization', wql, soon()).next(), { code: 'Unsupported', message: /sends no events/ });
  await t.rejects(client.query('root/virtualization/v2', 'SELECT * FROM Msvm_ComputerSystem', soon()), { code: 'Unsupported' });
  await invoke(await one('SELECT * FROM Msvm_ImageManagementService'), 'CreateDynamicVirtualHardDisk', {
    Path: 'C:\\vms\\x.vhdx',
    MaxInternalSize: 2 ** 30,
  });
  while (simulator.host.jobs.all.some(({ state }) => state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
  t.match(simulator.host.jobs.all.at(-1), { state: 'failed', failure: { message: /is no VHD/ } });
});
