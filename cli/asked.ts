import { ApiError } from '#controllers/kubernetes/client.js';
import type { Io } from './command.js';
import { Complaint } from './complaint.js';
import type { Values } from './flags.js';
import { type Api, spaceOf } from './server/api.js';
import type { Served } from './server/discovery.js';
import type { Target } from './server/targets.js';
import { absent, whyNot } from './trouble.js';

export const selectionFlags = {
  'all-namespaces': { kind: 'switch', short: 'A', help: 'those of all namespaces' },
  selector: { kind: 'text', short: 'l', value: 'LABELS', help: 'those with these labels, as app=db,tier!=test' },
  'field-selector': { kind: 'text', value: 'FIELDS', help: 'those with these fields, as status.hypervisor=kvm2' },
} as const;

export const getFlags = {
  ...selectionFlags,
  output: {
    kind: 'text',
    short: 'o',
    value: 'FORMAT',
    default: 'table',
    help: 'table, wide, json, yaml, name, or jsonpath={.status.uuid}',
  },
  watch: { kind: 'switch', short: 'w', help: 'go on showing what changes, until interrupted' },
  'no-headers': { kind: 'switch', help: 'a table without its first line' },
  'show-labels': { kind: 'switch', help: 'a table with the labels as its last column' },
  'ignore-not-found': { kind: 'switch', help: 'what is not there is no failure' },
} as const;

type Flags = Values<typeof getFlags>;

export interface Asked {
  readonly api: Api;
  readonly targets: readonly Target[];
  readonly flags: Flags;
  readonly io: Io;
}

export function refuse({ targets, flags }: Asked): void {
  const named = targets.some(({ name }) => name !== undefined);
  const selects = ['all-namespaces', 'selector', 'field-selector'].filter((flag) => flags[flag as keyof Flags]);
  if (named && selects.length > 0) throw new Complaint(`names and --${selects[0]} given; accepted is one or the other`);
  if (flags.watch && targets.length > 1) throw new Complaint('--watch with more than one kind or name given; accepted is one');
}

export const selectionOf = (api: Api, resource: Served, flags: Values<typeof selectionFlags>) => ({
  ...(flags['all-namespaces'] ? {} : spaceOf(api, resource)),
  ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
  ...(flags['field-selector'] === undefined ? {} : { fieldSelector: flags['field-selector'] }),
});

type Collecting = Pick<Asked, 'api' | 'targets' | 'io'> & { readonly flags: { readonly 'ignore-not-found'?: boolean } };

/** What there is of each target; what is not there is said, and counts as a failure. */
export async function collect<T>(
  { api, targets, flags, io }: Collecting,
  one: (target: Required<Target>, ref: { readonly name: string; readonly namespace?: string }) => Promise<T>,
  all: (resource: Served) => Promise<T>,
): Promise<{ readonly found: readonly { readonly resource: Served; readonly value: T }[]; readonly failed: boolean }> {
  const found: { readonly resource: Served; readonly value: T }[] = [];
  let failed = false;
  for (const { resource, name } of targets)
    try {
      const value = name === undefined ? await all(resource) : await one({ resource, name }, { name, ...spaceOf(api, resource) });
      found.push({ resource, value });
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      if (name !== undefined && reason.reason === 'NotFound' && flags['ignore-not-found']) continue;
      io.stderr.write(`${name !== undefined && reason.reason === 'NotFound' ? absent(resource, name, api.namespace) : whyNot(reason)}\n`);
      failed = true;
    }
  return { found, failed };
}

export const styleOf = (flags: Flags, { namespaced }: Served, wide: boolean) => ({
  wide,
  withNamespace: namespaced && flags['all-namespaces'],
  withLabels: flags['show-labels'],
  withHeaders: !flags['no-headers'],
});

export function nothing({ api, targets, flags }: Asked): string {
  const local = targets.some(({ resource }) => resource.namespaced) && !flags['all-namespaces'];
  return `nothing found${local ? ` in namespace "${api.namespace}"` : ''}\n`;
}
