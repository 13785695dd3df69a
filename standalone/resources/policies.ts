import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt } from '../json.js';
import { type FieldError, forbidden, invalid, required } from '../schema/field-error.js';
import { compilePolicy } from '../schema/rules.js';
import { age, column, type Kind } from './shapes.js';

const text = { type: 'string' };
const texts = { type: 'array', items: text };
const list = (properties: JsonObject, needed: readonly string[]) => ({
  type: 'array',
  items: { type: 'object', properties, required: needed },
});
const named = list({ name: text, expression: text }, ['name', 'expression']);
const selector = {
  type: 'object',
  properties: {
    matchLabels: { type: 'object', additionalProperties: text },
    matchExpressions: list({ key: text, operator: { ...text, enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] }, values: texts }, [
      'key',
      'operator',
    ]),
  },
};
const rules = list(
  {
    operations: { type: 'array', items: { ...text, enum: ['*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'] } },
    apiGroups: texts,
    apiVersions: texts,
    resources: texts,
    resourceNames: texts,
    scope: { ...text, enum: ['*', 'Cluster', 'Namespaced'], default: '*' },
  },
  ['operations', 'apiGroups', 'apiVersions', 'resources'],
);
const matching = {
  type: 'object',
  properties: {
    resourceRules: rules,
    excludeResourceRules: rules,
    matchPolicy: { ...text, enum: ['Equivalent', 'Exact'], default: 'Equivalent' },
    namespaceSelector: { ...selector, default: {} },
    objectSelector: { ...selector, default: {} },
  },
};
const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const policyProperties: JsonObject = {
  spec: {
    type: 'object',
    properties: {
      paramKind: anyObject,
      matchConstraints: matching,
      matchConditions: named,
      variables: named,
      validations: list(
        {
          expression: text,
          message: text,
          messageExpression: text,
          reason: { ...text, enum: ['Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge'] },
        },
        ['expression'],
      ),
      failurePolicy: { ...text, enum: ['Fail', 'Ignore'], default: 'Fail' },
      auditAnnotations: list({ key: text, valueExpression: text }, ['key', 'valueExpression']),
    },
  },
  status: anyObject,
};

const bindingProperties: JsonObject = {
  spec: {
    type: 'object',
    required: ['policyName', 'validationActions'],
    properties: {
      policyName: text,
      paramRef: anyObject,
      matchResources: matching,
      validationActions: {
        type: 'array',
        minItems: 1,
        items: { ...text, enum: ['Deny', 'Warn', 'Audit'] },
        'x-kubernetes-list-type': 'set',
      },
    },
  },
};

/** What is wrong with a policy beyond its schema. */
function policyErrors(policy: Json): readonly FieldError[] {
  const spec = objectAt(isObject(policy) ? policy : {}, 'spec');
  const expressions = ['matchConditions', 'variables', 'validations'].flatMap((key) =>
    objectsAt(spec, key).flatMap((one, at) =>
      ['expression', 'messageExpression'].map((field) => [`spec.${key}[${at}].${field}`, textAt(one, field)] as const),
    ),
  );
  return [
    ...(spec['paramKind'] === undefined ? [] : [forbidden('spec.paramKind', 'policies with parameters are not served here')]),
    ...(objectsAt(objectAt(spec, 'matchConstraints'), 'resourceRules').length > 0 ? [] : [required('spec.matchConstraints.resourceRules')]),
    ...expressions.flatMap(([field, expression]) => compilationErrors(field, expression)),
  ];
}

function compilationErrors(field: string, expression: string): readonly FieldError[] {
  if (expression === '') return [];
  try {
    compilePolicy(expression);
    return [];
  } catch (reason) {
    return [invalid(field, expression, `compilation failed: ${reason instanceof Error ? (reason.message.split('\n')[0] ?? '') : reason}`)];
  }
}

/** What is wrong with a binding beyond its schema. */
const bindingErrors = (binding: Json): readonly FieldError[] =>
  objectAt(isObject(binding) ? binding : {}, 'spec')['paramRef'] === undefined
    ? []
    : [forbidden('spec.paramRef', 'policies with parameters are not served here')];

const policing = { group: 'admissionregistration.k8s.io', namespaced: false, hasGeneration: true };

export const policyKinds: readonly Kind[] = [
  {
    ...policing,
    plural: 'validatingadmissionpolicies',
    kind: 'ValidatingAdmissionPolicy',
    description: 'What may be written, by whom, as expressions say.',
    hasStatus: true,
    properties: policyProperties,
    required: ['spec'],
    check: policyErrors,
  },
  {
    ...policing,
    plural: 'validatingadmissionpolicybindings',
    kind: 'ValidatingAdmissionPolicyBinding',
    description: 'Where a policy counts, and what becomes of what it is against.',
    properties: bindingProperties,
    required: ['spec'],
    check: bindingErrors,
    columns: [column('PolicyName', '.spec.policyName'), age],
  },
];
