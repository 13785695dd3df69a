import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { serializeXml } from '#drivers/xml/serialize.js';
import { element } from '#drivers/xml/tree.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { namespaces } from '../wmi/class.js';
import { WsmanClient } from './client.js';
import type { WsmanFault } from './fault.js';
import { Lanes } from './lanes.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-faults-'));
t.teardown(() => rm(folder, { recursive: true }));
const soon = () => AbortSignal.timeout(30_000);

async function connected(t: Test, mode: 'v1' | 'v2') {
  const users = [{ name: 'Administrator', password: 'secret' }];
  const simulator = await Simulator.start({ mode, folder, users, ways: { basic: true, unencrypted: true } });
  const login = { kind: 'basic', username: 'Administrator', password: 'secret' } as const;
  const client = new WsmanClient(new Lanes({ host: '127.0.0.1', port: simulator.port }, login));
  t.teardown(async () => {
    await client[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });
  return { client, port: simulator.port, namespace: namespaces[mode] };
}

const nobody = "{Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='00000000-0000-4000-8000-000000000000'}";

/** Server 2008 R2 and all since 2012 have other shapes of fault, and both the same number for whatever is wrong with a listing. */
for (const mode of ['v1', 'v2'] as const) {
  const cases = [
    [
      'a namespace that is not there',
      'root/elsewhere',
      'SELECT * FROM Msvm_ComputerSystem',
      'Unsupported',
      /root\/elsewhere is invalid.*is the role Hyper-V/,
    ],
    ['a class that is not there', '', 'SELECT * FROM Msvm_Nothing', 'Unsupported', /class Msvm_Nothing does not exist/],
    [
      'what belongs to an object that is not there',
      '',
      `ASSOCIATORS OF ${nobody} WHERE ResultClass = Msvm_ConcreteJob`,
      'NotFound',
      /no object/,
    ],
    ['a query that is none', '', 'DROP TABLE', 'Unsupported', /WQL query is invalid/],
  ] as const;
  for (const [what, elsewhere, wql, code, message] of cases)
    t.test(`${mode}: ${what} is told by what the host said, and what it is about`, async (t) => {
      const { client, namespace } = await connected(t, mode);
      const cause = { subcode: 'CannotProcessFilter', numbers: mode === 'v1' ? [2150858778, 2150858778] : [2150858778] };
      await t.rejects(client.query(elsewhere || namespace, wql, soon()), { code, message, cause });
    });

  t.test(`${mode}: an object, a method and selectors that are not there are told apart`, async (t) => {
    const { client, namespace } = await connected(t, mode);
    const [service] = await client.queryReferences(namespace, 'SELECT * FROM Msvm_VirtualSystemManagementService', soon());
    if (service === undefined) throw new Error('no service');
    const gone = { ...service, selectors: { ...service.selectors, Name: 'other' } };
    await t.rejects(client.get(gone, soon()), { code: 'NotFound', cause: { subcode: 'DestinationUnreachable' } });
    await t.rejects(client.invoke(service, 'Fly', {}, soon()), { code: 'Unsupported', message: /does not have the method/ });
    const unnamed = client.invoke({ ...service, selectors: {} }, 'DefineSystem', {}, soon());
    await t.rejects(unnamed, { code: 'Internal', cause: { cause: { numbers: mode === 'v1' ? [0x8004102f, 0x8004102f] : [0x8004102f] } } });
  });
}

t.test('faults have the shapes that real hosts of either age showed', async (t) => {
  for (const [mode, detail] of [
    [
      'v1',
      /<f:WSManFault [^>]*Code="2150858778" Machine="HYPERV"[^>]*><f:Message><f:ProviderFault [^>]*><f:WSManFault [^>]*><f:Message>[^<]+<\/f:Message><\/f:WSManFault><f:ExtendedError>/,
    ],
    ['v2', /<p:MSFT_WmiError [^>]*><p:CIMStatusCode>5<\/p:CIMStatusCode>.*<p:error_Code>2150858778<\/p:error_Code>/],
  ] as const) {
    const { client, namespace } = await connected(t, mode);
    let fault: WsmanFault | undefined;
    await client.query(namespace, 'SELECT * FROM Msvm_Nothing', soon()).catch(({ cause }) => {
      fault = cause;
    });
    t.match(serializeXml(fault?.detail ?? element('none')), detail);
  }
});
