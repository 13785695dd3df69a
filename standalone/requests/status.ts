import { members, pathText } from '../apply/field-set.js';
import type { Conflict } from '../apply/managers.js';
import type { JsonObject } from '../json.js';
import type { Resource } from '../resources/resource.js';
import type { FieldError } from '../schema/field-error.js';
import type { Attempt } from './authorize.js';

/** A request that failed, as Kubernetes tells it: an object of kind Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject;

  constructor(code: number, reason: string, message: string, details: JsonObject = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get body(): JsonObject {
    const { message, reason, code, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }
}

type Named = Pick<Resource, 'group' | 'plural' | 'fullName'>;
const about = ({ group, plural }: Named, name: string): JsonObject => ({ name, ...(group === '' ? {} : { group }), kind: plural });

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);
export const notFound = (resource: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${resource.fullName} "${name}" not found`, about(resource, name));
export const unknownPath = (): StatusError => new StatusError(404, 'NotFound', 'the server could not find the requested resource');
export const methodNotAllowed = (why = 'the server does not allow this method on the requested resource'): StatusError =>
  new StatusError(405, 'MethodNotAllowed', why);
export const alreadyExists = (resource: Resource, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${resource.fullName} "${name}" already exists`, about(resource, name));
export const conflict = (resource: Resource, name: string, why: string): StatusError =>
  new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${resource.fullName} "${name}": ${why}`, about(resource, name));
export const changedMeanwhile = (resource: Resource, name: string): StatusError =>
  conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again');
export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);
export const forbiddenRequest = (resource: Resource, name: string, why: string): StatusError =>
  new StatusError(403, 'Forbidden', `${resource.fullName} "${name}" is forbidden: ${why}`, about(resource, name));
/** By its words as Kubernetes says them, whatever the reason is. */
export function deniedByPolicy(resource: Resource, name: string, why: string, reason: string): StatusError {
  const codes: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
  return new StatusError(codes[reason] ?? 422, reason, forbiddenRequest(resource, name, why).message, {
    ...about(resource, name),
    causes: [{ message: why }],
  });
}

export function forbiddenAttempt(
  user: string,
  { verb, resource, namespace, name }: Attempt,
  { group, plural, fullName }: Named,
): StatusError {
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = `${fullName}${name === '' ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  return new StatusError(403, 'Forbidden', what, { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural });
}

export const unsupportedMediaType = (type: string, accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format (${type}) - accepted media types include: ${accepted.join(', ')}`,
  );

/** More than anybody reads. */
const mostErrors = 100;

export function invalidObject({ kind, group }: Resource, name: string, all: readonly FieldError[]): StatusError {
  const errors = all.slice(0, mostErrors);
  const causes = errors.map(({ field, reason, message }) => ({ reason, message, field }));
  const texts = errors.map(({ field, message }) => `${field || '<nil>'}: ${message}`);
  const more = all.length > mostErrors ? `, and ${all.length - mostErrors} more` : '';
  const told = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}${more}]`;
  const what = group === '' ? kind : `${kind}.${group}`;
  return new StatusError(422, 'Invalid', `${what} "${name}" is invalid: ${told}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes,
  });
}

/** Who has the fields that an apply would take. */
export function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const all = conflicts.flatMap(({ with: { manager, operation, subresource }, fields }) =>
    members(fields).map((path) => ({
      path: pathText(path),
      by: `conflict with "${manager}"${subresource === '' ? '' : ` with subresource "${subresource}"`}${operation === 'Update' ? ' using' : ''}`,
    })),
  );
  const causes = all.map(({ path, by }) => ({ reason: 'FieldManagerConflict', message: by, field: path }));
  const message = `Apply failed with ${all.length} conflict${all.length === 1 ? '' : 's'}: ${all.map(({ path, by }) => `${by}: ${path}`).join('\n')}`;
  return new StatusError(409, 'Conflict', message, { causes });
}
