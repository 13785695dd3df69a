import { randomBytes } from 'node:crypto';
import { ApiError, type Client } from '#controllers/kubernetes/client.js';
import { type VirtualMachineAction, virtualMachineActions, virtualMachines } from '#crds/types.js';
import { type Command, command, type Invocation, type Io } from './command.js';
import { Complaint } from './complaint.js';
import { conditionOf, whyNotYet } from './conditions.js';
import { before } from './deadline.js';
import { parseDuration } from './duration.js';
import { valueAt } from './output/jsonpath.js';
import { oneLine } from './output/text.js';
import { Progress } from './progress.js';
import { openApi } from './server/api.js';
import { followOne } from './server/follow.js';
import { whyNot } from './trouble.js';

type Verb = VirtualMachineAction['spec']['verb'];
type Mode = NonNullable<VirtualMachineAction['spec']['mode']>;

const modes: Readonly<Record<'soft' | 'try-soft' | 'hard', Mode>> = { soft: 'Soft', 'try-soft': 'TrySoft', hard: 'Hard' };

const followFlags = {
  wait: { kind: 'switch', default: true, help: 'until it is done; --wait=false leaves it to the operator' },
  timeout: { kind: 'text', value: 'TIME', default: '10m', help: 'how long to wait for it; 0 waits without end' },
  keep: { kind: 'text', value: 'TIME', default: '24h', help: 'how long the VirtualMachineAction stays afterwards, to be read' },
} as const;

const modeFlag = {
  mode: {
    kind: 'text',
    value: 'MODE',
    accepted: ['soft', 'try-soft', 'hard'],
    help: "soft presses the power button; try-soft does so, and cuts the power after the machine's spec.stop.timeoutSeconds; hard cuts it at once; default: as spec.stop says",
  },
} as const;

interface Power {
  readonly verb: Verb;
  readonly done: string;
  readonly summary: string;
  readonly more?: readonly string[];
  readonly example: string;
}

/** How such a command was called; those that stop nothing have no mode. */
type Called = Pick<Invocation<typeof followFlags>, 'args' | 'io'> & {
  readonly flags: Invocation<typeof followFlags>['flags'] & { readonly mode?: keyof typeof modes | undefined };
};

/** The commands that make a VirtualMachineAction and follow it to its end. */
const power = ({ verb, done, summary, more = [], example }: Power, stops: boolean): Command => {
  const name = verb.toLowerCase();
  const definition = {
    name,
    group: 'machines',
    words: ['virtualmachines'],
    summary,
    usage: ['MACHINE...'],
    description: [
      ...more,
      `Makes a VirtualMachineAction and follows it; who may make those in a namespace may ${name} machines there. The action goes on when the time is over, or when this is interrupted.`,
    ],
    run: (called: Called, signal: AbortSignal) => act(called, verb, done, signal),
  } as const;
  const first = { line: `${name} web`, what: example };
  if (!stops) return command({ ...definition, flags: followFlags, examples: [first] });
  const hard = { line: `${name} web --mode hard`, what: 'at once, without asking the guest' };
  return command({ ...definition, flags: { ...modeFlag, ...followFlags }, examples: [first, hard] });
};

async function act({ flags, args, io }: Called, verb: Verb, done: string, signal: AbortSignal): Promise<number> {
  const machines = machinesIn(args);
  const timeoutMs = parseDuration(flags.timeout, 'timeout');
  const ttlSecondsAfterFinished = Math.round(parseDuration(flags.keep, 'keep') / 1_000);
  const mode = flags.mode === undefined ? {} : { mode: modes[flags.mode] };
  await using api = await openApi({ flags, io });
  const { client, namespace } = api;
  const progress = new Progress(io);
  const ends = machines.map(async (machine) => {
    const asked = { client, namespace, machine, progress, io, done };
    const spec = { machineRef: { name: machine }, verb, ttlSecondsAfterFinished, ...mode };
    const action = await make(asked, spec, signal);
    if (action === undefined || !flags.wait) return action !== undefined;
    const end = await before(timeoutMs, signal, (signal) => followAction(asked, action, signal));
    if (end === 'late') io.stderr.write(`${calledMachine(machine)}: not ${done} within ${flags.timeout}, and action ${action} goes on\n`);
    return end === true;
  });
  return (await Promise.all(ends)).every((good) => good) ? 0 : 1;
}

/** Names, or `vm/web`. */
function machinesIn(words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new Complaint('name a machine');
  return [...new Set(words.map(machineIn))];
}

function machineIn(word: string): string {
  const name = /^(?:(?:vm|vwm|virtualmachines?)(?:\.virtwright\.io)?\/)?([^/]+)$/i.exec(word)?.[1];
  if (name === undefined) throw new Complaint(`"${word}" given, accepted is the name of a machine, as web or vm/web`);
  return name;
}

const calledMachine = (machine: string): string => `virtualmachine.virtwright.io/${oneLine(machine)}`;

interface Asked {
  readonly client: Client;
  readonly namespace: string;
  readonly machine: string;
  readonly progress: Progress;
  readonly io: Io;
  readonly done: string;
}

/** The action's name; undefined when it could not be made, which was said. */
async function make(
  { client, namespace, machine, io }: Asked,
  spec: VirtualMachineAction['spec'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = `${machine.slice(0, 200)}-${spec.verb.toLowerCase()}-${randomBytes(4).toString('hex')}`;
  try {
    await client.get(virtualMachines, { namespace, name: machine }, signal).catch((reason) => {
      // Who may act on machines need not be allowed to look at them.
      if (!ApiError.is(reason, 'Forbidden')) throw reason;
    });
    await client.create(virtualMachineActions, { metadata: { namespace, name }, spec }, signal);
    return name;
  } catch (reason) {
    if (!(reason instanceof ApiError)) throw reason;
    const isAbsent = reason.reason === 'NotFound';
    io.stderr.write(
      isAbsent ? `there is no ${calledMachine(machine)} in namespace "${namespace}"\n` : `${calledMachine(machine)}: ${whyNot(reason)}\n`,
    );
    return undefined;
  }
}

/** Whether it succeeded; says what it waits for, and what came of it. */
async function followAction(asked: Asked, name: string, signal: AbortSignal): Promise<boolean> {
  const { client, namespace, machine, progress, io, done } = asked;
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const about = calledMachine(machine);
  const looking = followMachine(asked, both).catch(() => {});
  try {
    for await (const action of followOne(client, virtualMachineActions, { namespace, name }, signal)) {
      if (action === undefined) throw new ApiError(`action ${name} was deleted before its end`, { status: 0, reason: 'NotFound' });
      const outcome = valueAt(action, '.status.outcome');
      const message = oneLine(`${valueAt(action, '.status.message') ?? ''}`);
      if (outcome === undefined && conditionOf(action, 'Ready') !== undefined) progress.say(`${about}: action ${name}`, whyNotYet(action));
      if (outcome === undefined) continue;
      if (outcome === 'Succeeded') io.stdout.write(`${about} ${done}\n`);
      else
        io.stderr.write(
          `${about}: ${outcome === 'Failed' ? `not ${done}` : `whether it was ${done} is not known`}: ${message || 'nobody says why'}\n`,
        );
      return outcome === 'Succeeded';
    }
    return false;
  } finally {
    over.abort();
    await looking;
  }
}

/** What the machine says meanwhile. */
async function followMachine({ client, namespace, machine, progress }: Asked, signal: AbortSignal): Promise<void> {
  for await (const seen of followOne(client, virtualMachines, { namespace, name: machine }, signal))
    if (seen !== undefined && conditionOf(seen, 'Ready')?.status !== 'True') progress.say(calledMachine(machine), whyNotYet(seen));
}

export const powerCommands: readonly Command[] = [
  power(
    { verb: 'Start', done: 'started', summary: 'start machines', example: 'a machine whose runStrategy is Manual, or RerunOnFailure' },
    false,
  ),
  power(
    {
      verb: 'Stop',
      done: 'stopped',
      summary: 'stop machines',
      more: ['A machine whose runStrategy is Always would be started again: set it to Halted to keep it off.'],
      example: 'as its spec.stop says',
    },
    true,
  ),
  power({ verb: 'Restart', done: 'restarted', summary: 'stop machines and start them again', example: 'as its spec.stop says' }, true),
  power(
    { verb: 'Pause', done: 'paused', summary: 'freeze machines until they are resumed', example: 'it keeps its memory and stands still' },
    false,
  ),
  power({ verb: 'Resume', done: 'resumed', summary: 'let paused machines go on', example: 'it goes on where it stood' }, false),
  power(
    { verb: 'Reset', done: 'reset', summary: 'press the reset button of machines; the guest is not asked', example: 'as after a crash' },
    false,
  ),
  power(
    {
      verb: 'Save',
      done: 'saved',
      summary: 'write what runs in machines to the disk of their host, and switch them off',
      example: 'its next start goes on from there',
    },
    false,
  ),
];
