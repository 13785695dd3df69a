import { Complaint, Failure } from './complaint.js';
import { type Api, spaceOf } from './server/api.js';
import { allObjects } from './server/follow.js';
import { parseTargets, type Target } from './server/targets.js';

export const allFlag = { kind: 'switch', help: 'all of the kind, in the namespace' } as const;

interface Choice {
  readonly all: boolean;
  readonly selector: string | undefined;
}

/** Those that are named; or, of a kind, those with the labels, or all. Throws a Complaint when it is not said which, a Failure when there are none. */
export async function chosenObjects(
  api: Api,
  words: readonly string[],
  { all, selector }: Choice,
  signal: AbortSignal,
): Promise<readonly Required<Target>[]> {
  const targets = parseTargets(words, await api.discovery(signal));
  const named = targets.filter((target): target is Required<Target> => target.name !== undefined);
  if (named.length > 0 && (all || selector !== undefined))
    throw new Complaint('names and --all or --selector given; accepted is one or the other');
  if (named.length > 0) return named;
  if (!all && selector === undefined) throw new Complaint(`no name given; accepted: ${words[0]} NAME, --selector LABELS, or --all`);
  const found: Required<Target>[] = [];
  for (const { resource } of targets) {
    const selection = { ...spaceOf(api, resource), ...(selector === undefined ? {} : { labelSelector: selector }) };
    const objects = await allObjects(api.client, resource, selection, signal);
    found.push(...objects.map(({ metadata }) => ({ resource, name: metadata.name })));
  }
  if (found.length === 0)
    throw new Failure(`nothing found${targets.some(({ resource }) => resource.namespaced) ? ` in namespace "${api.namespace}"` : ''}`);
  return found;
}
