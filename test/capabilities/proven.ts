import { readFileSync } from 'node:fs';
import { proof as fake } from '#drivers/fake/proof.js';
import { proof as hyperv } from '#drivers/hyperv/proof.js';
import { proof as xen } from '#drivers/libvirt/dialects/xen/proof.js';
import { proof as libvirt, proofOfContainers, proofOfGolden } from '#drivers/libvirt/proof.js';
import type { Proof, Proven } from '#drivers/proof.js';
import { proof as vsphere } from '#drivers/vsphere/proof.js';

export const readme = new URL('../../../README.md', import.meta.url);
export const proofsOfDrivers: readonly Proof[] = [libvirt, proofOfContainers, xen, proofOfGolden, vsphere, hyperv, fake];

const [begin, end] = [
  '<!-- What is proven: made by `node dist/test/capabilities/generate.js`. -->\n',
  '<!-- The end of what is proven. -->\n',
];

/** The README with the table of what is proven on what as the drivers have it. */
function withProofs(text: string): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has not both of ${begin} and ${end}`);
  return `${before}${begin}${table()}${end}${after}`;
}

export const currentReadme = (): string => withProofs(readFileSync(readme, 'utf8'));

function table(): string {
  const rows = proofsOfDrivers.flatMap(({ host, proven }) => proven.map((one) => [host, one.what, means(one), where(one)]));
  return ['| host | what | proven on | where |', '|---|---|---|---|', ...rows.map((cells) => `| ${cells.join(' | ')} |`), ''].join('\n');
}

const means = ({ by, note }: Proven): string => `**${by}**${note === undefined ? '' : `: ${note}`}`;
const where = ({ tests }: Proven): string => tests.map((test) => `[${test.replace(/^.*\/|\.test\.ts$/g, '')}](${test})`).join(', ');
