import { equal, type JsonObject } from '../json.js';
import type { Attempted } from '../requests/attempted.js';
import { StatusError } from '../requests/status.js';
import { metadataOf } from '../resources/metadata.js';

/** What whoever runs this server has to say of what is written, as a webhook would, without the way there. */
export type Advise = (
  group: string,
  kind: string,
  object: JsonObject,
) => {
  readonly warnings: readonly string[];
  /** Why it is not let in. */
  readonly refusal?: string;
};

/** Of what is asked for, and asked for anew. @throws StatusError Invalid */
export function heed(advise: Advise, { resource, subresource, object, oldObject }: Attempted, warn: (text: string) => void): void {
  if (object === undefined || subresource !== '' || metadataOf(object)['deletionTimestamp'] !== undefined) return;
  if (oldObject !== undefined && equal(object['spec'], oldObject['spec'])) return;
  const { warnings, refusal } = advise(resource.group, resource.kind, object);
  for (const text of warnings) warn(text);
  if (refusal !== undefined) throw new StatusError(422, 'Invalid', refusal);
}
