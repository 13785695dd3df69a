import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '#controllers/kubernetes/client.js';
import type { KubernetesObject, ObjectRef } from '#controllers/kubernetes/resource.js';
import { command, type Invocation } from './command.js';
import { Failure } from './complaint.js';
import type { Manifest, Placed } from './manifests/parse.js';
import { fileFlags, readManifests } from './manifests/read.js';
import { formatOf, objectText } from './output/format.js';
import { oneLine } from './output/text.js';
import { type Api, openApi, spaceOf } from './server/api.js';
import { type Discovery, discover, type Served } from './server/discovery.js';
import { called } from './server/targets.js';
import { fieldByField } from './trouble.js';

const flags = {
  ...fileFlags,
  'dry-run': {
    kind: 'text',
    value: 'HOW',
    accepted: ['none', 'server'],
    default: 'none',
    help: 'server: say what would come of it, as checked by the server, and change nothing',
  },
  'force-conflicts': { kind: 'switch', help: 'take over fields that somebody else set to another value' },
  'field-manager': {
    kind: 'text',
    value: 'NAME',
    default: 'virtwright-cli',
    help: 'whose fields these are; kubectl: what kubectl apply --server-side began is gone on with',
  },
  output: { kind: 'text', short: 'o', value: 'FORMAT', help: 'show the objects as they are then: json, yaml, name, or jsonpath=PATH' },
} as const;

export const applyCommand = command({
  name: 'apply',
  group: 'objects',
  summary: 'make objects what files say, or make them',
  usage: ['-f FILE...'],
  description: [
    'All files are read before anything is sent; what is wrong in one is said with its line or document, and nothing is applied. Then each object is applied by itself: one that is refused is said with its fields, and the others go on. The order in the files does not matter.',
    'It is server-side apply: a field that is taken out of the file is taken out of the object, and fields of others are left alone. What somebody else set to another value is refused unless --force-conflicts is given.',
  ],
  flags,
  examples: [
    { line: 'apply -f machine.yaml', what: 'one file' },
    { line: 'apply -f manifests/ -R --dry-run server', what: 'what would come of a folder' },
    { line: 'apply -f - <machine.yaml', what: 'from standard input' },
  ],
  wordless: true,
  async run(invocation, signal) {
    const { flags, io } = invocation;
    const format = flags.output === undefined ? undefined : formatOf(flags.output);
    if (format?.kind === 'table') throw new Failure('--output: a table given, accepted: json, yaml, name, jsonpath=PATH');
    const placed = await readManifests(flags.filename, flags.recursive, io);
    await using api = await openApi(invocation, { fieldManager: flags['field-manager'] });
    const results = await applyAll(placed, { api, flags, io }, signal);
    if (format !== undefined) io.stdout.write(objectText(results.done, format, placed.length === 1));
    return results.failed ? 1 : 0;
  },
});

type Applying = { readonly api: Api } & Pick<Invocation<typeof flags>, 'flags' | 'io'>;

/** What others live in, or are kinds of, comes first. */
const rank = ({ kind }: Manifest): number => (kind === 'Namespace' ? 0 : kind === 'CustomResourceDefinition' ? 1 : 2);

async function applyAll(placed: readonly Placed[], applying: Applying, signal: AbortSignal) {
  const { io, flags } = applying;
  const done: { readonly resource: Served; readonly object: KubernetesObject }[] = [];
  let failed = false;
  const kinds = new Kinds(applying.api, placed);
  for (const { manifest, where } of [...placed].sort((a, b) => rank(a.manifest) - rank(b.manifest)))
    try {
      const resource = await kinds.of(manifest, signal);
      const { object, came } = await applyOne(resource, manifest, applying, signal);
      done.push({ resource, object });
      const dry = flags['dry-run'] === 'server' ? ' (dry run: nothing was changed)' : '';
      if (flags.output === undefined) io.stdout.write(`${called(resource, object.metadata.name)} ${came}${dry}\n`);
    } catch (reason) {
      if (!(reason instanceof ApiError || reason instanceof Failure)) throw reason;
      io.stderr.write(`${where}: ${manifest.kind} "${oneLine(manifest.metadata.name)}":${spaced(fieldByField(reason))}${remedy(reason)}\n`);
      failed = true;
    }
  return { done, failed };
}

const spaced = (text: string): string => (text.startsWith('\n') ? text : ` ${text}`);

const remedy = (reason: unknown): string =>
  ApiError.is(reason, 'Conflict') ? '\n  leave these fields to them, or take them over with --force-conflicts' : '';

/** Which kinds the server has: those that are applied with the rest are waited for. */
class Kinds {
  readonly #api: Api;
  readonly #coming: boolean;
  #discovery: Discovery | undefined;

  constructor(api: Api, placed: readonly Placed[]) {
    this.#api = api;
    this.#coming = placed.some(({ manifest }) => manifest.kind === 'CustomResourceDefinition');
  }

  async of({ apiVersion, kind }: Manifest, signal: AbortSignal): Promise<Served> {
    for (let left = this.#coming ? 50 : 0; ; left--) {
      this.#discovery ??= await this.#api.discovery(signal);
      const found = this.#discovery.ofManifest(apiVersion, kind);
      if (found !== undefined) return found;
      if (left === 0) throw new Failure(`the server has no kind ${oneLine(kind)} in ${oneLine(apiVersion)}${this.#near(kind)}`);
      await sleep(200, undefined, { signal });
      this.#discovery = await discover(this.#api.client, signal);
    }
  }

  #near(kind: string): string {
    const found = this.#discovery?.kinds.find((one) => one.kind.toLowerCase() === kind.toLowerCase());
    return found === undefined ? '; are its CRDs installed?' : `; accepted is ${found.kind} in ${found.group}/${found.version}`;
  }
}

type Came = 'created' | 'configured' | 'unchanged' | 'applied';

async function applyOne(resource: Served, manifest: Manifest, { api, flags }: Applying, signal: AbortSignal) {
  const { namespace: given, ...metadata } = manifest.metadata;
  if (!resource.namespaced && given !== undefined)
    throw new Failure(`metadata.namespace is "${oneLine(given)}", accepted is none: the kind belongs to no namespace`);
  if (flags.namespace !== undefined && given !== undefined && given !== flags.namespace)
    throw new Failure(`metadata.namespace is "${oneLine(given)}", and --namespace "${flags.namespace}" was given; accepted is one of them`);
  const ref: ObjectRef = { name: metadata.name, ...spaceOf({ namespace: given ?? api.namespace }, resource) };
  const before = await versionOf(api, resource, ref, signal);
  const options = { force: flags['force-conflicts'], dryRun: flags['dry-run'] === 'server', strict: true };
  const object = await api.client.apply(resource, { ...manifest, metadata: { ...metadata, ...ref } }, options, signal);
  const came: Came =
    before === 'unknown'
      ? 'applied'
      : before === undefined
        ? 'created'
        : before === object.metadata.resourceVersion
          ? 'unchanged'
          : 'configured';
  return { object, came };
}

/** `unknown` for who may apply, but not look. */
async function versionOf({ client }: Api, resource: Served, ref: ObjectRef, signal: AbortSignal): Promise<string | undefined> {
  return client.get(resource, ref, signal).then(
    ({ metadata }) => metadata.resourceVersion,
    (reason) => {
      if (ApiError.is(reason, 'NotFound')) return undefined;
      if (ApiError.is(reason, 'Forbidden')) return 'unknown';
      throw reason;
    },
  );
}
