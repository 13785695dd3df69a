import { dirname } from 'node:path/posix';
import type { Import, Source } from './sources.js';

/** One law of the house. `broken` are files that break it, path to text: each must be found out, or the rule is blind. */
export interface Rule {
  readonly law: string;
  /** What stands against it, one sentence each. */
  readonly offences: (house: readonly Source[]) => readonly string[];
  readonly broken: Readonly<Record<string, string>>;
}

const isTest = (path: string): boolean => path.startsWith('test/') || path.endsWith('.test.ts');
const isProduct = ({ path }: Source): boolean => !isTest(path);
const isOurs = (target: string): boolean => /^(bench|cli|controllers|crds|demo|drivers|simulators|standalone|test)\//.test(target);
const below = (...folders: readonly string[]) => {
  return (path: string): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
};
const oneOf = (...paths: readonly string[]) => {
  return (path: string): boolean => paths.includes(path);
};

type Where = (source: Source) => boolean;
type Allowed = (taken: Import, source: Source) => boolean;

/** No file there imports what is not allowed. */
const imports = (where: Where, allowed: Allowed) => {
  return (house: readonly Source[]): readonly string[] =>
    house
      .filter(where)
      .flatMap((source) =>
        source.imports.filter((taken) => !allowed(taken, source)).map(({ target }) => `${source.path} imports ${target}`),
      );
};

const kubernetesClient = /^@kubernetes\//;
/** Builtins that only reckon. */
const pureBuiltins = oneOf('node:crypto', 'node:util', 'node:path', 'node:path/posix', 'node:buffer');
const isBuiltin = (target: string): boolean => target.startsWith('node:');

const layer = (name: string) => below(`drivers/libvirt/${name}`);
const sharedByDrivers = oneOf(
  'drivers/driver.ts',
  'drivers/error.ts',
  'drivers/target.ts',
  'drivers/ascii.ts',
  'drivers/certificates.ts',
  'drivers/credentials.ts',
  'drivers/deadline.ts',
  'drivers/empty-volumes.ts',
  'drivers/existing-networks.ts',
  'drivers/owner.ts',
  'drivers/png.ts',
  'drivers/pool-source.ts',
  'drivers/proof.ts',
  'drivers/vhdx-header.ts',
  'drivers/within.ts',
  'drivers/words.ts',
);
const controllersHave = oneOf(
  ...[
    'drivers/driver.ts',
    'drivers/error.ts',
    'drivers/target.ts',
    'drivers/ascii.ts',
    'drivers/pool-source.ts',
    'drivers/vhdx-header.ts',
    'drivers/within.ts',
  ],
);
const sharedXml = below('drivers/xml', 'drivers/https');
const logsInToHyperv = (path: string): boolean => below('drivers/hyperv/ntlm')(path) || path === 'drivers/hyperv/refusal.ts';
const hostOf = (path: string): string | undefined => /^drivers\/([^/]+)\//.exec(path)?.[1];

/** Decides, or tells what was decided: all that it knows is given to it. */
const isPure = ({ path }: Source): boolean =>
  /^controllers\/.*\b(plan[^/]*|report|fit|difference|record[^/]*|choose|standing|conditions)\.ts$/.test(path) && !isTest(path);

/** What a file loads, and what that loads, and so on; types load nothing. */
function loadedBy(start: Source, house: ReadonlyMap<string, Source>): ReadonlyMap<string, string> {
  const by = new Map<string, string>();
  const open = [start];
  for (let source = open.pop(); source !== undefined; source = open.pop())
    for (const { target, typeOnly } of source.imports) {
      if (typeOnly || by.has(target)) continue;
      by.set(target, source.path);
      const next = house.get(target);
      if (next !== undefined) open.push(next);
    }
  return by;
}

const doesIo = (target: string): boolean =>
  kubernetesClient.test(target) ||
  target === 'controllers/kubernetes/client.ts' ||
  (isBuiltin(target) && !pureBuiltins(target) && !oneOf('node:net')(target)) ||
  target === 'something that is reckoned';

function impure(house: readonly Source[]): readonly string[] {
  const byPath = new Map(house.map((source) => [source.path, source]));
  return house
    .filter(isPure)
    .flatMap((source) => [
      ...source.ambient.map((used) => `${source.path} uses ${used}`),
      ...source.imports.filter(({ target }) => target === 'node:net').map(({ target }) => `${source.path} imports ${target}`),
      ...[...loadedBy(source, byPath)]
        .filter(([target]) => doesIo(target))
        .map(([target, by]) => `${source.path} loads ${target}, by ${by}`),
    ]);
}

/** Each circle once, named from its first file by name. */
function circles(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (at: string, path: readonly string[]): void => {
    const seen = path.indexOf(at);
    if (seen >= 0) found.add(named(path.slice(seen)));
    if (seen >= 0 || done.has(at)) return;
    for (const next of edges.get(at) ?? []) visit(next, [...path, at]);
    done.add(at);
  };
  for (const at of [...edges.keys()].sort()) visit(at, []);
  return [...found];
}

function named(circle: readonly string[]): string {
  const first = circle.indexOf([...circle].sort()[0] ?? '');
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return [...turned, turned[0]].join(' -> ');
}

const circlesOfFiles = (house: readonly Source[]): readonly string[] =>
  circles(new Map(house.map(({ path, imports }) => [path, imports.map(({ target }) => target).filter(isOurs)])));

/** Folders beside each other; types count as well: two that need each other are one. What holds them may use them, and they it. */
function circlesOfFolders(house: readonly Source[]): readonly string[] {
  const edges = new Map<string, Set<string>>();
  for (const { path, imports } of house.filter(isProduct))
    for (const { target } of imports.filter((taken) => areBeside(dirname(path), dirname(taken.target))))
      edges.set(dirname(path), (edges.get(dirname(path)) ?? new Set()).add(dirname(target)));
  return circles(new Map([...edges].map(([folder, targets]) => [folder, [...targets]])));
}

const areBeside = (one: string, other: string): boolean => one !== other && dirname(one) === dirname(other) && isOurs(`${one}/`);

export const rules: readonly Rule[] = [
  {
    law: 'crds/ imports nothing of ours but itself',
    offences: imports(
      ({ path }) => below('crds')(path),
      ({ target }, { path }) => !isOurs(target) || below('crds')(target) || (isTest(path) && isTest(target)),
    ),
    broken: {
      'crds/a.ts': `import { unfit } from '#controllers/fit.js';`,
      'crds/b.test.ts': `import { connect } from '../drivers/connect.js';`,
    },
  },
  {
    law: 'drivers/ knows no Kubernetes: it imports of ours only drivers/, and no client of Kubernetes',
    offences: imports(
      ({ path }) => below('drivers')(path),
      ({ target }, { path }) =>
        (!isOurs(target) || below('drivers')(target) || (isTest(path) && (isTest(target) || below('simulators')(target)))) &&
        !kubernetesClient.test(target),
    ),
    broken: {
      'drivers/fake/a.ts': `import type { VirtualMachine } from '#crds/types.js';`,
      'drivers/fake/b.ts': `const { fit } = await import('../../controllers/fit.js');`,
      'drivers/libvirt/c.test.ts': `import { KubeConfig } from '@kubernetes/client-node';`,
    },
  },
  {
    law: 'only controllers/main.ts imports drivers/connect.ts',
    offences: imports(
      ({ path }) => !isTest(path) && path !== 'controllers/main.ts',
      ({ target }) => target !== 'drivers/connect.ts',
    ),
    broken: {
      'controllers/commands.ts': `import { connect } from '#drivers/connect.js';`,
      'drivers/libvirt/a.ts': `import type { connect } from '../connect.js';`,
    },
  },
  {
    law: 'controllers/ imports of drivers/ only driver.ts, error.ts, target.ts, ascii.ts, pool-source.ts, vhdx-header.ts and within.ts; its tests also connect.ts and fake/',
    offences: imports(
      ({ path }) => below('controllers')(path) && path !== 'controllers/main.ts',
      ({ target }, { path }) =>
        !below('drivers')(target) ||
        controllersHave(target) ||
        (isTest(path) && (target === 'drivers/connect.ts' || below('drivers/fake')(target))),
    ),
    broken: {
      'controllers/a.ts': `import { FakeHost } from '#drivers/fake/host.js';`,
      'controllers/b.test.ts': `import { connectLibvirt } from '#drivers/libvirt/rpc/connection.js';`,
    },
  },
  {
    law: 'a driver never imports another; only connect.ts imports drivers, and what they share imports none',
    offences: imports(
      ({ path }) => below('drivers')(path) && path !== 'drivers/connect.ts',
      ({ target }, { path }) =>
        !below('drivers')(target) ||
        sharedByDrivers(target) ||
        hostOf(target) === hostOf(path) ||
        (path === 'drivers/driver.ts' && below('drivers/facets')(target)) ||
        (sharedXml(target) && hostOf(path) !== undefined) ||
        (isTest(path) && target === 'drivers/connect.ts'),
    ),
    broken: {
      'drivers/vsphere/a.ts': `import type { Daemon } from '../libvirt/daemon.js';`,
      'drivers/xml/b.ts': `import { editDomain } from '#drivers/libvirt/xml/edit.js';`,
      'drivers/error.ts': `export { toDriverError } from './libvirt/rpc/driver-error.js';`,
    },
  },
  {
    law: 'what may be asked of a host is taken from drivers/driver.ts, and nothing but types: drivers/facets/ is how it is written down',
    offences: (house) => [
      ...imports(
        ({ path }) => path !== 'drivers/driver.ts' && !below('drivers/facets')(path),
        ({ target }) => !below('drivers/facets')(target),
      )(house),
      ...imports(
        ({ path }) => below('drivers/facets')(path),
        ({ target, typeOnly }) => typeOnly && (below('drivers/facets')(target) || sharedByDrivers(target)),
      )(house),
    ],
    broken: {
      'drivers/fake/a.ts': `import type { Pools } from '../facets/pools.js';`,
      'drivers/facets/b.ts': `import { DriverError } from '../error.js';`,
    },
  },
  {
    law: 'drivers/connect.ts loads a driver only when a host needs it, and of it only driver.ts',
    offences: (house) =>
      house
        .filter(({ path }) => path === 'drivers/connect.ts')
        .flatMap(({ imports }) => imports)
        .filter(({ target }) => below('drivers')(target) && !sharedByDrivers(target) && !/^drivers\/[^/]+\/driver\.ts$/.test(target))
        .map(({ target }) => `drivers/connect.ts imports ${target}`),
    broken: { 'drivers/connect.ts': `const { FakeHost } = await import('./fake/host.js');` },
  },
  {
    law: 'drivers/libvirt/xml/ is pure: it imports neither rpc, transport nor facets, and does no I/O',
    offences: imports(
      ({ path }) => layer('xml')(path) && !isTest(path),
      ({ target }) =>
        isOurs(target) ? layer('xml')(target) || sharedXml(target) || sharedByDrivers(target) : !doesIo(target) && target !== 'node:net',
    ),
    broken: {
      'drivers/libvirt/xml/a.ts': `import type { DomainHandle } from '../rpc/types.js';`,
      'drivers/libvirt/xml/b.ts': `import { readFileSync } from 'node:fs';`,
      'drivers/libvirt/xml/c.ts': `import type { Daemon } from '../daemon.js';`,
    },
  },
  {
    law: 'drivers/libvirt/rpc/ imports no facet and no XML; of what is around it only transport/',
    offences: imports(
      ({ path }) => layer('rpc')(path) && !isTest(path),
      ({ target }) =>
        !isOurs(target) || layer('rpc')(target) || layer('transport')(target) || oneOf('drivers/error.ts', 'drivers/deadline.ts')(target),
    ),
    broken: {
      'drivers/libvirt/rpc/a.ts': `import type { LibvirtPower } from '../power.js';`,
      'drivers/libvirt/rpc/b.ts': `import { createDomain } from '../xml/domain.js';`,
    },
  },
  {
    law: 'drivers/libvirt/transport/ and uri.ts import nothing above them',
    offences: imports(
      ({ path }) => (layer('transport')(path) || path === 'drivers/libvirt/uri.ts') && !isTest(path),
      ({ target }, { path }) =>
        !isOurs(target) ||
        target === 'drivers/error.ts' ||
        (layer('transport')(path) && (layer('transport')(target) || target === 'drivers/deadline.ts')),
    ),
    broken: {
      'drivers/libvirt/transport/a.ts': `import type { Session } from '../rpc/session.js';`,
      'drivers/libvirt/uri.ts': `import { unixTransport } from './transport/unix.js';`,
    },
  },
  {
    law: 'drivers/vsphere/soap/ knows no machines: it imports of ours only itself, XML, and what drivers share',
    offences: imports(
      ({ path }) => below('drivers/vsphere/soap')(path) && !isTest(path),
      ({ target }) => !isOurs(target) || below('drivers/vsphere/soap')(target) || sharedXml(target) || sharedByDrivers(target),
    ),
    broken: {
      'drivers/vsphere/soap/a.ts': `import type { Inventory } from '../inventory.js';`,
      'drivers/vsphere/soap/b.ts': `import { createSpec } from '../config/spec.js';`,
    },
  },
  {
    law: 'drivers/vsphere/config/ is pure: of soap/ it imports only what reads and writes values, and it does no I/O',
    offences: imports(
      ({ path }) => below('drivers/vsphere/config')(path) && !isTest(path),
      ({ target, typeOnly }) =>
        isOurs(target)
          ? below('drivers/vsphere/config')(target) ||
            oneOf('drivers/vsphere/soap/types.ts', 'drivers/vsphere/soap/names.ts')(target) ||
            (typeOnly && target === 'drivers/vsphere/soap/properties.ts') ||
            sharedXml(target) ||
            sharedByDrivers(target)
          : !doesIo(target),
    ),
    broken: {
      'drivers/vsphere/config/a.ts': `import { retrieve } from '../soap/properties.js';`,
      'drivers/vsphere/config/b.ts': `import { readFileSync } from 'node:fs';`,
      'drivers/vsphere/config/c.ts': `import type { Inventory } from '../inventory.js';`,
    },
  },
  {
    law: 'drivers/hyperv/wsman/ knows no machines: it imports of ours only itself, what logs in, XML, and what drivers share',
    offences: imports(
      ({ path }) => below('drivers/hyperv/wsman')(path) && !isTest(path),
      ({ target }) =>
        !isOurs(target) || below('drivers/hyperv/wsman')(target) || logsInToHyperv(target) || sharedXml(target) || sharedByDrivers(target),
    ),
    broken: {
      'drivers/hyperv/wsman/a.ts': `import { machineOf } from '../machines.js';`,
      'drivers/hyperv/wsman/b.ts': `import { Session } from '../../vsphere/soap/session.js';`,
    },
  },
  {
    law: 'drivers/hyperv/smb/ knows neither machines nor WMI: it imports of ours only itself, what logs in, and what drivers share',
    offences: imports(
      ({ path }) => below('drivers/hyperv/smb')(path) && !isTest(path),
      ({ target }) =>
        !isOurs(target) || below('drivers/hyperv/smb')(target) || logsInToHyperv(target) || sharedXml(target) || sharedByDrivers(target),
    ),
    broken: {
      'drivers/hyperv/smb/a.ts': `import { machineOf } from '../machines.js';`,
      'drivers/hyperv/smb/b.ts': `import { Lanes } from '../wsman/lanes.js';`,
    },
  },
  {
    law: 'drivers/hyperv/ asks for the version of WMI under wmi/ alone',
    offences: (house) =>
      house
        .filter(({ path }) => below('drivers/hyperv')(path) && !below('drivers/hyperv/wmi')(path) && !isTest(path))
        .filter(({ asksVersion }) => asksVersion)
        .map(({ path }) => `${path} asks for the version`),
    broken: {
      'drivers/hyperv/a.ts': `export const isOld = (wmi: Wmi) => wmi.version === 'v1';`,
      'drivers/hyperv/b.ts': `export const saved = (settings: Settings) => settings.v2.IsSaved;`,
    },
  },
  {
    law: 'drivers/hyperv/wmi/ knows classes and their versions, and no machines of ours: it imports of ours only itself, wsman/, and what drivers share',
    offences: imports(
      ({ path }) => below('drivers/hyperv/wmi')(path) && !isTest(path),
      ({ target }) => !isOurs(target) || below('drivers/hyperv/wmi', 'drivers/hyperv/wsman')(target) || sharedByDrivers(target),
    ),
    broken: { 'drivers/hyperv/wmi/a.ts': `import { HypervMachines } from '../machines.js';` },
  },
  {
    law: 'simulators/ share no mistakes with drivers: they import of ours only themselves, XML, and the ciphers that others have checked',
    offences: imports(
      ({ path }) => below('simulators')(path),
      ({ target }, { path }) =>
        !isOurs(target) ||
        below('simulators')(target) ||
        sharedXml(target) ||
        below('drivers/hyperv/ntlm')(target) ||
        target === 'drivers/hyperv/wsman/endpoint-hash.ts' ||
        (isTest(path) && (isTest(target) || below('drivers/hyperv')(target))),
    ),
    broken: {
      'simulators/hyperv/a.ts': `import { namespaces } from '#drivers/hyperv/wsman/names.js';`,
      'simulators/hyperv/b.ts': `import { DriverError } from '#drivers/error.js';`,
    },
  },
  {
    law: 'only the program and tests use simulators/',
    offences: imports(
      (source) => isProduct(source) && !below('simulators')(source.path) && source.path !== 'controllers/simulate.ts',
      ({ target }) => !below('simulators')(target),
    ),
    broken: {
      'drivers/hyperv/a.ts': `import { Simulator } from '#simulators/hyperv/simulator.js';`,
      'controllers/agent/b.ts': `import { Simulator } from '#simulators/hyperv/simulator.js';`,
    },
  },
  {
    law: 'what plans, reports and records does no I/O, and asks neither clock nor chance',
    offences: impure,
    broken: {
      'controllers/virtual-machine/plan-a.ts': `import { readFile } from 'node:fs/promises';`,
      'controllers/virtual-machine/report.ts': `export const now = () => Date.now();`,
      'controllers/fit.ts': `import { createClient } from './kubernetes/client.js';`,
      'controllers/placement/choose.ts': `import { b } from './b.js';`,
      'controllers/placement/b.ts': `import { request } from 'node:https';`,
      'controllers/virtual-machine/record.ts': `import { connect } from 'node:net';`,
      'controllers/standing.ts': `setTimeout(() => {}, 1);`,
      'controllers/conditions.ts': `export const now = new Date();`,
      'controllers/virtual-machine/difference.ts': `export const home = process.env['HOME'];`,
    },
  },
  {
    law: 'controllers/kubernetes/ knows no virtualisation: it imports of ours only itself',
    offences: imports(
      ({ path }) => below('controllers/kubernetes')(path),
      ({ target }, { path }) => !isOurs(target) || below('controllers/kubernetes')(target) || (isTest(path) && below('test')(target)),
    ),
    broken: {
      'controllers/kubernetes/a.ts': `import type { VirtualMachine } from '#crds/types.js';`,
      'controllers/kubernetes/b.ts': `import { DriverError } from '../../drivers/error.js';`,
      'controllers/kubernetes/c.ts': `import { Patience } from '../patience.js';`,
    },
  },
  {
    law: 'only controllers/kubernetes/ imports a client of Kubernetes',
    offences: imports(
      ({ path }) => !isTest(path) && !below('controllers/kubernetes')(path),
      ({ target }) => !kubernetesClient.test(target),
    ),
    broken: { 'controllers/console.ts': `import { KubeConfig } from '@kubernetes/client-node';` },
  },
  {
    law: 'controller and agent are two programs: cluster/ and placement/ import nothing of agent/, nor agent/ of them',
    offences: (house) => [
      ...imports(
        ({ path }) => below('controllers/cluster', 'controllers/placement', 'controllers/spanning')(path),
        ({ target }) => !below('controllers/agent')(target),
      )(house),
      ...imports(
        ({ path }) => below('controllers/agent')(path),
        ({ target }) => !below('controllers/cluster', 'controllers/placement', 'controllers/spanning')(target),
      )(house),
    ],
    broken: {
      'controllers/cluster/a.ts': `import { runAgent } from '../agent/agent.js';`,
      'controllers/agent/b.ts': `import { choose } from '../placement/choose.js';`,
    },
  },
  {
    law: 'cli/ asks an API server, and agents by session: it imports of ours only itself, crds/, controllers/kubernetes/ and what both ends of a session agree on',
    offences: imports(
      ({ path }) => below('cli')(path),
      ({ target }, { path }) =>
        (!isOurs(target) ||
          below('cli', 'crds', 'controllers/kubernetes')(target) ||
          oneOf('controllers/session/certificate.ts', 'controllers/session/wire.ts')(target) ||
          (isTest(path) && isTest(target))) &&
        !kubernetesClient.test(target),
    ),
    broken: {
      'cli/a.ts': `import { connect } from '#drivers/connect.js';`,
      'cli/b.ts': `import { printable } from '#controllers/standing.js';`,
      'cli/c.ts': `import { Door } from '#controllers/session/door.js';`,
    },
  },
  {
    law: "only the programs import cli/: what stands in controllers/ itself, not in the folders there, and the bench's own agent",
    offences: imports(
      ({ path }) => !isTest(path) && !below('cli')(path) && !/^(controllers\/[^/]+|bench\/scale\/agent)\.ts$/.test(path),
      ({ target }) => !below('cli')(target),
    ),
    broken: { 'controllers/agent/a.ts': `import { Complaint } from '#cli/complaint.js';`, 'standalone/b.ts': `import '#cli/flags.js';` },
  },
  {
    law: 'standalone/ imports nothing of controllers/ or drivers/',
    offences: imports(
      ({ path }) => below('standalone')(path),
      ({ target }) => !below('controllers', 'drivers')(target),
    ),
    broken: { 'standalone/a.ts': `import { createStore } from '#controllers/kubernetes/store.js';` },
  },
  {
    law: 'nothing but tests and bench/ imports of test/, or a test',
    offences: imports(
      (source) => isProduct(source) && !below('bench')(source.path),
      ({ target }) => !isTest(target),
    ),
    broken: { 'controllers/a.ts': `import { ManualClock } from '#test/cluster/manual-clock.js';` },
  },
  {
    law: 'every import of ours is of a file that is there',
    offences: (house) => {
      const there = new Set(house.map(({ path }) => path));
      return imports(
        () => true,
        ({ target }) => target !== 'something that is reckoned' && (!isOurs(target) || there.has(target)),
      )(house);
    },
    broken: { 'crds/a.ts': `import { b } from './b.js';`, 'drivers/a.ts': 'export const load = (name: string) => import(name);' },
  },
  {
    law: 'there are no default exports',
    offences: (house) => house.filter(({ exportsDefault }) => exportsDefault).map(({ path }) => `${path} has a default export`),
    broken: {
      'crds/a.ts': 'export default function a() {}',
      'crds/b.ts': 'const b = 1; export { b as default };',
      'crds/c.ts': 'export default 1;',
    },
  },
  {
    law: 'no files import each other, not even types',
    offences: circlesOfFiles,
    broken: { 'crds/a.ts': `import type { B } from './b.js';`, 'crds/b.ts': `import type { A } from './a.js';` },
  },
  {
    law: 'no folders beside each other import each other, not even types',
    offences: circlesOfFolders,
    broken: { 'controllers/a/a.ts': `import type { B } from '../b/b.js';`, 'controllers/b/c.ts': `import type { A } from '../a/a.js';` },
  },
];
