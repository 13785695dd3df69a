#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { connect, credentialKeys } from '#drivers/connect.js';
import { agentCommand, controllerCommand, type Flags, operatorCommand } from './commands.js';
import { Complaint } from './complaint.js';
import { consoleCommand } from './console.js';
import { standaloneCommand } from './standalone.js';

const usage = `virtwright: machines on any hypervisor, as Kubernetes objects

  virtwright controller [flags]                     cluster-wide work: placement, binding, instances
  virtwright agent --hypervisor NAME... [flags]     the work on these hosts
  virtwright operator --hypervisor NAME... [flags]  both in one process
  virtwright standalone [--hypervisor NAME...]      an API server for this host alone, and the operator with it
  virtwright console MACHINE [-n NAMESPACE]         the serial console; ends with its input

  --kubeconfig FILE       default: $KUBECONFIG, ~/.kube/config, or the pod's own
  --namespace NAME, -n    of Leases and credentials (default virtwright-system), or of the machine (default default)
  --operator-namespace NAME   for the console: where the operator has the host's credentials (default virtwright-system)
  --cluster-name NAME     what marks on hosts call this cluster (default "default"); keep it for good
  --identity NAME         what its Leases are held as, with a part that tells it from others (default: the host name)
  --data DIRECTORY        all that a standalone has (default /var/lib/virtwright, or ~/.local/share/virtwright)
  --port PORT             where a standalone listens, on loopback (default 7443)
  --bare                  a standalone without our CRDs
  --listen ADDRESS        where /metrics, /healthz and /readyz are served (default: nowhere)
`;

type Command = (flags: Flags, args: readonly string[], signal: AbortSignal) => Promise<void>;

const drivers = { connect, credentialKeys };

const commands: Readonly<Record<string, Command>> = {
  controller: (flags, _args, signal) => controllerCommand(flags, drivers, signal),
  agent: (flags, _args, signal) => agentCommand(flags, drivers, signal),
  operator: (flags, _args, signal) => operatorCommand(flags, drivers, signal),
  standalone: (flags, _args, signal) => standaloneCommand(flags, drivers, signal),
  console: (flags, args, signal) => consoleCommand(flags, args, drivers, { input: process.stdin, output: process.stdout }, signal),
};

async function main(argv: readonly string[]): Promise<void> {
  // Thousands of waits hang on one signal here, and all end with it: that is no leak.
  setMaxListeners(0);
  const { values, positionals } = parse(argv);
  const [name, ...args] = positionals;
  if (values.help || name === undefined || name === 'help') return void process.stdout.write(usage);
  const command = commands[name];
  if (command === undefined) throw new Complaint(`there is no command "${name}"; accepted: ${Object.keys(commands).join(', ')}`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await command(values, args, stop.signal).catch((reason) => {
    // Who was told to stop while it was starting has done as told.
    if (!stop.signal.aborted || reason instanceof Complaint) throw reason;
  });
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        kubeconfig: { type: 'string' },
        namespace: { type: 'string', short: 'n' },
        hypervisor: { type: 'string', multiple: true },
        'cluster-name': { type: 'string' },
        identity: { type: 'string' },
        listen: { type: 'string' },
        'operator-namespace': { type: 'string' },
        data: { type: 'string' },
        port: { type: 'string' },
        bare: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (reason) {
    throw new Complaint(`${reason instanceof Error ? reason.message : reason}; see virtwright --help`);
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (reason) => {
    process.stderr.write(
      `virtwright: ${reason instanceof Complaint ? reason.message : reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`,
    );
    process.exit(reason instanceof Complaint ? 2 : 1);
  },
);
