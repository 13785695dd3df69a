import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { currentReadme, proofsOfDrivers, readme } from './proven.js';

t.test('the README says of drivers what they say of themselves', async (t) => {
  t.equal(readFileSync(readme, 'utf8'), currentReadme(), 'make it anew: node dist/test/capabilities/generate.js');
});

t.test('what is called proven has tests that are there, and what is untested has none', async (t) => {
  for (const { host, proven } of proofsOfDrivers)
    for (const { what, by, tests } of proven) {
      t.equal(tests.length === 0, by === 'untested', `${host}: ${what}`);
      for (const test of tests) t.ok(existsSync(new URL(`../../../${test}`, import.meta.url)), test);
    }
});
