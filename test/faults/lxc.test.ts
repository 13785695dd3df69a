import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import { connect } from '#drivers/connect.js';
import type { MachineId } from '#drivers/driver.js';
import { containerBanner, containerRoot, packContainerRoot } from '#test/peers/containers.js';
import { isReady, useLab } from './lab.js';

// Containers as the examples have them, on a real libvirt with LXC, under the whole operator.

const lab = await useLab(t);
const { world, daemon } = lab;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const examples = new URL('../../../manifests/examples/lxc/', import.meta.url);
const read = async (name: string) => loadAll(await readFile(new URL(`${name}.yaml`, examples), 'utf8')) as readonly Manifest[];

const archive = join(daemon.directory, 'root.tar.gz');
await packContainerRoot(archive, daemon.directory);
const url = lab.images.put('alpine-minirootfs.tar.gz', { bytes: await readFile(archive) });
const trees = join(daemon.directory, 'trees');

/** The examples as they are, but for where this host, its pool and the archive are. */
function here({ kind, metadata, spec }: Manifest): Manifest {
  const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
  if (kind === 'Hypervisor') return { kind, metadata: { name: 'one' }, spec: { ...spec, uri: daemon.lxcUri, grants } };
  if (kind === 'StoragePool') return { kind, metadata, spec: { directory: { path: trees } } };
  const named = { ...metadata, namespace: 'default' };
  if (kind === 'StorageVolume' && spec['source'] !== undefined)
    return { kind, metadata: named, spec: { ...spec, source: { url, format: 'Tar' } } };
  return { kind, metadata: named, spec };
}

const bird = (isSo: (seen: VirtualMachine) => boolean = () => true) => lab.untilReady('bird', isSo);
const rootOf = async () => (await world.until('StorageVolume', 'bird-root', isReady)).status?.location ?? '';

async function heard({ status }: VirtualMachine, wanted: string, typed = ''): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  await using console = await driver.consoles?.open(status?.uuid as MachineId, signal);
  if (typed !== '') await console?.write(Buffer.from(typed), signal);
  let text = '';
  for await (const bytes of console?.output ?? []) {
    text += Buffer.from(bytes).toString('latin1');
    if (text.includes(wanted)) return text;
  }
  throw new Error(`not heard: ${wanted}; but ${text}`);
}

const manifests = [...(await read('host')), ...(await read('machine'))].map(here);
const machine = manifests.find(({ kind }) => kind === 'VirtualMachine');
if (machine === undefined) throw new Error('the example has a machine');

await t.test('a container is made of an archive, runs, and has an address', async (t) => {
  await using operator = lab.process('operator');
  await world.apply(...manifests);
  const running = await bird(({ status }) => status?.power?.state === 'Running');
  t.match(await heard(running, containerBanner), containerBanner);
  const addressed = await bird(({ status }) => (status?.interfaces?.[0]?.addresses ?? []).length > 0);
  t.match(addressed.status?.interfaces, [{ name: 'lan', addresses: [{ ip: /^10\.31\.0\.1\d\d$/, source: 'Lease' }] }]);
  const volume: StorageVolume = await world.until('StorageVolume', 'bird-root', isReady);
  t.match(volume.status, { format: 'Directory' });
  t.ok((await readdir(await rootOf())).includes('sbin'));
  t.match(await heard(addressed, `${containerRoot}`, 'cat /proc/self/uid_map\n'), 'root of it is nobody on the host');
  await operator.kill9();
});
