import { createHash } from 'node:crypto';
import type { SeedKind } from '#drivers/driver.js';
import { type IsoFile, isoImage } from './iso.js';

/** What a guest is to find, by the names of the files. `Ignition` has one, its configuration. */
export interface SeedContent {
  readonly kind: SeedKind;
  readonly files: readonly IsoFile[];
}

export interface CloudInitData {
  /** By which cloud-init tells one machine from another: what it did for one it does not do again. */
  readonly instanceId: string;
  readonly hostname: string;
  readonly userData?: Uint8Array;
  readonly networkData?: Uint8Array;
}

/** As the data source NoCloud has it. */
export function cloudInit({ instanceId, hostname, userData, networkData }: CloudInitData): SeedContent {
  const text = (name: string, content: string): IsoFile => ({ name, content: Buffer.from(content) });
  return {
    kind: 'CloudInit',
    files: [
      text('meta-data', `instance-id: ${instanceId}\nlocal-hostname: ${hostname}\n`),
      userData === undefined ? text('user-data', '#cloud-config\n{}\n') : { name: 'user-data', content: userData },
      ...(networkData === undefined ? [] : [{ name: 'network-config', content: networkData }]),
    ],
  };
}

export const ignition = (config: Uint8Array): SeedContent => ({ kind: 'Ignition', files: [{ name: 'config', content: config }] });

/** Setup looks for the one when it installs Windows, and a system that was generalised for the other when it starts. */
export const sysprep = (answers: Uint8Array): SeedContent => ({
  kind: 'Sysprep',
  files: ['Autounattend.xml', 'Unattend.xml'].map((name) => ({ name, content: answers })),
});

/** By which guests look for it. */
const labels = { CloudInit: 'cidata', Sysprep: 'sysprep' } as const;

/** The bytes that the host keeps. */
export const seedBytes = ({ kind, files }: SeedContent): Uint8Array =>
  kind === 'Ignition' ? (files[0]?.content ?? Buffer.of()) : isoImage(labels[kind], files);

/** Another way to write the same content is another seed. */
const writer = 1;

/**
 * Stands for the content in the seed's name, which many may read: `salt` is known to nobody who may not read the content, or else who
 * guesses a password in it could see whether he is right.
 */
export function seedDigest({ kind, files }: SeedContent, salt: string): string {
  const hash = createHash('sha256').update(JSON.stringify([writer, kind, salt]));
  for (const { name, content } of files) hash.update(JSON.stringify([name, content.length])).update(content);
  return hash.digest('hex').slice(0, 16);
}
