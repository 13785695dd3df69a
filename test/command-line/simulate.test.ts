import { readFile, stat } from 'node:fs/promises';
import t from 'tap';
import { type SimulateFlags, simulateHyperV } from '#controllers/simulate.js';
import { WsmanClient } from '#drivers/hyperv/wsman/client.js';
import { Lanes } from '#drivers/hyperv/wsman/lanes.js';

const flags: SimulateFlags = { listen: '127.0.0.1:0', mode: 'v2', username: 'Administrator', basic: false, 'job-time': '5' };
const soon = () => AbortSignal.timeout(30_000);

t.test('a simulated host is up, with a password that only its owner reads, and goes with the program', async (t) => {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const said: string[] = [];
  const running = simulateHyperV(flags, (line) => said.push(line), stop.signal);
  while (said.length < 2) await Promise.race([running, new Promise(setImmediate)]);
  const [, port = ''] = /:(\d+)\/wsman$/.exec(said[0] ?? '') ?? [];
  const [, file = ''] = /password is in (\S+);/.exec(said[1] ?? '') ?? [];
  t.equal((await stat(file)).mode & 0o777, 0o600);
  const password = await readFile(file, 'utf8');
  t.notMatch(said.join(), password);
  await using client = new WsmanClient(
    new Lanes({ host: '127.0.0.1', port: Number(port) }, { kind: 'ntlm', username: 'Administrator', domain: '', password }),
  );
  t.match(await client.identify(soon()), { vendor: 'Microsoft Corporation' });
  stop.abort();
  await running;
  await t.rejects(stat(file), { code: 'ENOENT' });
});

for (const [change, words] of [
  [{ listen: 'nowhere' }, /--listen: "nowhere"/],
  [{ 'job-time': 'long' }, /--job-time: "long"/],
  [{ 'password-file': '/nowhere' }, /--password-file: \/nowhere cannot be read/],
  [{ certificate: '/nowhere' }, /--certificate and --key are given together/],
] as const)
  t.test(`${JSON.stringify(change)} is refused in words`, async (t) => {
    await t.rejects(
      simulateHyperV({ ...flags, ...change }, () => {}, soon()),
      { name: 'Complaint', message: words },
    );
  });
