import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { cannotListen, isListenError } from './listening.js';

// Seen from `dist/cli/`.
const main = fileURLToPath(new URL('../controllers/main.js', import.meta.url));

t.test('a port that somebody else has is told with its flag, without a stack', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-listening-'));
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(async () => {
    other.close();
    await rm(folder, { recursive: true, force: true });
  });
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'a',
      clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    }),
  );
  for (const [flag, ...argv] of [
    ['--listen', 'controller', '--kubeconfig', kubeconfig, '--listen', `${port}`],
    ['--port', 'standalone', '--data', join(folder, 'data'), '--port', `${port}`],
  ] as const) {
    const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    const words = `virtwright: ${flag}: 127.0.0.1:${port} is in use by another program (EADDRINUSE); give another\nsee virtwright ${argv[0]} --help\n`;
    t.same([err, code], [words, 2]);
  }
});

t.test('what hinders listening is told from all else', async (t) => {
  const server = createServer().listen(0, '203.0.113.1');
  const [reason] = (await once(server, 'error')) as [NodeJS.ErrnoException];
  t.ok(isListenError(reason));
  t.equal(
    cannotListen('--sessions', '203.0.113.1:0', reason),
    '--sessions: 203.0.113.1:0 is not an address of this machine (EADDRNOTAVAIL); give another',
  );
  t.notOk(isListenError(Object.assign(new Error('no'), { syscall: 'open' })));
  const odd = Object.assign(new Error('who?'), { code: 'constructor' });
  t.equal(cannotListen('--listen', 'a:1', odd), '--listen: a:1 cannot be listened on (who?); give another');
});
