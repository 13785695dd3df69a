import { type Command, command } from '#cli/command.js';
import { Complaint } from '#cli/complaint.js';
import type { FlagTable } from '#cli/flags.js';
import type { Drivers } from '#drivers/target.js';
import { importCommand } from './import-command.js';
import { operatorNamespace } from './namespaces.js';

/** Its exit code, where there is nothing else to say. */
const done =
  <I>(run: (invocation: I, signal: AbortSignal) => Promise<void>) =>
  async (invocation: I, signal: AbortSignal): Promise<number> => {
    await run(invocation, signal);
    return 0;
  };

const operatorFlags = {
  namespace: {
    kind: 'text',
    short: 'n',
    value: 'NAMESPACE',
    default: operatorNamespace,
    help: "the operator's own: of its Leases and of the hosts' credentials",
  },
  identity: {
    kind: 'text',
    value: 'NAME',
    help: 'what its Leases are held as, with a part that tells it from others; default: the host name',
  },
  listen: {
    kind: 'text',
    value: 'ADDRESS',
    help: 'where /metrics, /healthz and /readyz are served, as 127.0.0.1:9090, or 9090 for loopback; default: nowhere',
  },
} as const satisfies FlagTable;

const webhookFlags = {
  webhook: {
    kind: 'text',
    value: 'ADDRESS',
    help: 'where the API server asks before it stores an object, as 0.0.0.0:9443, to warn whoever writes it; default: nowhere',
  },
  'webhook-certificate-given': {
    kind: 'switch',
    help: 'another, as cert-manager, keeps the certificate of that in Secret virtwright-webhook; default: this does',
  },
} as const satisfies FlagTable;

const agentFlags = {
  hypervisor: { kind: 'texts', value: 'NAME', help: 'a Hypervisor to work for' },
  'cluster-name': {
    kind: 'text',
    value: 'NAME',
    default: 'default',
    help: 'what marks on hosts call this cluster; keep it for good',
  },
  sessions: {
    kind: 'text',
    value: 'ADDRESS',
    help: 'where people come in to consoles and the like, as 10.0.0.5:7444; default: a free port of loopback',
  },
  'sessions-address': { kind: 'text', value: 'HOST:PORT', help: 'what they are told to connect to, where that is another' },
} as const satisfies FlagTable;

const standaloneFlags = {
  data: { kind: 'text', value: 'DIRECTORY', help: 'all that it has; default: /var/lib/virtwright, or ~/.local/share/virtwright' },
  port: { kind: 'text', value: 'PORT', default: '7443', help: 'where it listens, on loopback; 0 takes a free one' },
  bare: { kind: 'switch', help: 'without our CRDs' },
  'sealing-key': {
    kind: 'text',
    value: 'FILE',
    help: 'where the key lies that Secrets are sealed with at rest, made when there is none; default: sealing.key in the data',
  },
  'renew-sealing-key': { kind: 'switch', help: 'make a new key, and seal all Secrets with that' },
  'drop-secrets': { kind: 'switch', help: 'go on without the Secrets that the key does not open: they are deleted' },
} as const satisfies FlagTable;

const simulateFlags = {
  listen: {
    kind: 'text',
    value: 'ADDRESS',
    default: '127.0.0.1:5985',
    help: 'where WinRM answers, as 127.0.0.1:5985; port 0 takes a free one',
  },
  mode: {
    kind: 'text',
    value: 'VERSION',
    accepted: ['v2', 'v1'],
    default: 'v2',
    help: "of Hyper-V's WMI: v2 as Server 2019, v1 as Server 2008 R2",
  },
  folder: { kind: 'text', value: 'DIRECTORY', help: "the host's drives, as C/ in it; default: a folder that goes with the program" },
  username: { kind: 'text', value: 'NAME', default: 'Administrator', help: 'who may log in' },
  'password-file': {
    kind: 'text',
    value: 'FILE',
    help: 'holds the password; default: one is made up, in the file "password" of the folder',
  },
  basic: {
    kind: 'switch',
    help: "take Basic, and unsealed messages over HTTP, as libvirt's client needs it and Windows refuses it at first",
  },
  'job-time': { kind: 'text', value: 'MILLISECONDS', default: '200', help: 'how long a job takes' },
  certificate: { kind: 'text', value: 'FILE', help: 'PEM; WinRM answers by HTTPS then' },
  key: { kind: 'text', value: 'FILE', help: 'the key of the certificate, PEM' },
} as const satisfies FlagTable;

/** What needs drivers, or is a program that stays. Loaded when it is called: it weighs ten times what the others do. */
export const operatorCommands = (drivers: Drivers): readonly Command[] => [
  importCommand(drivers),
  command({
    name: 'controller',
    group: 'operator',
    summary: 'the work that concerns the whole cluster: placement, binding, instances',
    usage: [''],
    flags: { ...webhookFlags, ...operatorFlags },
    examples: [{ line: 'controller --listen 127.0.0.1:9090', what: 'one of several is enough: they take turns by a Lease' }],
    daemon: true,
    wordless: true,
    run: done(async ({ flags }, signal) => (await import('./commands.js')).controllerCommand(flags, drivers, signal)),
  }),
  command({
    name: 'agent',
    group: 'operator',
    summary: 'the work on the hosts that are named',
    usage: ['--hypervisor NAME...'],
    flags: { ...agentFlags, ...operatorFlags },
    examples: [{ line: 'agent --hypervisor kvm2 --hypervisor kvm3', what: 'the work on two hosts' }],
    daemon: true,
    wordless: true,
    run: done(async ({ flags }, signal) => (await import('./commands.js')).agentCommand(flags, drivers, signal)),
  }),
  command({
    name: 'operator',
    group: 'operator',
    summary: 'controller and agent in one process',
    usage: ['--hypervisor NAME...'],
    flags: { ...agentFlags, ...operatorFlags },
    examples: [{ line: 'operator --hypervisor local', what: 'all that one host needs beside an API server' }],
    daemon: true,
    wordless: true,
    run: done(async ({ flags }, signal) => (await import('./commands.js')).operatorCommand(flags, drivers, signal)),
  }),
  command({
    name: 'standalone',
    group: 'operator',
    summary: 'an API server for this host alone, and the operator with it',
    usage: ['[--hypervisor NAME...]'],
    description: ['Says where its kubeconfig is once it is up. Without a hypervisor it is an API server and nothing more.'],
    flags: { ...standaloneFlags, ...agentFlags, ...operatorFlags },
    examples: [{ line: 'standalone --hypervisor local', what: 'a folder instead of a cluster' }],
    daemon: true,
    wordless: true,
    run: done(async ({ flags }, signal) => (await import('./standalone.js')).standaloneCommand(flags, drivers, signal)),
  }),
  command({
    name: 'simulate',
    group: 'program',
    summary: 'a host that is not there, for whoever tries a client of it',
    usage: ['hyperv'],
    description: [
      'Hyper-V behind WS-Management, with machines in which nothing runs, and virtual disks that are real files. It forgets its machines when it ends.',
      'How faithful it is, and how that is known: docs/simulators.md.',
    ],
    flags: simulateFlags,
    examples: [
      { line: 'simulate hyperv', what: 'as Windows has it at first: NTLM with sealed messages, on loopback' },
      { line: 'simulate hyperv --basic', what: "for virsh -c 'hyperv://127.0.0.1:5985/?transport=http'" },
    ],
    daemon: true,
    run: async ({ flags, args, io }, signal) => {
      if (args.length !== 1 || args[0] !== 'hyperv') throw new Complaint(`simulate: "${args.join(' ')}" was given; accepted: hyperv`);
      const { simulateHyperV } = await import('./simulate.js');
      await simulateHyperV(flags, (line) => io.stdout.write(`${line}\n`), signal);
      return 0;
    },
  }),
];
