import { ageText } from '../duration.js';
import type { Paint } from '../output/colour.js';
import { aligned, oneLine } from '../output/text.js';
import type { Explanation } from './explanation.js';
import type { Setter } from './fields.js';

const mostFields = 12;
const mostHappenings = 12;

/** On one page, for people. Pure. */
export function explanationText(explanation: Explanation, now: number, paint: Paint): string {
  const { kind, namespace, name, stands, where, waits, accepted, drift, changedBy, happened } = explanation;
  const good = waits.length === 0 && accepted.length === 0;
  const sections = [
    `${paint(`${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, 'bold')}: ${paint(oneLine(stands), good ? 'green' : 'yellow')}`,
    section('Where it is', where),
    section('What it waits for', waits.length === 0 ? ['nothing'] : waits),
    section('What would be accepted', accepted),
    section('What another hand changed', drift),
    section(
      'Who set what',
      changedBy.map((setter) => setterLine(setter, now)),
    ),
    table(
      'What happened last',
      happened.slice(-mostHappenings).map(({ at, what, message }) => [ageOf(at, now), what, message]),
    ),
  ];
  return sections.filter((part) => part !== '').join('\n');
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${oneLine(line)}\n`).join('')}`.replace(/\n$/, '');

const table = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? `\n${title}\n  nothing within the last hour\n`
    : `\n${title}\n${aligned(rows.map((row) => ['', ...row.map(oneLine)]))}`;

function setterLine({ manager, operation, at, fields }: Setter, now: number): string {
  const more = fields.length > mostFields ? ` and ${fields.length - mostFields} more` : '';
  return `${manager} (${operation}, ${ageOf(at, now)}): ${fields.slice(0, mostFields).join(', ')}${more}`;
}

const ageOf = (at: string, now: number): string => (at === '' ? 'some time ago' : `${ageText(now - Date.parse(at))} ago`);
