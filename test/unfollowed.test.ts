import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const preload = fileURLToPath(new URL('unfollowed.js', import.meta.url));

/** A test file with one test in it. */
function run(body: string) {
  const text = `import t from 'tap'; import { executionAsyncId } from 'node:async_hooks'; import { setTimeout as sleep } from 'node:timers/promises';
await t.test('a test', async (t) => { ${body}; await sleep(100); t.pass('and on'); })`;
  return spawnSync(process.execPath, ['--import', preload, '--input-type=module', '--eval', text], { encoding: 'utf8' });
}

t.test('promises are not followed, and what passes passes', async (t) => {
  const { status, stdout } = run('await sleep(1); t.equal(executionAsyncId(), 0)');
  t.equal(status, 0, stdout);
});

for (const [what, body] of [
  ['thrown where nobody waits', `setTimeout(() => { throw new Error('lost'); })`],
  ['thrown when something happens', `process.nextTick(() => { throw new Error('lost'); })`],
  ['a rejection that nobody hears of', `Promise.reject(new Error('lost'))`],
  ['thrown when the test is over', `setTimeout(() => { throw new Error('lost'); }, 500)`],
  ['a rejection when the test is over', `setTimeout(() => { Promise.reject(new Error('lost')); }, 500)`],
] as const)
  t.test(`an error fails its file: ${what}`, async (t) => {
    const { status, stdout, stderr } = run(body);
    t.not(status, 0);
    t.match(stdout + stderr, /lost/);
  });
