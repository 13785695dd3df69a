import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import type { Driver, MachineDefinition } from '#drivers/driver.js';
import { credentialsOf, useVcsim, type Vcsim } from '#test/peers/vsphere/vcsim.js';
import { edits, startProxy } from '#test/servers/vsphere-proxy.js';
import { connectVsphereDriver } from './driver.js';

const soon = () => AbortSignal.timeout(30_000);
const script = fileURLToPath(new URL('../../../test/peers/vsphere/read_back.py', import.meta.url));
const bindings = '/usr/lib/python3/dist-packages/pyVmomi';
const skip = !existsSync(bindings) && process.env['CI'] !== 'true' && 'needs python3-pyvmomi';

/** What VMware's own bindings for Python read of the machine. */
async function readBack(vcsim: Vcsim, uuid: string): Promise<unknown> {
  const { username, password } = vcsim;
  await using proxy = await startProxy(vcsim);
  // Debian's bindings are older than what this simulator knows of a vCenter.
  proxy.trouble(
    'RetrieveServiceContent',
    edits((body) => body.replace(/<tenantManager.*?<\/tenantManager>/s, '')),
  );
  const env = { PATH: process.env['PATH'], VCSIM_PASSWORD: password };
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-W', 'ignore', script, `${proxy.port}`, username, uuid], { env });
  return JSON.parse(stdout);
}

const uuid = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d';
const owner = { cluster: 'c "1"', namespace: 'shop', name: 'dömäne', uid: 'u' };
const record = '{"boots":1}\n';

async function machine(driver: Driver, network: string): Promise<{ readonly definition: MachineDefinition; readonly location: string }> {
  const [pool] = (await driver.pools?.list(soon())) ?? [];
  const volume =
    pool && (await driver.volumes?.create({ pool: pool.id, nativeName: 'shop.db', format: 'Vmdk', sizeBytes: 1 << 30 }, soon()));
  if (volume === undefined) throw new Error('no volume');
  const definition: MachineDefinition = {
    uuid,
    nativeName: `shop.db <"&'>`,
    cpuCount: 3,
    memoryBytes: 3 * 2 ** 30,
    firmware: 'UEFI',
    disks: [{ name: 'root', location: volume.location, format: 'Vmdk' }],
    interfaces: [{ name: 'lan', network, macAddress: '00:50:56:01:02:03' }],
    serial: false,
    rng: false,
    vsphere: { guestId: 'windows2019srv_64Guest' },
  };
  return { definition, location: volume.location };
}

for (const [mode, path, network] of [
  ['esx', '', 'VM Network'],
  ['vcenter', '/DC0/DC0_C0', 'DC0_DVPG0'],
] as const)
  t.test(`a machine made on a simulated ${mode} is what another client reads`, { skip }, async (t) => {
    const vcsim = await useVcsim(t, { mode });
    const { username, password, sha256, port } = vcsim;
    const uri = `${mode === 'esx' ? 'esx' : 'vpx'}://127.0.0.1:${port}${path}`;
    await using driver = await connectVsphereDriver(uri, credentialsOf({ username, password, sha256 }), { signal: soon() });
    const { definition, location } = await machine(driver, network);
    await driver.machines.define(definition, { owner, record }, soon());
    t.match(await readBack(vcsim, uuid), {
      name: definition.nativeName,
      uuid,
      instanceUuid: uuid,
      guestId: 'windows2019srv_64Guest',
      firmware: 'efi',
      cpus: 3,
      memoryMB: 3072,
      managedBy: ['io.virtwright', 'machine'],
      extraConfig: {
        'virtwright.owner': '{"cluster":"c \\"1\\"","namespace":"shop","name":"d\\u00f6m\\u00e4ne","uid":"u"}',
        'virtwright.record': '"{\\"boots\\":1}\\n"',
        'virtwright.disks': '{"root":"scsi0:0"}',
        'virtwright.interfaces': '{"lan":"ethernet0"}',
      },
      disks: [{ file: location, mode: 'persistent', controller: 'VirtualLsiLogicSASController', unit: 0 }],
      cards: [{ type: /VirtualVmxnet3$/, network: mode === 'esx' ? network : null, mac: '00:50:56:01:02:03' }],
    });
  });
