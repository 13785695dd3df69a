import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { checkResults } from '#test/contract/shown/results.js';
import { Shown } from '#test/contract/shown/shown.js';
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

t.test('in CI a subject of which nothing is written down fails', async (t) => {
  const verdictOf = (name: string) => {
    const told: string[] = [];
    const tell = (word: string) => () => told.push(word) > 0;
    checkResults({ same: tell('compared'), pass: tell('passed'), fail: tell('failed') }, new Shown({ name }).results, []);
    // The first look is that nothing was shown which the host does not tell.
    return told.slice(1);
  };
  const before = process.env['CI'];
  const set = (value: string | undefined) =>
    void (value === undefined ? delete process.env['CI'] : Object.assign(process.env, { CI: value }));
  t.teardown(() => set(before));
  set('true');
  t.same(verdictOf('a subject that was renamed'), ['failed']);
  t.same(verdictOf('the fake'), ['compared']);
  set(undefined);
  t.same(verdictOf('a subject that is new'), ['passed']);
});
