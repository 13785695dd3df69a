import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt } from '../json.js';
import { type FieldError, forbidden, invalid, required } from '../schema/field-error.js';
import { compilePolicy } from '../schema/rules.js';
import { firstLineOf, troubleOf } from '../trouble.js';
import { age, anyObject, column, type Kind, list, map, text, texts } from './shapes.js';

const oneOf = (...values: readonly string[]) => ({ ...text, enum: values });
const named = list(map({ name: text, expression: text }, ['name', 'expression']));
const selector = map({
  matchLabels: texts,
  matchExpressions: list(
    map({ key: text, operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'), values: list(text) }, ['key', 'operator']),
  ),
});
const rules = list(
  map(
    {
      operations: list(oneOf('*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT')),
      apiGroups: list(text),
      apiVersions: list(text),
      resources: list(text),
      resourceNames: list(text),
      scope: { ...oneOf('*', 'Cluster', 'Namespaced'), default: '*' },
    },
    ['operations', 'apiGroups', 'apiVersions', 'resources'],
  ),
);
const matching = map({
  resourceRules: rules,
  excludeResourceRules: rules,
  matchPolicy: { ...oneOf('Equivalent', 'Exact'), default: 'Equivalent' },
  namespaceSelector: { ...selector, default: {} },
  objectSelector: { ...selector, default: {} },
});

const policyProperties: JsonObject = {
  spec: map({
    paramKind: anyObject,
    matchConstraints: matching,
    matchConditions: named,
    variables: named,
    validations: list(
      map(
        {
          expression: text,
          message: text,
          messageExpression: text,
          reason: oneOf('Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge'),
        },
        ['expression'],
      ),
    ),
    failurePolicy: { ...oneOf('Fail', 'Ignore'), default: 'Fail' },
    auditAnnotations: list(map({ key: text, valueExpression: text }, ['key', 'valueExpression'])),
  }),
  status: anyObject,
};

const bindingProperties: JsonObject = {
  spec: map(
    {
      policyName: text,
      paramRef: anyObject,
      matchResources: matching,
      validationActions: { ...list(oneOf('Deny', 'Warn', 'Audit')), minItems: 1, 'x-kubernetes-list-type': 'set' },
    },
    ['policyName', 'validationActions'],
  ),
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
  const trouble = expression === '' ? undefined : troubleOf(() => compilePolicy(expression));
  return trouble === undefined ? [] : [invalid(field, expression, `compilation failed: ${firstLineOf(trouble)}`)];
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
