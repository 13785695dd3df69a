import { type Api, spaceOf } from '#cli/server/api.js';
import type { Served } from '#cli/server/discovery.js';
import { fieldByField } from '#cli/trouble.js';
import type { Step } from './foresight/steps.js';
import { uidToBe } from './foresight/uid-to-be.js';
import { ApiError } from './kubernetes/client.js';
import type { KubernetesObject, ObjectRef } from './kubernetes/resource.js';
import type { Manifest, WouldBe } from './server-plan/asking.js';
import { differing } from './server-plan/differing.js';

export interface Applying {
  readonly api: Api;
  readonly force: boolean;
  /** Which are in the files, and may not be there yet. */
  readonly namespaces: ReadonlySet<string>;
}

const mostFields = 8;

/** By a dry run, which sets defaults and asks all who have a say, and stores nothing. */
export async function wouldBe(manifest: Manifest, { api, force, namespaces }: Applying, signal: AbortSignal): Promise<WouldBe> {
  const { name, namespace = api.namespace } = manifest.metadata;
  const resource = (await api.discovery(signal)).ofManifest(manifest.apiVersion, manifest.kind);
  if (resource === undefined)
    return refused(manifest, undefined, 'NoKind', `the server has no kind ${manifest.kind} in ${manifest.apiVersion}`);
  const ref: ObjectRef = { name, ...spaceOf({ namespace }, resource) };
  try {
    const before = await seen(api, resource, ref, signal);
    const sent = { ...manifest, metadata: { ...manifest.metadata, ...ref } };
    const object = await api.client.apply(resource, sent, { force, dryRun: true, strict: true }, signal);
    const uid = before === 'absent' ? uidToBe(resource.kind, ref) : object.metadata.uid;
    const { apiVersion, kind } = manifest;
    return {
      kind: 'object',
      object: { ...object, apiVersion, kind, metadata: { ...object.metadata, uid } },
      steps: stepsTo(before, object, manifest),
    };
  } catch (reason) {
    if (!(reason instanceof ApiError)) throw reason;
    if (reason.reason === 'NotFound' && ref.namespace !== undefined && namespaces.has(ref.namespace))
      return refused(
        manifest,
        ref.namespace,
        'NotKnown',
        `namespace "${ref.namespace}" is not there yet: what is in it can be planned once it is`,
      );
    const remedy = reason.reason === 'Conflict' ? '; leave these fields to them, or plan with --force-conflicts' : '';
    return refused(manifest, ref.namespace, reason.reason, `${fieldByField(reason)}${remedy}`);
  }
}

const refused = ({ kind, metadata: { name } }: Manifest, namespace: string | undefined, reason: string, message: string): WouldBe => ({
  kind: 'refused',
  trouble: { kind, ...(namespace === undefined ? {} : { namespace }), name, reason, message },
});

/** `unknown` for who may apply, but not look. */
async function seen(
  { client }: Api,
  resource: Served,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<KubernetesObject | 'absent' | 'unknown'> {
  return client.get(resource, ref, signal).catch((reason) => {
    if (ApiError.is(reason, 'NotFound')) return 'absent';
    if (ApiError.is(reason, 'Forbidden')) return 'unknown';
    throw reason;
  });
}

function stepsTo(before: KubernetesObject | 'absent' | 'unknown', object: KubernetesObject, { kind }: Manifest): readonly Step[] {
  const { name, namespace } = object.metadata;
  const about = { kind, ...(namespace === undefined ? {} : { namespace }), name };
  if (before === 'absent') return [{ ...about, action: 'Create', because: 'the server has none of that name' }];
  if (before === 'unknown') return [{ ...about, action: 'Change', because: 'you may not see what is there' }];
  const fields = differing(before, object);
  if (fields.length === 0) return [];
  const more = fields.length > mostFields ? ` and ${fields.length - mostFields} more` : '';
  return [{ ...about, action: 'Change', because: `${fields.slice(0, mostFields).join(', ')}${more}` }];
}
