import { accepted, claimed, none, notDone, seenOnly, untested, yes } from './cells.js';
import { checked } from './checked.js';
import { type Column, facets, isSeenOnly, isUntested } from './column.js';
import { driverFields } from './fields.js';
import { matrix } from './matrix.js';
import { ownFields } from './own-fields.js';
import { type Proof, proofs } from './proofs.js';
import { verbRows } from './verbs.js';

export function renderCapabilities(columns: readonly Column[]): string {
  const named = [...new Set(columns.flatMap(({ capabilities }) => capabilities.map(({ field }) => field)))].sort();
  const names = columns.map(({ name }) => name);
  return [
    ...preface,
    ...table(
      ['host', 'what said so', 'proven on'],
      columns.map((column) => [column.name, column.said, `**${isSeenOnly(column) ? seenOnly : column.provenOn}**`]),
    ),
    '',
    '## Fields',
    '',
    'What a manifest can say, the capability that it needs of the host, and what hosts of each kind accept. `Live` and `Hotplug` say what a change takes in a machine that runs;',
    'elsewhere it waits for the next start. Of `disks` and `interfaces` it is about adding and removing them. What is checked is compared with a machine, a pool or a network before it is',
    'used, and one that asks for what its host does not tell is refused, by the name of the field.',
    '',
    ...table(
      ['capability', 'fields', ...names, 'checked'],
      named.map((field) => [
        `\`${field}\``,
        fieldsOf(field),
        ...columns.map((column) => accepted(column, field)),
        checked.has(field) ? yes : 'no',
      ]),
    ),
    '',
    'The same on every host, as Virtwright itself carries it out:',
    '',
    ...ownFields.map((field) => `- \`${field}\``),
    '',
    '## Verbs',
    '',
    'What can be asked of machines and hosts. From the first row that is done nowhere on, the words are those of libvirt’s matrix.',
    '',
    ...table(['verb', ...names], verbRows(columns)),
    '',
    '## Facets',
    '',
    'A facet that a host does not have is a fact, not an error: what needs it is refused. Of those that are untested, neither a recording nor the matrix says whether the host has them;',
    'of a host that is only seen, what would act on a machine is not done.',
    '',
    ...table(
      ['facet', ...names],
      facets.map((facet) => [facet, ...columns.map((column) => facetOf(column, facet))]),
    ),
    '',
    '## What shows it',
    '',
    'These tests, each a sentence of theirs. Those in test/contract run on every host that is proven on something real or simulated, each in a file of its own',
    '(`test/contract/<host>.test.ts`), which states what its host cannot do (`cannot`, `without`): a sentence that needs it is skipped there aloud, and shows nothing of that host.',
    'What each run showed of its host, field by field and verb by verb, is kept in `test/capabilities/results/`, and the tables above are made from it: a run that sees anything else',
    'than what is kept there fails. What no host can show of itself is marked untested.',
    '',
    ...table(
      ['capability', 'proof'],
      named.map((field) => [field, proofsOf(field)]),
    ),
    '',
  ].join('\n');
}

const preface = [
  '# What each kind of host accepts, and what of it was shown',
  '',
  'Made by `node dist/test/capabilities/generate.js` from what runs of the contract suite showed (`test/capabilities/results/`), and what hosts say through their drivers, as in',
  '`Hypervisor.status.capabilities`; of hosts that no test has, from recordings of what such daemons say. In the tables of fields and verbs, what stands there without more was asked',
  'for by the suite, or by a test that is named for it, and found to be so on a host of that kind. Else it says:',
  '',
  `- \`${claimed}\`: the driver takes it, and no test showed it on a host of this kind; of several words, those that follow;`,
  `- \`${none}\`: libvirt’s driver for such hosts has it not, or there is no such thing there;`,
  `- \`${notDone}\`: it could be had, and Virtwright does not do it so far;`,
  `- \`${untested}\`: the driver takes it for there, and nothing says whether it is.`,
  '',
  `What can be had is measured by libvirt’s own matrix (${matrix.source}). Machines under KVM are told as under TCG; of pools, volumes and networks what was shown counts for every kind of`,
  'machine on such a host. A number is a bound that the driver checks, and was not tried at its end.',
  '',
  'Nothing was run on what is untested or proven on golden files alone. Virtuozzo and VirtualBox by libvirt keep no word of whose a machine is: what is there is seen, none is made, and all that they could do stands as not done, or as untested where the driver takes pools, volumes and networks for there.',
  '',
];

const fieldsOf = (capability: string): string =>
  driverFields
    .filter((row) => row.capability === capability)
    .map(({ field }) => `\`${field}\``)
    .join(', ');

const looks: ReadonlySet<string> = new Set(['host', 'machines', 'events']);

function facetOf(column: Column, facet: string): string {
  if (!column.facets.includes(facet)) return 'absent';
  if (isUntested(column, facet)) return untested;
  if (!isSeenOnly(column)) return column.evidence.facet(facet) ? yes : claimed;
  return looks.has(facet) ? seenOnly : notDone;
}

const proofsOf = (field: string): string =>
  (proofs[field] ?? [])
    .map(({ file, sentence, untested }: Proof) => `${untested ? 'untested but for its XML, ' : ''}${file}: “${sentence.trim()}”`)
    .join('; ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
