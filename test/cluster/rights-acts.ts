import { openLine } from '#cli/session/client.js';
import { openSession } from '#cli/session/session.js';
import { sessions } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import type { systemClock } from '#drivers/fake/clock.js';
import type { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, type World } from './world.js';

// What makes controller and agent use rights that they seldom need.

/** Opens the console and leaves: the agent sees that the session goes. */
export async function useOnce(world: World, machine: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const session = await openSession(world.client, { namespace: 'default', machine, purpose: 'Console' }, signal);
  const line = await openLine(session.way, new URLSearchParams(), signal);
  line.destroy();
  await openSession(world.client, { namespace: 'default', volume: 'nobody', purpose: 'Upload' }, signal).catch(() => {});
  await until(async () => (await world.client.list(sessions, { namespace: 'default' }, signal)).items.length === 0);
}

/** A session of nobody, whose time is up. */
export async function outlive(world: World, name: string): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await world.apply({ kind: 'Session', metadata, spec: { purpose: 'Console', machineRef: { name }, certificateSHA256: '0'.repeat(64) } });
  await world.until('Session', name, (seen) => condition(seen, 'Ready')?.reason === 'NotFound');
  const patch = JSON.stringify({ status: { expiresAt: '2020-01-01T00:00:00Z' } });
  await world.kubectl('patch', 'session', name, '--subresource=status', '--type=merge', '-p', patch);
  await world.untilGone('Session', name);
}

/** Its agent starts it again each time, for the same reason: the second time, the event of the first counts up. */
export async function offAndOn(world: World, name: string, host: FakeHost<typeof systemClock>): Promise<void> {
  const { metadata, status } = await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
  let boot = Number(status?.run?.bootId);
  for (let times = 0; times < 2; times++) {
    new Behind(host).destroy(metadata.uid);
    const next = `${++boot}`;
    await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True' && seen.status?.run?.bootId === next);
  }
}

/** The host is to be emptied, and is not, and once more: the controller says twice that the machine cannot leave. */
export async function cannotLeave(world: World, machine: string, host: string): Promise<void> {
  for (const maintenance of ['Evacuate', 'None', 'Evacuate', 'None']) {
    await world.kubectl('patch', 'hypervisor', host, '--type=merge', '-p', JSON.stringify({ spec: { maintenance } }));
    const isToGo = maintenance === 'Evacuate';
    await world.until('VirtualMachine', machine, ({ status }) => (status?.evacuation?.reason !== undefined) === isToGo);
  }
}
