import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type Client, createClient } from '#controllers/kubernetes/client.js';
import { type VirtualMachineStatus, virtualMachines } from '#crds/types.js';
import { command } from '../command.js';
import { Complaint, Failure } from '../complaint.js';
import { connectionFor } from '../connect.js';
import { cannotListen } from '../listening.js';
import { oneLine } from '../output/text.js';
import { openLine } from './client.js';
import { machineIn, type OfMachine, openSession } from './session.js';

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

export interface VncOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** What hindered a viewer. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Opens a port of loopback, behind which is the server of the machine's graphics: each viewer gets a session of its own. What hinders the first
 * is found before anybody comes. The server asks viewers for its password itself.
 */
export async function listenForViewers(client: Client, of: OfMachine, options: VncOptions, signal: AbortSignal): Promise<Listening> {
  const wanted = { ...of, purpose: 'Graphics' } as const;
  await (await openSession(client, wanted, signal))[Symbol.asyncDispose]();
  const viewers = new Set<Socket>();
  const server = createServer((viewer) => {
    viewers.add(viewer.on('error', () => {}));
    viewer.once('close', () => viewers.delete(viewer));
    show(client, wanted, viewer, signal).catch((reason) => {
      viewer.destroy();
      if (!signal.aborted) options.onTrouble(reason instanceof Error ? reason.message : String(reason));
    });
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening').catch((cause: Error) => {
    throw new Failure(cannotListen('--port', `127.0.0.1:${options.port}`, cause), { cause });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const viewer of viewers) viewer.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function show(client: Client, wanted: Parameters<typeof openSession>[1], viewer: Socket, signal: AbortSignal): Promise<void> {
  await using session = await openSession(client, wanted, signal);
  const line = await openLine(session.way, new URLSearchParams(), signal);
  // Who leaves, on either side, ends both: no news.
  await Promise.race([pipeline(viewer, line, { end: true }), pipeline(line, viewer, { end: true })]).catch(() => {});
  line.destroy();
  viewer.destroy();
}

/** For people; nothing where there is none, or where it is not ours to see. */
async function whereThePasswordIs(client: Client, { namespace, machine }: OfMachine, signal: AbortSignal): Promise<string> {
  const { status } = await client.get(virtualMachines, { namespace, name: machine }, signal).catch(() => ({ status: undefined }));
  const secret = (status as VirtualMachineStatus | undefined)?.graphics?.passwordSecretRef;
  if (secret === undefined) return '';
  const [name, key] = [secret.name, secret.key].map(oneLine);
  const shows = `kubectl get secret ${name} -n ${namespace} -o go-template='{{index .data "${key}" | base64decode}}'`;
  return `its password is in Secret "${name}", key "${key}"; this shows it: ${shows}\n`;
}

export const vncCommand = command({
  name: 'vnc',
  group: 'machines',
  words: ['virtualmachines'],
  summary: "open a local port to a machine's graphics",
  usage: ['MACHINE'],
  description: [
    'Point a VNC viewer at the address that is printed. Until it is ended with Ctrl-C, viewers may come and go; who else is on this computer may, too, as far as they know the password.',
  ],
  flags: { port: { kind: 'text', value: 'PORT', default: '0', help: 'which, on loopback; 0 takes a free one' } },
  examples: [
    { line: 'vnc web', what: 'a free port' },
    { line: 'vnc web --port 5901', what: 'this one: vncviewer 127.0.0.1:1' },
  ],
  async run({ flags, args, io }, signal) {
    const machine = machineIn(args);
    if (!/^\d{1,5}$/.test(flags.port) || Number(flags.port) > 65_535)
      throw new Complaint(`--port: "${flags.port}" given, accepted is a number up to 65535`);
    const connection = await connectionFor(flags);
    await using client = createClient(connection);
    const onTrouble = (message: string) => void io.stderr.write(`a viewer was not let in: ${message}\n`);
    const of = { namespace: connection.namespace, machine };
    await using listening = await listenForViewers(client, of, { port: Number(flags.port), onTrouble }, signal);
    io.stdout.write(`vnc://127.0.0.1:${listening.port}\n`);
    io.stderr.write(await whereThePasswordIs(client, of, signal));
    if (!signal.aborted) await once(signal, 'abort');
    return 0;
  },
});
