import { createServer, type Socket } from 'node:net';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { type Clock, systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { type Asked, onMessages, send } from './wire.js';

/**
 * A process of fake hosts: `node hosts.js SOCKET`. Agents connect to it, and it outlives them; whoever forked it tells it by messages to do what
 * others would do on these hosts, and asks how they stand.
 */
export type HostsQuestion = { readonly kind: 'drift'; readonly everyNth: number } | { readonly kind: 'count' };

/** Machines there are, those that run as they were defined, and what was changed. */
export interface HostsAnswer {
  readonly machines: number;
  readonly sound: number;
  readonly drifted: number;
}

const [path = ''] = process.argv.slice(2);
const hosts = new Map<string, FakeHost<Clock>>();
const cpuCount = 1;

const server = createServer((socket) => {
  let driver: Driver | undefined;
  socket.on('error', () => {});
  socket.on('close', () => void driver?.[Symbol.asyncDispose]());
  onMessages<Asked>(socket, (asked) => {
    if (asked.kind === 'hello') driver = fakeDriver(hostOf(asked.uri));
    else if (driver !== undefined && asked.kind === 'watch') void watch(socket, driver);
    else if (driver !== undefined && asked.kind === 'call') void answer(socket, driver, asked);
  });
});

function hostOf(uri: string): FakeHost<Clock> {
  const host = hosts.get(uri) ?? new FakeHost({ clock: systemClock });
  hosts.set(uri, host);
  return host;
}

async function watch(socket: Socket, { events }: Driver): Promise<void> {
  for await (const event of events?.watch(new AbortController().signal) ?? []) send(socket, { kind: 'event', event });
}

async function answer(socket: Socket, driver: Driver, { id, facet, verb, args }: Extract<Asked, { kind: 'call' }>): Promise<void> {
  const verbs = driver[facet as 'host'] as unknown as Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;
  try {
    const value = await verbs[verb]?.(...args, new AbortController().signal);
    send(socket, { kind: 'answer', id, value });
  } catch (reason) {
    const { code, message } = DriverError.from(reason);
    send(socket, { kind: 'refusal', id, code, message });
  }
}

/** By turns one is cut off, and one is given another CPU with an editor, of which a host tells. */
function drift(everyNth: number): number {
  let seen = 0;
  let drifted = 0;
  for (const host of hosts.values()) {
    const behind = new Behind(host);
    for (const machine of [...host.machines.values()]) {
      if (seen++ % everyNth !== 0) continue;
      if (drifted++ % 2 === 0) behind.destroy(machine.uuid);
      else {
        behind.edit(machine.uuid, { cpuCount: cpuCount + 1 });
        host.changed(machine);
      }
    }
  }
  return drifted;
}

process.on('message', (question: HostsQuestion) => {
  const drifted = question.kind === 'drift' ? drift(question.everyNth) : 0;
  const machines = [...hosts.values()].flatMap((host) => [...host.machines.values()]);
  const sound = machines.filter(({ power, configured }) => power.state === 'On' && configured?.cpuCount === cpuCount);
  process.send?.({ machines: machines.length, sound: sound.length, drifted } satisfies HostsAnswer);
});
process.on('disconnect', () => process.exit());
// All that was ever asked is recorded for tests, and nobody reads it here.
setInterval(() => {
  for (const host of hosts.values()) host.calls.length = 0;
}, 1_000).unref();
server.listen(path, () => process.send?.('ready'));
