import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { unixTransport } from './unix.js';

const forever = new AbortController().signal;

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-sockets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

async function listen(path: string) {
  const server = createServer((socket) => socket.end('here')).listen(path);
  await once(server, 'listening');
  return server;
}

/** As a daemon leaves it that was killed. */
async function deserted(path: string): Promise<void> {
  const server = await listen(`${path}.then`);
  await rename(`${path}.then`, path);
  server.close();
  await once(server, 'close');
}

t.test('a socket that a daemon left behind does not hide that of another', async (t) => {
  const folder = await folderOf(t);
  const [left, used] = [join(folder, 'libvirt-sock'), join(folder, 'virtqemud-sock')];
  await deserted(left);
  const server = await listen(used);
  t.teardown(() => server.close());
  const socket = await unixTransport([left, used]).connect(forever);
  const heard: unknown[] = [];
  for await (const chunk of socket) heard.push(String(chunk));
  t.same(heard, ['here']);
});

t.test('where nobody listens, the likeliest is told', async (t) => {
  const folder = await folderOf(t);
  const [first, second] = [join(folder, 'libvirt-sock'), join(folder, 'virtqemud-sock')];
  const connect = () => unixTransport([first, second]).connect(forever);
  await t.rejects(connect(), { code: 'Unavailable', message: `no libvirt daemon listens on ${first}: start libvirtd` });
  await deserted(second);
  await t.rejects(connect(), { code: 'Unavailable', message: `no libvirt daemon listens on ${second}: start libvirtd` });
  await deserted(first);
  await t.rejects(connect(), { code: 'Unavailable', message: `no libvirt daemon listens on ${first}: start libvirtd` });
});
