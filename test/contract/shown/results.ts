import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { Capability } from '#drivers/driver.js';
import type { Results } from './shown.js';

const folder = new URL('../../../../test/capabilities/results/', import.meta.url);

const fileOf = (subject: string): URL => new URL(`${subject.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`, folder);

/** Undefined for a subject of which nothing was written down. */
export const resultsOf = (subject: string): Results | undefined =>
  existsSync(fileOf(subject)) ? JSON.parse(readFileSync(fileOf(subject), 'utf8')) : undefined;

const again =
  'write it down anew: VIRTWRIGHT_RECORD=1 npx tap dist/test/contract/<this>.test.js, then node dist/test/capabilities/generate.js';

/** What this run has seen is what is kept in the repository, and what `docs/capabilities.md` is made from. */
export function checkResults(t: Pick<Test, 'same' | 'pass' | 'fail'>, results: Results, capabilities: readonly Capability[]): void {
  t.same(untold(results, capabilities), [], 'nothing was shown that the host does not tell');
  if (process.env['VIRTWRIGHT_RECORD'] === '1') record(results);
  // Of a new subject nothing is claimed until it is written down; in CI one without a file is one that was renamed, or forgotten.
  else if (resultsOf(results.subject) === undefined && process.env['CI'] === 'true') t.fail(`nothing is written down of it: ${again}`);
  else if (resultsOf(results.subject) === undefined) t.pass('nothing is written down of it', { skip: again });
  else t.same(results, resultsOf(results.subject), again);
}

function record(results: Results): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(results.subject), `${JSON.stringify(results, undefined, 2)}\n`);
}

const untold = ({ fields }: Results, capabilities: readonly Capability[]): readonly string[] =>
  Object.keys(fields).filter((field) => !capabilities.some((one) => one.field === field));
