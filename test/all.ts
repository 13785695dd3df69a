import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import t from 'tap';
import { longestFirst } from './longest.js';

// Every test file as a process of its own, the long ones first. tap's own runner goes by the alphabet, and in the end one long file would be waited for.
// What they print is printed in the order in which they begin: until the first one is done, only who has ended is told.

/** Most files wait for half of their time: for peers, for guests, for what is done every few seconds. With more, emulated hosts come to answer too late. */
const usual = Math.ceil(1.5 * availableParallelism());
const asked = process.env['TEST_JOBS'] ?? String(usual);
if (!/^[1-9]\d?$/.test(asked)) throw new Error(`TEST_JOBS: ${JSON.stringify(asked)} was given; accepted: a number from 1 to 99`);
const jobs = Number(asked);
const timeoutSeconds = 1_800;
const unfollowed = new URL('unfollowed.js', import.meta.url).href;

const files = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.js'))
  .map((path) => `dist/${path}`);
if (files.length === 0) throw new Error('no tests were found in dist/');

t.setTimeout(0);
t.jobs = jobs;
t.plan(files.length);
let ended = 0;
t.on('subtestEnd', ({ name, results, time = 0 }) => {
  ended += 1;
  process.stderr.write(
    `# ${ended} of ${files.length}: ${name} ${results?.ok === true ? 'passed' : 'failed'}, ${(time / 1_000).toFixed(0)} s\n`,
  );
});
for (const name of longestFirst(files))
  t.spawn(process.execPath, ['--enable-source-maps', '--import', unfollowed, name], {
    name,
    externalID: name,
    buffered: true,
    timeout: timeoutSeconds * 1_000,
    env: { ...process.env, TAP_TIMEOUT: String(timeoutSeconds) },
    at: null,
    stack: '',
  });
