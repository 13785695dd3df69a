import { ApiError } from '#controllers/kubernetes/client.js';
import type { KubernetesObject, ObjectRef } from '#controllers/kubernetes/resource.js';
import { allFlag, chosenObjects } from './chosen.js';
import { command, type Invocation } from './command.js';
import { Complaint, Failure } from './complaint.js';
import { before } from './deadline.js';
import { parseDuration } from './duration.js';
import { keptOf } from './kept.js';
import { fileFlags, readManifests } from './manifests/read.js';
import { oneLine } from './output/text.js';
import { Progress } from './progress.js';
import { type Api, openApi, spaceOf } from './server/api.js';
import type { Served } from './server/discovery.js';
import { followOne } from './server/follow.js';
import { called } from './server/targets.js';
import { absent, whyNot } from './trouble.js';
import { lingering } from './wait.js';

const deleteFlags = {
  ...fileFlags,
  selector: { kind: 'text', short: 'l', value: 'LABELS', help: 'all with these labels' },
  all: allFlag,
  wait: { kind: 'switch', default: true, help: 'until they are gone; --wait=false leaves that to the operator' },
  timeout: { kind: 'text', value: 'TIME', default: '0', help: 'how long to wait; 0 waits without end' },
  'dry-run': { kind: 'text', value: 'HOW', accepted: ['none', 'server'], default: 'none', help: 'server: say what would be deleted' },
  'ignore-not-found': { kind: 'switch', help: 'what is not there is no failure' },
} as const;

export const deleteCommand = command({
  name: 'delete',
  group: 'objects',
  words: 'objects',
  summary: 'delete objects, wait until they are gone, and say what stays',
  usage: ['KIND NAME...', 'KIND/NAME...', '-f FILE...', 'KIND --all', 'KIND -l LABELS'],
  description: [
    'A machine is stopped as its spec.stop says before it is deleted. What becomes of volumes is said by whenDeleted of their templates and by their reclaimPolicy; what stays is named.',
    'When the time is over, or it is interrupted, the deletion goes on.',
  ],
  flags: deleteFlags,
  examples: [
    { line: 'delete vm web', what: 'a machine; its volumes stay unless their templates say otherwise' },
    { line: 'delete -f machine.yaml --wait=false', what: 'all that stands in a file, without waiting' },
    { line: 'delete vol/web-root --dry-run server', what: 'what would stay' },
  ],
  async run(invocation, signal) {
    const { flags, io } = invocation;
    const timeoutMs = parseDuration(flags.timeout, 'timeout');
    await using api = await openApi(invocation);
    const doomed = await doomedOf(invocation, api, signal);
    const deleting = { api, flags, io, progress: new Progress(io) };
    let good = true;
    for (const stage of stages(doomed)) {
      const asked = await Promise.all(stage.map((one) => ask(one, deleting, signal)));
      const ends = await Promise.all(asked.map((one) => follow(one, deleting, timeoutMs, signal)));
      good &&= ends.every((gone) => gone);
    }
    return good ? 0 : 1;
  },
});

interface Doomed {
  readonly resource: Served;
  readonly ref: ObjectRef;
}

type Deleting = { readonly api: Api; readonly progress: Progress } & Pick<Invocation<typeof deleteFlags>, 'flags' | 'io'>;

/** Machines before their volumes, those before their networks and pools, hosts last: a host that is gone lets go of nothing. */
const order = ['VirtualMachineAction', 'VirtualMachine', 'StorageVolume', 'VirtualNetwork', 'StoragePool', 'Hypervisor'];
const rank = ({ resource: { kind } }: Doomed): number =>
  kind === 'Namespace' || kind === 'CustomResourceDefinition' ? order.length : order.indexOf(kind);

/** One after the other; what is in one goes at the same time. */
function stages(doomed: readonly Doomed[]): readonly (readonly Doomed[])[] {
  const ranks = [...new Set(doomed.map(rank))].sort((a, b) => a - b);
  return ranks.map((at) => doomed.filter((one) => rank(one) === at));
}

async function doomedOf({ flags, args, io }: Invocation<typeof deleteFlags>, api: Api, signal: AbortSignal): Promise<readonly Doomed[]> {
  return flags.filename.length > 0 ? await inFiles({ flags, args, io }, api, signal) : await chosen(api, args, flags, signal);
}

async function chosen(api: Api, args: readonly string[], flags: Parameters<typeof chosenObjects>[2], signal: AbortSignal) {
  if (args.length === 0) throw new Complaint('name what is to be deleted, or a file with -f');
  const targets = await chosenObjects(api, args, flags, signal);
  return targets.map(({ resource, name }) => ({ resource, ref: refIn(api, resource, name) }));
}

async function inFiles({ flags, args, io }: Pick<Invocation<typeof deleteFlags>, 'flags' | 'args' | 'io'>, api: Api, signal: AbortSignal) {
  if (args.length > 0 || flags.all || flags.selector !== undefined)
    throw new Complaint('files and names given; accepted is one or the other');
  const placed = await readManifests(flags.filename, flags.recursive, io);
  const discovery = await api.discovery(signal);
  return placed.map(({ manifest: { apiVersion, kind, metadata }, where }) => {
    const resource = discovery.ofManifest(apiVersion, kind);
    if (resource === undefined)
      throw new Failure(`${where}: the server has no kind ${oneLine(kind)} in ${oneLine(apiVersion)}; nothing was deleted`);
    return { resource, ref: refIn(api, resource, metadata.name, metadata.namespace) };
  });
}

const refIn = (api: Api, resource: Served, name: string, namespace = api.namespace): ObjectRef => ({
  name,
  ...spaceOf({ namespace }, resource),
});

type Asked = (Doomed & { readonly kind: 'asked'; readonly object: KubernetesObject }) | { readonly kind: 'failed' | 'skipped' };

/** Asks for the deletion of just the object that was seen. */
async function ask({ resource, ref }: Doomed, { api, flags, io }: Deleting, signal: AbortSignal): Promise<Asked> {
  try {
    const object = await api.client.get(resource, ref, signal);
    await api.client.delete(resource, ref, { uid: object.metadata.uid, dryRun: flags['dry-run'] === 'server' }, signal);
    return { kind: 'asked', resource, ref, object };
  } catch (reason) {
    if (!(reason instanceof ApiError)) throw reason;
    const isAbsent = reason.reason === 'NotFound';
    if (isAbsent && flags['ignore-not-found']) return { kind: 'skipped' };
    io.stderr.write(
      `${isAbsent ? absent(resource, ref.name, ref.namespace ?? '') : `${called(resource, oneLine(ref.name))}: ${whyNot(reason)}`}\n`,
    );
    return { kind: 'failed' };
  }
}

/** Whether it is as it was asked to be. */
async function follow(asked: Asked, { api, flags, io, progress }: Deleting, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  if (asked.kind !== 'asked') return asked.kind === 'skipped';
  const { resource, ref, object } = asked;
  const about = called(resource, oneLine(ref.name));
  const kept = keptOf(object)
    .map((line) => `  ${line}\n`)
    .join('');
  if (flags['dry-run'] === 'server') io.stdout.write(`${about} deleted (dry run: nothing was changed)\n${kept}`);
  else if (!flags.wait) io.stdout.write(`${about} is being deleted\n${kept}`);
  else if ((await before(timeoutMs, signal, (signal) => untilGone(asked, api, progress, about, signal))) === 'late') {
    io.stderr.write(
      `${about}: not gone within ${flags.timeout}, and the deletion goes on: ${progress.last(about) ?? 'nothing was said of it'}\n`,
    );
    return false;
  } else io.stdout.write(`${about} deleted\n${kept}`);
  return true;
}

/** Another of the same name is not the one that was deleted. */
async function untilGone(
  { resource, ref, object }: Extract<Asked, { kind: 'asked' }>,
  api: Api,
  progress: Progress,
  about: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const seen of followOne(api.client, resource, ref, signal)) {
    if (seen === undefined || seen.metadata.uid !== object.metadata.uid) return;
    if (seen.metadata.deletionTimestamp !== undefined) progress.say(about, lingering(seen));
  }
}
