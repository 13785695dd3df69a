import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import t from 'tap';
import { claimIdentity } from './identity.js';

type Child = ChildProcessByStdio<Writable, Readable, null>;

const claim = `
  import { claimIdentity } from ${JSON.stringify(new URL('./identity.js', import.meta.url).href)};
  const { name } = await claimIdentity('host', process.argv.slice(1));
  process.stdout.write(name);
  process.stdin.resume(); // it ends with its parent, if not before`;

async function claimed(
  t: { teardown(end: () => void): void },
  ...work: readonly string[]
): Promise<{ readonly name: string; readonly child: Child }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', claim, ...work], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [name] = await once(child.stdout, 'data');
  return { name: String(name), child };
}

t.test('two that live are never the same, and who is killed is so again at once', { skip: process.platform !== 'linux' }, async (t) => {
  const work = ['https://api.example', `${process.pid}`];
  const first = await claimed(t, ...work);
  const second = await claimed(t, ...work);
  t.match(first.name, /^host_[0-9a-f]{16}$/);
  t.match(second.name, /^host_[0-9a-f]{16}$/);
  t.not(second.name, first.name);
  t.not((await claimed(t, ...work, 'two')).name, first.name, 'who works for others is another');
  const gone = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await gone;
  t.equal((await claimed(t, ...work)).name, first.name);
});

t.test('who lets go of it in good order can be followed in the same process', async (t) => {
  const names: string[] = [];
  for (let turn = 0; turn < 2; turn++) {
    await using identity = await claimIdentity('x'.repeat(63), [`${process.pid}`]);
    names.push(identity.name);
  }
  if (process.platform === 'linux') t.equal(names[0], names[1]);
  t.equal(names[0]?.length, 63 + 1 + 16);
});
