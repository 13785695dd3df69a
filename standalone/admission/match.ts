import { isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json.js';
import type { Attempted } from '../requests/attempted.js';
import { includes } from '../requests/authorize.js';
import { namespaceResource } from '../resources/builtin.js';
import { metadataOf } from '../resources/metadata.js';

/** `matchConstraints` of a policy, `matchResources` of a binding: without rules, everything. */
export function isMeant(matching: JsonObject, attempted: Attempted): boolean {
  const rules = objectsAt(matching, 'resourceRules');
  const isNamed = rules.length === 0 || rules.some((rule) => ruleMatches(rule, attempted));
  if (!isNamed || objectsAt(matching, 'excludeResourceRules').some((rule) => ruleMatches(rule, attempted))) return false;
  return inNamespaces(matching['namespaceSelector'], attempted) && isSelected(matching['objectSelector'], attempted);
}

function ruleMatches(rule: JsonObject, { operation, resource, subresource, name }: Attempted): boolean {
  const scope = textAt(rule, 'scope');
  const names = textsAt(rule, 'resourceNames');
  return (
    includes(rule, 'operations', operation) &&
    includes(rule, 'apiGroups', resource.group) &&
    includes(rule, 'apiVersions', resource.version) &&
    textsAt(rule, 'resources').some((one) => isResource(one, resource.plural, subresource)) &&
    (scope === '' || scope === '*' || (scope === 'Namespaced') === resource.namespaced) &&
    (names.length === 0 || names.includes(name))
  );
}

/** `*` is all but subresources, `a/*` all of a, `*\/status` the status of all. */
function isResource(rule: string, plural: string, subresource: string): boolean {
  const [of = '', sub = ''] = rule.split('/');
  return (of === '*' || of === plural) && (sub === subresource || (sub === '*' && rule.includes('/')));
}

function inNamespaces(selector: JsonObject[string] | undefined, { resource, object, oldObject, namespaceObject }: Attempted): boolean {
  if (!isObject(selector)) return true;
  const namespace = resource === namespaceResource ? (object ?? oldObject) : namespaceObject;
  return namespace === undefined || selects(selector, objectAt(metadataOf(namespace), 'labels'));
}

function isSelected(selector: JsonObject[string] | undefined, { object, oldObject }: Attempted): boolean {
  if (!isObject(selector)) return true;
  return [object, oldObject].some((one) => one !== undefined && selects(selector, objectAt(metadataOf(one), 'labels')));
}

function selects(selector: JsonObject, labels: JsonObject): boolean {
  const equal = Object.entries(objectAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return equal && objectsAt(selector, 'matchExpressions').every((one) => expressionHolds(one, labels));
}

function expressionHolds(expression: JsonObject, labels: JsonObject): boolean {
  const value = labels[textAt(expression, 'key')];
  const isListed = typeof value === 'string' && textsAt(expression, 'values').includes(value);
  switch (expression['operator']) {
    case 'In':
      return isListed;
    case 'NotIn':
      return !isListed;
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}
