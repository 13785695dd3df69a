import t from 'tap';
import { agentCommand, controllerCommand } from '#controllers/commands.js';
import { noCredentials } from '#drivers/target.js';
import { freePorts } from './process.js';
import { until } from './until.js';
import { useWorld } from './world.js';

const world = await useWorld(t);

const drivers = { connect: () => Promise.reject(new Error('nobody connects here')), credentialKeys: () => noCredentials };

await t.test('an operator that has lost its API server is not ready, and is again when it is back', async (t) => {
  const stop = new AbortController();
  const [port = 0, agentPort = 0] = await freePorts(2);
  const flags = { kubeconfig: world.cluster.kubeconfigPath };
  const ended = Promise.all([
    controllerCommand({ ...flags, listen: `${port}` }, drivers, stop.signal),
    agentCommand({ ...flags, listen: `${agentPort}`, hypervisor: ['one'] }, drivers, stop.signal),
  ]);
  const ask = async (path: string, of: number) => {
    const response = await fetch(`http://127.0.0.1:${of}${path}`).catch(() => undefined);
    return response === undefined ? undefined : { status: response.status, text: await response.text() };
  };
  const isReady = async () => [(await ask('/readyz', port))?.status, (await ask('/readyz', agentPort))?.status].join() === '200,200';
  await until(isReady);
  await world.cluster.kill9();
  await until(async () => (await ask('/readyz', port))?.status === 503 && (await ask('/readyz', agentPort))?.status === 503);
  t.match((await ask('/readyz', agentPort))?.text, /the API server has not answered for \d+ s/);
  t.match(await ask('/healthz', port), { status: 200 });
  await world.cluster.restart();
  await until(isReady);
  stop.abort();
  await ended;
});
