import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const run = promisify(execFile);
/** As seen from `dist/test/`. */
const top = fileURLToPath(new URL('../..', import.meta.url));

t.test('what npm packs is a whole program, without tests', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-pack-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: top,
    maxBuffer: 1 << 26,
  });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  t.same(
    files.filter(({ path }) => /\.test\.|^dist\/test|\.ts$/.test(path)),
    [],
  );
  await run('tar', ['-xzf', join(folder, filename), '-C', folder]);
  await symlink(join(top, 'node_modules'), join(folder, 'package/node_modules'));
  const program = join(folder, 'package/dist/controllers/main.js');
  t.match((await run(process.execPath, [program, 'version', '--client'])).stdout, /\d+\.\d+\.\d+/);

  await mkdir(join(folder, 'data'));
  const server = spawn(process.execPath, [program, 'standalone', '--hypervisor', 'here', '--data', join(folder, 'data'), '--port', '0']);
  const complaints = text(server.stderr);
  const [line] = (await Promise.race([once(createInterface(server.stdout), 'line'), once(server, 'exit').then(() => complaints)])) as [
    string,
  ];
  t.match(line, /is up: export KUBECONFIG=/);
  server.kill('SIGTERM');
  await once(server, 'exit');
});
