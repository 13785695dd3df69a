import type { Capability, Pool, VolumeSource } from '#drivers/driver.js';
import { describeUnfit, unfit } from '../fit.js';
import { type Plan, refuse, wait } from '../plan.js';
import type { CloneSource, ImageSource, Original, Source, UploadSource, User } from './source.js';

/** What the job that fills a volume is given. */
export type FillSource =
  | ImageSource
  | UploadSource
  | {
      readonly kind: 'clone';
      readonly how: 'Full' | 'Linked';
      readonly name: string;
      readonly from: VolumeSource;
      readonly location: string;
    };

export interface SourceSituation {
  readonly host: string;
  /** Of the volume that is to be filled. */
  readonly pool: Pool;
  readonly capabilities: readonly Capability[];
  /** That the source is in. */
  readonly sourcePool?: Pool;
  /** Machines that have the source as a disk, or boot from it. */
  readonly sourceUsers: readonly User[];
  /** Somebody is at the door with the image that is to be uploaded. */
  readonly offered?: boolean;
  /** A machine of which nobody knows what it has. */
  readonly unread?: string;
}

type Hindrance = { readonly kind: 'hindered'; readonly decision: Plan<never>[number] };
const hindered = (decision: Plan<never>[number]): Hindrance => ({ kind: 'hindered', decision });

/** The source as the job needs it, or why it cannot be had now. */
export function planSource(source: Source | undefined, situation: SourceSituation): FillSource | Hindrance | undefined {
  if (source?.kind === 'upload' && situation.offered !== true)
    return hindered(wait('AwaitingUpload', `bring the image: ${source.command}`, 60_000));
  if (source?.kind !== 'clone') return source;
  const { how, name, original } = source;
  if (typeof original === 'string') return hindered(wait('WaitingForSource', `waiting for volume "${name}": ${original}`, 60_000));
  const [misfit] = unfit([{ field: 'volumes.clone', path: 'spec.source.clone', given: how }], situation.capabilities);
  if (misfit !== undefined) return hindered(refuse('Unfit', describeUnfit(misfit, situation.host)));
  const used = inUse(source, original, situation);
  return used === undefined ? clone(source, original, situation) : hindered(used);
}

/** A copy of what is written to meanwhile would be a copy of nothing; a base that is written to spoils all that is linked to it. */
function inUse({ how, name }: CloneSource, { claimedBy }: Original, { host, sourceUsers, unread }: SourceSituation) {
  const user = sourceUsers.find(({ off }) => how === 'Linked' || !off)?.nativeName ?? (how === 'Linked' ? claimedBy : undefined);
  if (user !== undefined && how === 'Linked')
    return wait(
      'SourceInUse',
      `machine "${user}" has volume "${name}" as a disk: take it out of the machine, or make a Full clone`,
      60_000,
    );
  if (user !== undefined) return wait('SourceInUse', `volume "${name}" is copied once machine ${user} is off`, 30_000);
  if (unread !== undefined) return wait('UseUnknown', `whether a machine on ${host} uses volume "${name}" is not known: ${unread}`, 30_000);
  return undefined;
}

function clone(
  { how, name }: CloneSource,
  { nativeName, location, format }: Original,
  { pool, sourcePool, host }: SourceSituation,
): FillSource | Hindrance {
  if (sourcePool?.active !== true) return hindered(wait('WaitingForPool', `the pool of volume "${name}" is not active on ${host}`, 10_000));
  if (how === 'Linked' && sourcePool.id !== pool.id) {
    const because = `spec.source.clone: Linked given, and volume "${name}" is in pool "${sourcePool.nativeName}": a linked clone is in its base's pool; leave poolRef out, or make a Full clone`;
    return hindered(refuse('Unfit', because));
  }
  return { kind: 'clone', how, name, from: { id: { pool: sourcePool.id, nativeName }, format }, location };
}
