import type { Session, StorageVolume, VirtualMachine } from '#crds/types.js';
import type { Consoles, Machine, MachineShape, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { isStalled, type Standing } from '../conditions.js';
import { answerPlan } from '../foresight/answer.js';
import type { HostView } from '../host/view.js';
import { aboutOf } from '../session/about.js';
import { withHistory } from '../session/history.js';
import type { Service } from '../session/opening.js';
import type { Line } from '../session/pipe.js';
import type { Connected, Host } from './host.js';
import type { Surroundings } from './loops.js';
import { logOf, writtenIn } from './written.js';

/** Whether a session can be opened now, and what it leads to. */
type Verdict = { readonly kind: 'open'; readonly service: Service } | { readonly kind: 'closed'; readonly stands: Standing };

export const ready: Standing = { kind: 'ready', reason: 'Open', message: '' };

const closed = (kind: Standing['kind'], reason: string, message: string): Verdict => ({
  kind: 'closed',
  stands: { kind, reason, message },
});

export function judge(session: Session, surroundings: Surroundings): Verdict {
  const { host, watched, uploads } = surroundings;
  const { purpose } = session.spec;
  const { connected, failure, name } = host;
  // Neither of these passes while somebody waits.
  if (connected === undefined && (failure?.verdict === 'stall' || failure?.code === 'CredentialsMissing'))
    return closed('stalled', failure.code, `host ${name} is not reached: ${failure.message}`);
  if (connected === undefined)
    return closed('reconciling', 'Unavailable', `host ${name} is not reached${failure === undefined ? ' yet' : `: ${failure.message}`}`);
  if (purpose === 'Plan') return judgePlan(session, surroundings, connected);
  const { what, known } = aboutOf(session, watched);
  if (known === undefined) return closed('reconciling', 'NotSeen', `${what} is not seen on ${name} yet`);
  if (known.metadata.deletionTimestamp !== undefined) return closed('stalled', 'Terminating', `${what} is being deleted`);
  if (known.kind === 'StorageVolume') return judgeUpload(known, what, uploads);
  return purpose === 'Upload' ? closed('stalled', 'Invalid', 'Upload is about a volume') : judgeMachine(known, purpose, what, host);
}

/** Of all namespaces and kinds in the operator's own: who may make sessions there has a hand in everything. Elsewhere of that namespace alone. */
function judgePlan({ metadata: { namespace } }: Session, surroundings: Surroundings, { driver }: Connected): Verdict {
  const { host, watched, secretValues, letIn, rehearse, locks } = surroundings;
  if (rehearse === undefined) return closed('stalled', 'Unsupported', `the agent of ${host.name} has no plans; see its version`);
  const scope = namespace === surroundings.namespace ? undefined : namespace;
  const foresee = (question: string, signal: AbortSignal) =>
    // Each reads all of the host: one after the other, however many ask.
    locks.hold(['virtwright.io/plan'], () => answerPlan(question, { driver, host, watched, secretValues, letIn, rehearse, scope }, signal));
  return { kind: 'open', service: { kind: 'question', answer: foresee } };
}

function judgeUpload(volume: StorageVolume, what: string, uploads: Surroundings['uploads']): Verdict {
  const { metadata, spec, status } = volume;
  if (spec.source?.upload === undefined)
    return closed('stalled', 'NotAwaited', `${what} awaits no upload; make a new one with spec.source.upload`);
  if (status?.import?.completedAt !== undefined)
    return closed('stalled', 'NotAwaited', `${what} is filled already, and that once; make a new one for another image`);
  const now = status?.conditions?.find(({ type }) => type === 'Ready');
  if (uploads.isUnderWay(metadata.uid)) return closed('stalled', 'Busy', `another upload into ${what} is under way; wait for its end`);
  if (now?.reason !== 'AwaitingUpload')
    return closed(
      isStalled(volume) ? 'stalled' : 'reconciling',
      now?.reason ?? 'Waiting',
      `${what}: ${now?.message || 'not looked at yet'}`,
    );
  const receive: Extract<Service, { kind: 'delivery' }>['receive'] = (request, wanted, signal) =>
    uploads.offer(metadata.uid, { request, wanted }, signal);
  return { kind: 'open', service: { kind: 'delivery', receive } };
}

/** What a purpose needs of a machine, and why one has it not. */
const needs = {
  Console: {
    has: ({ serial }: MachineShape) => serial,
    reason: 'NoSerialConsole',
    remedy: 'no serial console; give it one with spec.devices.serial, and restart it',
  },
  Graphics: {
    has: ({ graphics }: MachineShape) => graphics !== undefined,
    reason: 'NoGraphics',
    remedy: 'no graphics; give it some with spec.devices.graphics, and restart it',
  },
  Screenshot: {
    has: ({ graphics, screen }: MachineShape) => graphics !== undefined || screen === true,
    reason: 'NoScreen',
    remedy: 'no screen; give it one with spec.devices.graphics, and restart it',
  },
} as const;

function judgeMachine(machine: VirtualMachine, purpose: keyof typeof needs, what: string, host: Host): Verdict {
  const find = () => host.connected?.view.machines.find(({ mark }) => isOf(mark, machine, host.cluster));
  const found = find();
  if (host.connected?.driver.consoles === undefined) return closed('stalled', 'Unsupported', `host ${host.name} has no consoles`);
  if (found === undefined || found.power.state === 'Off') return closed('stalled', 'MachineOff', `${what} is off; start it`);
  const { has, reason, remedy } = needs[purpose];
  const shape = found.live ?? found.configured;
  if (shape !== undefined && !has(shape)) return closed('stalled', reason, `${what} has ${remedy}`);
  const now = (): Reached => {
    const [its, connected] = [find(), host.connected];
    const consoles = connected?.driver.consoles;
    if (its === undefined || connected === undefined || consoles === undefined)
      throw new DriverError('Conflict', `${what} is not reached any more`);
    return { machine: its, consoles, volumes: connected.driver.volumes, view: connected.view };
  };
  return { kind: 'open', service: serviceFor(purpose, now) };
}

interface Reached {
  readonly machine: Machine;
  readonly consoles: Consoles;
  readonly volumes: Volumes | undefined;
  readonly view: HostView;
}

async function openConsole({ machine, consoles, volumes, view }: Reached, remembers: boolean, signal: AbortSignal): Promise<Line> {
  const line = await consoles.open(machine.id, signal);
  const log = remembers ? logOf(machine, view) : undefined;
  return log === undefined || volumes === undefined ? line : withHistory(line, writtenIn(volumes, log), signal);
}

function serviceFor(purpose: keyof typeof needs, now: () => Reached): Service {
  switch (purpose) {
    case 'Console':
      return { kind: 'line', open: (asked, signal) => openConsole(now(), asked.get('history') !== 'omit', signal) };
    case 'Graphics':
      return { kind: 'line', open: async (_asked, signal) => now().consoles.graphics(now().machine.id, signal) };
    case 'Screenshot':
      return {
        kind: 'picture',
        async take(signal) {
          const { mediaType, bytes } = await now().consoles.screenshot(now().machine.id, signal);
          return { type: mediaType, bytes };
        },
      };
  }
}

const isOf = (mark: Machine['mark'], { metadata }: VirtualMachine, cluster: string): boolean =>
  mark?.owner.uid === metadata.uid && mark.owner.cluster === cluster;
