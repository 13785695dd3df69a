import { type Command, command, type Invocation } from '#cli/command.js';
import { Complaint, Failure } from '#cli/complaint.js';
import type { FlagTable } from '#cli/flags.js';
import { fileFlags, readManifests } from '#cli/manifests/read.js';
import { painter } from '#cli/output/colour.js';
import { harmless, oneLine } from '#cli/output/text.js';
import { openApi } from '#cli/server/api.js';
import type { RehearsedDrivers } from '#drivers/target.js';
import type { Outcome } from './foresight/outcome.js';
import { operatorNamespace } from './namespaces.js';
import type { Request } from './one-shot/run.js';

const hostFlags = {
  host: {
    kind: 'text',
    value: 'URI',
    help: "a host, in libvirt's words, as qemu:///system: no server is asked, and nothing but the host remembers what was done",
  },
  'cluster-name': {
    kind: 'text',
    value: 'NAME',
    default: 'default',
    help: 'with --host: what marks on the host call whoever made what is there; keep it for good',
  },
  timeout: { kind: 'text', value: 'SECONDS', default: '600', help: 'with --host: how long it may take' },
} as const satisfies FlagTable;

const planFlags = {
  ...fileFlags,
  ...hostFlags,
  'force-conflicts': {
    kind: 'switch',
    help: 'plan for fields that somebody else set to another value as apply --force-conflicts takes them over',
  },
  'field-manager': {
    kind: 'text',
    value: 'NAME',
    default: 'virtwright-cli',
    help: 'as whom the apply is meant; kubectl: for kubectl apply --server-side',
  },
  'operator-namespace': {
    kind: 'text',
    value: 'NAMESPACE',
    default: operatorNamespace,
    help: "the operator's own: who plans StoragePools makes a Session there",
  },
  output: { kind: 'text', short: 'o', value: 'FORMAT', accepted: ['text', 'json'], default: 'text', help: 'for people, or for programs' },
} as const satisfies FlagTable;

const renderFlags = { ...fileFlags, ...hostFlags } as const satisfies FlagTable;

type Hosted = Invocation<typeof hostFlags & typeof fileFlags>;

/** Commands that see before it happens, and those of the users' that can do with a host alone. */
export const planCommands = (drivers: RehearsedDrivers): readonly Command[] => [
  command({
    name: 'plan',
    group: 'objects',
    summary: 'what an apply would do, step by step, and what each step takes',
    usage: ['-f FILE...', '-f FILE... --host URI'],
    description: [
      'With a server, each object is applied as a dry run, and the agents of the hosts concerned are asked what they would do; whoever may apply, and make Sessions, may plan.',
      'Everything is read from the host, and then done to the host as it would be: by the same planners as an apply, and nothing is sent. Images are not fetched.',
      'Exit codes: 0 there is nothing to do; 2 there is; 1 something that was asked for does not come about, or the plan cannot be made.',
      'A change is Live or Hotplug (it goes while the machine runs), NextBoot (it is read at the next start), Restart, Recreate (a machine made anew from its disks), or Impossible there. spec.updatePolicy says which come about by themselves.',
    ],
    flags: planFlags,
    examples: [
      { line: 'plan -f manifests/', what: 'what an apply to the server would do, there and on its hosts' },
      { line: 'plan -f machine.yaml --host qemu:///system', what: 'before the first apply to one host, with no server' },
      { line: 'plan -f manifests/ --host qemu:///system -o json', what: 'for a pipeline' },
    ],
    wordless: true,
    meansBy2: 'SomethingToDo',
    async run(invocation, signal) {
      const { flags, io } = invocation;
      const { exitCodeOf, planText } = await import('./foresight/text.js');
      const outcome = flags.host === undefined ? await ofServer(invocation, signal) : await ofHost(invocation, drivers, signal);
      io.stdout.write(flags.output === 'json' ? `${JSON.stringify(outcome, undefined, 2)}\n` : planText(harmlessly(outcome), painter(io)));
      return exitCodeOf(outcome);
    },
  }),
  command({
    name: 'render',
    group: 'objects',
    summary: 'the native definitions of machines that a host would be sent',
    usage: ['-f FILE... --host URI'],
    description: [
      "libvirt's XML or a VirtualMachineConfigSpec of vSphere's, as the driver writes it: of a machine that is there, edited where it differs. Hyper-V takes many calls for one; of it, what they come to. Nothing on the host changes. Passwords are covered, and so is what people noted of a machine on Hyper-V.",
    ],
    flags: renderFlags,
    examples: [{ line: 'render -f machine.yaml --host qemu:///system', what: 'what libvirt would be given' }],
    wordless: true,
    async run(invocation, signal) {
      const { io } = invocation;
      const { renderOnce } = await import('./one-shot/run.js');
      const { rendered, outcome } = await orFailure(renderOnce(await requestOf(invocation, drivers), signal));
      for (const { text, format, name, unchanged } of rendered) {
        if (rendered.length > 1 || text === '')
          io.stdout.write(format === 'XML' ? `<!-- ${name}${unchanged ? ': as it is' : ''} -->\n` : '');
        io.stdout.write(harmless(text));
      }
      for (const { name, message } of outcome.troubles) io.stderr.write(`${harmless(`${name}: ${message}`)}\n`);
      return outcome.troubles.length === 0 ? 0 : 1;
    },
  }),
];

async function ofHost(invocation: Hosted, drivers: RehearsedDrivers, signal: AbortSignal): Promise<Outcome> {
  const { planOnce } = await import('./one-shot/run.js');
  return orFailure(planOnce(await requestOf(invocation, drivers), signal));
}

async function ofServer(invocation: Invocation<typeof planFlags>, signal: AbortSignal): Promise<Outcome> {
  const { flags, io } = invocation;
  const { byServer } = await import('./by-server.js');
  const { foretell } = await import('./server-plan/foretell.js');
  const manifests = (await readManifests(flags.filename, flags.recursive, io)).map(({ manifest }) => manifest);
  await using api = await openApi(invocation, { fieldManager: flags['field-manager'] });
  const onNote = (note: string) => void io.stderr.write(`${harmless(note)}\n`);
  const telling = { ...byServer(api, flags['force-conflicts']), operatorNamespace: flags['operator-namespace'], onNote };
  return foretell(manifests, telling, AbortSignal.any([signal, AbortSignal.timeout(timeoutOf(flags))]));
}

/** `apply` as it is, and with --host by one-shot. */
export const withHost = (apply: Command, drivers: RehearsedDrivers): Command => ({
  ...apply,
  usage: [...apply.usage, '-f FILE... --host URI'],
  flags: { ...apply.flags, ...hostFlags },
  examples: [...apply.examples, { line: 'apply -f machine.yaml --host qemu:///system', what: 'to one host, with no server at all' }],
  async run(invocation, signal) {
    const hosted = invocation as unknown as Hosted;
    return hosted.flags.host === undefined ? apply.run(invocation, signal) : applyToHost(hosted, drivers, signal);
  },
});

async function applyToHost(invocation: Hosted, drivers: RehearsedDrivers, signal: AbortSignal): Promise<number> {
  const { io } = invocation;
  const { applyOnce } = await import('./one-shot/run.js');
  const { place, planText, stepLines } = await import('./foresight/text.js');
  const paint = painter(io);
  const onStep = (step: Parameters<typeof stepLines>[0]) =>
    io.stdout.write(harmless(`${place(step)}${stepLines(step, (text) => text).join('\n')}\n`));
  const outcome = await orFailure(applyOnce(await requestOf(invocation, drivers), onStep, signal));
  io.stdout.write(
    planText(harmlessly({ ...outcome, steps: [] }), paint).replace(
      /^Nothing to do/m,
      outcome.steps.length === 0 ? 'Nothing to do' : 'Done',
    ),
  );
  return outcome.troubles.length === 0 ? 0 : 1;
}

/** What hosts and objects say is not obeyed by a terminal; the colours, which are ours, are put around it afterwards. */
const harmlessly = <T>(told: T): T =>
  JSON.parse(JSON.stringify(told), (_, value) => (typeof value === 'string' ? oneLine(value) : value)) as T;

async function requestOf({ flags, io }: Hosted, drivers: RehearsedDrivers): Promise<Request> {
  if (flags.host === undefined) throw new Complaint('no host given: name one with --host URI, as qemu:///system');
  const timeoutMs = timeoutOf(flags);
  const placed = await readManifests(flags.filename, flags.recursive, io);
  return {
    ...drivers,
    uri: flags.host,
    written: placed.map(({ manifest }) => manifest),
    namespace: flags.namespace ?? 'default',
    cluster: flags['cluster-name'],
    timeoutMs,
  };
}

function timeoutOf({ timeout }: Hosted['flags']): number {
  const timeoutMs = Number(timeout) * 1_000;
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs <= 0) throw new Complaint(`--timeout: "${timeout}" given, accepted: seconds, as 600`);
  return timeoutMs;
}

async function orFailure<T>(work: Promise<T>): Promise<T> {
  const { OneShotError } = await import('./one-shot/run.js');
  return work.catch((reason: unknown) => {
    throw reason instanceof OneShotError ? new Failure(reason.message, { cause: reason }) : reason;
  });
}
