import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { servedDrives } from '#test/peers/hyperv-files.js';
import { usualFolder } from '#test/peers/hyperv-host.js';
import type { Samba } from '#test/peers/samba.js';

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: object;
}

/** The operator's, as the examples have it. */
export const namespace = 'virtwright-system';
export const user = { name: 'Administrator', password: 'p ä"ss\\w0rd' };

type LabOptions = Pick<SimulatorOptions, 'mode'> & Partial<SimulatorOptions> & { readonly files?: boolean };

/** A simulated host with what the examples take for granted: a folder for disks, and a switch. Its files go with it. */
export class HypervLab implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly folder: string;
  readonly #samba: Samba | undefined;
  readonly #manifests: readonly Manifest[];

  private constructor(simulator: Simulator, folder: string, samba: Samba | undefined, manifests: readonly Manifest[]) {
    this.simulator = simulator;
    this.folder = folder;
    this.#samba = samba;
    this.#manifests = manifests;
  }

  /** With `files` what is in its files is reached, too. */
  static async open({ files = false, ...options }: LabOptions): Promise<HypervLab> {
    const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
    for (const each of ['D/Hyper-V', usualFolder]) await mkdir(join(folder, each), { recursive: true });
    const samba = files ? await servedDrives(folder, user) : undefined;
    const simulator = await Simulator.start({ folder, users: [user], jobMs: 20, ...options });
    const lan = newSwitch({ ElementName: 'LAN' });
    simulator.host.switches.set(lan.id, lan);
    return new HypervLab(simulator, folder, samba, await readExamples());
  }

  get uri(): string {
    return `hyperv://127.0.0.1:${this.simulator.port}/?transport=http&smb=${this.#samba?.port ?? 'off'}`;
  }

  /** The examples as they are, but for where this host is, and what lets us in. */
  examples(): readonly Manifest[] {
    return this.#manifests.map((one) => {
      if (one.kind === 'Secret') return this.secret();
      return one.kind === 'Hypervisor' ? this.hypervisor() : one;
    });
  }

  /** Those of that kind, with some of their spec changed. */
  example(kind: string, spec: object = {}): readonly Manifest[] {
    return this.examples().flatMap((one) =>
      one.kind === kind ? [one.spec === undefined ? one : { ...one, spec: { ...one.spec, ...spec } }] : [],
    );
  }

  secret(
    stringData: Readonly<Record<string, string>> = { username: user.name, password: user.password },
  ): Manifest & { readonly stringData: object } {
    return { ...this.#first('Secret'), stringData };
  }

  hypervisor(spec: object = {}): Manifest {
    const found = this.#first('Hypervisor');
    return { ...found, spec: { ...found.spec, uri: this.uri, ...spec } };
  }

  /** A pool on a share and what is in it, but for where the file server is. */
  async shares(server: string): Promise<readonly Manifest[]> {
    return loadAll((await readExample('shares')).replaceAll('fs1.example.org', server)) as readonly Manifest[];
  }

  /** A machine of another manifest, and its volume. */
  async more(name: 'ignition' | 'cloud-init'): Promise<readonly Manifest[]> {
    return loadAll(await readExample(name)) as readonly Manifest[];
  }

  /** A machine of another manifest, with a disk and a disc of those images, which have other checksums than those that are published. */
  async images(disk: string, disc: string): Promise<readonly Manifest[]> {
    const urls = [disk, disc];
    const published = (await readExample('image')).replaceAll(/^ *checksum: .*$/gm, '');
    return loadAll(published.replaceAll(/https:\S+/g, () => urls.shift() ?? '')) as readonly Manifest[];
  }

  /** Files of the pool, but for what makes their names unique. */
  async files(): Promise<readonly string[]> {
    return (await readdir(join(this.folder, 'D/Hyper-V'))).map((name) => name.replace(/-[0-9a-f]{8}/, '')).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator[Symbol.asyncDispose]();
    await this.#samba?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  #first(kind: string): Manifest {
    const found = this.#manifests.find((one) => one.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} in manifests/examples/hyperv`);
    return found;
  }
}

/** What could change something on the host. */
export const isChange = (asked: string): boolean =>
  /^Put |\.(Define|Modify|Destroy|Add|Remove|Request|Create|Resize|Expand|Convert|Delete|Initiate|Connect|Disconnect|Setup|Teardown)/.test(
    asked,
  );

// Seen from `dist/test/faults/`.
const folder = new URL('../../../manifests/examples/hyperv/', import.meta.url);
const readExample = (name: string): Promise<string> => readFile(new URL(`${name}.yaml`, folder), 'utf8');

async function readExamples(): Promise<readonly Manifest[]> {
  const texts = await Promise.all(['host', 'machine', 'volumes', 'isolated', 'outside'].map(readExample));
  return texts.flatMap((text) => loadAll(text)) as readonly Manifest[];
}
